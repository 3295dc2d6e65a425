"""Layers over the channels of each spel: shares of a whole, and the largest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import numpy.typing as npt

from spel import ops
from spel.nn.layer import Explanation, Image, Layer, Read, Shape
from spel.nn.registry import register
from spel.ops.channels import check_channels

if TYPE_CHECKING:
    from spel.kernels.stream import Program, Stage


@register
@dataclass(frozen=True, eq=False)
class Softmax(Layer):
    """Exponentials of the channels over their sum at each spel, see `spel.ops.softmax`.

    Examples
    --------
    >>> Softmax()([[[1.0, 1.0]]]).tolist()
    [[[0.5, 0.5]]]
    """

    kind: ClassVar[str] = "softmax.v1"

    @classmethod
    def default(cls, channels: int) -> Softmax:
        return cls()

    def __call__(self, image: npt.ArrayLike) -> Image:
        return ops.softmax(image)

    def stage(self, program: Program, source: Stage) -> Stage:
        return program.softmax(source)

    def shape(self, shape: Shape) -> Shape:
        check_channels("softmax", shape)
        return shape

    def explain(
        self, images: Sequence[Image], output: Image, at: tuple[int, ...], channel: int
    ) -> Explanation:
        values = images[0][at].astype(np.float64)
        exponentials = np.exp(values - values.max())
        terms = {
            "input": values[channel],
            "largest": values.max(),
            "exponential": exponentials[channel],
            "sum of exponentials": exponentials.sum(),
            "value": output[(*at, channel)],
        }
        return Explanation(terms, (Read(0, at, channel),))


@register
@dataclass(frozen=True, eq=False)
class ArgMax(Layer):
    """Number of the channel with the largest value at each spel, see `spel.ops.argmax`.

    Examples
    --------
    >>> ArgMax()([[[1.0, 7.0, 2.0]]]).tolist()
    [[[1.0]]]
    """

    kind: ClassVar[str] = "argmax.v1"

    @classmethod
    def default(cls, channels: int) -> ArgMax:
        return cls()

    def __call__(self, image: npt.ArrayLike) -> Image:
        return ops.argmax(image)

    def stage(self, program: Program, source: Stage) -> Stage:
        return program.argmax(source)

    def shape(self, shape: Shape) -> Shape:
        check_channels("argmax", shape)
        return (*shape[:-1], 1) if len(shape) > 2 else shape

    def explain(
        self, images: Sequence[Image], output: Image, at: tuple[int, ...], channel: int
    ) -> Explanation:
        terms = {"channels": images[0][at], "value": output[(*at, channel)]}
        return Explanation(terms, (Read(0, at, int(images[0][at].argmax())),))
