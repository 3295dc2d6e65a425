"""Connected components across the seams of tiles."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from spel import ops
from spel.core.adjacency import Adjacency
from spel.large.places import Place, common, inside, place_of

Labels = npt.NDArray[np.int64]
Part = tuple[npt.NDArray[Any], ...]


class Seams:
    """Connected components of tiles in raster order, joined where they touch.

    Of each tile the labels of its last spels along each axis are kept, as many as the adjacency
    reaches, until no tile to come can touch them.
    """

    def __init__(self, adjacency: Adjacency, size: Sequence[int]) -> None:
        self.adjacency, self.size = adjacency, tuple(map(int, size))
        steps = adjacency.displacements
        # Spels are joined by a displacement or its opposite.
        self.steps = np.unique(np.concatenate([steps, -steps]), axis=0).tolist()
        self.reach = reach_of(adjacency)
        self.faces: list[tuple[Place, Labels]] = []
        self.count = 0
        self.pairs: list[npt.NDArray[np.int64]] = []
        self.parts: list[dict[str, npt.NDArray[Any]]] = []

    def add(self, place: Place, part: Part) -> None:
        """Join the components of the tile at a place with those before it."""
        measures = dict(zip(_FIELDS, part))
        faces = [
            (where, np.where(labels > 0, labels.astype(np.int64) + self.count, 0))
            for where, labels in zip(faces_of(place, self.reach), part[len(_FIELDS) :], strict=True)
        ]
        top, reach = place[0].start, self.reach[0]
        self.faces = [face for face in self.faces if face[0][0].stop + reach > top]
        for one, (other, labels) in product(faces, self.faces):
            self._join(*one, other, labels)
        self.faces += [face for face in faces[1::2] if face[1].any()]
        self.parts.append(measures)
        self.count += len(measures["areas"])

    def regions(self) -> tuple[ops.Regions, npt.NDArray[np.int64]]:
        """The joined components in raster order, and the flat index of each one's maximum."""
        whole = {key: np.concatenate([p[key] for p in self.parts]) for key in _FIELDS}
        group = self.numbers() - 1
        n = int(group.max(initial=-1)) + 1
        axes = self.adjacency.ndim
        areas = np.bincount(group, whole["areas"], minlength=n).astype(np.int64)
        low, high = np.full((n, axes), np.iinfo(np.int64).max), np.zeros((n, axes), dtype=np.int64)
        maxima = np.full(n, -np.inf)
        np.minimum.at(low, group, whole["low"])
        np.maximum.at(high, group, whole["high"])
        np.maximum.at(maxima, group, whole["maxima"])
        strongest = np.full(n, np.iinfo(np.int64).max)
        top = whole["maxima"] == maxima[group]
        np.minimum.at(strongest, group[top], whole["strongest"][top])
        unknown = np.full((n, axes), np.nan)
        joined = ops.Regions(
            np.arange(1, n + 1), areas, low, high, unknown, np.full(n, np.nan), maxima
        )
        return joined, strongest

    def _join(self, place: Place, labels: Labels, other: Place, others: Labels) -> None:
        """Record the pairs of labels that a displacement joins, of two faces."""
        for step in self.steps:
            shifted = place_of((o.start - s, o.stop - s) for o, s in zip(other, step))
            shared = common(place, shifted)
            if shared is None:
                continue
            here, there = labels[inside(shared, place)], others[inside(shared, shifted)]
            both = (here > 0) & (there > 0)
            if both.any():
                self.pairs.append(np.unique(np.stack([here[both], there[both]], axis=1), axis=0))

    def numbers(self) -> npt.NDArray[np.int64]:
        """The number of each tile's components, from 1 in raster order when they are joined."""
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        pairs = np.concatenate([np.zeros((0, 2), dtype=np.int64), *self.pairs]) - 1
        links = coo_array((np.ones(len(pairs), dtype=bool), pairs.T), shape=(self.count,) * 2)
        count, group = connected_components(links, directed=False)
        first = np.full(count, np.iinfo(np.int64).max)
        np.minimum.at(first, group, np.concatenate([_NO_SPELS, *(p["first"] for p in self.parts)]))
        ranks = np.empty(count, dtype=np.int64)
        ranks[np.argsort(first)] = np.arange(1, count + 1)
        numbers: npt.NDArray[np.int64] = ranks[group]
        return numbers


def components_of_tile(
    adjacency: Adjacency,
    size: Sequence[int],
    place: Place,
    saliency: npt.NDArray[Any],
    threshold: float,
) -> Part:
    """What `Seams` must know of a tile: the measures of its components, and labels at its sides."""
    labels = ops.label(ops.threshold(saliency, threshold), adjacency)
    return measures(adjacency, size, place, labels, saliency)


def measures(
    adjacency: Adjacency,
    size: Sequence[int],
    place: Place,
    labels: npt.NDArray[np.int32],
    saliency: npt.NDArray[Any],
) -> Part:
    """What `Seams` must know of a tile whose components are labelled."""
    measured = ops.regions(labels, saliency)
    corner = np.array([span.start for span in place])
    spels = np.flatnonzero(labels)
    own, values = labels.ravel()[spels], saliency.ravel()[spels].astype(np.float64)
    flat = _flat(spels, labels.shape, corner, size)
    first = np.full(len(measured), np.iinfo(np.int64).max)
    np.minimum.at(first, own - 1, flat)
    strongest = np.full(len(measured), np.iinfo(np.int64).max)
    top = values == measured.maxima[own - 1]
    np.minimum.at(strongest, own[top] - 1, flat[top])
    ends = measured.low + corner, measured.high + corner
    faces = (labels[inside(where, place)] for where in faces_of(place, reach_of(adjacency)))
    return (measured.areas, *ends, measured.maxima, first, strongest, *faces)


def reach_of(adjacency: Adjacency) -> list[int]:
    """How far an adjacency reaches along each axis, to either side."""
    reach: list[int] = np.abs(adjacency.displacements).max(axis=0, initial=0).tolist()
    return reach


def faces_of(place: Place, reach: Sequence[int]) -> Iterator[Place]:
    """The first and the last spels of a tile along each axis, as many as the reach."""
    for axis, (span, n) in enumerate(zip(place, reach)):
        first = slice(span.start, min(span.start + n, span.stop))
        last = slice(max(span.stop - n, span.start), span.stop)
        for side in (first, last):
            yield (*place[:axis], side, *place[axis + 1 :])


def _flat(
    spels: npt.NDArray[np.intp],
    shape: tuple[int, ...],
    corner: npt.NDArray[np.int64],
    size: Sequence[int],
) -> npt.NDArray[np.int64]:
    """Flat indices in the image of spels of a tile."""
    flat = np.zeros(len(spels), np.int64)
    for at, start, n in zip(np.unravel_index(spels, shape), corner.tolist(), size):
        flat *= n
        flat += at
        flat += start
    return flat


_NO_SPELS = np.zeros(0, np.int64)
_FIELDS = ("areas", "low", "high", "maxima", "first", "strongest")
