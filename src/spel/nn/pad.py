"""Padding and cropping as layers: the same image on a larger or smaller grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import numpy.typing as npt

from spel import ops
from spel.core.placement import Placement
from spel.core.value import derived_property
from spel.core.window import REPEATED, Border, Window
from spel.kernels.reference import bounced
from spel.nn.layer import Explanation, Image, Layer, Read, Shape
from spel.nn.registry import register
from spel.ops.arrays import as_planar, pad_to_3d, shape_only
from spel.ops.pad import checked_amounts, cropped, supplied

if TYPE_CHECKING:
    from spel.kernels.stream import Program, Stage


@register
@dataclass(frozen=True, eq=False)
class Pad(Layer):
    """Add spels around the image, see `spel.ops.pad`; single numbers are for both axes of pixels.

    Parameters
    ----------
    before, after : int or sequence of int
        Spels at the beginning and at the end of each axis.
    border : str, float or tuple of float
        What the new spels hold, see `spel.Window`.

    Examples
    --------
    >>> Pad(1, 2)([[[7.0]]])[..., 0].tolist()
    [[0.0, 0.0, 0.0, 0.0], [0.0, 7.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]]
    """

    kind: ClassVar[str] = "pad.v1"

    before: int | Sequence[int] = 1
    after: int | Sequence[int] = 1
    border: Border = "zero"

    def __post_init__(self) -> None:
        before, after = checked_amounts("pad", self.before, self.after)
        object.__setattr__(self, "before", _shortest(before))
        object.__setattr__(self, "after", _shortest(after))
        object.__setattr__(self, "border", self.window.border)

    @derived_property
    def amounts(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Spels before and after each axis."""
        return checked_amounts("pad", self.before, self.after)

    @property
    def window(self) -> Window:
        """The spel itself, with the border."""
        return supplied("pad", self.border, len(self.amounts[0]))

    @classmethod
    def default(cls, channels: int) -> Pad:
        return cls()

    def __call__(self, image: npt.ArrayLike) -> Image:
        return ops.pad(image, *self.amounts, border=self.border)

    def stage(self, program: Program, source: Stage) -> Stage:
        return padded(program, source, *self.amounts, self.window)

    def shape(self, shape: Shape) -> Shape:
        before, after = self.amounts
        planar = as_planar("pad", shape_only(shape), len(before))
        self.window.border_mode(planar.channels)
        return planar.shape(
            planar.channels, [a + n + b for a, n, b in zip(before, planar.size, after)]
        )

    @property
    def scope(self) -> Placement:
        before, after = self.amounts
        start = tuple(-n for n in before)
        if self.border == "wrap":
            return Placement(start, whole=True)
        if self.border not in REPEATED:
            return Placement(start)
        # A mirrored spel lies at most as far inside as the one that it stands for lies outside.
        return Placement(start, reach=tuple((-2 * b, 2 * a) for a, b in zip(before, after)))

    def explain(
        self, images: Sequence[Image], output: Image, at: tuple[int, ...], channel: int
    ) -> Explanation:
        value = output[(*at, channel)]
        spel = np.subtract(at, self.amounts[0])
        size = images[0].shape[:-1]
        if ((spel >= 0) & (spel < size)).all():
            source = tuple(int(c) for c in spel)
            return Explanation({"value": value}, (Read(0, source, channel),))
        terms = {"outside the image": str(tuple(spel.tolist())), "value": value}
        if self.border not in REPEATED:
            return Explanation(terms)
        source = tuple(int(bounced(c, n, str(self.border))) for c, n in zip(spel, size))
        return Explanation(terms, (Read(0, source, channel),))


@register
@dataclass(frozen=True, eq=False)
class Crop(Layer):
    """Cut spels off the image's sides, see `spel.ops.crop`; single numbers are for both axes.

    Parameters
    ----------
    before, after : int or sequence of int
        Spels at the beginning and at the end of each axis.

    Examples
    --------
    >>> Crop(1, 0).shape((5, 7, 2))
    (4, 6, 2)
    """

    kind: ClassVar[str] = "crop.v1"

    before: int | Sequence[int] = 1
    after: int | Sequence[int] = 1

    def __post_init__(self) -> None:
        before, after = checked_amounts("crop", self.before, self.after)
        object.__setattr__(self, "before", _shortest(before))
        object.__setattr__(self, "after", _shortest(after))

    @derived_property
    def amounts(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Spels before and after each axis."""
        return checked_amounts("crop", self.before, self.after)

    @classmethod
    def default(cls, channels: int) -> Crop:
        return cls()

    def __call__(self, image: npt.ArrayLike) -> Image:
        return ops.crop(image, *self.amounts)

    def stage(self, program: Program, source: Stage) -> Stage:
        before, after = self.amounts
        size = cropped(source.size[3 - len(before) :], before, after)
        start = pad_to_3d(before, 0)
        return program.pad(
            source, start=start, size=pad_to_3d(size, 1), border="constant", fill=[0.0]
        )

    def shape(self, shape: Shape) -> Shape:
        before, after = self.amounts
        planar = as_planar("crop", shape_only(shape), len(before))
        return planar.shape(planar.channels, cropped(planar.size, before, after))

    @property
    def scope(self) -> Placement:
        return Placement(self.amounts[0])

    def explain(
        self, images: Sequence[Image], output: Image, at: tuple[int, ...], channel: int
    ) -> Explanation:
        source = tuple(a + b for a, b in zip(at, self.amounts[0]))
        return Explanation({"value": output[(*at, channel)]}, (Read(0, source, channel),))


def _shortest(amounts: tuple[int, ...]) -> int | tuple[int, ...]:
    """One number where it stands for both axes of pixels."""
    return amounts[0] if len(amounts) == 2 and len(set(amounts)) == 1 else amounts


def padded(
    program: Program, of: Stage, before: Sequence[int], after: Sequence[int], window: Window
) -> Stage:
    """The stage of a padding with the border of a window."""
    mode, fill = window.border_mode(of.channels)
    first, last = pad_to_3d(before, 0), pad_to_3d(after, 0)
    return program.pad(
        of,
        start=[-n for n in first],
        size=[a + n + b for a, n, b in zip(first, of.size, last)],
        border=mode,
        fill=fill,
    )
