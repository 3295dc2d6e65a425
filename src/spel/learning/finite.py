"""Refuse images with numbers that features and classifiers cannot take."""

from __future__ import annotations

from typing import Any

import numpy as np

from spel.errors import FormatError


def check_finite(image: Any, name: str) -> None:
    """Raise FormatError if an image holds anything but finite numbers of float32."""
    dtype = np.asarray(image).dtype
    if dtype.kind not in "buif":
        raise FormatError(f"{name}: values of type {dtype}; real numbers are needed")
    if dtype.kind != "f":
        return
    with np.errstate(over="ignore"):
        bad = int(np.size(image) - np.isfinite(np.asarray(image, np.float32)).sum())
    if bad:
        raise FormatError(
            f"{name}: {bad} of {np.size(image)} values are NaN, infinite or too large for float32; "
            "features and classifiers need finite numbers"
        )
