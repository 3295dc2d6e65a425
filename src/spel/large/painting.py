"""Label images larger than memory, painted object by object, with what is measured of each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.io.large.stored_band import StoredBand
from spel.large.places import Place, place_of
from spel.large.tiling import Folder

Mask = npt.NDArray[np.bool_]


class Painting:
    """A label image on disk: objects that come later take no spels of those before them.

    An object without a free spel gets no number. `labels` has one channel of int32: 0 where there
    is no object, then 1, 2, ... as they were painted.

    Examples
    --------
    >>> painting = Painting((2, 4))
    >>> whole, two = np.ones((2, 2), bool), np.ones((1, 3), bool)
    >>> painting.add((slice(0, 2), slice(0, 2)), whole)
    True
    >>> painting.add((slice(0, 1), slice(1, 4)), two)
    True
    >>> painting.labels[:][..., 0].tolist()
    [[1, 1, 2, 2], [1, 1, 0, 0]]
    >>> painting.areas.tolist(), painting.bounds[1].tolist(), painting.centroids[1].tolist()
    ([4, 2], [[0, 2], [1, 4]], [0.0, 2.5])
    """

    def __init__(self, size: Sequence[int], folder: Folder = None) -> None:
        self.size = tuple(map(int, size))
        self.labels = StoredBand((*self.size, 1), np.int32, folder)
        self._measures: list[tuple[int, ...]] = []

    def add(self, window: Place, mask: Mask) -> bool:
        """Paint the mask in a window of the image where it is free; whether anything was."""
        return self.add_parts([(window, mask)])

    def add_parts(self, parts: Iterable[tuple[Place, Mask]]) -> bool:
        """Paint an object that comes window by window."""
        number, ndim = len(self._measures) + 1, len(self.size)
        rows = [row for window, mask in parts if (row := self._paint(window, mask, number))]
        if rows:
            columns = list(zip(*rows))
            sums = [sum(column) for column in columns[: 1 + ndim]]
            ends = [max(c) if i % 2 else min(c) for i, c in enumerate(columns[1 + ndim :])]
            self._measures.append((*sums, *ends))
        return bool(rows)

    def _paint(self, window: Place, mask: Mask, number: int) -> tuple[int, ...]:
        """The area, the sums of places and the ends along each axis of what was free."""
        there = self.labels[window]
        free = mask & (there[..., 0] == 0)
        places = [p.astype(np.int64) + s.start for p, s in zip(np.nonzero(free), window)]
        if not len(places[0]):
            return ()
        there[free] = number
        self.labels[window] = there
        ends = [end for p in places for end in (int(p.min()), int(p.max()) + 1)]
        return (len(places[0]), *(int(p.sum()) for p in places), *ends)

    def __len__(self) -> int:
        return len(self._measures)

    @property
    def areas(self) -> npt.NDArray[np.int64]:
        """Spels of each object."""
        return self._table()[:, 0]

    @property
    def bounds(self) -> npt.NDArray[np.int64]:
        """First and one past the last index of each object along each axis: (n, 2, ndim)."""
        ndim = len(self.size)
        return self._table()[:, 1 + ndim :].reshape(-1, ndim, 2).transpose(0, 2, 1)

    @property
    def centroids(self) -> npt.NDArray[np.float64]:
        """Mean place of the spels of each object."""
        table = self._table()
        return np.asarray(table[:, 1 : 1 + len(self.size)] / table[:, :1], dtype=np.float64)

    def _table(self) -> npt.NDArray[np.int64]:
        return np.array(self._measures, dtype=np.int64).reshape(-1, 1 + 3 * len(self.size))


@dataclass(frozen=True, eq=False)
class PaintedObjects:
    """The objects of an image larger than memory, best first; an `spel.core.ObjectTable`.

    Attributes
    ----------
    labels : StoredBand
    size : ([planes,] rows, cols)
    scores : (n,) array of float64
    classes, areas : (n,) arrays of int64
    bounds : (n, 2, ndim) array of int64
    centroids : (n, ndim) array of float64
    names : tuple of str
    """

    labels: StoredBand
    size: tuple[int, ...]
    scores: npt.NDArray[np.float64]
    classes: npt.NDArray[np.int64]
    areas: npt.NDArray[np.int64]
    bounds: npt.NDArray[np.int64]
    centroids: npt.NDArray[np.float64]
    names: tuple[str, ...]

    @classmethod
    def of(
        cls, painting: Painting, scores: Any, classes: Any, names: tuple[str, ...]
    ) -> PaintedObjects:
        """The objects of a painting, with the score, the class and its name for each."""
        return cls(
            painting.labels,
            painting.size,
            np.asarray(scores, dtype=np.float64),
            np.asarray(classes, dtype=np.int64),
            painting.areas,
            painting.bounds,
            painting.centroids,
            names,
        )

    def part(self, number: int) -> Mask:
        """The mask of one object, counted from 0, inside its bounds."""
        window = place_of(self.bounds[number].T.tolist())
        part: Mask = self.labels[window][..., 0] == number + 1
        return part
