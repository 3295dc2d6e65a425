"""Views of an image, and the windows that were scored in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.core.adjacency import Adjacency
from spel.core.value import Value, derived_property

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class View:
    """The cells of a scaled, and possibly rotated, part of an image.

    Attributes
    ----------
    scale : (row, col)
        Spels of the view per spel of the image.
    cells : (rows, cols, channels) array
    centre, middle : (row, col)
        A point of the image, and the same point in the view, in spels of each.
    degrees : float
        Angle by which the content is rotated about that point.
    origin : (row, col)
        For a part of the scaled image: where its first cell lies among the cells of the whole.
    own : (slice, slice), optional
        For a part: the cells of the whole whose windows are taken from it; by default all.

    Examples
    --------
    >>> half = View((0.5, 0.5), np.zeros((2, 2, 1)), centre=(10, 20), middle=(4, 4))
    >>> half.boxes(np.array([[3.0, 3.0, 7.0, 5.0]])).tolist()
    [[18.0, 8.0, 26.0, 12.0]]
    """

    scale: tuple[float, float]
    cells: npt.NDArray[Any]
    centre: tuple[float, float] = (0.0, 0.0)
    middle: tuple[float, float] = (0.0, 0.0)
    degrees: float = 0.0
    origin: tuple[int, int] = (0, 0)
    own: tuple[slice, slice] | None = None

    def owns(
        self, rows: npt.NDArray[np.int64], cols: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.bool_]:
        """Which of some cells of the whole are taken from this view."""
        inside = np.ones(len(rows), dtype=bool)
        for places, own in zip((rows, cols), self.own or ()):
            inside &= (places >= own.start) & (places < own.stop)
        return inside

    def points(self, points: Floats) -> Floats:
        """Points (x, y) of the view as points of the image."""
        return _points(points, _poses([self]))

    def boxes(self, boxes: Floats) -> Floats:
        """The upright boxes of the image that enclose boxes of the view."""
        return _boxes(boxes, _poses([self]))


def _poses(views: Sequence[View]) -> Floats:
    """Where views lie: scale, centre and middle as (x, y), then cosine and sine of the angle."""
    turns = np.deg2rad([view.degrees for view in views])
    places = [(*v.scale[::-1], *v.centre[::-1], *v.middle[::-1]) for v in views]
    return np.column_stack([np.reshape(places, (-1, 6)), np.cos(turns), np.sin(turns)])


def _points(points: Floats, poses: Floats) -> Floats:
    """Points (x, y) of a view as points of the image; one pose for all, or one for each."""
    scale, centre, middle = poses[:, :2], poses[:, 2:4], poses[:, 4:6]
    cosine, sine = poses.T[6:]
    x, y = (points - middle).T
    turned = np.stack([x * cosine - y * sine, x * sine + y * cosine], axis=1)
    return np.asarray(turned / scale + centre)


def _boxes(boxes: Floats, poses: Floats) -> Floats:
    """The upright boxes of the image that enclose boxes of views; one pose for all, or for each."""
    cosine, sine = np.abs(poses.T[6:])
    width, height = ((boxes[:, 2:] - boxes[:, :2]) / 2).T
    half = np.stack([width * cosine + height * sine, width * sine + height * cosine], axis=1)
    half /= poses[:, :2]
    middle = _points((boxes[:, 2:] + boxes[:, :2]) / 2, poses)
    return np.concatenate([middle - half, middle + half], axis=1)


@dataclass(frozen=True, eq=False)
class ScoredWindows(Value):
    """Windows of one image with their log-odds, and the view that each lies in.

    Attributes
    ----------
    windows : (n, 4) array
        Boxes ``x0 y0 x1 y1`` in spels of the view.
    log_odds : (n,) array
        The score of the kernel plus the `prior`.
    kernels : (n,) array of int
    view_indices : (n,) array of int
        Index into `views`.
    cells : (n, 2) array of int
        Cell (row, col) of the view, or of the whole scaled image if the view is a part of it.
    views : sequence of View
    prior : (n,) array
        The part of the log-odds that the proposal stage contributed.
    """

    windows: Floats
    log_odds: Floats
    kernels: npt.NDArray[np.int64]
    view_indices: npt.NDArray[np.int64]
    cells: npt.NDArray[np.int64]
    views: Sequence[View]
    prior: Floats

    def __len__(self) -> int:
        return len(self.log_odds)

    def __getitem__(self, rows: npt.NDArray[Any]) -> ScoredWindows:
        return replace(
            self,
            windows=self.windows[rows],
            log_odds=self.log_odds[rows],
            kernels=self.kernels[rows],
            view_indices=self.view_indices[rows],
            cells=self.cells[rows],
            prior=self.prior[rows],
        )

    @classmethod
    def empty(cls, views: Sequence[View] = ()) -> ScoredWindows:
        """No windows, in these views."""
        zero = np.zeros(0, dtype=np.int64)
        cells = np.zeros((0, 2), dtype=np.int64)
        return cls(np.zeros((0, 4)), np.zeros(0), zero, zero, cells, views, np.zeros(0))

    @property
    def arrays(self) -> tuple[npt.NDArray[Any], ...]:
        """The windows of one view, without it."""
        return self.windows, self.log_odds, self.kernels, self.cells, self.prior

    @classmethod
    def of_arrays(
        cls,
        scale: tuple[float, float],
        windows: Floats,
        log_odds: Floats,
        kernels: npt.NDArray[np.int64],
        cells: npt.NDArray[np.int64],
        prior: Floats,
    ) -> ScoredWindows:
        """The windows of `arrays`, in a view of this scale whose cells are left out."""
        view = View(scale, np.zeros((0, 0, 0), dtype=np.float32))
        zeros = np.zeros(len(log_odds), dtype=np.int64)
        return cls(windows, log_odds, kernels, zeros, cells, [view], prior)

    @classmethod
    def concatenate(cls, parts: Sequence[ScoredWindows]) -> ScoredWindows:
        """The windows of all parts, in order."""
        starts = np.cumsum([0, *(len(part.views) for part in parts[:-1])])
        return cls(
            np.concatenate([part.windows for part in parts]),
            np.concatenate([part.log_odds for part in parts]),
            np.concatenate([part.kernels for part in parts]),
            np.concatenate([part.view_indices + start for part, start in zip(parts, starts)]),
            np.concatenate([part.cells for part in parts]),
            [view for part in parts for view in part.views],
            np.concatenate([part.prior for part in parts]),
        )

    def with_more(self, more: ScoredWindows, view: int) -> ScoredWindows:
        """These windows and more, which lie in one of these views."""
        joined = ScoredWindows.concatenate([self, more])
        inside = np.full(len(more), view, dtype=np.int64)
        return replace(
            joined, views=self.views, view_indices=np.concatenate([self.view_indices, inside])
        )

    def best(self, count: int) -> ScoredWindows:
        """The best `count` windows; of equals, the first ones in the views' raster order."""
        rows, cols = self.cells.T
        order = np.lexsort((self.kernels, cols, rows, self.view_indices, -self.log_odds))
        return self[order[:count]]

    @derived_property
    def boxes(self) -> Floats:
        """The windows as boxes ``x0 y0 x1 y1`` of the image."""
        return _boxes(self.windows, _poses(self.views)[self.view_indices])

    def patches(self, adjacency: Adjacency) -> npt.NDArray[np.float32]:
        """The patch of cells under each window, as `spel.ops.patches` gives it: (n, |A| C)."""
        channels = self.views[0].cells.shape[2] if self.views else 0
        patches = np.zeros((len(self), len(adjacency), channels), dtype=np.float32)
        rows, cols = adjacency.displacements.T
        for here, values, number in self._by_shape():
            places = self.cells[here] - [self.views[i].origin for i in self.view_indices[here]]
            row, col = places[:, :1] + rows, places[:, 1:] + cols
            down, along = (np.clip(n, 0, last - 1) for n, last in zip((row, col), values.shape[1:]))
            own = values[number[:, None], down, along]
            own[(down != row) | (along != col)] = 0
            patches[here] = own
        return patches.reshape(len(self), len(adjacency) * channels)

    def _by_shape(self) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[Any], Any]]:
        """The windows in views of each shape, the cells of these views, and the view of each."""
        used, numbers = np.unique(self.view_indices, return_inverse=True)
        alike: dict[tuple[int, ...], list[int]] = {}
        for number, index in enumerate(used):
            alike.setdefault(self.views[index].cells.shape, []).append(number)
        for views in alike.values():
            of_view = np.full(len(used), -1)
            of_view[views] = np.arange(len(views))
            places = of_view[numbers]
            here = np.flatnonzero(places >= 0)
            cells = [self.views[used[i]].cells for i in views]
            yield here, cells[0][None] if len(cells) == 1 else np.stack(cells), places[here]

    def move(self, deltas: npt.ArrayLike) -> ScoredWindows:
        """The same windows, shifted and resized by `apply_deltas`."""
        return replace(self, windows=apply_deltas(self.windows, deltas))


def apply_deltas(boxes: Floats, deltas: npt.ArrayLike) -> Floats:
    """Shift the middle of each box by (dx, dy) widths and heights, and scale it by exp(lw, lh).

    Parameters
    ----------
    boxes : (n, 4) array
    deltas : (n, 4) array
        ``dx dy lw lh`` of each box, clipped to -0.5..0.7.

    Examples
    --------
    >>> apply_deltas(np.array([[0.0, 0.0, 4.0, 2.0]]), [[0.5, 0, 0, np.log(2)]]).tolist()
    [[2.0, -1.0, 6.0, 3.0]]
    """
    clipped = np.clip(np.asarray(deltas, dtype=np.float64), -0.5, 0.7)
    size = boxes[:, 2:] - boxes[:, :2]
    middle = (boxes[:, 2:] + boxes[:, :2]) / 2 + clipped[:, :2] * size
    half = size * np.exp(clipped[:, 2:]) / 2
    return np.concatenate([middle - half, middle + half], axis=1)
