"""The winners of a maximum: which spel of each window gave the pooled value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.core.window import Window
from spel.nn.layer import Image, Shape

Places = npt.NDArray[np.int32]


def winners(image: Image, window: Window) -> Places:
    """The number of the spel that is largest in each window, per channel; channels come first.

    Spels outside the image never win; of equal spels the first of the adjacency wins.

    Examples
    --------
    >>> from spel.core.adjacency import Adjacency
    >>> row = Window(Adjacency.rectangle(width=3, height=1), 3, "inside")
    >>> winners(np.array([[[1], [5], [2], [0], [3], [9]]]), row).tolist()
    [[[1, 4]]]
    """
    planar = np.moveaxis(image, -1, 0)
    size = planar.shape[1:]
    numbers = np.arange(np.prod(size), dtype=np.int32).reshape(size)
    shape = (len(planar), *window.shape(size))
    best = np.full(shape, -np.inf, dtype=np.float32)
    places = np.zeros(shape, dtype=np.int32)
    for positions, spels in reads(window, size):
        values, now = planar[(slice(None), *spels)], best[(slice(None), *positions)]
        better = values > now
        np.copyto(now, values, where=better)
        np.copyto(places[(slice(None), *positions)], numbers[spels], where=better)
    return places


def gather(image: Image, places: Places) -> Image:
    """The values of an image at the winners."""
    flat = np.moveaxis(image, -1, 0).reshape(len(places), -1)
    taken = np.take_along_axis(flat, places.reshape(len(places), -1), axis=1)
    return np.moveaxis(taken.reshape(places.shape), 0, -1)


def scatter(values: Image, places: Places, shape: Shape) -> Image:
    """Pooled values put back at the winners; the adjoint of `gather`."""
    channels, spels = shape[-1], int(np.prod(shape[:-1]))
    planar = np.moveaxis(values, -1, 0).reshape(channels, -1)
    flat = [
        np.bincount(own, weights, minlength=spels)
        for own, weights in zip(places.reshape(channels, -1), planar)
    ]
    out = np.asarray(flat, dtype=np.float32).reshape(channels, *shape[:-1])
    return np.moveaxis(out, 0, -1)


def smallest_above(values: Image, window: Window, shape: Shape) -> Image:
    """For each spel of an image, the smallest pooled value of the windows that hold it.

    A maximum says of every spel in its window that it is no larger.

    Examples
    --------
    >>> from spel.core.adjacency import Adjacency
    >>> row = Window(Adjacency.rectangle(width=3, height=1), 1, "inside")
    >>> smallest_above(np.array([[[5.0], [5.0], [2.0]]]), row, (1, 3, 1)).ravel().tolist()
    [5.0, 2.0, 2.0]
    """
    pooled = np.moveaxis(values, -1, 0)
    out = np.full((shape[-1], *shape[:-1]), np.inf, dtype=np.float32)
    for positions, spels in reads(window, shape[:-1]):
        own = out[(slice(None), *spels)]
        np.minimum(own, pooled[(slice(None), *positions)], out=own)
    return np.moveaxis(out, 0, -1)


def reads(window: Window, size: Shape) -> Iterator[tuple[Any, Any]]:
    """For each displacement, the windows that read inside the image with it, and what they read."""
    counts = window.shape(size)
    for displacement in window.adjacency.displacements.tolist():
        positions, spels = [], []
        for n, count, start, step, d in zip(
            size, counts, window.start, window.strides, displacement
        ):
            first = max(0, -(-(-start - d) // step))
            last = min(count - 1, (n - 1 - start - d) // step)
            positions.append(slice(first, max(first, last + 1)))
            begin = start + d + first * step
            spels.append(slice(begin, begin + max(0, last - first) * step + 1, step))
            if last < first:
                break
        else:
            yield tuple(positions), tuple(spels)
