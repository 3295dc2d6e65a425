"""Candidates: the components of a saliency at several levels, and what each looks like."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
import numpy.typing as npt

from spel.core.adjacency import Adjacency
from spel.errors import ShapeError
from spel.ops.label import label, regions
from spel.ops.pool import max_pool

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Candidate:
    """One component at one level, its holes filled, and its shape.

    Attributes
    ----------
    level : float
        The component's saliency lies above it.
    low : tuple of int
        Where `mask` stands: its first spel's (row, col).
    mask : array of bool
    size : tuple of int
        Of the whole image.
    area : int
        Spels.
    roundness : float
        Intersection over union with the ellipse of the same moments, inside the image.
    elongation : float
        Smallest over largest axis of that ellipse, in 0..1.
    contrast : float
        Mean saliency inside, less that of the ring around.
    touches : bool
        Whether it reaches the edge of the image, so that a part may be missing.
    """

    level: float
    low: tuple[int, ...]
    mask: Mask
    size: tuple[int, ...]
    area: int
    roundness: float
    elongation: float
    contrast: float
    touches: bool

    @cached_property
    def window(self) -> tuple[slice, ...]:
        """The part of the image that `mask` covers."""
        return tuple(slice(a, a + n) for a, n in zip(self.low, self.mask.shape))

    def whole(self) -> Mask:
        """The candidate as a mask of the whole image."""
        image = np.zeros(self.size, dtype=bool)
        image[self.window] = self.mask
        return image

    def covers(self, points: npt.NDArray[np.int64]) -> float:
        """The part of some spels that lies inside, in 0..1; 0 of none."""
        if not len(points):
            return 0.0
        local = points - np.asarray(self.low)
        inside = ((local >= 0) & (local < self.mask.shape)).all(axis=1)
        return float(self.mask[tuple(local[inside].T)].sum() / len(points))

    def overlaps(self, other: Candidate) -> bool:
        """Whether two candidates share a spel."""
        low = np.maximum(self.low, other.low)
        high = np.minimum(np.add(self.low, self.mask.shape), np.add(other.low, other.mask.shape))
        if (low >= high).any():
            return False
        parts = [
            c.mask[tuple(slice(a - o, b - o) for a, b, o in zip(low, high, c.low))]
            for c in (self, other)
        ]
        return bool((parts[0] & parts[1]).any())


def candidates(
    saliency: npt.ArrayLike,
    levels: Sequence[float],
    *,
    area: tuple[float, float] = (1, float("inf")),
    ring: int = 6,
    adjacency: Adjacency | None = None,
    holding: npt.NDArray[np.int64] | None = None,
    keep: Callable[[int, float, bool], bool] | None = None,
) -> list[Candidate]:
    """Every component above every level whose area lies within a range.

    Parameters
    ----------
    saliency : (rows, cols[, 1]) array, with planes before them for voxels
    levels : sequence of float
    area : (low, high)
        Smallest and largest number of spels, before holes are filled.
    ring : int
        Width of the ring that contrast compares with.
    adjacency : Adjacency, optional
        Which spels are one component; by default all touching ones.
    holding : (n, ndim) array of int, optional
        Only components that hold at least half of these spels.
    keep : function of area, elongation and whether it touches, optional
        Asked before the rest is measured; False leaves the component out.

    Returns
    -------
    list of Candidate
        Level by level, in raster order.

    Examples
    --------
    >>> image = np.zeros((9, 9))
    >>> image[2:5, 2:5] = 1
    >>> (found,) = candidates(image, [0.5])
    >>> found.area, found.low, found.touches, round(found.elongation, 2)
    (9, (2, 2), False, 1.0)
    """
    array = np.asarray(saliency, dtype=np.float32)
    if array.ndim in (3, 4) and array.shape[-1] == 1:
        array = array[..., 0]
    if array.ndim not in (2, 3):
        raise ShapeError(
            f"candidates: saliency of shape {array.shape}; expected one channel (rows, cols)"
        )
    joined = adjacency or _box(3, array.ndim)
    found = []
    for level in levels:
        labels = label(array > level, joined)
        known = regions(labels)
        fits = (known.areas >= area[0]) & (known.areas <= area[1])
        if holding is not None:
            held = np.bincount(labels[tuple(holding.T)], minlength=len(known) + 1)[1:]
            fits &= 2 * held >= max(len(holding), 1)
        for row in np.flatnonzero(fits):
            low = tuple(int(v) for v in known.low[row])
            window = tuple(slice(a, int(b)) for a, b in zip(low, known.high[row]))
            mask = filled(labels[window] == known.labels[row])
            shape = _Shape.of(mask)
            touches = bool(0 in low or (np.add(low, mask.shape) == array.shape).any())
            if keep is None or keep(shape.area, shape.elongation, touches):
                found.append(_described(array, float(level), low, mask, ring, shape, touches))
    return found


def filled(mask: Mask) -> Mask:
    """A mask without holes: what cannot be reached from outside by steps along the axes."""
    outside = label(~np.pad(mask, 1), _cross(mask.ndim))
    inner = (slice(1, -1),) * mask.ndim
    hole_free: Mask = outside[inner] != outside[(0,) * mask.ndim]
    return hole_free


@cache
def _box(size: int, ndim: int) -> Adjacency:
    return Adjacency.box(size, ndim=ndim)


@cache
def _cross(ndim: int) -> Adjacency:
    return Adjacency.cross(1, ndim=ndim)


@dataclass(frozen=True, eq=False)
class _Shape:
    """First and second moments of a mask."""

    area: int
    centre: npt.NDArray[np.float64]
    moments: npt.NDArray[np.float64]
    elongation: float

    @classmethod
    def of(cls, mask: Mask) -> _Shape:
        points = np.argwhere(mask).astype(np.float64)
        centre = points.mean(axis=0)
        away = points - centre
        # A spel is a unit cell: its own second moment keeps thin components from being flat.
        moments = away.T @ away / len(points) + np.eye(mask.ndim) / 12
        axes = np.linalg.eigvalsh(moments)
        return cls(len(points), centre, moments, float(np.sqrt(axes[0] / axes[-1])))


def _described(
    array: npt.NDArray[np.float32],
    level: float,
    low: tuple[int, ...],
    mask: Mask,
    ring: int,
    shape: _Shape,
    touches: bool,
) -> Candidate:
    high = np.add(low, mask.shape)
    start = np.maximum(np.subtract(low, ring), 0)
    stop = np.minimum(high + ring, array.shape)
    around = tuple(slice(a, b) for a, b in zip(start, stop))
    placed = np.zeros(stop - start, dtype=bool)
    placed[tuple(slice(a - s, b - s) for a, b, s in zip(low, high, start))] = mask
    near = max_pool(placed, _box(2 * ring + 1, mask.ndim)) > 0
    values = array[around]
    ring_of = near & ~placed
    inside = float(values[placed].mean())
    beside = float(values[ring_of].mean()) if ring_of.any() else 0.0
    roundness = _roundness(placed, shape, shape.centre + low - start)
    return Candidate(
        level,
        low,
        mask,
        array.shape,
        shape.area,
        roundness,
        shape.elongation,
        inside - beside,
        touches,
    )


def _roundness(mask: Mask, shape: _Shape, centre: npt.NDArray[np.float64]) -> float:
    """Intersection over union with the ellipse of the same moments."""
    inverse = np.linalg.inv(shape.moments)
    axes = [
        (np.arange(n) - c).reshape(-1, *(1,) * (mask.ndim - 1 - k))
        for k, (n, c) in enumerate(zip(mask.shape, centre))
    ]
    # A solid ellipse of n axes holds what is within n + 2 of its own second moments.
    distance = sum(
        inverse[i, j] * axes[i] * axes[j] for i in range(mask.ndim) for j in range(mask.ndim)
    )
    ellipse = np.asarray(distance) <= mask.ndim + 2
    both = int(np.count_nonzero(mask & ellipse))
    return both / (shape.area + int(np.count_nonzero(ellipse)) - both)
