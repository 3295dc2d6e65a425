"""What a stage sees: patches turned alike, and where they lie when they come back.

A patch is turned and mirrored until it grows brighter to the right, and less so downwards; so the
8 symmetries of a square share their anchors.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from spel import kernels
from spel.synthesis.degrade import Plane
from spel.synthesis.layout import Layout, Numbers

Real = npt.NDArray[np.float32]


class Sight:
    """Some patches of a stage.

    Parameters
    ----------
    layout : Layout
    padded : list of planes
        The pictures that the stage sees, with the margins of their patches.
    rows, cols : (n,) arrays of int64
        Places of the patches in the grid.

    Attributes
    ----------
    means : (n,) array of float32
        Of the patches of the last picture; they are taken from all pictures, and added again.
    ways : (n,) array of int64
        How each patch is turned.
    keys : (n, key_side ** 2) array of float32
        The compared middles of the last picture's patches, turned, without their own means.
    """

    def __init__(self, layout: Layout, padded: list[Plane], rows: Numbers, cols: Numbers) -> None:
        self.layout, self.padded = layout, padded
        self.rows, self.cols = rows, cols
        self.ways, self.means = np.zeros(len(rows), np.int64), np.zeros(len(rows), np.float32)
        side, inner = layout.sides[-1], layout.key_side
        last = self.turned(padded[-1], side, layout.step * layout.scales[-1])
        low = (side - inner) // 2
        middle = last.reshape(-1, side, side)[:, low : low + inner, low : low + inner]
        keys = middle.reshape(-1, inner**2)
        keys = keys - keys.mean(axis=1, keepdims=True)
        self.means, self.ways = last.mean(axis=1), _ways(keys, inner)
        for way in range(1, 8):
            own = np.flatnonzero(self.ways == way)
            keys[own] = keys[own][:, turned_square(inner, way)]
        self.keys = keys

    def turned(
        self, plane: Plane, side: int, step: int, order: Any = slice(None), out: Any = None
    ) -> Real:
        """The square patches of one picture, (n, side ** 2), turned, minus the means."""
        plane = np.ascontiguousarray(plane)
        places = self._places(plane.shape[1], step, order)
        if out is None:
            out = np.empty((len(places), side**2), np.float32)
        kernels.gather_turned(
            plane, places, self.ways[order], self.means[order], _tables(side, plane.shape[1]), out
        )
        return np.asarray(out)

    def patches(self, order: Any = slice(None)) -> Real:
        """The patches of all pictures joined, (n, length), turned, minus the means."""
        layout = self.layout
        out = np.empty((len(self.rows[order]), layout.length), dtype=np.float32)
        start = 0
        for plane, side, scale in zip(self.padded, layout.sides, layout.scales):
            part = out[:, start : start + side**2]
            self.turned(plane, side, layout.step * scale, order, part)
            start += side**2
        return out

    def lay(self, values: Real, order: Numbers, sums: Plane) -> None:
        """Add restored patches and their means to a picture with margins, turned back."""
        layout = self.layout
        places = self._places(sums.shape[1], layout.step * layout.factor, order)
        tables = _tables(layout.out_side, sums.shape[1])
        kernels.add_turned(values, places, self.ways[order], self.means[order], tables, sums)

    def _places(self, width: int, step: int, order: Any) -> Numbers:
        """The first spels of patches in a flat plane."""
        return np.asarray((self.rows[order] * width + self.cols[order]) * step)


class Overlaps:
    """Restored patches, laid on their places and averaged where they overlap."""

    def __init__(self, layout: Layout, shape: tuple[int, ...]) -> None:
        self.layout, self.shape = layout, shape
        margin = 2 * (layout.out // 2) + layout.step
        size = [(n + margin) * layout.factor for n in shape]
        self.sums = np.zeros(size, dtype=np.float32)

    def mean(self) -> Plane:
        """The averages, without the margins."""
        rows, cols = (self._counts(axis) for axis in (0, 1))
        inner: Any = tuple(self._inner(axis) for axis in (0, 1))
        return np.asarray(self.sums[inner] / (rows[:, None] * cols), dtype=np.float32)

    def _counts(self, axis: int) -> Real:
        """Number of patches over each restored row or column."""
        layout = self.layout
        counts = np.zeros(self.sums.shape[axis], dtype=np.float32)
        for number in range(layout.grid(self.shape)[axis]):
            start = number * layout.step * layout.factor
            counts[start : start + layout.out_side] += 1
        return counts[self._inner(axis)]

    def _inner(self, axis: int) -> slice:
        margin = self.layout.out // 2 * self.layout.factor
        return slice(margin, margin + self.shape[axis] * self.layout.factor)


@cache
def _tables(side: int, width: int) -> Numbers:
    """For each way, the spels of a turned square in a flat plane, from its first one on."""
    ways = np.stack([turned_square(side, way) for way in range(8)])
    return np.asarray(ways // side * width + ways % side)


def turned_square(side: int, way: int) -> Numbers:
    """The places of a square turned in one of 8 ways: mirrored in columns, in rows, transposed.

    Examples
    --------
    >>> turned_square(2, 0).tolist(), turned_square(2, 1).tolist(), turned_square(2, 4).tolist()
    ([0, 1, 2, 3], [1, 0, 3, 2], [0, 2, 1, 3])
    """
    places = np.arange(side * side).reshape(side, side)
    places = places[:: -1 if way & 2 else 1, :: -1 if way & 1 else 1]
    return (places.T if way & 4 else places).ravel()


def _ways(keys: Real, side: int) -> Numbers:
    """How each key must be turned so that it is brighter to the right, and less so below."""
    along = np.arange(side) - (side - 1) / 2
    bell = np.exp(-np.square(along) / (2 * max(side / 4, 0.5) ** 2))
    slope = np.outer(bell, bell * along).astype(np.float32)
    right, down = keys @ slope.ravel(), keys @ slope.T.ravel()
    numbers = (np.abs(down) > np.abs(right)) * 4 + (down < 0) * 2 + (right < 0)
    return np.asarray(numbers, dtype=np.intp)
