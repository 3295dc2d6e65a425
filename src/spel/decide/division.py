"""Dividing a component into the parts that together look most like objects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spel.core.adjacency import Adjacency
from spel.decide.parts import Labels, Parts, common_window, flood_parts, parts, windows_of
from spel.decide.shape import Mask, Shape, fill_holes, roundness_of

Score = Callable[[float, float, float], float]
"""How much a shape of an area, elongation and roundness looks like an object; 0 is perfect."""

Piece = tuple[tuple[int, ...], Mask]

WORST = -50.0
"""Score of parts whose area lies outside of the range of objects, and the worst of the others."""


def divide(
    mask: Mask, score: Score, area: tuple[float, float], adjacency: Adjacency
) -> list[Piece]:
    """The parts of a component whose scores, weighted by their areas, have the highest sum.

    All parts of its watershed hierarchy compete (`spel.decide.parts`), once with the holes of the
    component and once without: a hole is the pale middle of an object or a gap between several.

    Parameters
    ----------
    mask : (rows, cols) array of bool, with planes before them for voxels
        One component.
    score : function of area, elongation and roundness
    area : (low, high)
        Parts outside this range are no objects.
    adjacency : Adjacency
        Which spels are neighbours.

    Returns
    -------
    list of (origin, mask)
        The place of the first spel of each part, and the part with its holes filled. Between two
        parts the border runs where the component is narrowest.

    Notes
    -----
    A choice among nested regions by dynamic programming, as in Arteta et al., "Learning to detect
    cells using non-overlapping extremal regions", 2012.

    Examples
    --------
    >>> bars = np.zeros((5, 11), bool)
    >>> bars[:, :5] = bars[:, 6:] = bars[2, 5] = True
    >>> like_a_square = lambda area, elongation, roundness: -abs(area - 25)
    >>> [(origin, piece.shape) for origin, piece in divide(bars, like_a_square, (1, 99),
    ...                                                    Adjacency.box(3))]
    [((0, 0), (5, 6)), ((0, 6), (5, 5))]
    """
    filled = fill_holes(mask)
    candidates = [_Division.of(mask, score, area, adjacency)]
    if not np.array_equal(filled, mask):
        candidates.append(_Division.of(filled, score, area, adjacency))
    best = max(candidates, key=lambda one: one.mean)
    return best.pieces(adjacency)


@dataclass(frozen=True, eq=False)
class _Division:
    """A division of a mask, and the mean score of its spels."""

    mask: Mask
    labels: Labels
    mean: float

    @classmethod
    def of(
        cls, mask: Mask, score: Score, area: tuple[float, float], adjacency: Adjacency
    ) -> _Division:
        hierarchy = parts(mask, adjacency=adjacency)
        values = _values(hierarchy, score, area)
        chosen = hierarchy.best_cut(values.tolist())
        return cls(
            mask, hierarchy.merged(chosen), float(values[np.array(chosen) - 1].sum() / mask.sum())
        )

    def pieces(self, adjacency: Adjacency) -> list[Piece]:
        """The parts, with the place of the first spel of each."""
        count = int(self.labels.max())
        labels = flood_parts(self.mask, self.labels, adjacency) if count > 1 else self.labels
        return [
            (tuple(s.start for s in window), fill_holes(labels[window] == number))
            for number, window in enumerate(windows_of(labels, count), 1)
        ]


def _values(hierarchy: Parts, score: Score, area: tuple[float, float]) -> npt.NDArray[np.float64]:
    """Area times score of each part."""
    areas = np.bincount(hierarchy.labels.ravel(), minlength=hierarchy.count + 1)[1:].tolist()
    windows = windows_of(hierarchy.labels, hierarchy.count)
    members: list[tuple[int, ...]] = [(number,) for number in range(1, hierarchy.count + 1)]
    for merge in hierarchy.merges:
        whole = areas[merge.first - 1] + areas[merge.second - 1]
        areas.append(whole)
        windows.append(common_window([windows[merge.first - 1], windows[merge.second - 1]]))
        fits = whole <= area[1]
        members.append(members[merge.first - 1] + members[merge.second - 1] if fits else ())
    values = np.array(areas) * WORST
    for part, (spels, window, own) in enumerate(zip(areas, windows, members)):
        if own and area[0] <= spels <= area[1]:
            piece = fill_holes(np.isin(hierarchy.labels[window], own))
            shape = Shape.of(piece)
            roundness = roundness_of(piece, shape, shape.centre)
            likeness = score(shape.area, shape.elongation, roundness)
            values[part] = spels * max(likeness, WORST)
    return values
