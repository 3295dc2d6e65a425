"""Layers whose result is larger than their image: spels enlarged, and transposed convolution."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import numpy.typing as npt

from spel import ops
from spel.core.bank import KernelBank
from spel.core.instance import check_instance
from spel.core.placement import Placement
from spel.core.value import derived_property
from spel.core.window import Window
from spel.errors import ParameterError
from spel.kernels.phases import linear_taps, transposed, upsampled
from spel.nn.layer import Explanation, Image, Layer, Read, Shape, per_channel
from spel.nn.registry import register
from spel.ops.arrays import as_planar, pad_to_3d, shape_only
from spel.ops.upsample import (
    FullBorder,
    Method,
    checked_bias,
    checked_factor,
    checked_transposed,
    transposed_size,
)

if TYPE_CHECKING:
    from spel.kernels.stream import Program, Stage


@register
@dataclass(frozen=True, eq=False)
class Upsample(Layer):
    """Every spel becomes `factor` spels along each axis, see `spel.ops.upsample`.

    Parameters
    ----------
    factor : int or sequence of int
    method : {"nearest", "linear"}

    Examples
    --------
    >>> Upsample(2)([[[1.0], [2.0]]])[..., 0].tolist()
    [[1.0, 1.0, 2.0, 2.0], [1.0, 1.0, 2.0, 2.0]]
    """

    kind: ClassVar[str] = "upsample.v1"

    factor: int | Sequence[int] = 2
    method: Method = "nearest"

    def __post_init__(self) -> None:
        factors = checked_factor(self.factor)
        same = len(factors) == 2 and len(set(factors)) == 1
        object.__setattr__(self, "factor", factors[0] if same else factors)
        if self.method not in ("nearest", "linear"):
            raise ParameterError(
                f"Upsample: method {self.method!r:.40}; expected 'nearest' or 'linear'"
            )

    @derived_property
    def factors(self) -> tuple[int, ...]:
        """The factor of each axis."""
        return checked_factor(self.factor)

    @classmethod
    def default(cls, channels: int) -> Upsample:
        return cls()

    def __call__(self, image: npt.ArrayLike) -> Image:
        return ops.upsample(image, self.factor, method=self.method)

    def stage(self, program: Program, source: Stage) -> Stage:
        return upsampled(program, source, pad_to_3d(self.factors, 1), self.method == "linear")

    def shape(self, shape: Shape) -> Shape:
        planar = as_planar("upsample", shape_only(shape), len(self.factors))
        size = [n * f for n, f in zip(planar.size, self.factors)]
        return planar.shape(planar.channels, size)

    @property
    def scope(self) -> Placement:
        around = (0, 0) if self.method == "nearest" else (-1, 1)
        axes = len(self.factors)
        return Placement((0,) * axes, self.factors, (around,) * axes)

    def multiply_adds(self, shape: Shape) -> int:
        taps = 1 if self.method == "nearest" else 2 ** len(self.factors)
        return 0 if taps == 1 else int(np.prod(self.shape(shape))) * taps

    def explain(
        self, images: Sequence[Image], output: Image, at: tuple[int, ...], channel: int
    ) -> Explanation:
        place = self.scope.place(at)
        value = output[(*at, channel)]
        if self.method == "nearest":
            return Explanation({"value": value}, (Read(0, place, channel),))
        phase = [i % f for i, f in zip(at, self.factors)]
        taps, weights = linear_taps(phase, self.factors)
        size = images[0].shape[:-1]
        spels = np.clip(taps + place, 0, np.subtract(size, 1))
        patch = images[0][(*spels.T, channel)]
        products = patch.astype(np.float64) * weights
        terms = {
            "displacements": taps,
            "patch": patch[:, None],
            "kernel": weights[:, None],
            "products": products[:, None],
            "sum": products.sum(),
            "bias": 0.0,
            "value": value,
        }
        nearest = tuple(int(c) for c in spels[int(weights.argmax())])
        return Explanation(terms, (Read(0, nearest, channel),))


@register
@dataclass(frozen=True, eq=False)
class TransposedConvolution(Layer):
    """The adjoint of a convolution with a bank, see `spel.ops.transposed_convolve`.

    The image has a channel for each kernel, the result a channel for each channel of the kernels.

    Parameters
    ----------
    bank : KernelBank
        Without biases.
    stride : int or sequence of int
        Factor by which the result is larger, per axis.
    border : {"zero", "valid"}
        That of the convolution.
    bias : float or (C,) array of float32
        Added to each channel of the result.

    Examples
    --------
    >>> bank = KernelBank.from_array([[1.0, 2.0], [3.0, 4.0]], origin=(0, 0))
    >>> TransposedConvolution(bank, stride=2)([[[1.0], [10.0]]])[..., 0].tolist()
    [[1.0, 2.0, 10.0, 20.0], [3.0, 4.0, 30.0, 40.0]]
    """

    kind: ClassVar[str] = "transposed_convolution.v1"

    bank: KernelBank
    stride: int | Sequence[int] = 1
    border: FullBorder = "zero"
    bias: npt.NDArray[np.float32] | float = 0.0

    def __post_init__(self) -> None:
        check_instance("TransposedConvolution: bank", self.bank, KernelBank)
        none = np.empty((0,) * self.bank.adjacency.ndim + (len(self.bank),), dtype=np.float32)
        _, window = checked_transposed(none, self.bank, self.stride, self.border)
        object.__setattr__(self, "stride", window.stride)
        bias = per_channel("TransposedConvolution: bias", checked_bias(self.bias, self.bank))
        object.__setattr__(self, "bias", bias)
        if self.bank.bias.any():
            raise ParameterError(
                "TransposedConvolution: the biases of a bank belong to the convolution with it; "
                "give a bank without, and bias= with one number per channel of the result"
            )

    @classmethod
    def default(cls, channels: int) -> TransposedConvolution:
        square = KernelBank.from_array(np.ones((2, 2)), origin=(0, 0))
        weights = np.einsum("kc,n->knc", np.eye(channels), np.ones(4))
        return cls(KernelBank(square.adjacency, weights), stride=2)

    def __call__(self, image: npt.ArrayLike) -> Image:
        return ops.transposed_convolve(
            image, self.bank, stride=self.stride, border=self.border, bias=self.bias
        )

    def stage(self, program: Program, source: Stage) -> Stage:
        window = self.window
        bank = self.bank
        size = transposed_size(window, source.size[3 - bank.adjacency.ndim :])
        return transposed(
            program,
            source,
            bank.adjacency.displacements_3d,
            bank.weights,
            np.asarray(self.bias),
            start=pad_to_3d(window.start, 0),
            stride=pad_to_3d(window.strides, 1),
            size=pad_to_3d(size, 1),
        )

    def shape(self, shape: Shape) -> Shape:
        planar, window = checked_transposed(shape_only(shape), self.bank, self.stride, self.border)
        size = transposed_size(window, planar.size)
        return planar.shape(self.bank.channels, size, channelled=True)

    @derived_property
    def window(self) -> Window:
        """The window of the convolution whose adjoint this is."""
        return Window(self.bank.adjacency, self.stride, self.border)

    @property
    def scope(self) -> Placement:
        window = self.window
        reach, shift = [], []
        for a, s, (low, high) in zip(window.start, window.strides, self.bank.adjacency.reach):
            reach.append((-((a + high) // s), -((a + low) // s)))
            # The convolution puts the middle of spel p on that of its window.
            shift.append(-(a + (low + high) / 2 + 0.5 - s / 2) / s)
        start = (0,) * len(reach)
        return Placement(start, window.strides, tuple(reach), tuple(shift))

    def multiply_adds(self, shape: Shape) -> int:
        planar, _ = checked_transposed(shape_only(shape), self.bank, self.stride, self.border)
        spels = int(np.prod(planar.size)) * len(planar.array)
        return spels * int(self.bank.weights.size)

    def explain(
        self, images: Sequence[Image], output: Image, at: tuple[int, ...], channel: int
    ) -> Explanation:
        window = self.window
        away = np.asarray(at) - window.start - self.bank.adjacency.displacements
        spels, rest = np.divmod(away, window.strides)
        size = images[0].shape[:-1]
        own = ((rest == 0) & (spels >= 0) & (spels < size)).all(axis=1)
        patch = images[0][tuple(spels[own].T)]
        kernel = self.bank.weights[:, own, channel].T
        products = patch.astype(np.float64) * kernel
        terms = {
            "displacements": self.bank.adjacency.displacements[own],
            "patch": patch,
            "kernel": kernel,
            "products": products,
            "sum": products.sum(),
            "bias": np.asarray(self.bias)[channel],
            "value": output[(*at, channel)],
        }
        if not products.size:
            return Explanation({"bias": terms["bias"], "value": terms["value"]})
        best, strongest = np.unravel_index(int(np.abs(products).argmax()), products.shape)
        place = tuple(int(c) for c in spels[own][best])
        return Explanation(terms, (Read(0, place, int(strongest)),))
