"""Convolution as a layer: K perceptrons per spel, before their activation."""

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
from spel.nn.layer import Explanation, Image, Layer, Read, Shape
from spel.nn.registry import register
from spel.ops.arrays import pad_to_3d, shape_only
from spel.ops.convolve import checked

if TYPE_CHECKING:
    from spel.kernels.stream import Program, Stage


@register
@dataclass(frozen=True, eq=False)
class Convolution(Layer):
    """Correlate with a kernel bank and add the biases, see `spel.ops.convolve`.

    Parameters
    ----------
    bank : KernelBank
    stride : int or sequence of int
        Distance between the spels that are computed.
    border : str, float or tuple of float
        What spels outside the image supply, see `spel.Window`.

    Examples
    --------
    >>> layer = Convolution(KernelBank.sobel("col"))
    >>> layer.shape((240, 352, 1)), layer.parameters
    ((240, 352, 1), 10)
    """

    kind: ClassVar[str] = "convolution.v1"
    slides: ClassVar[bool] = True

    bank: KernelBank
    stride: int | Sequence[int] = 1
    border: Border = "zero"

    def __post_init__(self) -> None:
        check_instance("Convolution: bank", self.bank, KernelBank)
        window = Window(self.bank.adjacency, self.stride, self.border)
        object.__setattr__(self, "stride", window.stride)
        object.__setattr__(self, "border", window.border)

    @classmethod
    def default(cls, channels: int) -> Convolution:
        sobel = KernelBank.sobel("col")
        weights = np.repeat(sobel.weights, channels, axis=2)
        return cls(KernelBank(sobel.adjacency, weights, sobel.bias))

    def __call__(self, image: npt.ArrayLike) -> Image:
        return ops.convolve(image, self.bank, stride=self.stride, border=self.border)

    def stage(self, program: Program, source: Stage) -> Stage:
        return convolved(program, source, self.bank, self.scope)

    def shape(self, shape: Shape) -> Shape:
        planar, window = checked(shape_only(shape), self.bank, self.stride, self.border)
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
        value = output[(*at, channel)]
        return sum_of_products(images[0], self.scope, self.bank, at, channel, value)


def sum_of_products(
    image: Image,
    window: Window,
    bank: KernelBank,
    at: tuple[int, ...],
    kernel: int,
    value: float,
    first: int = 0,
) -> Explanation:
    """How a kernel's value at a spel came about; the kernel reads channels from `first` on."""
    place = window.place(at)
    border = window.border
    if isinstance(border, tuple):
        border = border[first : first + bank.channels]
    own = image[..., first : first + bank.channels]
    patch = ops.patches(own, bank.adjacency, at=[place], border=border)
    patch = patch.reshape(len(bank.adjacency), bank.channels)
    weights = bank.weights[kernel]
    products = patch.astype(np.float64) * weights
    spels = bank.adjacency.displacements + place
    inside = ((spels >= 0) & (spels < image.shape[:-1])).all(axis=1)
    terms = {
        "displacements": bank.adjacency.displacements,
        "inside": inside,
        "patch": patch,
        "kernel": weights,
        "products": products,
        "sum": products.sum(),
        "bias": bank.bias[kernel],
        "norm": np.linalg.norm(weights.astype(np.float64)),
        "value": value,
    }
    strongest = int(np.abs(products.sum(axis=0)).argmax())
    return Explanation(terms, (Read(0, place, first + strongest),))


def convolved(
    program: Program, of: Stage, bank: KernelBank, window: Window, groups: int = 1
) -> Stage:
    """The stage of a convolution with a bank over a window."""
    mode, fill = window.border_mode(of.channels)
    return program.convolve(
        of,
        bank.adjacency.displacements_3d,
        bank.weights,
        bank.bias,
        start=pad_to_3d(window.start, 0),
        stride=pad_to_3d(window.strides, 1),
        border=mode,
        fill=fill,
        size=pad_to_3d(window.shape(of.size[3 - bank.adjacency.ndim :]), 1),
        groups=groups,
    )
