"""Footprints: which input spels one spel of an activation reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, floor, lcm
from typing import TypeAlias

from spel.core.adjacency import Adjacency
from spel.core.placement import Placement
from spel.core.window import Window
from spel.errors import ShapeError
from spel.nn.layer import Scope

Place: TypeAlias = int | Fraction


@dataclass(frozen=True)
class Footprint:
    """Output spel i stands on input spel ``start + i * stride`` and reads from low to high of it.

    Attributes
    ----------
    start, stride : tuple of int or Fraction, per axis
        Fractions where an activation has more spels than the image; places are rounded down.
    low, high : tuple of int, per axis
        Relative to where the spel stands, both inclusive.
    whole : bool
        Whether it reads the whole image (then low and high only tell of the local part).
    before, after : tuple of int, per axis
        How far a tile must reach beyond ``i * stride`` so that every spel of every activation
        between, on which output spel i depends, lies in it. An off-centre adjacency reads on one
        side only, but what it reads must exist: this may be more than low and high.
    align : tuple of int, per axis
        A tile begins at a multiple of this, so that every activation between stands on its grid.
    """

    start: tuple[Place, ...]
    stride: tuple[Place, ...]
    low: tuple[int, ...]
    high: tuple[int, ...]
    whole: bool = False
    before: tuple[int, ...] = ()
    after: tuple[int, ...] = ()
    align: tuple[int, ...] = ()

    @classmethod
    def of_input(cls, ndim: int) -> Footprint:
        """The footprint of the image itself."""
        zero, one = (0,) * ndim, (1,) * ndim
        return cls(zero, one, zero, zero, False, zero, zero, one)

    @classmethod
    def joined(cls, parts: Sequence[Footprint]) -> Footprint:
        """The union of the footprints of several images of one size.

        An image that was made from the whole input, such as a global pooling, stands anywhere.
        """
        local = [p for p in parts if not p.whole] or [parts[0]]
        first = local[0]
        if any(p.stride != first.stride for p in local):
            raise ShapeError(
                "images of different strides are combined: "
                + ", ".join(str(tuple(map(float, p.stride))) for p in parts)
                + "; give all branches the same strides"
            )
        moved = [p._relative_to(first.start) for p in local]
        return cls(
            first.start,
            first.stride,
            tuple(map(min, *[low for low, _ in moved], first.low)),
            tuple(map(max, *[high for _, high in moved], first.high)),
            any(p.whole for p in parts),
            tuple(map(max, *[p.before for p in local], first.before)),
            tuple(map(max, *[p.after for p in local], first.after)),
            tuple(map(lcm, *[p.align for p in local])),
        )

    def _relative_to(self, start: Sequence[Place]) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """What is read from low to high, relative to another start."""
        away = [own - other for own, other in zip(self.start, start)]
        low = tuple(floor(lo + d) for lo, d in zip(self.low, away))
        return low, tuple(ceil(hi + d) for hi, d in zip(self.high, away))

    def through(self, scope: Scope) -> Footprint:
        """The footprint after a layer of the given scope."""
        if isinstance(scope, Window):
            one = (1,) * len(scope.start)
            whole = scope.border == "wrap"
            return self._placed(scope.start, scope.strides, one, _read_by(scope), whole)
        if isinstance(scope, Placement):
            one = (1,) * scope.ndim
            return self._placed(scope.start, one, scope.factor, scope.reach, scope.whole)
        whole = self.whole or scope in ("image", "batch")
        return replace(self, whole=whole)

    def _placed(
        self,
        start: Sequence[int],
        strides: Sequence[int],
        factors: Sequence[int],
        reach: Sequence[tuple[int, int]],
        whole: bool,
    ) -> Footprint:
        """After a layer whose spel i stands on ``start + i stride // factor``, and its reach."""
        if len(reach) != len(self.start):
            raise ShapeError(
                f"an adjacency of {len(reach)} axes in a network of {len(self.start)}; give all "
                "layers adjacencies of the same number of axes"
            )
        new = [s * Fraction(t, f) for s, t, f in zip(self.stride, strides, factors)]
        # Between the spels of a larger grid, the place is up to this far beyond the one read.
        between = [s * Fraction(f - 1, f) for s, f in zip(self.stride, factors)]
        low = [s * r[0] - x for s, r, x in zip(self.stride, reach, between)]
        high = [s * r[1] for s, r in zip(self.stride, reach)]
        moved = [s * a for s, a in zip(self.stride, start)]
        return Footprint(
            tuple(_exact(o + m) for o, m in zip(self.start, moved)),
            tuple(map(_exact, new)),
            tuple(floor(own + lo) for own, lo in zip(self.low, low)),
            tuple(ceil(own + hi) for own, hi in zip(self.high, high)),
            self.whole or whole,
            tuple(max(0, ceil(b - m - lo)) for b, m, lo in zip(self.before, moved, low)),
            tuple(max(0, ceil(a + m + hi)) for a, m, hi in zip(self.after, moved, high)),
            tuple(lcm(own, s.numerator) for own, s in zip(self.align, new)),
        )

    @property
    def size(self) -> tuple[int, ...]:
        """The receptive field: spels per axis from the lowest to the highest that are read."""
        return tuple(high - low + 1 for low, high in zip(self.low, self.high))

    @property
    def halo(self) -> tuple[tuple[int, int], ...] | None:
        """Spels before and after a tile that it reads; None for the whole image."""
        if self.whole:
            return None
        return tuple(zip(self.before, self.after))

    @property
    def scope(self) -> Scope:
        """The window over the image, or the placement on it, that reads as much."""
        if self.whole:
            return "image"
        if self == Footprint.of_input(len(self.start)):
            return "spel"
        low = tuple(min(lo, -b) for lo, b in zip(self.low, self.before))
        high = tuple(max(hi, a) for hi, a in zip(self.high, self.after))
        if all(isinstance(s, int) for s in self.stride):
            corners = {low, high}
            return Window(
                Adjacency.from_displacements(sorted(corners)), tuple(map(int, self.stride))
            )
        if all(s.numerator == 1 for s in self.stride):
            factor = tuple(s.denominator for s in self.stride)
            return Placement((0,) * len(factor), factor, tuple(zip(low, high)))
        return "image"  # more spels than the image in one axis, fewer in another

    def place(self, position: Sequence[int]) -> tuple[int, ...]:
        """The input spel that an output spel stands on."""
        return tuple(floor(o + s * i) for o, s, i in zip(self.start, self.stride, position))


def _exact(place: Place) -> Place:
    """A whole number as an int."""
    return int(place) if place == int(place) else place


def _read_by(window: Window) -> Sequence[tuple[int, int]]:
    """Lowest and highest spel that a position reads, what its border mirrors included.

    A clamped or mirrored spel is never further away than the one it stands for, but it may lie on
    the other side.
    """
    reach = window.adjacency.reach
    if window.border == "edge":
        return [(min(low, 0), max(high, 0)) for low, high in reach]
    if window.border in ("reflect", "symmetric"):
        return [(-max(-low, high), max(-low, high)) for low, high in reach]
    return reach
