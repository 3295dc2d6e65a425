"""Connected components across the seams of bands."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from spel import ops
from spel.core.adjacency import Adjacency


class Seams:
    """Connected components of bands that come from the top, joined where they touch.

    A band is some of the rows of an image, or some of the planes of a volume. The labels of the
    last rows or planes are kept, as many as the adjacency reaches.
    """

    def __init__(self, adjacency: Adjacency) -> None:
        self.adjacency = adjacency
        steps = adjacency.displacements
        # Spels are joined by a displacement or its opposite, so those that lead up suffice.
        up, down = steps[steps[:, 0] < 0], -steps[steps[:, 0] > 0]
        self.steps = np.unique(np.concatenate([up, down]), axis=0)
        self.reach = int(-self.steps[:, 0].min(initial=0))
        self.above: npt.NDArray[np.int64] | None = None
        self.first = self.count = 0
        self.pairs: list[npt.NDArray[np.int64]] = []
        self.parts: list[dict[str, npt.NDArray[Any]]] = []

    def add(self, saliency: npt.NDArray[Any], threshold: float) -> None:
        """Label the components of a band, and join them with those above it."""
        local = ops.label(ops.threshold(saliency, threshold), self.adjacency).astype(np.int64)
        numbered = np.where(local > 0, local + self.count, 0)
        self._measure(saliency, local)
        above = numbered[:0] if self.above is None else self.above
        labels = np.concatenate([above, numbered])
        self._join(labels, len(above))
        self.above = labels[max(0, len(labels) - self.reach) :]
        self.first += len(saliency)

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

    def _join(self, labels: npt.NDArray[np.int64], above: int) -> None:
        """Record the pairs of labels that a displacement joins across the first `above` rows."""
        inside = np.zeros(labels.shape, dtype=bool)
        inside[above:] = True
        for step in self.steps.tolist():
            if any(abs(s) >= n for s, n in zip(step, labels.shape)):
                continue
            here, there = _pairs(labels, step)
            crossing = np.not_equal(*_pairs(inside, step)) & (here > 0) & (there > 0)
            if crossing.any():
                pairs = np.stack([here[crossing], there[crossing]], axis=1)
                self.pairs.append(np.unique(pairs, axis=0))

    def _measure(self, saliency: npt.NDArray[Any], local: npt.NDArray[np.int64]) -> None:
        measured = ops.regions(local, saliency)
        spels = np.flatnonzero(local)
        labels, values = local.ravel()[spels], saliency.ravel()[spels].astype(np.float64)
        flat = spels + self.first * math.prod(local.shape[1:])
        first = np.full(len(measured), np.iinfo(np.int64).max)
        np.minimum.at(first, labels - 1, flat)
        top_value = values == measured.maxima[labels - 1]
        strongest = np.full(len(measured), np.iinfo(np.int64).max)
        np.minimum.at(strongest, labels[top_value] - 1, flat[top_value])
        shift = np.array([self.first] + [0] * (local.ndim - 1))
        self.parts.append(
            {
                "areas": measured.areas,
                "low": measured.low + shift,
                "high": measured.high + shift,
                "maxima": measured.maxima,
                "first": first,
                "strongest": strongest,
            }
        )
        self.count += len(measured)

    def _groups(self) -> npt.NDArray[np.int64]:
        """The number of the joined component, from 0, of each component of a band."""
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        pairs = np.concatenate([np.zeros((0, 2), dtype=np.int64), *self.pairs]) - 1
        links = coo_array((np.ones(len(pairs), dtype=bool), pairs.T), shape=(self.count,) * 2)
        _, group = connected_components(links, directed=False)
        return np.asarray(group, dtype=np.int64)


_FIELDS = ("areas", "low", "high", "maxima", "first", "strongest")


def _pairs(
    labels: npt.NDArray[Any], step: Sequence[int]
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """The values of all spels that have a neighbour at `step`, and of those neighbours."""
    here = tuple(slice(max(0, -s), n - max(0, s)) for s, n in zip(step, labels.shape))
    there = tuple(slice(max(0, s), n - max(0, -s)) for s, n in zip(step, labels.shape))
    return labels[here], labels[there]
