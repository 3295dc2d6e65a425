"""Connected components across the seams of tiles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from spel import ops
from spel.core.adjacency import Adjacency

Slices = tuple[slice, ...]


class Seams:
    """Connected components of tiles that come in raster order, joined where they touch.

    It keeps the labels of the last rows of the tiles above and of the last columns of the previous
    tile, as many as the adjacency reaches.
    """

    def __init__(self, cols: int, adjacency: Adjacency) -> None:
        self.cols, self.adjacency = cols, adjacency
        steps = adjacency.displacements
        back = (steps[:, 0] < 0) | ((steps[:, 0] == 0) & (steps[:, 1] < 0))
        ahead = (steps[:, 0] > 0) | ((steps[:, 0] == 0) & (steps[:, 1] > 0))
        # Pixels are joined by a displacement or its opposite, so backward ones suffice.
        self.steps = np.unique(np.concatenate([steps[back], -steps[ahead]]), axis=0)
        self.reach = tuple(int(np.abs(self.steps[:, i]).max(initial=0)) for i in (0, 1))
        self.above = np.zeros((self.reach[0], cols), dtype=np.int64)
        self.below = self.above.copy()
        self.before = np.zeros((0, self.reach[1]), dtype=np.int64)
        self.count = 0
        self.pairs: list[npt.NDArray[np.int64]] = []
        self.parts: list[dict[str, npt.NDArray[Any]]] = []

    def add(self, saliency: npt.NDArray[Any], threshold: float, out: Slices) -> None:
        """Label the components of a tile and join them with those above and before it."""
        rows, cols = out
        if cols.start == 0:
            self._next_row(rows)
        local = ops.label(saliency > threshold, self.adjacency).astype(np.int64)
        numbered = np.where(local > 0, local + self.count, 0)
        self._measure(saliency, local, rows.start, cols.start)
        self._join(numbered, cols)
        high, wide = self.reach
        if high:
            self._remember(numbered, cols)
        columns = np.concatenate([self.before, numbered], axis=1) if wide else numbered[:, :0]
        self.before = columns[:, max(0, columns.shape[1] - wide) :]

    def regions(self) -> tuple[ops.Regions, npt.NDArray[np.int64]]:
        """The joined components in raster order, and the flat index of each one's maximum."""
        whole = {key: np.concatenate([p[key] for p in self.parts]) for key in _FIELDS}
        group = self._groups()
        n = int(group.max(initial=-1)) + 1
        areas = np.bincount(group, whole["areas"], minlength=n).astype(np.int64)
        first = np.full(n, np.iinfo(np.int64).max)
        low, high = np.full((n, 2), np.iinfo(np.int64).max), np.zeros((n, 2), dtype=np.int64)
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
        partial = ops.Regions(
            np.arange(1, n + 1),
            areas[order],
            low[order],
            high[order],
            np.full((n, 2), np.nan),
            unknown,
            maxima[order],
        )
        return partial, strongest[order]

    def _next_row(self, rows: slice) -> None:
        self.above, self.below = self.below, self.below.copy()
        self.before = np.zeros((rows.stop - rows.start, 0), dtype=np.int64)

    def _remember(self, numbered: npt.NDArray[np.int64], cols: slice) -> None:
        high = self.reach[0]
        stacked = np.concatenate([self.above[:, cols], numbered])[-high:]
        self.below[:, cols] = stacked

    def _join(self, numbered: npt.NDArray[np.int64], cols: slice) -> None:
        """Record the pairs of labels that a backward displacement joins across a seam."""
        high, wide = self.reach
        rows, width = numbered.shape
        left = self.before.shape[1]
        right = min(wide, self.cols - cols.stop)
        field = np.zeros((high + rows, left + width + right), dtype=np.int64)
        field[:high] = self.above[:, cols.start - left : cols.stop + right]
        field[high:, :left] = self.before
        field[high:, left : left + width] = numbered
        inside = np.zeros(field.shape, dtype=bool)
        inside[high:, left : left + width] = True
        for step in self.steps.tolist():
            if any(abs(s) >= n for s, n in zip(step, field.shape)):
                continue
            here, there = _pairs(field, step)
            crossing = np.not_equal(*_pairs(inside, step)) & (here > 0) & (there > 0)
            if crossing.any():
                pairs = np.stack([here[crossing], there[crossing]], axis=1)
                self.pairs.append(np.unique(pairs, axis=0))

    def _measure(
        self, saliency: npt.NDArray[Any], local: npt.NDArray[np.int64], top: int, left: int
    ) -> None:
        regions = ops.regions(local, saliency)
        rows, cols = np.nonzero(local)
        labels = local[rows, cols]
        flat = (rows + top) * self.cols + cols + left
        values = saliency[rows, cols].astype(np.float64)
        first = np.full(len(regions), np.iinfo(np.int64).max)
        np.minimum.at(first, labels - 1, flat)
        top_value = values == regions.maxima[labels - 1]
        strongest = np.full(len(regions), np.iinfo(np.int64).max)
        np.minimum.at(strongest, labels[top_value] - 1, flat[top_value])
        shift = np.array([top, left])
        self.parts.append(
            {
                "areas": regions.areas,
                "low": regions.low + shift,
                "high": regions.high + shift,
                "maxima": regions.maxima,
                "first": first,
                "strongest": strongest,
            }
        )
        self.count += len(regions)

    def _groups(self) -> npt.NDArray[np.int64]:
        """The number of the joined component, from 0, of each component of a tile."""
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        pairs = np.concatenate([np.zeros((0, 2), dtype=np.int64), *self.pairs]) - 1
        links = coo_array((np.ones(len(pairs), dtype=bool), pairs.T), shape=(self.count,) * 2)
        _, group = connected_components(links, directed=False)
        return np.asarray(group, dtype=np.int64)


_FIELDS = ("areas", "low", "high", "maxima", "first", "strongest")


def _pairs(
    field: npt.NDArray[Any], step: Sequence[int]
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """The values of all pixels that have a neighbour at `step`, and of those neighbours."""
    here = tuple(slice(max(0, -s), n - max(0, s)) for s, n in zip(step, field.shape))
    there = tuple(slice(max(0, s), n - max(0, -s)) for s, n in zip(step, field.shape))
    return field[here], field[there]
