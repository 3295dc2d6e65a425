"""Squares of an image (cubes of a volume), for work on a coarser image first."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def squares(array: Array, side: int, ndim: int) -> Array:
    """The spels (n, ...) of each square, with the last ones of the image repeated at its end.

    Parameters
    ----------
    array : array
        Its first `ndim` axes are those of the image.
    side : int
    ndim : int

    Examples
    --------
    >>> squares(np.arange(5.0)[None], 2, 2).mean(axis=0).tolist()
    [[0.5, 2.5, 4.0]]
    """
    more = [(0, -length % side) for length in array.shape[:ndim]]
    padded = np.pad(array, [*more, *[(0, 0)] * (array.ndim - ndim)], mode="edge")
    places = np.ndindex(*(side,) * ndim)
    return np.stack([padded[tuple(slice(at, None, side) for at in place)] for place in places])


def from_squares(coarse: Array, side: int, size: tuple[int, ...]) -> Array:
    """An image of that size whose squares all have the value of their spel in a coarser image.

    Parameters
    ----------
    coarse : array
    side : int
    size : tuple of int

    Examples
    --------
    >>> from_squares(np.array([[1, 2]]), 2, (1, 3)).tolist()
    [[1, 1, 2]]
    """
    for axis, length in enumerate(size):
        coarse = coarse.repeat(side, axis).take(range(length), axis)
    return coarse
