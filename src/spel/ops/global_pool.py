"""Global pooling: an image of any size as a fixed number of spels."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from spel.errors import ParameterError, ShapeError
from spel.ops.arrays import Float, allocate, as_planar

Function = Literal["mean", "max"]

MAX_SIZE = 1 << 12


def global_pool(
    image: npt.ArrayLike,
    size: int | Sequence[int] = 1,
    *,
    function: Function = "mean",
    out: Float | None = None,
) -> Float:
    """Mean or largest value over each of the parts into which an image of any size is divided.

    Part i of m along an axis of n spels is ``[floor(i n / m), ceil((i + 1) n / m))``: neighbours
    share a spel where m does not divide n, and repeat spels where m is larger. Known as adaptive
    pooling, and with one part as global pooling.

    Parameters
    ----------
    image : (rows, cols[, C]) array, with planes before them for voxels, or a batch of images
    size : int or sequence of int
        Parts along each axis; one number for both axes of pixels, or one per axis.
    function : {"mean", "max"}
    out : float32 array, optional
        Written and returned instead of new memory.

    Returns
    -------
    (rows, cols[, C]) array of float32, with as many rows and columns as there are parts

    Raises
    ------
    ShapeError, ParameterError
        If the image has no spels, or the size or function does not fit.

    Examples
    --------
    >>> global_pool([[1, 2, 3, 6]]).tolist()
    [[3.0]]
    >>> global_pool([[1, 2, 3, 6]], (1, 3), function="max").tolist()
    [[2.0, 3.0, 6.0]]
    """
    sizes = checked_size(size)
    if function not in ("mean", "max"):
        raise ParameterError(f"global_pool: function {function!r:.40}; expected 'mean' or 'max'")
    planar = as_planar("global_pool", image, len(sizes))
    check_spels(planar.size)
    memory, result = allocate("global_pool", planar, planar.channels, sizes, out)
    spels = planar.array.shape[2:]
    cells = memory.shape[2:]
    for cell in product(*map(range, cells)):
        bounds = [part(i, m, n) for i, m, n in zip(cell, cells, spels)]
        inner: Any = (slice(None), slice(None), *[slice(a, b) for a, b in bounds])
        at: Any = (slice(None), slice(None), *cell)
        values, target = planar.array[inner], memory[at]
        if function == "max":
            target[...] = values.max(axis=(2, 3, 4))
        else:
            target[...] = values.mean(axis=(2, 3, 4), dtype=np.float64)
    return result


def part(index: int, parts: int, n: int) -> tuple[int, int]:
    """First spel of a part, and the one behind its last.

    Examples
    --------
    >>> [part(i, 3, 7) for i in range(3)]
    [(0, 3), (2, 5), (4, 7)]
    """
    return index * n // parts, -(-(index + 1) * n // parts)


def check_spels(size: Sequence[int]) -> None:
    """Refuse an image without spels, which has no mean."""
    if 0 in size:
        raise ShapeError(f"global_pool: image of {tuple(size)} spels; expected at least one")


def checked_size(size: int | Sequence[int]) -> tuple[int, ...]:
    """Parts per axis; a single number is for both axes of pixels."""
    sizes = (size, size) if np.ndim(size) == 0 else tuple(np.asarray(size))
    whole = all(isinstance(s, int | np.integer) and 1 <= s <= MAX_SIZE for s in sizes)
    if len(sizes) not in (2, 3) or not whole:
        raise ParameterError(
            f"global_pool: size {size!r:.40}; expected a whole number from 1 to {MAX_SIZE:,}, or "
            "one per axis"
        )
    return tuple(int(s) for s in sizes)
