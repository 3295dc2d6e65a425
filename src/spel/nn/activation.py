"""Activation as a layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy.typing as npt

from spel import ops
from spel.nn.layer import Explanation, Image, Layer, Read, Shape
from spel.nn.registry import register
from spel.ops.activate import Kind, checked_parameter

if TYPE_CHECKING:
    from spel.kernels.stream import Program, Stage


@register
@dataclass(frozen=True, eq=False)
class Activation(Layer):
    """Apply an activation function to every value, see `spel.ops.activate`.

    Examples
    --------
    >>> Activation("relu")([[[-1.0, 2.0]]]).tolist()
    [[[0.0, 2.0]]]
    """

    kind: ClassVar[str] = "activation.v1"

    function: Kind = "relu"
    parameter: float | None = None

    def __post_init__(self) -> None:
        checked_parameter(self.function, self.parameter)

    @classmethod
    def default(cls, channels: int) -> Activation:
        return cls()

    def __call__(self, image: npt.ArrayLike) -> Image:
        return ops.activate(image, self.function, parameter=self.parameter)

    def stage(self, program: Program, source: Stage) -> Stage:
        value = checked_parameter(self.function, self.parameter)
        return program.activate(source, self.function, value)

    def shape(self, shape: Shape) -> Shape:
        return shape

    def explain(
        self, images: Sequence[Image], output: Image, at: tuple[int, ...], channel: int
    ) -> Explanation:
        terms = {
            "input": images[0][(*at, channel)],
            "function": self.function,
            "value": output[(*at, channel)],
        }
        return Explanation(terms, (Read(0, at, channel),))
