"""One stage of restoration: anchors among patches, and the hyperplanes that belong to them.

The nearest anchor is taken up to sign, since what is right for a patch is right for its negative:
hyperplanes are linear.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spel.core.threads import blas_in_one_thread
from spel.errors import ParameterError
from spel.synthesis.degrade import Plane
from spel.synthesis.groups import Groups
from spel.synthesis.layout import Layout
from spel.synthesis.sight import Overlaps, Sight, turned_square
from spel.synthesis.waves import gated, ungated

Real = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Stage:
    """Anchors and their hyperplanes.

    Attributes
    ----------
    layout : Layout
    softness : float
        Before they are compared, patches without their mean are divided by their norm plus this.
    anchors : (A, key_side ** 2) array of float32
    weights : (A, (1 + gates) * length, out_side ** 2) array of float32
    gates : tuple of float
        Strengths of waves, see `spel.synthesis.waves`; the patches of all pictures have one side.
    groups : Groups, optional
        Of a stage that sees what groups of like patches say.
    """

    layout: Layout
    softness: float
    anchors: Real
    weights: Real
    gates: tuple[float, ...] = ()
    groups: Groups | None = None

    def __post_init__(self) -> None:
        if self.gates and len(set(self.layout.sides)) > 1:
            raise ParameterError(
                f"restoration: gates for patches of {self.layout.sides} spels; expected one side"
            )
        if bool(self.layout.alike) != (self.groups is not None):
            raise ParameterError(
                "restoration: patches of what groups say, or groups; expected both or none"
            )

    def nearest(self, sight: Sight) -> Numbers:
        """The number of the anchor of each patch."""
        return nearest_up_to_sign(softened(sight.keys, self.softness), self.anchors)

    def view(
        self, planes: list[Plane], on_band: Callable[[], object] = lambda: None
    ) -> list[Plane]:
        """The degraded picture, what groups say of it if any, and what was restored before."""
        return view(planes, self.groups, on_band)

    @blas_in_one_thread()
    def __call__(self, planes: list[Plane], on_band: Callable[[], object]) -> Plane:
        """The restored picture, from the degraded one and what the stage before made of it."""
        layout, shape = self.layout, planes[0].shape
        sums = Overlaps(layout, shape)
        padded = layout.padded(self.view(planes, on_band))
        for first, last in layout.bands(shape):
            sight = Sight(layout, padded, *layout.places(shape, first, last))
            order, values = self.restored(sight)
            sight.lay(values, order, sums.sums)
            on_band()
        return sums.mean()

    def bands(self, shape: tuple[int, ...]) -> int:
        """How often a picture of this shape calls `on_band`."""
        before = len(self.groups.bands(shape)) if self.groups else 0
        return before + len(self.layout.bands(shape))

    def inputs(self, turned: Real) -> Real:
        """What the hyperplanes weigh, (n, (1 + gates) * length): patches, and their gated waves."""
        return gated(turned, self.layout.source, self.gates) if self.gates else turned

    def restored(self, sight: Sight) -> tuple[Numbers, Real]:
        """The patches in the order of their anchors, and each restored, still turned."""
        numbers = self.nearest(sight)
        order = np.argsort(numbers.astype(np.min_scalar_type(len(self.anchors))), kind="stable")
        turned = sight.patches(order)
        values = np.empty((len(turned), self.weights.shape[2]), dtype=np.float32)
        ends = np.searchsorted(numbers[order], np.arange(len(self.anchors) + 1))
        for anchor in np.flatnonzero(np.diff(ends)).tolist():
            own = slice(ends[anchor], ends[anchor + 1])
            np.matmul(self.inputs(turned[own]), self.weights[anchor], out=values[own])
        return order, values

    def hyperplanes(self, sight: Sight) -> tuple[Numbers, Real]:
        """For some patches their anchors (n,), and the weights (n, length, out_side ** 2)."""
        anchors, layout = self.nearest(sight), self.layout
        plain = self.weights[anchors]
        if self.gates:
            plain = ungated(plain, sight.patches(), layout.source, self.gates)
        for way in range(8):
            own = np.flatnonzero(sight.ways == way)
            starts = np.cumsum([0, *[side**2 for side in layout.sides]])
            turns = [at + turned_square(side, way) for at, side in zip(starts, layout.sides)]
            back = np.argsort(np.concatenate(turns))
            backwards = np.argsort(turned_square(layout.out_side, way))
            plain[own] = plain[own][:, back][:, :, backwards]
        last = layout.sides[-1] ** 2
        plain[:, -last:] += (1 - plain.sum(axis=1, keepdims=True)) / np.float32(last)
        return anchors, plain


def view(
    planes: list[Plane], groups: Groups | None, on_band: Callable[[], object] = lambda: None
) -> list[Plane]:
    """The planes, with what groups say of the first one before the last one, their guide."""
    if groups is None:
        return planes
    return [*planes[:-1], groups(planes[0], planes[-1], on_band), planes[-1]]


def members(numbers: Numbers, count: int) -> Iterator[tuple[int, Numbers]]:
    """Each number that occurs, and where.

    Examples
    --------
    >>> [(n, own.tolist()) for n, own in members(np.array([2, 0, 2]), 4)]
    [(0, [1]), (2, [0, 2])]
    """
    order = np.argsort(numbers, kind="stable")
    ends = np.searchsorted(numbers[order], np.arange(count + 1))
    for number in np.flatnonzero(np.diff(ends)).tolist():
        yield number, order[ends[number] : ends[number + 1]]


def nearest_up_to_sign(points: Real, anchors: Real) -> Numbers:
    """The number of the anchor that is nearest to each point or to its negative.

    Examples
    --------
    >>> anchors = np.array([[1, 0], [0, 1]], np.float32)
    >>> nearest_up_to_sign(np.array([[-0.9, 0.1], [0, 1]], np.float32), anchors).tolist()
    [0, 1]
    """
    half = np.einsum("ij,ij->i", anchors, anchors) / 2
    best = np.empty(len(points), dtype=np.intp)
    for first in range(0, len(points), 512):  # so few products stay in the cache
        products = points[first : first + 512] @ anchors.T
        np.abs(products, out=products)
        products -= half
        np.argmax(products, axis=1, out=best[first : first + 512])
    return best


def softened(vectors: Real, softness: float) -> Real:
    """Patches scaled for comparison, so that strong ones differ only by their direction."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / (norms + np.float32(softness)), dtype=np.float32)
