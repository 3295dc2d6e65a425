"""Checks of stored numbers: a decision from a file may hold anything that JSON can."""

from __future__ import annotations

from math import isfinite
from typing import Any

from spel.errors import ParameterError


def check_number(owner: str, name: str, value: Any, low: float = -1e12, high: float = 1e12) -> None:
    """Refuse a value that is not a finite number from `low` to `high`.

    Raises
    ------
    ParameterError
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise ParameterError(f"{owner}: {name} {value!r:.60}; expected a finite number")
    if not low <= value <= high:
        raise ParameterError(
            f"{owner}: {name} {value!r}; expected a number from {low:g} to {high:g}"
        )
