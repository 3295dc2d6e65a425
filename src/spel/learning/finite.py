"""Refuse images with numbers that a classifier cannot take."""

from __future__ import annotations

from typing import Any

import numpy as np

from spel.errors import FormatError


def check_finite(image: Any, name: str) -> None:
    """Raise FormatError if an image holds NaN, infinity, or more than float32 holds."""
    with np.errstate(over="ignore"):
        bad = int(np.size(image) - np.isfinite(np.asarray(image, np.float32)).sum())
    if bad:
        raise FormatError(
            f"{name}: {bad} of {np.size(image)} values are NaN, infinite or too large for float32; "
            "a classifier needs finite numbers"
        )
