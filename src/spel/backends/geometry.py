"""Windows as array libraries see them: boxes on a lattice, padding, and sets of boxes for a shape.

Pure functions from `Window` and `Adjacency` to numbers; no array library is imported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
from itertools import product
from math import gcd
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.core.adjacency import Adjacency
from spel.core.window import Window
from spel.nn import DivisiveNormalize

Span = tuple[int, int]


@dataclass(frozen=True)
class DisplacementBox:
    """Displacements ``low, low + step, ..., high`` per axis."""

    low: tuple[int, ...]
    high: tuple[int, ...]
    step: tuple[int, ...]

    @property
    def size(self) -> tuple[int, ...]:
        """Displacements per axis."""
        return tuple((h - lo) // s + 1 for lo, h, s in zip(self.low, self.high, self.step))


def pads(window: Window, low: Sequence[int], high: Sequence[int]) -> list[Span]:
    """Spels to add before and after an image, per axis; negative numbers are cut off.

    After that a box from `low` to `high` that slides at the window's strides, and always lies
    inside, stands at the positions of the window.

    Examples
    --------
    >>> pads(Window(Adjacency.box((1, 3))), (0, -1), (0, 1))
    [(0, 0), (1, 1)]
    >>> pads(Window(Adjacency.box((1, 3)), border="valid"), (0, -1), (0, 1))
    [(0, 0), (0, 0)]
    """
    if window.border != "valid":
        return [(-lo, hi) for lo, hi in zip(low, high)]
    reach = window.adjacency.reach
    return [
        (-(start + lo), hi - max(0, top))
        for start, lo, hi, (_, top) in zip(window.start, low, high, reach)
    ]


def transposed_spans(window: Window) -> list[Span]:
    """Spels to add to (negative: to cut off) all that transposed windows reach, per axis.

    Libraries give the spels from the lowest to the highest one reached; `window` is that of the
    convolution, whose border decides which of them are the result.

    Examples
    --------
    >>> transposed_spans(Window(Adjacency.box((1, 3)), 2, "zero"))
    [(0, 1), (-1, 0)]
    >>> transposed_spans(Window(Adjacency.box((1, 3)), 2, "valid"))
    [(0, 0), (0, 0)]
    """
    spans = []
    for a, s, (low, high) in zip(window.start, window.strides, window.adjacency.reach):
        size = s if window.border != "valid" else max(0, high) + max(0, -low) + 1
        before = a + low
        spans.append((before, size - (high - low + 1) - before))
    return spans


def bounding_lattice(adjacency: Adjacency) -> DisplacementBox:
    """The coarsest box of displacements that holds the adjacency: its reach, its dilation.

    Examples
    --------
    >>> bounding_lattice(Adjacency.box(3).dilated(4))
    DisplacementBox(low=(-4, -4), high=(4, 4), step=(4, 4))
    """
    low = tuple(r[0] for r in adjacency.reach)
    high = tuple(r[1] for r in adjacency.reach)
    offsets = adjacency.displacements - np.array(low)
    step = tuple(reduce(gcd, column.tolist(), 0) or 1 for column in offsets.T)
    return DisplacementBox(low, high, step)


def dense(adjacency: Adjacency, weights: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Weights (K, n, C) in the adjacency's lattice box, ``(K, C, ...)``, zeros elsewhere."""
    box = bounding_lattice(adjacency)
    cells = (adjacency.displacements - np.array(box.low)) // np.array(box.step)
    out = np.zeros((weights.shape[0], weights.shape[2], *box.size), dtype=np.float32)
    out[(slice(None), slice(None), *cells.T)] = np.moveaxis(weights, 1, 2)
    return out


def is_box(adjacency: Adjacency) -> bool:
    """Whether the adjacency fills its lattice box."""
    return len(adjacency) == int(np.prod(bounding_lattice(adjacency).size))


def has_centre(adjacency: Adjacency) -> bool:
    """Whether the spel itself is an adjacent, so that no window inside an image is empty."""
    return bool((adjacency.displacements == 0).all(axis=1).any())


def neighbours(layer: DivisiveNormalize) -> Adjacency:
    """The adjacents whose squares are summed (the layer's scope also holds the spel itself)."""
    return layer.adjacency if layer.centre else layer.adjacency.without_centre()


@lru_cache(maxsize=256)
def cover(adjacency: Adjacency) -> tuple[DisplacementBox, ...]:
    """Boxes, overlapping or not, whose union is the adjacency: for maxima.

    Greedy: the largest box around each displacement not covered yet.

    Examples
    --------
    >>> len(cover(Adjacency.box(9))), len(cover(Adjacency.cross(2))), len(cover(Adjacency.disk(5)))
    (1, 2, 4)
    """
    return _boxes(adjacency, overlap=True)


@lru_cache(maxsize=256)
def partition(adjacency: Adjacency) -> tuple[DisplacementBox, ...]:
    """Disjoint boxes whose union is the adjacency: for sums.

    Examples
    --------
    >>> len(partition(Adjacency.box(9))), len(partition(Adjacency.cross(2)))
    (1, 3)
    """
    return _boxes(adjacency, overlap=False)


def _boxes(adjacency: Adjacency, *, overlap: bool) -> tuple[DisplacementBox, ...]:
    whole = bounding_lattice(adjacency)
    low, step = np.array(whole.low), np.array(whole.step)
    cells = np.zeros(whole.size, dtype=bool)
    cells[tuple(((adjacency.displacements - low) // step).T)] = True
    waiting = cells.copy()
    boxes = []
    while waiting.any():
        seed = tuple(int(c) for c in np.argwhere(waiting)[0])
        allowed = cells if overlap else waiting
        first, last = max(
            (_grown(allowed, seed, order) for order in _orders(len(seed))),
            key=lambda box: int(waiting[_slices(*box)].sum()),
        )
        waiting[_slices(first, last)] = False
        boxes.append(
            DisplacementBox(
                tuple(int(v) for v in low + np.array(first) * step),
                tuple(int(v) for v in low + np.array(last) * step),
                whole.step,
            )
        )
    return tuple(boxes)


def _orders(ndim: int) -> list[tuple[tuple[int, int], ...]]:
    """Ways to grow a box: sides (axis, direction), in different orders of the axes."""
    sides = list(product(range(ndim), (1, -1)))
    return [tuple(sides[i:] + sides[:i]) for i in range(0, len(sides), 2)]


def _grown(
    allowed: npt.NDArray[np.bool_], seed: tuple[int, ...], order: Sequence[tuple[int, int]]
) -> tuple[list[int], list[int]]:
    """The largest box around a seed, of which each side is moved as far as possible, in order."""
    first, last = list(seed), list(seed)
    for axis, direction in order:
        while True:
            place = last[axis] + 1 if direction > 0 else first[axis] - 1
            if not 0 <= place < allowed.shape[axis]:
                break
            lo, hi = list(first), list(last)
            lo[axis] = hi[axis] = place
            if not allowed[_slices(lo, hi)].all():
                break
            (last if direction > 0 else first)[axis] = place
    return first, last


def _slices(first: Sequence[int], last: Sequence[int]) -> tuple[slice, ...]:
    return tuple(slice(a, b + 1) for a, b in zip(first, last))
