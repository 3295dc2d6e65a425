"""Footprints: which input spels one spel of an activation reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from spel.core.adjacency import Adjacency
from spel.core.window import Window
from spel.errors import ShapeError
from spel.nn.layer import Scope


@dataclass(frozen=True)
class Footprint:
    """Output spel i stands on input spel ``start + i * stride`` and reads from low to high of it.

    Attributes
    ----------
    start, stride : tuple of int, per axis
    low, high : tuple of int, per axis
        Relative to where the spel stands, both inclusive.
    whole : bool
        Whether it reads the whole image (then low and high only tell of the local part).
    before, after : tuple of int, per axis
        How far a tile must reach beyond ``i * stride`` so that every spel of every activation
        between, on which output spel i depends, lies in it. An off-centre adjacency reads on one
        side only, but what it reads must exist: this may be more than low and high.
    """

    start: tuple[int, ...]
    stride: tuple[int, ...]
    low: tuple[int, ...]
    high: tuple[int, ...]
    whole: bool = False
    before: tuple[int, ...] = ()
    after: tuple[int, ...] = ()

    @classmethod
    def of_input(cls, ndim: int) -> Footprint:
        """The footprint of the image itself."""
        zero = (0,) * ndim
        return cls(zero, (1,) * ndim, zero, zero, False, zero, zero)

    @classmethod
    def joined(cls, parts: Sequence[Footprint]) -> Footprint:
        """The union of the footprints of several images that stand on the same spels."""
        first = parts[0]
        if any((p.start, p.stride) != (first.start, first.stride) for p in parts):
            raise ShapeError(
                "images of different strides are combined: "
                + ", ".join(str(p.stride) for p in parts)
                + "; give all branches the same strides"
            )
        return cls(
            first.start,
            first.stride,
            tuple(map(min, *[p.low for p in parts])) if len(parts) > 1 else first.low,
            tuple(map(max, *[p.high for p in parts])) if len(parts) > 1 else first.high,
            any(p.whole for p in parts),
            tuple(map(max, *[p.before for p in parts])) if len(parts) > 1 else first.before,
            tuple(map(max, *[p.after for p in parts])) if len(parts) > 1 else first.after,
        )

    def through(self, scope: Scope) -> Footprint:
        """The footprint after a layer of a scope."""
        if isinstance(scope, Window):
            reach = _read_by(scope)
            if len(reach) != len(self.start):
                raise ShapeError(
                    f"an adjacency of {len(reach)} axes in a network of {len(self.start)}; give "
                    "all layers adjacencies of the same number of axes"
                )
            axes = zip(self.start, self.stride, self.low, self.high, scope.start, reach)
            return Footprint(
                tuple(o + s * a for o, s, _, _, a, _ in axes),
                tuple(s * t for s, t in zip(self.stride, scope.strides)),
                tuple(lo + s * r[0] for lo, s, r in zip(self.low, self.stride, reach)),
                tuple(hi + s * r[1] for hi, s, r in zip(self.high, self.stride, reach)),
                self.whole,
                tuple(
                    max(0, b - s * (a + r[0]))
                    for b, s, a, r in zip(self.before, self.stride, scope.start, reach)
                ),
                tuple(
                    max(0, f + s * (a + r[1]))
                    for f, s, a, r in zip(self.after, self.stride, scope.start, reach)
                ),
            )
        whole = self.whole or scope in ("image", "batch")
        return replace(self, whole=whole)

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
        """The window over the image that reads as much."""
        if self.whole:
            return "image"
        if self == Footprint.of_input(len(self.start)):
            return "spel"
        low = tuple(min(lo, -b) for lo, b in zip(self.low, self.before))
        high = tuple(max(hi, a) for hi, a in zip(self.high, self.after))
        corners = {low, high}
        return Window(Adjacency.from_displacements(sorted(corners)), self.stride)

    def place(self, position: Sequence[int]) -> tuple[int, ...]:
        """The input spel that an output spel stands on."""
        return tuple(o + s * i for o, s, i in zip(self.start, self.stride, position))


def _read_by(window: Window) -> Sequence[tuple[int, int]]:
    """Lowest and highest spel that a position reads, what its border mirrors included.

    A clamped or mirrored spel is never further away than the one it stands for, but it may lie on
    the other side.
    """
    reach = window.adjacency.reach
    if window.border == "edge":
        return [(min(low, 0), max(high, 0)) for low, high in reach]
    if window.border == "reflect":
        return [(-max(-low, high), max(-low, high)) for low, high in reach]
    return reach
