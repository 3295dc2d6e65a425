"""What kernels are slid over, and the windows they answer to: parts of an image and candidates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.core.adjacency import Adjacency
from spel.core.window import Window

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Seen:
    """A part of an image as the kernels see it: at a size, and perhaps turned.

    Attributes
    ----------
    scale : (row, col)
        Its spels per spel of the image.
    cells : (rows, cols, channels) array
    centre, middle : (row, col)
        A point of the image, and where it lies in the part, in spels of each.
    degrees : float
        By which the content is turned about that point.

    Examples
    --------
    >>> half = Seen((0.5, 0.5), np.zeros((2, 2, 1)), centre=(10, 20), middle=(4, 4))
    >>> half.boxes(np.array([[3.0, 3.0, 7.0, 5.0]])).tolist()
    [[18.0, 8.0, 26.0, 12.0]]
    """

    scale: tuple[float, float]
    cells: npt.NDArray[Any]
    centre: tuple[float, float] = (0.0, 0.0)
    middle: tuple[float, float] = (0.0, 0.0)
    degrees: float = 0.0

    def points(self, points: Floats) -> Floats:
        """Points (x, y) of the part as points of the image."""
        off = (points - self.middle[::-1]) @ _turn(self.degrees)
        return np.asarray(off / self.scale[::-1] + self.centre[::-1])

    def boxes(self, boxes: Floats) -> Floats:
        """The upright boxes of the image that hold boxes of the part."""
        half = (boxes[:, 2:] - boxes[:, :2]) / 2 @ np.abs(_turn(self.degrees)) / self.scale[::-1]
        middle = self.points((boxes[:, 2:] + boxes[:, :2]) / 2)
        return np.concatenate([middle - half, middle + half], axis=1)


def _turn(degrees: float) -> Floats:
    """What rows (x, y) of a turned part are multiplied by to be upright."""
    cosine, sine = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    return np.array([[cosine, sine], [-sine, cosine]])


@dataclass(frozen=True, eq=False)
class Candidates:
    """Windows of one image with log-odds, and where each was seen.

    Attributes
    ----------
    windows : (n, 4) array
        Boxes ``x0 y0 x1 y1`` in the part that each was seen in, in its spels.
    odds : (n,) array
        Log-odds: the kernel's answer, and what was known `before`.
    kernels : (n,) array of int
    parts : (n,) array of int
        Index into `seen`.
    places : (n, 2) array of int
        Cell (row, col) in the part.
    seen : sequence of Seen
        What the kernels were slid over.
    before : (n,) array
        The part of the log-odds that an earlier look gave.
    """

    windows: Floats
    odds: Floats
    kernels: npt.NDArray[np.int64]
    parts: npt.NDArray[np.int64]
    places: npt.NDArray[np.int64]
    seen: Sequence[Seen]
    before: Floats

    def __len__(self) -> int:
        return len(self.odds)

    def __getitem__(self, choice: npt.NDArray[Any]) -> Candidates:
        return Candidates(
            self.windows[choice],
            self.odds[choice],
            self.kernels[choice],
            self.parts[choice],
            self.places[choice],
            self.seen,
            self.before[choice],
        )

    @classmethod
    def none(cls, seen: Sequence[Seen] = ()) -> Candidates:
        """No window at all."""
        n, i = np.zeros(0), np.zeros(0, dtype=np.int64)
        return cls(n.reshape(0, 4), n, i, i, i.reshape(0, 2), seen, n)

    @classmethod
    def together(cls, several: Sequence[Candidates]) -> Candidates:
        """All windows of several looks at one image."""
        starts = np.cumsum([0] + [len(c.seen) for c in several])
        return cls(
            np.concatenate([c.windows for c in several]),
            np.concatenate([c.odds for c in several]),
            np.concatenate([c.kernels for c in several]),
            np.concatenate([c.parts + start for c, start in zip(several, starts)]),
            np.concatenate([c.places for c in several]),
            [part for c in several for part in c.seen],
            np.concatenate([c.before for c in several]),
        )

    @cached_property
    def boxes(self) -> Floats:
        """The windows as boxes ``x0 y0 x1 y1`` of the image."""
        boxes = np.zeros((len(self), 4))
        for part in np.unique(self.parts):
            here = self.parts == part
            boxes[here] = self.seen[part].boxes(self.windows[here])
        return boxes

    def patches(self, adjacency: Adjacency) -> npt.NDArray[np.float32]:
        """What each window holds, as `spel.ops.patches` gives it: (n, |A| C)."""
        channels = self.seen[0].cells.shape[2] if self.seen else 0
        found = np.zeros((len(self), len(adjacency), channels), dtype=np.float32)
        (above, below), (left, right) = Window(adjacency).halo
        rows, cols = adjacency.displacements.T
        for part in np.unique(self.parts):
            here = np.flatnonzero(self.parts == part)
            cells, places = self.seen[part].cells, self.places[here]
            last = np.array(cells.shape[:2]) - (below, right)
            if (places < (above, left)).any() or (places >= last).any():
                cells = np.pad(cells, ((above, below), (left, right), (0, 0)))
                places = places + (above, left)
            row, col = places.T
            found[here] = cells[row[:, None] + rows, col[:, None] + cols]
        return found.reshape(len(self), len(adjacency) * channels)

    def moved(self, change: npt.ArrayLike) -> Candidates:
        """The same windows, moved and stretched."""
        return replace(self, windows=moved(self.windows, change))


def moved(boxes: Floats, change: npt.ArrayLike) -> Floats:
    """Boxes whose middle moves by (dx, dy) widths and heights, stretched by exp (lw, lh).

    Examples
    --------
    >>> moved(np.array([[0.0, 0.0, 4.0, 2.0]]), [[0.5, 0, 0, np.log(2)]]).tolist()
    [[2.0, -1.0, 6.0, 3.0]]
    """
    told = np.clip(np.asarray(change, dtype=np.float64), -0.5, 0.7)
    size = boxes[:, 2:] - boxes[:, :2]
    middle = (boxes[:, 2:] + boxes[:, :2]) / 2 + told[:, :2] * size
    half = size * np.exp(told[:, 2:]) / 2
    return np.concatenate([middle - half, middle + half], axis=1)
