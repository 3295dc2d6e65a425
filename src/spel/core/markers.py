"""Markers: labelled pixels or voxels that a user drew on one image, and their strokes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from spel.core.adjacency import Adjacency
from spel.core.html import markers_html
from spel.core.numbers import as_unmasked
from spel.errors import FormatError, ParameterError, ShapeError

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Markers:
    """Labelled pixels of one image; a stroke is one connected component of one label.

    Parameters
    ----------
    points : (n, ndim) array of int
        ``(row, col)`` or ``(plane, row, col)``, inside the image, in any order.
    labels : (n,) array of int
        One label per point, at least 0, as in the file or from the user.
    size : (rows, cols) or (planes, rows, cols)
        Of the image that was marked.
    background : int, optional
        The label of everything that is *not* an object; None where labels are classes. Labels are
        never shifted: files of libift use 0, those of LIDS 1.
    ids : (n,) array of int, optional
        Stroke numbers of the file; -1 where it has none.

    Raises
    ------
    ShapeError
        If the lengths of the arrays differ.
    ParameterError
        If a point lies outside of the image, or a label is negative.

    Examples
    --------
    >>> markers = Markers([(0, 0), (0, 1), (2, 2)], [1, 1, 0], (3, 3))
    >>> markers.classes, len(markers), markers.strokes().tolist()
    ((0, 1), 3, [1, 1, 2])
    >>> markers.is_object.tolist()
    [True, True, False]
    """

    points: IntArray
    labels: IntArray
    size: tuple[int, ...]
    background: int | None = 0
    ids: IntArray = None  # type: ignore[assignment]  # -1 each, see below

    if TYPE_CHECKING:  # lists are taken; the fields hold arrays

        def __init__(
            self,
            points: npt.ArrayLike,
            labels: npt.ArrayLike,
            size: Sequence[int],
            background: int | None = 0,
            ids: npt.ArrayLike | None = None,
        ) -> None: ...

    def __post_init__(self) -> None:
        size = tuple(int(n) for n in self.size)
        if len(size) not in (2, 3) or any(n < 1 for n in size):
            raise ShapeError(
                f"Markers: size {self.size!r}; expected (rows, cols) or (planes, rows, cols), each "
                "at least 1"
            )
        points = _integers("points", self.points)
        points = points.reshape(0, len(size)) if points.size == 0 else points
        if points.ndim != 2 or points.shape[1] != len(size):
            raise ShapeError(
                f"Markers: points of shape {np.shape(self.points)} for an image of {size} pixels; "
                f"expected (n, {len(size)})"
            )
        labels = _integers("labels", self.labels)
        ids = np.full(len(points), -1) if self.ids is None else _integers("ids", self.ids)
        if labels.shape != (len(points),) or ids.shape != (len(points),):
            raise ShapeError(
                f"Markers: {len(points)} points, labels of shape {labels.shape}, ids of shape "
                f"{ids.shape}; expected one label and one id per point"
            )
        outside = ((points < 0) | (points >= np.asarray(size))).any(axis=1)
        if outside.any():
            raise ParameterError(
                f"Markers: point {tuple(points[outside][0].tolist())} lies outside the image of "
                f"{size} pixels ({int(outside.sum())} such points); draw inside, or check rows and "
                "columns"
            )
        if len(labels) and labels.min() < 0:
            raise ParameterError(f"Markers: label {labels.min()}; expected labels of at least 0")
        for name, array in (("points", points), ("labels", labels), ("ids", ids)):
            frozen = np.array(array, dtype=np.int64, order="C")
            frozen.setflags(write=False)
            object.__setattr__(self, name, frozen)
        object.__setattr__(self, "size", size)

    @classmethod
    def from_image(cls, labels: npt.ArrayLike, *, background: int | None = 0) -> Markers:
        """Markers of an image of integers: -1 where nothing is drawn, else the label.

        Examples
        --------
        >>> Markers.from_image([[-1, 1], [0, -1]]).points.tolist()
        [[0, 1], [1, 0]]
        """
        image = _integers("label image", labels)
        points = np.argwhere(image >= 0)
        return cls(points, image[image >= 0], image.shape, background)

    # -- derived -----------------------------------------------------------------------------

    @property
    def ndim(self) -> int:
        """Number of axes of the image: 2 or 3."""
        return len(self.size)

    @property
    def classes(self) -> tuple[int, ...]:
        """Labels that occur, in increasing order."""
        return tuple(int(c) for c in np.unique(self.labels))

    @property
    def is_object(self) -> npt.NDArray[np.bool_]:
        """For each point, whether it belongs to an object (always, if labels are classes)."""
        if self.background is None:
            return np.ones(len(self), dtype=bool)
        result: npt.NDArray[np.bool_] = self.labels != self.background
        return result

    def at(self, spels: IntArray) -> IntArray:
        """The index of the last point at each spel (n, ndim); -1 where nothing is drawn.

        Spels may lie beside the image. It takes memory for the points, not for the image.
        """
        if not len(self):
            return np.full(len(spels), -1)
        places = _numbers(self.points, self.size)
        order = np.argsort(places, kind="stable")
        wanted = _numbers(spels, self.size)
        last = np.searchsorted(places[order], wanted, side="right") - 1
        index = order[last]
        return np.where((last >= 0) & (places[index] == wanted), index, -1)

    def image(self) -> npt.NDArray[np.int32]:
        """Label image: -1 where nothing is drawn; of coinciding points the last one counts."""
        drawn = np.full(self.size, -1, dtype=np.int32)
        drawn[tuple(self.points.T)] = self.labels
        return drawn

    def strokes(self, *, by_label: bool = True) -> IntArray:
        """Number of the stroke of each point, from 1 in raster order of their first points.

        Parameters
        ----------
        by_label : bool
            Whether touching points of different labels belong to different strokes; False joins
            them, as libift does.
        """
        owner = self.at(self.points)  # where two points coincide, the last one counts
        pairs = []
        for step in Adjacency.box(3, ndim=self.ndim).displacements:
            near = self.at(self.points + step)
            joined = (near >= 0) & (owner == np.arange(len(self)))
            if by_label:
                joined &= self.labels[near] == self.labels
            pairs.append(np.stack([np.flatnonzero(joined), near[joined]]))
        if not len(self):
            return np.zeros(0, dtype=np.int64)
        order = np.argsort(np.ravel_multi_index(tuple(self.points.T), self.size), kind="stable")
        first = _first_of_component(np.concatenate(pairs, axis=1), order)[owner]
        return np.unique(first, return_inverse=True)[1].astype(np.int64) + 1

    def boxes(self) -> npt.NDArray[np.float64]:
        """The box ``x0 y0 x1 y1`` of each object stroke of an image, in the order of strokes.

        Examples
        --------
        >>> Markers([(2, 3), (3, 4), (9, 9)], [1, 1, 0], (12, 12)).boxes().tolist()
        [[3.0, 2.0, 5.0, 4.0]]
        """
        if self.ndim != 2:
            raise ShapeError(f"Markers: boxes of {self.ndim} axes; expected strokes of an image")
        numbers = self.strokes()
        parts = [self.points[numbers == n] for n in np.unique(numbers[self.is_object])]
        boxes = [[*p.min(axis=0)[::-1], *(p.max(axis=0)[::-1] + 1)] for p in parts]
        return np.array(boxes, dtype=np.float64).reshape(-1, 4)

    def stroke_count(self) -> int:
        """Number of strokes."""
        return int(self.strokes().max(initial=0))

    def _repr_html_(self) -> str:
        return markers_html(self)

    # -- editing: each returns new markers ---------------------------------------------------

    def draw(self, points: npt.ArrayLike, label: int) -> Markers:
        """These markers with one more stroke, whose label replaces those below it."""
        new = _integers("points", points).reshape(-1, self.ndim)
        rest = ~_contained(self.points, new, self.size)
        number = max(int(self.ids.max(initial=-1)) + 1, 1)
        return Markers(
            np.concatenate([self.points[rest], new]),
            np.concatenate([self.labels[rest], np.full(len(new), label)]),
            self.size,
            self.background,
            np.concatenate([self.ids[rest], np.full(len(new), number)]),
        )

    def erase(self, points: npt.ArrayLike) -> Markers:
        """These markers without the points."""
        gone = _integers("points", points).reshape(-1, self.ndim)
        return self.only(~_contained(self.points, gone, self.size))

    def only(self, choice: npt.ArrayLike) -> Markers:
        """Some of the points: `choice` is a boolean per point, or their indices."""
        index = np.asarray(choice)
        index = index if index.size else index.astype(np.int64)
        return Markers(
            self.points[index], self.labels[index], self.size, self.background, self.ids[index]
        )

    def rescaled(self, stride: int | Sequence[int], size: Sequence[int]) -> Markers:
        """Markers of an image subsampled at 0, s, 2s, ...: ``point // stride``, each once.

        Parameters
        ----------
        stride : int or sequence of int
        size : sequence of int
            Of the subsampled image, ``ceil(n / stride)``.

        Examples
        --------
        >>> Markers([(0, 1), (1, 1), (4, 4)], [1, 1, 0], (5, 5)).rescaled(2, (3, 3)).points.tolist()
        [[0, 0], [2, 2]]
        """
        steps = np.broadcast_to(np.asarray(stride), (self.ndim,))
        moved = np.minimum(self.points // steps, np.asarray(size) - 1)
        rows = np.concatenate([moved, self.labels[:, None]], axis=1)
        _, first = np.unique(rows, axis=0, return_index=True)
        first.sort()
        return Markers(
            moved[first], self.labels[first], tuple(size), self.background, self.ids[first]
        )

    def check_fits(self, size: Sequence[int], name: str = "the image") -> None:
        """Raise a `FormatError` unless these markers were drawn on an image of this size."""
        if tuple(size) != self.size:
            raise FormatError(
                f"the markers belong to an image of {_size(self.size)} pixels, but {name} has "
                f"{_size(size)}; use "
                "the image that was marked, or draw the markers again"
            )

    def __len__(self) -> int:
        return len(self.points)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Markers):
            return NotImplemented
        return (
            self.size == other.size
            and self.background == other.background
            and np.array_equal(self.points, other.points)
            and np.array_equal(self.labels, other.labels)
            and np.array_equal(self.ids, other.ids)
        )

    def __hash__(self) -> int:
        return hash((self.size, self.background, self.points.tobytes(), self.labels.tobytes()))

    def __repr__(self) -> str:
        parts = [f"{int((self.labels == c).sum())} of label {c}" for c in self.classes]
        return f"Markers({', '.join(parts) or 'none'} on {_size(self.size)} pixels)"


def _integers(name: str, values: npt.ArrayLike) -> IntArray:
    array = as_unmasked(values, f"Markers: {name}")
    if array.size == 0:
        return array.astype(np.int64)
    if array.dtype.kind not in "iub":
        raise ParameterError(f"Markers: {name} of dtype {array.dtype}; expected whole numbers")
    return array.astype(np.int64)


def _contained(points: IntArray, others: IntArray, size: Sequence[int]) -> npt.NDArray[np.bool_]:
    inside = ((others >= 0) & (others < np.asarray(size))).all(axis=1)
    return np.isin(_numbers(points, size), _numbers(others[inside], size))


def _numbers(spels: IntArray, size: Sequence[int]) -> IntArray:
    """The number of each spel in raster order, in an image with a border of one spel."""
    wide = tuple(n + 2 for n in size)
    return np.asarray(np.ravel_multi_index(tuple((spels + 1).T), wide), dtype=np.int64)


def _first_of_component(pairs: IntArray, order: IntArray) -> IntArray:
    """For each item, the first one in `order` among all that pairs connect it to."""
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    ends = rank[pairs]
    least = np.arange(len(order))
    while True:
        before = least.copy()
        for one, other in (ends, ends[::-1]):
            np.minimum.at(least, before[one], before[other])
        least = least[least]  # whole chains collapse at each pass
        if np.array_equal(least, before):
            return least[rank]


def _size(size: Sequence[int]) -> str:
    return " x ".join(str(int(n)) for n in size)
