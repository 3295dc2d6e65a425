"""The shape of a mask: moments, the ellipse of the same moments, and holes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from spel.core.adjacency import Adjacency
from spel.decide.ellipse import completed_ellipse
from spel.ops.label import label

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Shape:
    """First and second moments of a mask, or of the ellipse that it is a part of."""

    area: float
    centre: npt.NDArray[np.float64]
    moments: npt.NDArray[np.float64]
    elongation: float

    @classmethod
    def of(cls, mask: Mask) -> Shape:
        points = np.argwhere(mask).astype(np.float64)
        centre = points.mean(axis=0)
        offsets = points - centre
        # The second moment of a spel itself, 1/12, keeps thin components from being flat.
        moments = offsets.T @ offsets / len(points) + np.eye(mask.ndim) / 12
        return cls(len(points), centre, moments, _elongation(moments))

    @classmethod
    def completed(
        cls, mask: Mask, origin: tuple[int, ...], image_size: tuple[int, ...]
    ) -> Shape | None:
        """The ellipse of an outline that the border of the image cuts."""
        whole = completed_ellipse(mask, origin, image_size)
        if whole is None:
            return None
        return cls(whole.area, whole.centre, whole.moments, _elongation(whole.moments))


def _elongation(moments: npt.NDArray[np.float64]) -> float:
    """Shortest over longest axis."""
    axes = np.linalg.eigvalsh(moments)
    return float(np.sqrt(axes[0] / axes[-1]))


def roundness_of(mask: Mask, shape: Shape, centre: npt.NDArray[np.float64]) -> float:
    """Intersection over union with the ellipse of the same moments."""
    inverse = np.linalg.inv(shape.moments)
    axes = [
        (np.arange(n) - c).reshape(-1, *(1,) * (mask.ndim - 1 - k))
        for k, (n, c) in enumerate(zip(mask.shape, centre))
    ]
    # A solid ellipse of n axes is what lies within n + 2 of its own second moments.
    distance = sum(
        inverse[i, j] * axes[i] * axes[j] for i in range(mask.ndim) for j in range(mask.ndim)
    )
    ellipse = np.asarray(distance) <= mask.ndim + 2
    both = int(np.count_nonzero(mask & ellipse))
    return both / (int(np.count_nonzero(mask)) + int(np.count_nonzero(ellipse)) - both)


def fill_holes(mask: Mask) -> Mask:
    """The mask, and all background that cannot be reached from outside by steps along the axes."""
    outside = label(~np.pad(mask, 1), _cross(mask.ndim))
    inner = (slice(1, -1),) * mask.ndim
    hole_free: Mask = outside[inner] != outside[(0,) * mask.ndim]
    return hole_free


@cache
def _cross(ndim: int) -> Adjacency:
    return Adjacency.cross(1, ndim=ndim)
