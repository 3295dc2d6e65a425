"""Layers of several images, value by value: their sum (residual blocks), their product (gates)."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from spel.errors import ShapeError
from spel.nn.layer import Explanation, Image, Layer, Read, Shape
from spel.nn.registry import register
from spel.ops.arrays import as_real

if TYPE_CHECKING:
    from spel.kernels.stream import Program, Stage


@dataclass(frozen=True, eq=False)
class Merge(Layer):
    """What sum and product share; abstract.

    The images have one size and one number of channels, except that one channel serves all
    channels, and an image of one spel (of a global pooling) serves all spels.
    """

    inputs: ClassVar[int | None] = None

    product: ClassVar[bool]

    @staticmethod
    @abstractmethod
    def join(first: Image, second: Image) -> Image:
        """The values of two images as one."""

    def __call__(self, *images: npt.ArrayLike) -> Image:
        name = type(self).__name__
        arrays = [as_real(name, image).astype(np.float32, copy=False) for image in images]
        self.shape(*[a.shape for a in arrays])
        with np.errstate(over="ignore", invalid="ignore"):
            return arrays[0].copy() if len(arrays) == 1 else reduce(self.join, arrays)

    def stage(self, program: Program, *sources: Stage) -> Stage | None:
        if len({source.size for source in sources}) > 1:
            return None
        return program.join(sources, product=self.product)

    def shape(self, *shapes: Shape) -> Shape:
        axes = len(shapes[0])
        largest = tuple(map(max, *shapes)) if len(shapes) > 1 else tuple(shapes[0])
        fits = axes >= 3 and all(len(s) == axes for s in shapes)
        if not fits or not all(_serves(s, largest) for s in shapes):
            raise ShapeError(
                f"{type(self).__name__}: images of shapes {', '.join(map(str, shapes))}; expected "
                "one size and one number of channels (one channel serves all channels, one spel "
                "all spels)"
            )
        return largest

    def explain(
        self, images: Sequence[Image], output: Image, at: tuple[int, ...], channel: int
    ) -> Explanation:
        reads = [
            Read(i, *_place(image.shape, output.shape, at, channel))
            for i, image in enumerate(images)
        ]
        terms: dict[str, Any] = {
            f"image {r.image + 1}": images[r.image][(*r.at, r.channel)] for r in reads
        }
        return Explanation({**terms, "value": output[(*at, channel)]}, tuple(reads))


@register
@dataclass(frozen=True, eq=False)
class Add(Merge):
    """The sum of several images, value by value: what closes a residual block.

    One channel serves all channels, and an image of one spel serves all spels.

    Examples
    --------
    >>> Add()([[[1.0, 2.0]]], [[[10.0, 20.0]]]).tolist()
    [[[11.0, 22.0]]]
    """

    kind: ClassVar[str] = "add.v1"
    product: ClassVar[bool] = False

    @staticmethod
    def join(first: Image, second: Image) -> Image:
        total: Image = first + second
        return total


@register
@dataclass(frozen=True, eq=False)
class Multiply(Merge):
    """The product of several images, value by value: what a gate lets through.

    One channel serves all channels, and an image of one spel serves all spels.

    Examples
    --------
    >>> Multiply()([[[1.0, 2.0]]], [[[0.5]]]).tolist()
    [[[0.5, 1.0]]]
    """

    kind: ClassVar[str] = "multiply.v1"
    product: ClassVar[bool] = True

    @staticmethod
    def join(first: Image, second: Image) -> Image:
        product: Image = first * second
        return product


def _serves(shape: Shape, largest: Shape) -> bool:
    """Whether an image serves all spels and channels of the result."""
    whole = shape[:-1] == largest[:-1]
    one = all(n in (1, m) for n, m in zip(shape, largest)) and set(shape[-3:-1]) == {1}
    return (whole or one) and shape[-1] in (1, largest[-1])


def _place(
    shape: Shape, result: Shape, at: tuple[int, ...], channel: int
) -> tuple[tuple[int, ...], int]:
    """Where an image of a shape is read for a value of the result."""
    spel = at if shape[:-1] == result[:-1] else (0,) * len(at)
    return spel, 0 if shape[-1] == 1 else channel
