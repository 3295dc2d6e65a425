"""Parts of a mask: where touching objects separate, for every width of the neck between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.core.adjacency import Adjacency
from spel.core.numbers import as_numbers
from spel.errors import ShapeError
from spel.ops.flood import watershed
from spel.ops.label import label

Labels = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]
Window = tuple[slice, ...]


@dataclass(frozen=True)
class Merge:
    """Two parts that become one.

    Attributes
    ----------
    first, second, whole : int
        Numbers of the two parts, and of the part that they become.
    neck : float
        Height of the pass between both over the height of the lower peak, in 0..1: for a distance
        map, the width of the neck over the width of the narrower part.
    """

    first: int
    second: int
    whole: int
    neck: float


@dataclass(frozen=True, eq=False)
class Parts:
    """The smallest parts of a mask, and how they merge, widest neck first.

    Attributes
    ----------
    labels : (rows, cols) array of int32
        0 outside of the mask; 1 to `count` on the smallest parts.
    count : int
        Number of the smallest parts.
    merges : tuple of Merge
        The larger parts, numbered from `count` + 1, until only whole components are left.

    Examples
    --------
    >>> pair = Parts(np.array([[1, 1, 2]], np.int32), 2, (Merge(1, 2, 3, neck=0.4),))
    >>> pair.members(), pair.necks()
    ([(1,), (2,), (1, 2)], [0.4, 0.4, 0.0])
    >>> pair.cut(0.5).tolist(), pair.cut(0.3).tolist()
    ([[1, 1, 2]], [[1, 1, 1]])
    """

    labels: Labels
    count: int
    merges: tuple[Merge, ...]

    def members(self) -> list[tuple[int, ...]]:
        """The smallest parts that belong to each part, in the order of the parts' numbers."""
        members: list[tuple[int, ...]] = [(number,) for number in range(1, self.count + 1)]
        for merge in self.merges:
            members.append(members[merge.first - 1] + members[merge.second - 1])
        return members

    def necks(self) -> list[float]:
        """For each part, the neck at which it merges with another; 0 for a whole component."""
        necks = [0.0] * (self.count + len(self.merges))
        for merge in self.merges:
            necks[merge.first - 1] = necks[merge.second - 1] = merge.neck
        return necks

    def cut(self, neck: float) -> Labels:
        """The label image in which parts are separate if their neck is narrower than `neck`.

        Labels are numbered in the raster order of their first spels.

        Parameters
        ----------
        neck : float
            0 separates nothing, 1 every part.
        """
        wide = [merge for merge in self.merges if merge.neck >= neck]
        merged = {part for merge in wide for part in (merge.first, merge.second)}
        every = [*range(1, self.count + 1), *(merge.whole for merge in wide)]
        return self.merged([part for part in every if part not in merged])

    def best_cut(self, values: Sequence[float]) -> list[int]:
        """Numbers of the parts, none inside another, whose values have the highest sum.

        Together they cover the mask. Of equal sums, that of the larger part is taken.

        Parameters
        ----------
        values : sequence of float
            One for each part, in the order of the parts' numbers.

        Examples
        --------
        >>> pair = Parts(np.array([[1, 1, 2]], np.int32), 2, (Merge(1, 2, 3, neck=0.4),))
        >>> pair.best_cut([1, 2, 4]), pair.best_cut([2, 3, 4])
        ([3], [1, 2])
        """
        best = list(values)
        cut: dict[int, Merge] = {}
        for merge in self.merges:
            apart = best[merge.first - 1] + best[merge.second - 1]
            if apart > best[merge.whole - 1]:
                best[merge.whole - 1] = apart
                cut[merge.whole] = merge
        inside = {part for merge in self.merges for part in (merge.first, merge.second)}
        waiting = [part for part in range(1, len(best) + 1) if part not in inside]
        chosen = []
        while waiting:
            part = waiting.pop()
            if part in cut:
                waiting += [cut[part].first, cut[part].second]
            else:
                chosen.append(part)
        return sorted(chosen)

    def merged(self, chosen: Sequence[int]) -> Labels:
        """The label image of some parts that cover the mask, numbered in raster order.

        Parameters
        ----------
        chosen : sequence of int
            Numbers of parts, none inside another.
        """
        owner = np.arange(self.count + len(self.merges) + 1)
        taken = set(chosen)
        for merge in reversed(self.merges):
            if owner[merge.whole] != merge.whole or merge.whole in taken:
                owner[[merge.first, merge.second]] = owner[merge.whole]
        whole = owner[self.labels]
        values, first, inverse = np.unique(whole, return_index=True, return_inverse=True)
        numbers = np.zeros(len(values), dtype=np.int32)
        inside = np.flatnonzero(values)
        numbers[inside[np.argsort(first[inside])]] = np.arange(1, len(inside) + 1)
        return numbers[inverse].reshape(whole.shape)


def parts(
    mask: npt.ArrayLike,
    heights: npt.ArrayLike | None = None,
    adjacency: Adjacency | None = None,
    *,
    spacing: tuple[float, ...] | None = None,
    rounding: float = 0.0,
) -> Parts:
    """The watershed hierarchy of a mask: one part per peak, merged over the widest neck first.

    Parameters
    ----------
    mask : (rows, cols) array, with planes before them for voxels
    heights : array of the mask's shape, optional
        A map that is high in the middle of objects and low between them, and above 0 on the mask,
        for example the saliency; by default the distance of every spel to the outside, smoothed.
    adjacency : Adjacency, optional
        Which spels are neighbours; by default all that touch, diagonals included.
    spacing : tuple of float, optional
        Length of a step along each axis, for the distance; by default all are 1.
    rounding : float
        By how much more than its height a pass counts, in the unit of the heights: outlines are
        drawn in whole spels, so that the distance along a thin object goes up and down.

    Returns
    -------
    Parts

    Raises
    ------
    ShapeError
        If mask, heights and adjacency do not fit one another.

    Notes
    -----
    After Grimaud, "A new measure of contrast: the dynamics", 1992, but with the ratio of pass and
    peak in place of their difference, so that it does not depend on the scale.

    Examples
    --------
    >>> bars = np.zeros((5, 11), bool)
    >>> bars[:, :5] = bars[:, 6:] = bars[2, 5] = True
    >>> parts(bars).cut(0.8)[2].tolist()
    [1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2]
    """
    inside = as_numbers(mask, "parts", "mask") != 0
    near = adjacency or Adjacency.box(3, ndim=inside.ndim)
    values = _depth(inside, spacing) if heights is None else np.asarray(heights, dtype=np.float32)
    if values.shape != inside.shape or near.ndim != inside.ndim:
        raise ShapeError(
            f"parts: mask of shape {inside.shape}, heights of {values.shape}, adjacency of "
            f"{near.ndim} axes; expected the same spels"
        )
    if not inside.any():
        return Parts(np.zeros(inside.shape, np.int32), 0, ())
    seeds = label(_peaks(np.where(inside, values, -np.inf)), near)
    lows = np.where(inside, -values, np.nan).astype(np.float32)
    labels = watershed(lows, np.where(seeds > 0, seeds, -1), near)
    labels = np.where(labels < 0, 0, labels).astype(np.int32)
    count = int(seeds.max())
    peaks = np.zeros(count + 1)
    np.maximum.at(peaks, labels.ravel(), np.where(labels > 0, values, 0).ravel())
    passes = {pair: top + rounding for pair, top in _passes(labels, values, near).items()}
    return Parts(labels, count, tuple(_merges(peaks, passes)))


def flood_parts(
    mask: Mask,
    labels: Labels,
    adjacency: Adjacency | None = None,
    spacing: tuple[float, ...] | None = None,
) -> Labels:
    """The parts again, with the border of each where the mask is narrowest.

    The hierarchy is built on smoothed distances, which have few peaks but blunt necks; here the
    deepest spel of each part is the seed of a watershed on the distances as they are. It is
    scikit-image's, which spreads by the distance of each spel alone: where a basin lies behind a
    pass, `spel.ops.watershed` sees a plateau, and cuts it less evenly.

    Parameters
    ----------
    mask : (rows, cols) array of bool
    labels : (rows, cols) array of int32
        The parts of the mask, from 1.
    adjacency, spacing
        As for `parts`.

    Examples
    --------
    >>> bars = np.zeros((5, 11), bool)
    >>> bars[:, :5] = bars[:, 6:] = bars[2, 5] = True
    >>> flood_parts(bars, np.where(bars, 1 + (np.arange(11) > 7), 0))[2].tolist()
    [1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2]
    """
    from scipy.ndimage import distance_transform_edt, maximum_position
    from skimage.segmentation import watershed as spread

    numbers = np.arange(1, int(labels.max(initial=0)) + 1)
    seeds = np.zeros(mask.shape, dtype=np.int32)
    deepest = maximum_position(_depth(mask, spacing), labels, numbers)
    seeds[tuple(np.array(deepest).T)] = numbers
    distance = distance_transform_edt(np.pad(mask, 1), spacing)[(slice(1, -1),) * mask.ndim]
    steps = (adjacency or Adjacency.box(3, ndim=mask.ndim)).displacements
    reach = int(np.abs(steps).max(initial=0))
    near = np.zeros((2 * reach + 1,) * mask.ndim, dtype=bool)
    near[tuple((steps + reach).T)] = True
    return np.asarray(spread(-distance, seeds, connectivity=near, mask=mask), dtype=np.int32)


def windows_of(labels: Labels, count: int) -> list[Window]:
    """The box of each label from 1 to `count`."""
    from scipy.ndimage import find_objects

    return list(find_objects(labels, max_label=count))


def common_window(windows: Sequence[Window]) -> Window:
    """The smallest window that holds several."""
    return tuple(
        slice(min(s.start for s in axis), max(s.stop for s in axis)) for axis in zip(*windows)
    )


def _depth(inside: Mask, spacing: tuple[float, ...] | None) -> npt.NDArray[np.float32]:
    """Distance to the outside; smoothed, because that of a drawn circle has many peaks."""
    from scipy.ndimage import distance_transform_edt, gaussian_filter

    padded = np.pad(inside, 1)
    steps = np.ones(inside.ndim) if spacing is None else np.asarray(spacing)
    distance = distance_transform_edt(padded, steps).astype(np.float32)
    depth = gaussian_filter(distance, steps.min() / steps)
    return np.asarray(depth[(slice(1, -1),) * inside.ndim], dtype=np.float32)


def _peaks(values: npt.NDArray[Any]) -> Mask:
    """The local maxima, plateaus included; a flat map is one peak."""
    from skimage.morphology import local_maxima

    peaks: Mask = np.asarray(local_maxima(values), dtype=np.bool_)
    finite: Mask = np.isfinite(values)
    return peaks & finite if peaks.any() else finite


def _passes(
    labels: Labels, values: npt.NDArray[np.float32], near: Adjacency
) -> dict[tuple[int, int], float]:
    """The highest pass between each pair of neighbouring parts."""
    keys, heights = [], []
    base = int(labels.max()) + 1
    for step in near.without_centre().displacements:
        here = tuple(slice(max(-s, 0), n - max(s, 0)) for s, n in zip(step, labels.shape))
        there = tuple(slice(max(s, 0), n - max(-s, 0)) for s, n in zip(step, labels.shape))
        one, other = labels[here], labels[there]
        border = (one != other) & (one > 0) & (other > 0)
        low, high = np.minimum(one[border], other[border]), np.maximum(one[border], other[border])
        keys.append(low.astype(np.int64) * base + high)
        heights.append(np.minimum(values[here][border], values[there][border]))
    unique, owner = np.unique(np.concatenate(keys), return_inverse=True)
    best = np.full(len(unique), -np.inf)
    np.maximum.at(best, owner, np.concatenate(heights))
    return {divmod(key, base): top for key, top in zip(unique.tolist(), best.tolist())}


def _merges(peaks: npt.NDArray[np.float64], passes: dict[tuple[int, int], float]) -> list[Merge]:
    """Merge the two parts with the widest neck, again and again, until no two parts touch."""
    from heapq import heapify, heappop, heappush

    height = dict(enumerate(peaks.tolist()))
    touching: dict[int, dict[int, float]] = {number: {} for number in height if number}
    for (one, other), top in passes.items():
        touching[one][other] = touching[other][one] = top

    def neck(one: int, other: int) -> float:
        low = min(height[one], height[other])
        return min(touching[one][other] / low, 1.0) if low > 0 else 1.0

    queue = [(-neck(one, other), one, other) for one, other in passes]
    heapify(queue)
    merges: list[Merge] = []
    while queue:
        width, one, other = heappop(queue)
        if one not in touching or other not in touching:
            continue
        whole = len(peaks) + len(merges)
        merges.append(Merge(min(one, other), max(one, other), whole, -width))
        height[whole] = max(height[one], height[other])
        around = touching.pop(one), touching.pop(other)
        touching[whole] = {}
        for third in (set(around[0]) | set(around[1])) - {one, other}:
            top = max(side.get(third, -np.inf) for side in around)
            touching[whole][third] = touching[third][whole] = top
            touching[third].pop(one, None)
            touching[third].pop(other, None)
            heappush(queue, (-neck(whole, third), whole, third))
    return merges
