"""Arguments of a wrong type are refused by name, before they fail somewhere inside."""

from __future__ import annotations

from typing import Any

from spel.errors import ParameterError

__all__ = ["check_instance"]


def check_instance(name: str, value: Any, kind: type) -> None:
    """Refuse a value that is no instance of a class.

    Raises
    ------
    ParameterError

    Examples
    --------
    >>> check_instance("detect: network", None, int)
    Traceback (most recent call last):
    spel.errors.ParameterError: detect: network None; expected int
    """
    if not isinstance(value, kind):
        words = " ".join(repr(value).split())
        raise ParameterError(f"{name} {words:.60}; expected {kind.__name__}")
