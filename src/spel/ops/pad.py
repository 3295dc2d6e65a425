"""Padding: spels added around an image, with the values of a border; and cropping, the reverse."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from spel import kernels
from spel.core.adjacency import Adjacency
from spel.core.threads import thread_count
from spel.core.window import Border, Window
from spel.errors import ParameterError, ShapeError
from spel.kernels.store import store
from spel.ops.arrays import Image, Out, allocate, as_planar, pad_to_3d

MAX_AMOUNT = 1 << 20
"""Largest number of spels that are added to, or cut off, a side."""


def pad(
    image: npt.ArrayLike,
    before: Sequence[int],
    after: Sequence[int],
    *,
    border: Border = "zero",
    out: Out | None = None,
) -> Image:
    """Add spels around an image.

    ``out(p) = I(p - before)``, and what the border supplies where that lies outside.

    Parameters
    ----------
    image : (rows, cols[, C]) array, with planes before them for voxels, or a batch of images
    before, after : sequence of int
        Spels to add on both sides of each axis: two numbers for pixels, three for voxels.
    border : {"zero", "edge", "reflect", "symmetric", "wrap"}, float or tuple of float
        What they supply, see `spel.Window`. An image without spels supplies zeros.
    out : float32 or uint8 array, optional
        Written and returned instead of new memory.

    Returns
    -------
    array of float32
        Larger by `before` and `after`.

    Raises
    ------
    ShapeError, ParameterError
        If the numbers are negative or not one per axis, or the border supplies nothing.

    Examples
    --------
    >>> pad([[1, 2, 3]], (0, 2), (0, 2), border="symmetric").tolist()
    [[2.0, 1.0, 1.0, 2.0, 3.0, 3.0, 2.0]]
    >>> pad([[1, 2, 3]], (0, 2), (0, 2), border="wrap").tolist()
    [[2.0, 3.0, 1.0, 2.0, 3.0, 1.0, 2.0]]
    """
    first, last = checked_amounts("pad", before, after)
    planar = as_planar("pad", image, len(first))
    mode, fill = supplied("pad", border, len(first)).border_mode(planar.channels)
    size = [a + n + b for a, n, b in zip(first, planar.size, last, strict=True)]
    memory, result = allocate("pad", planar, planar.channels, size, out, rounded=True)
    kernels.pad(
        planar.array,
        start=pad_to_3d([-n for n in first], 0),
        border=mode,
        fill=np.asarray(fill, dtype=np.float32),
        out=memory,
        threads=thread_count(),
    )
    return result


def crop(
    image: npt.ArrayLike,
    before: Sequence[int],
    after: Sequence[int],
    *,
    out: Out | None = None,
) -> Image:
    """Cut spels off the sides of an image: ``out(p) = I(p + before)``.

    Parameters
    ----------
    image : (rows, cols[, C]) array, with planes before them for voxels, or a batch of images
    before, after : sequence of int
        Spels to cut off on both sides of each axis; nothing is left of a smaller image.
    out : float32 or uint8 array, optional
        Written and returned instead of new memory.

    Returns
    -------
    array of float32

    Raises
    ------
    ShapeError, ParameterError
        If the numbers are negative or not one per axis.

    Examples
    --------
    >>> crop([[1, 2, 3, 4]], (0, 1), (0, 2)).tolist()
    [[2.0]]
    """
    first, last = checked_amounts("crop", before, after)
    planar = as_planar("crop", image, len(first))
    size = cropped(planar.size, first, last)
    memory, result = allocate("crop", planar, planar.channels, size, out, rounded=True)
    start = pad_to_3d(first, 0)
    inner = tuple(slice(a, a + n) for a, n in zip(start, pad_to_3d(size, 1)))
    store(memory, planar.array[(slice(None), slice(None), *inner)])
    return result


def cropped(size: Sequence[int], before: Sequence[int], after: Sequence[int]) -> list[int]:
    """The size that cropping leaves."""
    return [max(0, n - a - b) for a, n, b in zip(before, size, after, strict=True)]


def supplied(operator: str, border: Border, ndim: int) -> Window:
    """A window of one spel with this border, which must supply values."""
    if border in ("valid", "inside"):
        raise ParameterError(
            f'{operator}: border "{border}" supplies no values; expected "zero", "edge", '
            '"reflect", "symmetric", "wrap" or numbers'
        )
    return Window(Adjacency.ball(0, ndim=ndim), border=border)


def checked_amounts(
    operator: str, before: int | Sequence[int], after: int | Sequence[int]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """One number per axis and side; a single one stands for two axes."""
    pair = tuple((n, n) if np.ndim(n) == 0 else tuple(np.asarray(n)) for n in (before, after))
    first, last = pair
    axes = max(len(first), len(last))
    if axes == 3:  # a single number is for all axes of voxels as well, beside three of them
        first, last = (
            (n,) * 3 if np.ndim(n) == 0 else tuple(np.asarray(n)) for n in (before, after)
        )
    if len(first) != len(last) or len(first) not in (2, 3):
        raise ShapeError(
            f"{operator}: before {before!r:.40}, after {after!r:.40}; expected two numbers for "
            "pixels, or three for voxels, in both"
        )
    for n in (*first, *last):
        if not isinstance(n, int | np.integer) or not 0 <= n <= MAX_AMOUNT:
            raise ParameterError(
                f"{operator}: {n!r:.40} spels; expected whole numbers from 0 to {MAX_AMOUNT:,}"
            )
    return tuple(int(n) for n in first), tuple(int(n) for n in last)
