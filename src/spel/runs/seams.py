"""Connected components across the seams of tiles."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from spel import ops
from spel.core.adjacency import Adjacency

Place = tuple[slice, ...]
Labels = npt.NDArray[np.int64]


class Seams:
    """Connected components of tiles in raster order, joined where they touch.

    Of each tile the labels of its last spels along each axis are kept, as many as the adjacency
    reaches, until no tile to come can touch them.

    Parameters
    ----------
    adjacency : Adjacency
    size : ([planes,] rows, cols)
        Of the image that the tiles are parts of.
    """

    def __init__(self, adjacency: Adjacency, size: Sequence[int]) -> None:
        self.adjacency, self.size = adjacency, tuple(map(int, size))
        steps = adjacency.displacements
        # Spels are joined by a displacement or its opposite.
        self.steps = np.unique(np.concatenate([steps, -steps]), axis=0).tolist()
        self.reach = np.abs(steps).max(axis=0, initial=0).tolist()
        self.faces: list[tuple[Place, Labels]] = []
        self.count = 0
        self.pairs: list[npt.NDArray[np.int64]] = []
        self.parts: list[dict[str, npt.NDArray[Any]]] = []

    def add(self, place: Place, saliency: npt.NDArray[Any], threshold: float) -> None:
        """Label the components of the tile at a place, and join them with those before it."""
        local = ops.label(ops.threshold(saliency, threshold), self.adjacency)
        top, reach = place[0].start, self.reach[0]
        self.faces = [face for face in self.faces if face[0][0].stop + reach > top]
        for other, labels in self.faces:
            self._join(place, local, other, labels)
        self.faces += list(self._last_spels(place, local))
        self._measure(place, saliency, local)

    def _last_spels(
        self, place: Place, local: npt.NDArray[np.int32]
    ) -> Iterator[tuple[Place, Labels]]:
        """The last labels along each axis, with their place; those without a component are none."""
        for axis, reach in enumerate(self.reach):
            first = max(0, local.shape[axis] - reach)
            labels = local[(slice(None),) * axis + (slice(first, None),)].astype(np.int64)
            if labels.any():
                span = slice(place[axis].start + first, place[axis].stop)
                yield (
                    (*place[:axis], span, *place[axis + 1 :]),
                    np.where(labels > 0, labels + self.count, 0),
                )

    def regions(self) -> tuple[ops.Regions, npt.NDArray[np.int64]]:
        """The joined components in raster order, and the flat index of each one's maximum."""
        whole = {key: np.concatenate([p[key] for p in self.parts]) for key in _FIELDS}
        group = self._groups()
        n = int(group.max(initial=-1)) + 1
        axes = self.adjacency.ndim
        areas = np.bincount(group, whole["areas"], minlength=n).astype(np.int64)
        first = np.full(n, np.iinfo(np.int64).max)
        low, high = np.full((n, axes), np.iinfo(np.int64).max), np.zeros((n, axes), dtype=np.int64)
        maxima = np.full(n, -np.inf)
        np.minimum.at(first, group, whole["first"])
        np.minimum.at(low, group, whole["low"])
        np.maximum.at(high, group, whole["high"])
        np.maximum.at(maxima, group, whole["maxima"])
        strongest = np.full(n, np.iinfo(np.int64).max)
        top = whole["maxima"] == maxima[group]
        np.minimum.at(strongest, group[top], whole["strongest"][top])
        order = np.argsort(first, kind="stable")
        unknown = np.full(n, np.nan)
        joined = ops.Regions(
            np.arange(1, n + 1),
            areas[order],
            low[order],
            high[order],
            np.full((n, axes), np.nan),
            unknown,
            maxima[order],
        )
        return joined, strongest[order]

    def _join(
        self, place: Place, local: npt.NDArray[np.int32], other: Place, labels: Labels
    ) -> None:
        """Record the pairs of labels that a displacement joins, of a tile and an earlier face."""
        for step in self.steps:
            shifted = [slice(o.start - s, o.stop - s) for o, s in zip(other, step)]
            low = [max(p.start, o.start) for p, o in zip(place, shifted)]
            high = [min(p.stop, o.stop) for p, o in zip(place, shifted)]
            if any(a >= b for a, b in zip(low, high)):
                continue
            here = local[
                tuple(slice(a - p.start, b - p.start) for a, b, p in zip(low, high, place))
            ]
            there = labels[
                tuple(slice(a - o.start, b - o.start) for a, b, o in zip(low, high, shifted))
            ]
            both = (here > 0) & (there > 0)
            if both.any():
                pairs = np.stack([here[both].astype(np.int64) + self.count, there[both]], axis=1)
                self.pairs.append(np.unique(pairs, axis=0))

    def _measure(
        self, place: Place, saliency: npt.NDArray[Any], local: npt.NDArray[np.int32]
    ) -> None:
        measured = ops.regions(local, saliency)
        corner = np.array([span.start for span in place])
        spels = np.flatnonzero(local)
        labels, values = local.ravel()[spels], saliency.ravel()[spels].astype(np.float64)
        flat = self._flat(spels, local.shape, corner)
        first = np.full(len(measured), np.iinfo(np.int64).max)
        np.minimum.at(first, labels - 1, flat)
        top_value = values == measured.maxima[labels - 1]
        strongest = np.full(len(measured), np.iinfo(np.int64).max)
        np.minimum.at(strongest, labels[top_value] - 1, flat[top_value])
        self.parts.append(
            {
                "areas": measured.areas,
                "low": measured.low + corner,
                "high": measured.high + corner,
                "maxima": measured.maxima,
                "first": first,
                "strongest": strongest,
            }
        )
        self.count += len(measured)

    def _flat(
        self, spels: npt.NDArray[np.intp], shape: tuple[int, ...], corner: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.int64]:
        """Flat indices in the image of spels of a tile."""
        flat = np.zeros(len(spels), np.int64)
        for at, start, n in zip(np.unravel_index(spels, shape), corner.tolist(), self.size):
            flat *= n
            flat += at
            flat += start
        return flat

    def _groups(self) -> npt.NDArray[np.int64]:
        """The number of the joined component, from 0, of each component of a band."""
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        pairs = np.concatenate([np.zeros((0, 2), dtype=np.int64), *self.pairs]) - 1
        links = coo_array((np.ones(len(pairs), dtype=bool), pairs.T), shape=(self.count,) * 2)
        _, group = connected_components(links, directed=False)
        return np.asarray(group, dtype=np.int64)


_FIELDS = ("areas", "low", "high", "maxima", "first", "strongest")
