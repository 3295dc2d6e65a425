"""Arrays from a caller: what is no array of real numbers is refused by name, here and only here."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from spel.errors import ParameterError, ShapeError

__all__ = ["as_numbers", "as_unmasked"]

MAX_WHOLE = 1 << 53
"""float64 holds every whole number up to this one."""


def as_unmasked(values: npt.ArrayLike, where: str = "image") -> npt.NDArray[Any]:
    """``values`` as an array.

    Raises
    ------
    ParameterError
        If they are a masked array: `numpy.asarray` drops the mask without a word.
    ShapeError
        If they are rows of different lengths.

    Examples
    --------
    >>> as_unmasked([[1, 2]]).shape
    (1, 2)
    """
    if isinstance(values, np.ma.MaskedArray):
        raise ParameterError(
            f"{where}: a masked array given, whose mask would be lost; fill it first, as with "
            "image.filled(0)"
        )
    try:
        return np.asarray(values)
    except ValueError:
        raise ShapeError(f"{where}: rows of different lengths; expected an array") from None


def as_numbers(
    values: npt.ArrayLike, where: str = "image", what: str = "image"
) -> npt.NDArray[Any]:
    """``values`` as an array of booleans, integers or floats; `what` names them in the error.

    Raises
    ------
    ParameterError
        If they are masked, or complex numbers, texts, dates, records or any other objects, or whole
        numbers that no float holds.
    ShapeError
        If they are rows of different lengths.

    Examples
    --------
    >>> as_numbers([[1, 2]]).dtype.kind
    'i'
    >>> as_numbers(["a"], "convolve")
    Traceback (most recent call last):
    spel.errors.ParameterError: convolve: image of dtype <U1; expected real numbers (bool, \
integers or floats)
    """
    array = as_unmasked(values, where)
    if array.dtype.kind not in "biuf":
        raise ParameterError(
            f"{where}: {what} of dtype {array.dtype}; expected real numbers (bool, integers or "
            "floats)"
        )
    if array.dtype.char in "lLqQ" and array.size:
        largest = max(abs(int(array.min())), abs(int(array.max())))
        if largest > MAX_WHOLE:
            raise ParameterError(
                f"{where}: {what} of dtype {array.dtype} with a value beyond 2**53, which no float "
                "holds; subtract an offset or scale it first"
            )
    return array
