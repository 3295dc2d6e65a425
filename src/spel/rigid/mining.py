"""Hard negatives of photos, one photo at a time: here, or as tasks for workers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.core.bank import KernelBank
from spel.core.threads import threads
from spel.nn import Network
from spel.rigid.detect import detect_rigid
from spel.rigid.groups import AspectGroup, Floats
from spel.rigid.nms import non_maximum_suppression
from spel.rigid.score import Scanner
from spel.rigid.views import ScoredWindows, View
from spel.rigid.windows import Windows

Rows = npt.NDArray[np.float32]
Run = Callable[[Iterable[Any]], Iterator[Any]]
"""A function from tasks, which can be pickled, to their results in order."""

Mined = tuple[list[Rows], int]
"""The hard negatives of a photo for each group, and the number of its cells."""

Resume = Callable[[int, Callable[[int], Iterator[Mined]]], Iterator[Mined]]
"""From the number of photos, and what mines them from a first photo on, to what is mined of all:
that of the first photos may have been mined before."""

MOST_OVERLAP = 0.3
"""Largest intersection over union with an object, and largest share inside a crowd, that a window
of the background may have."""


@dataclass(frozen=True, eq=False)
class Truth:
    """The boxes of a photo: of objects, and of crowds, in which nothing is known to be background.

    A difficult object of Pascal VOC counts as a crowd.
    """

    objects: Floats
    crowds: Floats

    def is_background(self, boxes: Floats) -> npt.NDArray[np.bool_]:
        """Which boxes overlap hardly any object, and lie hardly in any crowd."""
        away: npt.NDArray[np.bool_] = most_overlap(boxes, self.objects) < MOST_OVERLAP
        return away & (most_overlap(boxes, self.crowds, of_box=True) < MOST_OVERLAP)


@dataclass(frozen=True, eq=False)
class PhotoTask:
    """A call about one photo.

    Attributes
    ----------
    photo : sequence of one array
        A slice of a sequence of photos, so that a file is read where the task runs.
    name : str
        Name of the photo.
    """

    photo: Sequence[Any]
    name: str

    @property
    def image(self) -> str:
        """Name of the photo."""
        return self.name

    @property
    def identity(self) -> None:
        """None: the photo may be an array."""
        return


@dataclass(frozen=True, eq=False)
class MineTask(PhotoTask):
    """Gives the hard negatives of a photo for each group, and the number of its cells."""

    truth: Truth
    network: Network
    windows: Windows
    groups: Sequence[AspectGroup]
    most: int
    halved: bool

    def __call__(self) -> Mined:
        with threads(1):
            scanner = Scanner(self.network, self.windows)
            views = scanner.views(scanner.pyramid(self.photo[0]))
            if self.halved:
                views = restored(halved(views))
            rows = hard_negatives(scanner, views, self.truth, self.groups, self.most)
            return rows, count_cells(views)


@dataclass(frozen=True, eq=False)
class FindTask(PhotoTask):
    """Gives the boxes and scores that a detector finds in a photo."""

    network: Network
    windows: Windows

    def __call__(self) -> tuple[Floats, Floats]:
        with threads(1):
            detections = detect_rigid(self.network, self.photo[0], self.windows)
            return np.asarray(detections.boxes), np.asarray(detections.scores)


def hard_negatives(
    scanner: Scanner,
    views: Sequence[View],
    truth: Truth,
    groups: Sequence[AspectGroup],
    most: int,
) -> list[Rows]:
    """Cells of the background's best-scored windows as rows, at most `most` for each group."""
    limit = max(2000, 5 * most * len(groups))
    scored = scanner.score_views(list(views), min_log_odds=-np.inf, max_windows=limit)
    away = truth.is_background(scored.boxes)
    rows = []
    for k, group in enumerate(groups):
        mine = scored[np.flatnonzero(away & (scored.kernels == k))]
        mine = mine[non_maximum_suppression(mine.boxes, mine.log_odds, max_boxes=most)]
        rows.append(_rows(scanner.score.bank, mine, group))
    return rows


def halved(views: Sequence[View]) -> list[View]:
    """The views with cells in half precision, as they are cached."""
    return [View(v.scale, np.ascontiguousarray(v.cells, dtype=np.float16)) for v in views]


def restored(views: Sequence[View]) -> list[View]:
    """Cached views with cells in single precision."""
    return [View(view.scale, view.cells.astype(np.float32)) for view in views]


def count_cells(views: Sequence[View]) -> int:
    """Number of values of all cells."""
    return sum(view.cells.size for view in views)


def _rows(bank: KernelBank, scored: ScoredWindows, group: AspectGroup) -> Rows:
    """The cells of each window's own part of the frame, as rows."""
    frame = tuple(high - low + 1 for low, high in bank.adjacency.reach)
    count, channels = len(scored), bank.weights.shape[2]
    rows, cols = group.window
    down, across = ((f - n) // 2 for n, f in zip(group.window, frame))
    patches = scored.patches(bank.adjacency).reshape(count, *frame, channels)
    part = patches[:, down : down + rows, across : across + cols]
    return np.asarray(part.reshape(count, rows * cols * channels))


def most_overlap(boxes: Floats, others: Floats, *, of_box: bool = False) -> Floats:
    """Largest overlap of each box with any other one: IoU, or `of_box`, the share of the box."""
    most = np.zeros(len(boxes))
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    for other in others:
        low, high = np.maximum(boxes[:, :2], other[:2]), np.minimum(boxes[:, 2:], other[2:])
        common = np.prod(np.maximum(high - low, 0), axis=1)
        union = areas + np.prod(other[2:] - other[:2]) - common
        most = np.maximum(most, common / (areas if of_box else union))
    return most
