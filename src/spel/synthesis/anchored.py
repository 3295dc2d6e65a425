"""One stage of restoration: anchors among patches, and the hyperplanes that belong to them.

A patch is turned and mirrored until it grows brighter to the right, and less so downwards; so the
8 symmetries of a square share their anchors. The nearest anchor is taken up to sign, since what is
right for a patch is right for its negative: hyperplanes are linear.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.core.adjacency import Adjacency
from spel.core.threads import blas_in_one_thread
from spel.errors import ParameterError
from spel.nn.fields import fits
from spel.ops.patches import patches
from spel.synthesis.degrade import Plane
from spel.synthesis.groups import Groups
from spel.synthesis.waves import gated, ungated

Real = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.intp]
MAX_SIDE = 64
BAND = 1 << 14
"""Number of patches in memory at the same time."""


@dataclass(frozen=True)
class Layout:
    """Which patches a stage sees and makes; lengths are in spels of the degraded picture.

    Attributes
    ----------
    factor : int
        Number of restored spels per degraded spel, along each axis.
    source : int
        Side of the patches of the degraded picture, odd.
    before : int
        Side of the patches of what the stage before restored, odd; 0 for the first stage.
    compared : int
        Side of the middle part by which patches are compared with anchors, odd.
    out : int
        Side of the restored patches, odd; where they overlap they are averaged.
    step : int
        Distance of the patches.
    alike : int
        Side of the patches of what groups of like patches say, odd; 0 for a stage without them.

    Examples
    --------
    >>> Layout(3, source=7, before=3, compared=3, out=3, step=1).sides
    (7, 9)
    """

    factor: int
    source: int
    before: int
    compared: int
    out: int
    step: int
    alike: int = 0

    def __post_init__(self) -> None:
        last = self.before or self.source
        sides = (self.source, last, self.compared, self.out, self.alike or 1)
        numbers = all(fits(n, int) for n in (*sides, self.before, self.step, self.alike))
        if not numbers or not all(n in range(1, MAX_SIDE, 2) for n in sides):
            raise ParameterError(
                f"restoration: patches of {self.source!r:.20}, {self.before!r:.20}, "
                f"{self.compared!r:.20}, {self.out!r:.20} and {self.alike!r:.20} spels; expected "
                f"odd sides below {MAX_SIDE}"
            )
        if self.compared > last or not 1 <= self.step <= self.out:
            raise ParameterError(
                f"restoration: compared parts of {self.compared} in patches of {last} spels, "
                f"patches of {self.out} at steps of {self.step}; expected smaller parts and steps"
            )
        if self.alike and (self.factor > 1 or not self.before):
            raise ParameterError(
                "restoration: groups of like patches in a first stage, or for enlarging; expected "
                "them only where the stage before restored a picture of the same size"
            )

    @property
    def sides(self) -> tuple[int, ...]:
        """Sides of the patches in spels of their own pictures."""
        sides = self.source, self.alike, self.before * self.factor
        return tuple(side for side in sides if side)

    @property
    def key_side(self) -> int:
        """Side of the compared patches, in spels of the last picture."""
        return self.compared * (self.factor if self.before else 1)

    @property
    def out_side(self) -> int:
        """Side of the restored patches in restored spels."""
        return self.out * self.factor

    @property
    def length(self) -> int:
        """Number of weights of a hyperplane."""
        return sum(side**2 for side in self.sides)

    def grid(self, shape: tuple[int, ...]) -> tuple[int, int]:
        """Number of patches along the axes of a degraded picture."""
        return -(-shape[0] // self.step), -(-shape[1] // self.step)

    def bands(self, shape: tuple[int, ...]) -> list[tuple[int, int]]:
        """First and last row of patches of each part that is computed at once."""
        rows, cols = self.grid(shape)
        height = max(1, BAND // max(cols, 1))
        return [(first, min(rows, first + height)) for first in range(0, rows, height)]

    @property
    def scales(self) -> tuple[int, ...]:
        """For the pictures of a stage, the number of their spels per degraded spel."""
        return (1,) * (len(self.sides) - 1) + (self.factor if self.before else 1,)

    @property
    def margins(self) -> tuple[int, ...]:
        """How far the patches of the first spel reach out of the pictures."""
        return tuple(side // scale // 2 * scale for side, scale in zip(self.sides, self.scales))

    def padded(self, planes: list[Plane]) -> list[Plane]:
        """The pictures that a stage sees, with the margins of their patches."""
        return [np.pad(p, m, mode="symmetric") for p, m in zip(planes, self.margins, strict=True)]

    def patches(self, padded: list[Plane], first: int, last: int) -> Real:
        """The patches of some rows of the grid, (n, length), those of the pictures joined."""
        sources = zip(padded, self.sides, self.scales)
        parts = [squares(p, side, self.step * n, first, last) for p, side, n in sources]
        return np.concatenate(parts, axis=1) if len(parts) > 1 else parts[0]

    def centred(self, vectors: Real) -> tuple[Real, Real]:
        """Patches minus the mean (n, 1) of their last part, and these means."""
        means = vectors[:, -(self.sides[-1] ** 2) :].mean(axis=1, keepdims=True)
        return vectors - means, means

    def keys(self, vectors: Real) -> Real:
        """The compared middle of patches, without its mean."""
        side, inner = self.sides[-1], self.key_side
        low = (side - inner) // 2
        squares = vectors[:, -(side**2) :].reshape(-1, side, side)
        middle = squares[:, low : low + inner, low : low + inner].reshape(-1, inner**2)
        return np.asarray(middle - middle.mean(axis=1, keepdims=True))

    def turned(self, vectors: Real) -> tuple[Real, list[Numbers]]:
        """Patches turned and mirrored alike, and which of them were turned in each of 8 ways."""
        numbers = _ways(self.keys(vectors), self.key_side)
        ways = [np.flatnonzero(numbers == way) for way in range(8)]
        out = np.empty_like(vectors)
        for way, own in enumerate(ways):
            out[own] = vectors[own][:, self.order(way)]
        return out, ways

    def order(self, way: int) -> Numbers:
        """The places in a patch, in the order in which a patch turned in one way has them."""
        starts = np.cumsum([0, *[side**2 for side in self.sides]])
        parts = [start + turned_square(side, way) for start, side in zip(starts, self.sides)]
        return np.concatenate(parts)


def squares(padded: Plane, side: int, step: int, first: int, last: int) -> Real:
    """The square patches (n, side * side) of some rows of a grid with a step."""
    rows = padded[first * step : (last - 1) * step + side]
    square = Adjacency.rectangle(width=side, height=side)
    return patches(rows, square, stride=step, border="valid").reshape(-1, side * side)


def turned_square(side: int, way: int) -> Numbers:
    """The places of a square turned in one of 8 ways: mirrored in columns, in rows, transposed.

    Examples
    --------
    >>> turned_square(2, 0).tolist(), turned_square(2, 1).tolist(), turned_square(2, 4).tolist()
    ([0, 1, 2, 3], [1, 0, 3, 2], [0, 2, 1, 3])
    """
    places = np.arange(side * side).reshape(side, side)
    places = places[:: -1 if way & 2 else 1, :: -1 if way & 1 else 1]
    return (places.T if way & 4 else places).ravel()


def _ways(keys: Real, side: int) -> Numbers:
    """How each key must be turned so that it is brighter to the right, and less so below."""
    along = np.arange(side) - (side - 1) / 2
    bell = np.exp(-np.square(along) / (2 * max(side / 4, 0.5) ** 2))
    slope = np.outer(bell, bell * along).astype(np.float32)
    right, down = keys @ slope.ravel(), keys @ slope.T.ravel()
    numbers = (np.abs(down) > np.abs(right)) * 4 + (down < 0) * 2 + (right < 0)
    return np.asarray(numbers, dtype=np.intp)


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

    def nearest(self, vectors: Real) -> Numbers:
        """The number of the anchor of each turned patch."""
        scaled = softened(self.layout.keys(vectors), self.softness)
        return nearest_up_to_sign(scaled, self.anchors)

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
            sums.add(self.restored(layout.patches(padded, first, last)), first, last)
            on_band()
        return sums.mean()

    def bands(self, shape: tuple[int, ...]) -> int:
        """How often a picture of this shape calls `on_band`."""
        before = len(self.groups.bands(shape)) if self.groups else 0
        return before + len(self.layout.bands(shape))

    def inputs(self, turned: Real) -> Real:
        """What the hyperplanes weigh, (n, (1 + gates) * length): patches, and their gated waves."""
        return gated(turned, self.layout.source, self.gates) if self.gates else turned

    def restored(self, vectors: Real) -> Real:
        """The restored patch (n, out_side ** 2) of each patch."""
        vectors, means = self.layout.centred(vectors)
        turned, ways = self.layout.turned(vectors)
        values = np.empty((len(vectors), self.weights.shape[2]), dtype=np.float32)
        for anchor, own in members(self.nearest(turned), len(self.anchors)):
            values[own] = self.inputs(turned[own]) @ self.weights[anchor]
        for way, own in enumerate(ways):
            values[own] = values[own][:, np.argsort(turned_square(self.layout.out_side, way))]
        return values + means

    def hyperplanes(self, vectors: Real) -> tuple[Numbers, Real]:
        """For some patches their anchors (n,), and the weights (n, length, out_side ** 2)."""
        turned, ways = self.layout.turned(self.layout.centred(vectors)[0])
        anchors = self.nearest(turned)
        plain = self.weights[anchors]
        if self.gates:
            plain = ungated(plain, turned, self.layout.source, self.gates)
        for way, own in enumerate(ways):
            back = np.argsort(self.layout.order(way))
            backwards = np.argsort(turned_square(self.layout.out_side, way))
            plain[own] = plain[own][:, back][:, :, backwards]
        last = self.layout.sides[-1] ** 2
        plain[:, -last:] += (1 - plain.sum(axis=1, keepdims=True)) / np.float32(last)
        return anchors, plain


def view(
    planes: list[Plane], groups: Groups | None, on_band: Callable[[], object] = lambda: None
) -> list[Plane]:
    """The planes, with what groups say of the first one before the last one, their guide."""
    if groups is None:
        return planes
    return [*planes[:-1], groups(planes[0], planes[-1], on_band), planes[-1]]


class Overlaps:
    """Restored patches, laid on their places and averaged where they overlap."""

    def __init__(self, layout: Layout, shape: tuple[int, ...]) -> None:
        self.layout, self.shape = layout, shape
        margin = 2 * (layout.out // 2) + layout.step
        size = [(n + margin) * layout.factor for n in shape]
        self.sums = np.zeros(size, dtype=np.float32)

    def add(self, values: Real, first: int, last: int) -> None:
        """Lay the patches of some rows of the grid."""
        layout, side = self.layout, self.layout.out_side
        cols = layout.grid(self.shape)[1]
        step = layout.step * layout.factor
        planes = np.ascontiguousarray(values.T).reshape(side, side, last - first, cols)
        for row, col in np.ndindex(side, side):
            down = slice(first * step + row, (last - 1) * step + row + 1, step)
            self.sums[down, col : (cols - 1) * step + col + 1 : step] += planes[row, col]

    def mean(self) -> Plane:
        """The averages, without the margins."""
        rows, cols = (self._counts(axis) for axis in (0, 1))
        inner: Any = tuple(self._inner(axis) for axis in (0, 1))
        return np.asarray(self.sums[inner] / (rows[:, None] * cols), dtype=np.float32)

    def _counts(self, axis: int) -> Real:
        """Number of patches over each restored row or column."""
        layout = self.layout
        counts = np.zeros(self.sums.shape[axis], dtype=np.float32)
        for number in range(layout.grid(self.shape)[axis]):
            start = number * layout.step * layout.factor
            counts[start : start + layout.out_side] += 1
        return counts[self._inner(axis)]

    def _inner(self, axis: int) -> slice:
        margin = self.layout.out // 2 * self.layout.factor
        return slice(margin, margin + self.shape[axis] * self.layout.factor)


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
