"""Layers without weights as PyTorch modules: color, activation, normalization, decision."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

from spel.backends.planar import decoder_weights
from spel.backends.torch_color import color, tables
from spel.backends.torch_deps import F, Tensor, as_tensor, torch
from spel.backends.torch_dispatch import LayerModule, function_of, to_module
from spel.backends.torch_rules import decode, threshold_value
from spel.backends.torch_trainable import weighted_sum
from spel.nn import (
    Activation,
    Add,
    ArgMax,
    Center,
    Clip,
    Color,
    Concatenate,
    Decode,
    Flatten,
    LinearNormalize,
    Multiply,
    Softmax,
    Threshold,
)


class TorchColor(LayerModule[Color]):
    """Conversion of a color space, with the tables and matrices of the engine."""

    def __init__(self, layer: Color) -> None:
        super().__init__(layer)
        self.tables = tables(layer)

    def forward(self, x: Tensor) -> Tensor:
        return color(self.layer, self.tables, x)


to_module.register(Color, TorchColor)


class TorchDecode(LayerModule[Decode]):
    """The saliency of a FLIM decoder: (batch, channels, ...) to (batch, 1, ...), in 0..1.

    Decoders by label weigh the channels with fixed weights, so gradients pass; the others choose
    weights for each image by its statistics, without gradient.
    """

    weights: Tensor

    def __init__(self, layer: Decode) -> None:
        super().__init__(layer)
        self.method, self.labels = layer.method, list(layer.labels)
        self.by_label = layer.method in ("lm", "lm-balanced")
        weights = as_tensor(decoder_weights(layer) if self.by_label else ())
        self.register_buffer("weights", weights, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        if self.by_label:
            return to_unit(F.relu(weighted_sum(x, self.weights)), list(range(1, x.ndim)))
        saliency: Tensor = decode(x.detach(), self.method, self.labels)
        return saliency


to_module.register(Decode, TorchDecode)


@function_of(Activation)
def activation(layer: Activation, x: Tensor) -> Tensor:
    """The activation of every value; the gelu is exact, by the error function."""
    a = layer.parameter
    if layer.function == "leaky_relu":
        return F.leaky_relu(x, 0.01 if a is None else a)
    if layer.function == "elu":
        return F.elu(x, 1.0 if a is None else a)
    return _ACTIVATIONS[layer.function](x)


_ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": F.relu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "gelu": F.gelu,
    "softplus": lambda x: torch.logaddexp(x, torch.zeros_like(x)),
    "hard_sigmoid": lambda x: (x / 6 + 0.5).clamp(0, 1),
    "silu": F.silu,
    "hard_swish": lambda x: x * (x / 6 + 0.5).clamp(0, 1),
    "identity": lambda x: x,
    "abs": torch.abs,
    "square": lambda x: x * x,
}


@function_of(LinearNormalize)
def linear_normalize(layer: LinearNormalize, x: Tensor) -> Tensor:
    """Values brought linearly to 0..1 over the spatial axes, the batch or the channels."""
    over = {"domain": list(range(2, x.ndim)), "batch": [0], "channels": [1]}[layer.over]
    return to_unit(x, over)


def to_unit(x: Tensor, over: list[int]) -> Tensor:
    """Brought linearly to 0..1; a constant gives 0."""
    low, high = x.amin(over, keepdim=True), x.amax(over, keepdim=True)
    span = high - low
    return (x - low) / torch.where(span == 0, 1.0, span)


@function_of(Center)
def center(layer: Center, x: Tensor) -> Tensor:
    """Each channel less its median over the image; of two middle values, their mean."""
    ordered = x.flatten(2).sort(dim=2).values
    count = ordered.shape[2]
    median = (ordered[:, :, (count - 1) // 2] + ordered[:, :, count // 2]) / 2
    return x - median.reshape(*x.shape[:2], *[1] * (x.ndim - 2))


@function_of(Concatenate)
def concatenate(layer: Concatenate, *images: Tensor) -> Tensor:
    """The channels of all images, one after another."""
    return torch.cat(images, dim=1)


@function_of(Add)
def add(layer: Add, *images: Tensor) -> Tensor:
    """The sum of all images."""
    return reduce(torch.add, images)


@function_of(Multiply)
def multiply(layer: Multiply, *images: Tensor) -> Tensor:
    """The product of all images."""
    return reduce(torch.mul, images)


@function_of(Clip)
def clip(layer: Clip, x: Tensor) -> Tensor:
    """Values limited to the layer's lowest and highest."""
    return x.clamp(*layer.limits)


@function_of(Softmax)
def softmax(layer: Softmax, x: Tensor) -> Tensor:
    """Probabilities over the channels of each pixel; they sum to 1."""
    return x.softmax(1)


@function_of(ArgMax)
def argmax(layer: ArgMax, x: Tensor) -> Tensor:
    """The number of the largest channel of each pixel, as one channel; the first of equals."""
    return x.argmax(1, keepdim=True).to(x.dtype)


@function_of(Flatten)
def flatten(layer: Flatten, x: Tensor) -> Tensor:
    """(batch, channels, rows, cols) as (batch, rows * cols * channels), as spel orders an image."""
    return x.movedim(1, -1).flatten(1)


@function_of(Threshold)
def threshold(layer: Threshold, x: Tensor) -> Tensor:
    """1 where a value is above the threshold, else 0.

    A threshold by name, such as "otsu", is found for each image of the batch, without gradient.
    """
    if not isinstance(layer.at, str):
        return (x > layer.at).to(x.dtype)
    at: Tensor = threshold_value(x.detach(), layer.at)
    return (x > at.reshape(-1, *[1] * (x.ndim - 1))).to(x.dtype)
