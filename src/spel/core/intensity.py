"""The range of an image's numbers: what full intensity ("white") is, by type and metadata.

Numbers alone do not say how bright they are: 255 is white in an image of 8 bits and nearly black
in one of 16. Only this file decides it; networks state the white that they expect
(`spel.nn.intensity`), and images are brought to it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from spel.errors import ParameterError

__all__ = [
    "checked_white",
    "count_non_finite",
    "dark_largest",
    "full_intensity",
    "full_range",
    "largest_number",
    "to_white",
    "white_of",
    "white_of_largest",
    "white_of_type",
]

MOST_OF_16_BITS = 65535
OVERSHOOT = 2.0
"""Fractions of full intensity go beyond 1 where an image was resampled, sharpened or noisy."""

DARK = 8
"""An image whose largest number is below full intensity by this factor is named."""


def white_of_type(dtype: npt.DTypeLike, bits: int | None = None) -> float:
    """Full intensity of numbers of a type.

    Parameters
    ----------
    dtype : data type
    bits : int, optional
        Bits that the file says are used, such as 12 of 16; from 9 on.

    Returns
    -------
    float
        The largest value of integers, 1 for truth values and floating-point numbers.

    Examples
    --------
    >>> white_of_type("uint8"), white_of_type("uint16"), white_of_type("float32")
    (255.0, 65535.0, 1.0)
    >>> white_of_type("uint16", bits=12)
    4095.0
    """
    kind = np.dtype(dtype)
    if kind.kind in "bf":
        return 1.0
    if kind.kind not in "iu":
        raise ParameterError(f"numbers of type {kind} have no intensity; expected real numbers")
    if bits is not None and 8 < bits < 8 * kind.itemsize:
        return float((1 << bits) - 1)
    return float(np.iinfo(kind).max)


def white_of(image: npt.ArrayLike, stated: float | None = None) -> float | None:
    """Full intensity of an image; None where its numbers are in units that nothing states.

    Those are floating-point numbers of which one is above 2 (fractions of full intensity overshoot
    1 where an image was resampled), and integers of 32 or 64 bits up
    to 65535: no image fills such a type and stays so dark; NumPy makes them of smaller ones.

    Parameters
    ----------
    image : array
    stated : float, optional
        Full intensity that the metadata of the file state, such as 4095 for 12 bits in 16. It
        counts for integers, unless the image exceeds it: some writers spread 12 bits over 16.

    Examples
    --------
    >>> white_of(np.array([[0.2, 1.1]])), white_of(np.array([[0.2, 200.0]]))
    (1.0, None)
    >>> white_of(np.array([7, 4000], np.uint16), 4095), white_of(np.array([65520], np.uint16), 4095)
    (4095.0, 65535.0)
    >>> white_of(np.array([0, 255])), white_of(np.array([0, 2**31 - 1], np.int32))
    (None, 2147483647.0)
    """
    array = np.asarray(image)
    white_of_type(array.dtype)  # refuses what is no real number
    return white_of_largest(array.dtype, largest_number(array), stated)


def white_of_largest(
    dtype: npt.DTypeLike, largest: float, stated: float | None = None
) -> float | None:
    """`white_of` an image of a type by its largest number; an image may be read in parts.

    Examples
    --------
    >>> white_of_largest("float32", 200.0), white_of_largest("uint16", 200.0)
    (None, 65535.0)
    """
    kind, full = np.dtype(dtype), white_of_type(dtype)
    if kind.kind == "f":
        return None if largest > OVERSHOOT else full
    if stated and stated < full and largest <= stated:
        return float(stated)
    return None if kind.itemsize > 2 and largest <= MOST_OF_16_BITS else full


def full_intensity(image: npt.NDArray[Any], white: float | None) -> float:
    """Full intensity as it is known, or else the largest number of the image; 1 if that is 0.

    Parameters
    ----------
    image : array
    white : float, optional
        What `white_of` or a reader says.

    Examples
    --------
    >>> full_intensity(np.array([3.0, 200.0]), None), full_intensity(np.zeros(2), None)
    (200.0, 1.0)
    """
    return white or float(image.max(initial=0)) or 1.0


def to_white(image: npt.ArrayLike, white: float, new: float) -> npt.NDArray[Any]:
    """The image in units in which full intensity is `new` instead of `white`.

    Equal units leave the array as it is. Values that are whole numbers in the new units, but for
    the rounding of floating-point numbers, become those whole numbers: a picture of 8 bits that was
    stored in 16 bits or in 0 to 1 comes back bit by bit.

    Examples
    --------
    >>> to_white(np.array([257 * 3, 257 * 3 + 128], np.uint16), 65535, 255).round(3).tolist()
    [3.0, 3.497999906539917]
    >>> bool((to_white(np.arange(256, dtype=np.float32) / 255, 1, 255) == np.arange(256)).all())
    True
    """
    array = np.asarray(image)
    if white == new:
        return array
    with np.errstate(invalid="ignore", over="ignore"):  # NaN and infinity stay what they are
        scaled = array * np.float64(new / white)
        whole = np.rint(scaled)
        near = np.abs(scaled - whole) <= 1e-6 * new
    return np.where(near, whole, scaled).astype(np.float32)


def full_range(image: npt.ArrayLike, white: float | None) -> npt.NDArray[Any]:
    """Integers that use fewer bits than their type has, stretched to the range of the type.

    Examples
    --------
    >>> full_range(np.array([0, 4095], np.uint16), white=4095).tolist()
    [0, 65535]
    """
    array = np.asarray(image)
    if white is None or array.dtype.kind not in "iu" or white >= np.iinfo(array.dtype).max:
        return array
    most = np.iinfo(array.dtype).max
    return np.minimum(np.rint(array * (most / white)), most).astype(array.dtype)


def count_non_finite(image: npt.ArrayLike) -> int:
    """How many numbers are NaN or infinite, or become so in float32, in which networks compute.

    Examples
    --------
    >>> count_non_finite([0.0, np.nan, np.inf]), count_non_finite(np.zeros(3, np.uint8))
    (2, 0)
    >>> count_non_finite([1e300, 1.0])
    1
    """
    array = np.asarray(image)
    if array.dtype.kind != "f":
        return 0
    if array.dtype.itemsize <= 4:
        return int(array.size - np.isfinite(array).sum())
    return int(array.size - (np.abs(array) <= np.finfo(np.float32).max).sum())


def dark_largest(largest: float, white: float | None) -> float | None:
    """The largest number of an image, if it is less than an eighth of full intensity.

    The image may be dark, or be stored in a larger type than its range needs, such as 8 bits in
    16: the numbers do not tell, so that nothing is done about it, but it is said.

    Examples
    --------
    >>> dark_largest(255, 32767.0), dark_largest(9000, 65535.0), dark_largest(3, None)
    (255.0, None, None)
    """
    return float(largest) if white is not None and 0 < largest < white / DARK else None


def checked_white(white: Any) -> float:
    """A stated white, if it is a positive number."""
    if isinstance(white, bool) or not isinstance(white, (int, float)) or not 0 < white < np.inf:
        raise ParameterError(f"white {white!r}; expected a positive number, such as 255 or 65535")
    return float(white)


def largest_number(array: npt.NDArray[Any]) -> float:
    """The largest finite number; minus infinity if there is none."""
    if not array.size:
        return -np.inf
    if array.dtype.kind != "f":
        return float(array.max())
    return float(np.max(array, where=np.isfinite(array), initial=-np.inf))
