"""Grouped convolution as a layer: a kernel reads some of the channels; depthwise, a single one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import numpy.typing as npt

from spel import ops
from spel.core.bank import KernelBank
from spel.core.instance import check_instance
from spel.core.value import derived_property
from spel.core.window import Border, Window
from spel.nn.convolution import convolved, sum_of_products
from spel.nn.layer import Explanation, Image, Layer, Shape
from spel.nn.registry import register
from spel.ops.arrays import shape_only
from spel.ops.convolve import checked

if TYPE_CHECKING:
    from spel.kernels.stream import Program, Stage


@register
@dataclass(frozen=True, eq=False)
class GroupedConvolution(Layer):
    """Channels and kernels fall into groups; a kernel reads those of its own, see `ops.convolve`.

    Parameters
    ----------
    bank : KernelBank
        Its channels are those of one group; the kernels of a group follow one another.
    groups : int
        Divides the number of kernels; the image has ``groups`` times the channels of the bank.
    stride : int or sequence of int
        Distance between the spels that are computed.
    border : str, float or tuple of float
        What spels outside the image supply, see `spel.Window`.

    Examples
    --------
    >>> bank = KernelBank.from_array([[[1.0, 0.0]], [[0.0, 1.0]]])
    >>> depthwise = GroupedConvolution(bank, groups=2)
    >>> depthwise([[[1.0, 10.0], [2.0, 20.0]]]).tolist()
    [[[0.0, 10.0], [1.0, 20.0]]]
    """

    kind: ClassVar[str] = "grouped_convolution.v1"
    slides: ClassVar[bool] = True

    bank: KernelBank
    groups: int
    stride: int | Sequence[int] = 1
    border: Border = "zero"

    def __post_init__(self) -> None:
        check_instance("GroupedConvolution: bank", self.bank, KernelBank)
        window = Window(self.bank.adjacency, self.stride, self.border)
        object.__setattr__(self, "stride", window.stride)
        object.__setattr__(self, "border", window.border)
        channels = self.bank.channels * max(1, int(self.groups))
        none = np.empty((0,) * self.bank.adjacency.ndim + (channels,), dtype=np.float32)
        checked(none, self.bank, self.stride, self.border, self.groups)

    @classmethod
    def default(cls, channels: int) -> GroupedConvolution:
        smooth = KernelBank.gaussian(1.0, radius=2)
        weights = np.repeat(smooth.weights, channels, axis=0)
        return cls(KernelBank(smooth.adjacency, weights), channels)

    def __call__(self, image: npt.ArrayLike) -> Image:
        return ops.convolve(
            image, self.bank, stride=self.stride, border=self.border, groups=self.groups
        )

    def stage(self, program: Program, source: Stage) -> Stage:
        return convolved(program, source, self.bank, self.scope, self.groups)

    def shape(self, shape: Shape) -> Shape:
        planar, window = checked(
            shape_only(shape), self.bank, self.stride, self.border, self.groups
        )
        return planar.shape(len(self.bank), window.shape(planar.size), channelled=True)

    @derived_property
    def scope(self) -> Window:
        return Window(self.bank.adjacency, self.stride, self.border)

    def multiply_adds(self, shape: Shape) -> int:
        spels = int(np.prod(self.shape(shape)))
        return spels * len(self.bank.adjacency) * self.bank.channels

    def explain(
        self, images: Sequence[Image], output: Image, at: tuple[int, ...], channel: int
    ) -> Explanation:
        group = channel // (len(self.bank) // self.groups)
        first = group * self.bank.channels
        value = output[(*at, channel)]
        return sum_of_products(images[0], self.scope, self.bank, at, channel, value, first)
