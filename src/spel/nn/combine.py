"""Layers that combine channels: weighted sum, scale, concatenation, flattening, threshold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import numpy.typing as npt

from spel import ops
from spel.core.adjacency import Adjacency
from spel.core.bank import KernelBank
from spel.core.window import Window
from spel.errors import ShapeError
from spel.nn.convolution import convolved
from spel.nn.layer import (
    Explanation,
    Image,
    Layer,
    Read,
    Scope,
    Shape,
    each_image,
    number,
    per_channel,
)
from spel.nn.registry import register
from spel.ops.arrays import as_real, is_wide
from spel.ops.threshold import checked_rule

if TYPE_CHECKING:
    from spel.kernels.stream import Program, Stage


@register
@dataclass(frozen=True, eq=False)
class WeightedSum(Layer):
    """One channel from many: ``sum_k w_k R_k(p) + bias``, a perceptron over the channels.

    Parameters
    ----------
    weights : (C,) array of float32
        One per channel.
    bias : float

    Examples
    --------
    >>> WeightedSum([1.0, -2.0], bias=0.5)([[[3.0, 1.0]]]).tolist()
    [[[1.5]]]
    """

    kind: ClassVar[str] = "weighted_sum.v1"

    weights: npt.NDArray[np.float32]
    bias: float = 0.0

    def __post_init__(self) -> None:
        weights = per_channel("WeightedSum: weights", self.weights)
        if weights.ndim != 1 or not weights.size:
            raise ShapeError(
                f"WeightedSum: weights of shape {weights.shape}; expected one per channel, (C,)"
            )
        object.__setattr__(self, "weights", weights)
        object.__setattr__(self, "bias", number("WeightedSum: bias", self.bias))

    def bank(self, ndim: int = 2) -> KernelBank:
        """The same as a bank of one kernel over the spel itself."""
        return KernelBank(
            Adjacency.ball(0, ndim=ndim),
            self.weights[None, None],
            np.array([self.bias], dtype=np.float32),
        )

    @classmethod
    def default(cls, channels: int) -> WeightedSum:
        return cls(np.full(channels, 1 / channels, dtype=np.float32))

    def __call__(self, image: npt.ArrayLike) -> Image:
        array = as_real("WeightedSum", image)
        self.shape(array.shape)
        # Pointwise: leading axes are a batch of rows, whatever the number of spatial axes.
        lead = array.shape[:-1]
        rows = array if array.ndim in (3, 4) else array.reshape(-1, *array.shape[-3:])
        summed: Image = ops.convolve(rows, self.bank())
        return summed.reshape(*lead, 1)

    def stage(self, program: Program, source: Stage) -> Stage:
        ndim = 3 if source.size[0] > 1 else 2
        bank = self.bank(ndim)
        return convolved(program, source, bank, Window(bank.adjacency))

    def shape(self, shape: Shape) -> Shape:
        if len(shape) < 3 or shape[-1] != len(self.weights):
            raise ShapeError(
                f"WeightedSum: image of shape {shape} for {len(self.weights)} weights; expected "
                f"(rows, cols, {len(self.weights)})"
            )
        return (*shape[:-1], 1)

    def multiply_adds(self, shape: Shape) -> int:
        return int(np.prod(shape))

    def explain(
        self, images: Sequence[Image], output: Image, at: tuple[int, ...], channel: int
    ) -> Explanation:
        products = images[0][at].astype(np.float64) * self.weights
        terms = {
            "patch": images[0][at],
            "kernel": self.weights,
            "products": products,
            "sum": products.sum(),
            "bias": self.bias,
            "value": output[(*at, channel)],
        }
        return Explanation(terms, (Read(0, at, int(products.argmax())),))


@register
@dataclass(frozen=True, eq=False)
class Scale(Layer):
    """Per channel, ``x * factor + shift``.

    Parameters
    ----------
    factor : (C,) array of float32
    shift : float or (C,) array of float32

    Examples
    --------
    >>> Scale([0.5, 2.0])([[[4.0, 4.0]]]).tolist()
    [[[2.0, 8.0]]]
    """

    kind: ClassVar[str] = "scale.v1"
    subtracts: ClassVar[bool] = True

    factor: npt.NDArray[np.float32]
    shift: npt.NDArray[np.float32] | float = 0.0

    def __post_init__(self) -> None:
        factor = per_channel("Scale: factor", self.factor)
        shift = per_channel("Scale: shift", np.broadcast_to(self.shift, factor.shape))
        if factor.ndim != 1 or not factor.size:
            raise ShapeError(f"Scale: factor of shape {factor.shape}; expected one per channel")
        object.__setattr__(self, "factor", factor)
        object.__setattr__(self, "shift", shift)

    @classmethod
    def default(cls, channels: int) -> Scale:
        return cls(np.ones(channels, dtype=np.float32))

    def __call__(self, image: npt.ArrayLike) -> Image:
        array = as_real("Scale", image)
        self.shape(array.shape)
        if is_wide(array):
            exact: Image = (array * self.factor.astype(np.float64) + self.shift).astype(np.float32)
            return exact
        out: Image = np.multiply(array, self.factor, dtype=np.float32)
        out += self.shift
        return out

    def stage(self, program: Program, source: Stage) -> Stage:
        return program.affine(source, subtract=0.0, multiply=self.factor, add=self.shift)

    def shape(self, shape: Shape) -> Shape:
        if len(shape) < 3 or shape[-1] != len(self.factor):
            raise ShapeError(
                f"Scale: image of shape {shape} for {len(self.factor)} factors; expected one "
                "factor per channel"
            )
        return shape

    def explain(
        self, images: Sequence[Image], output: Image, at: tuple[int, ...], channel: int
    ) -> Explanation:
        terms = {
            "input": images[0][(*at, channel)],
            "factor": self.factor[channel],
            "shift": np.asarray(self.shift)[channel],
            "value": output[(*at, channel)],
        }
        return Explanation(terms, (Read(0, at, channel),))


@register
@dataclass(frozen=True, eq=False)
class Concatenate(Layer):
    """The channels of several images of one size, one after the other.

    Examples
    --------
    >>> Concatenate()(np.zeros((2, 2, 1)), np.ones((2, 2, 3))).shape
    (2, 2, 4)
    """

    kind: ClassVar[str] = "concatenate.v1"
    inputs: ClassVar[int | None] = None

    def __call__(self, *images: npt.ArrayLike) -> Image:
        arrays = [as_real("Concatenate", image) for image in images]
        *spels, channels = self.shape(*[a.shape for a in arrays])
        out = np.moveaxis(np.empty((*spels[:-2], channels, *spels[-2:]), dtype=np.float32), -3, -1)
        return np.concatenate(arrays, axis=-1, out=out, casting="unsafe")

    def stage(self, program: Program, *sources: Stage) -> Stage:
        return program.concatenate(sources)

    def shape(self, *shapes: Shape) -> Shape:
        if len({s[:-1] for s in shapes}) != 1 or len(shapes[0]) < 3:
            raise ShapeError(
                f"Concatenate: images of shapes {', '.join(map(str, shapes))}; expected the same "
                "rows and cols, with channels"
            )
        return (*shapes[0][:-1], sum(s[-1] for s in shapes))

    def explain(
        self, images: Sequence[Image], output: Image, at: tuple[int, ...], channel: int
    ) -> Explanation:
        first = 0
        for index, image in enumerate(images):
            if channel < first + image.shape[-1]:
                terms = {"image": index, "value": output[(*at, channel)]}
                return Explanation(terms, (Read(index, at, channel - first),))
            first += image.shape[-1]
        raise ShapeError(f"Concatenate: channel {channel} of {first}")


@register
@dataclass(frozen=True, eq=False)
class Flatten(Layer):
    """All values of an image as one feature vector, see `spel.ops.flatten`.

    Images are of pixels; for a volume, call `spel.ops.flatten` with ``ndim=3``.

    Examples
    --------
    >>> Flatten().shape((28, 28, 1))
    (784,)
    """

    kind: ClassVar[str] = "flatten.v1"

    def __call__(self, image: npt.ArrayLike) -> Image:
        return ops.flatten(image)

    def shape(self, shape: Shape) -> Shape:
        if len(shape) not in (3, 4):
            raise ShapeError(f"Flatten: image of shape {shape}; expected (rows, cols, channels)")
        return (*shape[:-3], int(np.prod(shape[-3:])))

    @property
    def ndim(self) -> int:
        return 2

    @property
    def scope(self) -> Scope:
        return "image"

    def explain(
        self, images: Sequence[Image], output: Image, at: tuple[int, ...], channel: int
    ) -> Explanation:
        *place, source = (int(i) for i in np.unravel_index(channel, images[0].shape))
        return Explanation({"value": output[channel]}, (Read(0, tuple(place), source),))


@register
@dataclass(frozen=True, eq=False)
class Threshold(Layer):
    """1 where a value is above the threshold, 0 elsewhere, see `spel.ops.threshold`.

    A rule ("otsu", "p95") is applied to each image of a batch by itself. Called alone, outside of a
    network, an array of four axes is a batch of images and not a volume.

    Parameters
    ----------
    at : float or str
        The number, "otsu", or a percentile such as "p95".

    Examples
    --------
    >>> Threshold(2.0)([[[1.0], [3.0]]]).tolist()
    [[[0.0], [1.0]]]
    """

    kind: ClassVar[str] = "threshold.v1"

    at: float | str

    def __post_init__(self) -> None:
        checked_rule(self.at)

    @classmethod
    def default(cls, channels: int) -> Threshold:
        return cls("otsu")

    def __call__(self, image: npt.ArrayLike) -> Image:
        return each_image(self.of_image, image)

    def of_image(self, *images: Image) -> Image:
        (image,) = images
        return ops.threshold(image, self.at).astype(np.float32)

    def shape(self, shape: Shape) -> Shape:
        return shape

    @property
    def scope(self) -> Scope:
        return "image" if isinstance(self.at, str) else "spel"

    def explain(
        self, images: Sequence[Image], output: Image, at: tuple[int, ...], channel: int
    ) -> Explanation:
        terms = {
            "input": images[0][(*at, channel)],
            "threshold": ops.threshold_value(images[0], self.at),
            "value": output[(*at, channel)],
        }
        return Explanation(terms, (Read(0, at, channel),))
