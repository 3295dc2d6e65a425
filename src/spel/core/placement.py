"""Placements: where the spels of a result stand on the image that they were made from.

A `Window` slides over an image, so that its result has as many spels or fewer. A placement says the
same of what pads, crops or enlarges an image.
"""

from __future__ import annotations

from dataclasses import dataclass

from spel.core.value import Value


@dataclass(frozen=True)
class Placement(Value):
    """Output spel i stands on input spel ``start + i // factor``, and reads spels around it.

    Attributes
    ----------
    start, factor : tuple of int, per axis
        By default each input spel is enlarged once, to itself.
    reach : tuple of (low, high), per axis
        The spels that are read, relative to where the output spel stands; by default itself.
    shift : tuple of float, per axis
        How far, in input spels, the middle of what an output spel stands for lies beyond that of
        its place.
    whole : bool
        Whether it may read spels anywhere in the image.

    Examples
    --------
    >>> Placement((0, 0), factor=(2, 2)).place((5, 2))
    (2, 1)
    """

    start: tuple[int, ...]
    factor: tuple[int, ...] = ()
    reach: tuple[tuple[int, int], ...] = ()
    shift: tuple[float, ...] = ()
    whole: bool = False

    def __post_init__(self) -> None:
        axes = len(self.start)
        object.__setattr__(self, "factor", self.factor or (1,) * axes)
        object.__setattr__(self, "reach", self.reach or ((0, 0),) * axes)
        object.__setattr__(self, "shift", self.shift or (0.0,) * axes)

    @property
    def ndim(self) -> int:
        """Number of spatial axes."""
        return len(self.start)

    def place(self, position: tuple[int, ...]) -> tuple[int, ...]:
        """The input spel that an output spel stands on."""
        return tuple(s + i // f for s, i, f in zip(self.start, position, self.factor, strict=True))
