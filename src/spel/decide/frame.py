"""Where a window lies in its image, and which of the objects that are seen in it are its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spel.core.adjacency import Adjacency
from spel.ops.label import label, regions

Sides = npt.NDArray[np.bool_]
"""(2, ndim): something that is true of the lower and of the upper side along each axis."""


@dataclass(frozen=True)
class Frame:
    """A window of an image, larger than the tile that it was cut for.

    A connected component belongs to the tile that holds the first of its spels in raster order, so
    that each belongs to exactly one tile.

    Attributes
    ----------
    start : tuple of int
        The first spel of the window.
    size : tuple of int
        Of the window.
    image_size : tuple of int
    tile : tuple of slice
        The tile, in the image.

    Examples
    --------
    >>> frame = Frame((0, 8), (10, 12), (10, 40), (slice(0, 10), slice(10, 20)))
    >>> frame.owns(np.array([[3, 1], [3, 2]])).tolist(), frame.inner.tolist()
    ([False, True], [[False, True], [False, True]])
    """

    start: tuple[int, ...]
    size: tuple[int, ...]
    image_size: tuple[int, ...]
    tile: tuple[slice, ...]

    @classmethod
    def whole(cls, size: Sequence[int]) -> Frame:
        """The frame of an image that is its own window and tile."""
        lengths = tuple(map(int, size))
        return cls((0,) * len(lengths), lengths, lengths, tuple(slice(0, n) for n in lengths))

    def owns(self, spels: npt.NDArray[np.integer]) -> npt.NDArray[np.bool_]:
        """Which of some spels (n, ndim) of the window lie in the tile."""
        low, high = ([getattr(s, end) for s in self.tile] for end in ("start", "stop"))
        places = spels + np.array(self.start)
        inside: npt.NDArray[np.bool_] = ((places >= low) & (places < high)).all(axis=1)
        return inside

    def in_image(self, spel: npt.NDArray[np.integer]) -> tuple[int, ...]:
        """The place in the image of a spel of the window."""
        return tuple(int(at + start) for at, start in zip(spel, self.start))

    @property
    def inner(self) -> Sides:
        """Which sides of the window lie inside the image."""
        stop = np.add(self.start, self.size)
        return np.stack([np.array(self.start) > 0, stop < self.image_size])

    def open_sides(
        self,
        mask: npt.NDArray[np.bool_],
        adjacency: Adjacency,
        margin: int,
        largest: float = float("inf"),
    ) -> Sides:
        """The sides that must move out before all components of the tile are seen whole.

        Parameters
        ----------
        mask : array of the size of the window
        adjacency : Adjacency
            Which spels are connected.
        margin : int
            How far a component must end before a side that lies inside the image.
        largest : float
            Components of more spels may stay cut.
        """
        labels = label(mask, adjacency)
        measured = regions(labels)
        own = self.owns(first_spels(labels, len(measured))) & (measured.areas <= largest)
        low = (measured.low[own] < margin).any(axis=0)
        high = (measured.high[own] + margin > self.size).any(axis=0)
        return self.inner & np.stack([low, high])


def first_spels(labels: npt.NDArray[np.int32], count: int) -> npt.NDArray[np.int64]:
    """The first spel in raster order of each label from 1 to `count`, all of which occur.

    Examples
    --------
    >>> first_spels(np.array([[0, 1, 1], [2, 0, 1]], np.int32), 2).tolist()
    [[0, 1], [1, 0]]
    """
    spels = np.flatnonzero(labels)[::-1]
    first = np.zeros(count + 1, dtype=np.int64)
    first[labels.ravel()[spels]] = spels  # of several spels, the last assignment stays
    return np.stack(np.unravel_index(first[1:], labels.shape), axis=1)
