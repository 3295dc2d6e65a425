"""Each kind of layer as a PyTorch module; the list is open to layers of others.

`to_module` gives the module of a layer, by the layer's type. A layer from outside of spel joins by
``to_module.register(MyLayer, MyModule)``, where MyModule is a `LayerModule`, or, if it has no
weights, by the decorator ``@function_of(MyLayer)`` on a function of the layer and its images.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial, singledispatch
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from spel.backends import geometry
from spel.backends.planar import decoder_weights, statistics as stored
from spel.backends.torch_color import color, tables
from spel.backends.torch_deps import F, Tensor, as_tensor, nn, torch
from spel.backends.torch_rules import decode, threshold_value
from spel.backends.torch_windows import Correlation, WindowMax, WindowReduce
from spel.core.window import Window
from spel.errors import UnsupportedLayerError
from spel.nn import (
    Activation,
    BatchNormalize,
    Center,
    Color,
    Concatenate,
    Convolution,
    Decode,
    DivisiveNormalize,
    Flatten,
    Layer,
    LinearNormalize,
    MaxPool,
    MeanPool,
    MinPool,
    Residue,
    Scale,
    Threshold,
    WeightedSum,
)

L = TypeVar("L", bound=Layer)
Run = Callable[..., Tensor]


class LayerModule(nn.Module, Generic[L]):
    """The module of one layer; `to_layer` gives the layer back, with the weights as they are."""

    def __init__(self, layer: L) -> None:
        super().__init__()
        self.layer = layer

    def to_layer(self) -> L:
        """The layer with the weights that the module has now."""
        return self.layer

    def extra_repr(self) -> str:
        return self.layer.describe()


class Function(LayerModule[L]):
    """A layer without weights: a function of the layer and its images."""

    def __init__(self, layer: L, run: Run) -> None:
        super().__init__(layer)
        self.run = run

    def forward(self, *images: Tensor) -> Tensor:
        return self.run(self.layer, *images)


@singledispatch
def to_module(layer: Layer) -> LayerModule[Any]:
    """The module of one layer, by its type.

    Raises
    ------
    UnsupportedLayerError
        If no module is registered for its type.
    """
    raise UnsupportedLayerError(
        f"torch: layers of kind {layer.kind!r} have no numbers to translate; learn the network "
        "first (spel.learn), or register a module for this type of layer"
    )


def function_of(kind: type[Layer]) -> Callable[[Run], Run]:
    """Decorator: register a function of ``(layer, *images)`` as the module of a type of layer."""

    def register(run: Run) -> Run:
        to_module.register(kind, partial(Function, run=run))
        return run

    return register


# -- layers with weights -------------------------------------------------------------------------


class TorchConvolution(LayerModule[Convolution]):
    def __init__(self, layer: Convolution) -> None:
        super().__init__(layer)
        bank = layer.bank
        self.correlate = Correlation(layer.scope, bank.channels)
        self.weight = nn.Parameter(as_tensor(geometry.dense(bank.adjacency, bank.weights)))
        self.bias = nn.Parameter(as_tensor(bank.bias))

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.correlate(x, self.weight, self.bias)
        return result

    def to_layer(self) -> Convolution:
        bank = self.layer.bank
        weights, bias = self._weights(), _changed(bank.bias, self.bias)
        if np.array_equal(weights, bank.weights):
            return replace(self.layer, bank=replace(bank, bias=bias))
        # Kernels that were trained further no longer come from their markers.
        return replace(self.layer, bank=replace(bank, weights=weights, bias=bias, provenance=()))

    def _weights(self) -> npt.NDArray[Any]:
        """Weights (K, n, C) in the order of the adjacency."""
        adjacency = self.layer.bank.adjacency
        box = geometry.bounding_lattice(adjacency)
        cells = (adjacency.displacements - np.array(box.low)) // np.array(box.step)
        dense = self.weight.detach().cpu().numpy()
        return np.moveaxis(dense[(slice(None), slice(None), *cells.T)], 1, 2)


class TorchBatchNormalize(LayerModule[BatchNormalize]):
    mean: Tensor
    divisor: Tensor

    def __init__(self, layer: BatchNormalize) -> None:
        super().__init__(layer)
        self.over, self.epsilon = layer.over, float(layer.epsilon)
        self.gamma = nn.Parameter(as_tensor(layer.gamma))
        self.beta = nn.Parameter(as_tensor(layer.beta))
        statistics = stored(layer)
        self.fitted = statistics is not None
        mean, divisor = statistics if statistics is not None else (np.zeros(()), np.ones(()))
        self.register_buffer("mean", as_tensor(mean))
        self.register_buffer("divisor", as_tensor(divisor))

    def forward(self, x: Tensor) -> Tensor:
        ndim = x.ndim - 2
        mean, divisor = _planar(self.mean, ndim), _planar(self.divisor, ndim)
        if not self.fitted:
            axes = [0] if self.over == "spel" else [0, *range(2, x.ndim)]
            mean = x.mean(axes, keepdim=True)
            squares = (x - mean).square()
            if self.over == "channel":
                divisor = (squares.mean(axes, keepdim=True) + self.epsilon).sqrt()
            else:
                divisor = (squares.sum(0, keepdim=True) / (len(x) - 1)).sqrt() + self.epsilon
        return (x - mean) * (_planar(self.gamma, ndim) / divisor) + _planar(self.beta, ndim)

    def to_layer(self) -> BatchNormalize:
        gamma, beta = _changed(self.layer.gamma, self.gamma), _changed(self.layer.beta, self.beta)
        return replace(self.layer, gamma=gamma, beta=beta)


class TorchScale(LayerModule[Scale]):
    def __init__(self, layer: Scale) -> None:
        super().__init__(layer)
        self.factor, self.shift = (nn.Parameter(as_tensor(v)) for v in (layer.factor, layer.shift))

    def forward(self, x: Tensor) -> Tensor:
        return x * _planar(self.factor, x.ndim - 2) + _planar(self.shift, x.ndim - 2)

    def to_layer(self) -> Scale:
        factor = _changed(self.layer.factor, self.factor)
        return replace(self.layer, factor=factor, shift=_changed(self.layer.shift, self.shift))


class TorchWeightedSum(LayerModule[WeightedSum]):
    def __init__(self, layer: WeightedSum) -> None:
        super().__init__(layer)
        self.weights = nn.Parameter(as_tensor(layer.weights))
        self.bias = nn.Parameter(as_tensor(layer.bias))

    def forward(self, x: Tensor) -> Tensor:
        return _weighted(x, self.weights) + self.bias

    def to_layer(self) -> WeightedSum:
        weights = _changed(self.layer.weights, self.weights)
        return replace(self.layer, weights=weights, bias=_changed(self.layer.bias, self.bias))


class TorchResidue(LayerModule[Residue]):
    def __init__(self, layer: Residue) -> None:
        super().__init__(layer)
        self.inner = None if layer.layer is None else to_module(layer.layer)
        self.scale = layer.scale

    def forward(self, x: Tensor, *other: Tensor) -> Tensor:
        pair = [x, other[0] if self.inner is None else self.inner(x)]
        if self.scale == "max":
            pair = [image * _to_one(image) for image in pair]
        return F.relu(pair[0] - pair[1])

    def to_layer(self) -> Residue:
        return (
            self.layer if self.inner is None else replace(self.layer, layer=self.inner.to_layer())
        )


to_module.register(Convolution, TorchConvolution)
to_module.register(BatchNormalize, TorchBatchNormalize)
to_module.register(Scale, TorchScale)
to_module.register(WeightedSum, TorchWeightedSum)
to_module.register(Residue, TorchResidue)


def _changed(old: Any, parameter: Tensor) -> Any:
    """A field with the parameter's numbers: the old value itself if they are the same."""
    new = parameter.detach().cpu().numpy()
    if np.array_equal(np.asarray(old, dtype=new.dtype), new):
        return old
    return float(new) if isinstance(old, float) else new


def _planar(values: Tensor, ndim: int) -> Tensor:
    """Values per channel, or per pixel and channel, in planar order, ready to broadcast."""
    if values.ndim == 0:
        return values
    full = values.reshape((1,) * (ndim + 1 - values.ndim) + tuple(values.shape))
    return full.movedim(-1, 0)


def _weighted(x: Tensor, weights: Tensor) -> Tensor:
    """One channel from many: a weighted sum over the channels."""
    return (x * weights.reshape(1, -1, *[1] * (x.ndim - 2))).sum(1, keepdim=True)


def _to_one(x: Tensor) -> Tensor:
    top = x.amax(list(range(2, x.ndim)), keepdim=True)
    positive = top > 0
    return torch.where(positive, 1 / torch.where(positive, top, 1.0), 1.0)


# -- poolings and norms over windows -------------------------------------------------------------


class TorchExtremum(LayerModule[Any]):
    def __init__(self, layer: MaxPool | MinPool) -> None:
        super().__init__(layer)
        self.largest = WindowMax(layer.scope)
        self.sign = -1 if isinstance(layer, MinPool) else 1

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.largest(x * self.sign) * self.sign
        return result


class TorchMeanPool(LayerModule[MeanPool]):
    def __init__(self, layer: MeanPool) -> None:
        super().__init__(layer)
        self.sum = WindowReduce(layer.scope, "sum")
        self.size = len(layer.adjacency)
        self.same = layer.count == "full" or layer.border == "valid"

    def forward(self, x: Tensor) -> Tensor:
        total: Tensor = self.sum(x)
        if self.same:
            return total / self.size
        count: Tensor = self.sum(torch.ones_like(x[:1, :1]))
        return total / count.clamp(min=1)


class TorchDivisiveNormalize(LayerModule[DivisiveNormalize]):
    def __init__(self, layer: DivisiveNormalize) -> None:
        super().__init__(layer)
        self.sum = WindowReduce(Window(layer.area), "sum")
        self.across = layer.across_channels

    def forward(self, x: Tensor) -> Tensor:
        squares: Tensor = self.sum(x * x)
        if self.across:
            squares = squares.sum(1, keepdim=True)
        none = squares == 0  # The root of 0 has no gradient: it is never taken.
        return torch.where(none, 0.0, x / torch.where(none, 1.0, squares).sqrt())


to_module.register(MaxPool, TorchExtremum)
to_module.register(MinPool, TorchExtremum)
to_module.register(MeanPool, TorchMeanPool)
to_module.register(DivisiveNormalize, TorchDivisiveNormalize)


class TorchColor(LayerModule[Color]):
    def __init__(self, layer: Color) -> None:
        super().__init__(layer)
        self.tables = tables(layer)

    def forward(self, x: Tensor) -> Tensor:
        return color(self.layer, self.tables, x)


to_module.register(Color, TorchColor)


class TorchDecode(LayerModule[Decode]):
    weights: Tensor

    def __init__(self, layer: Decode) -> None:
        super().__init__(layer)
        self.method, self.labels = layer.method, list(layer.labels)
        self.by_label = layer.method in ("lm", "lm-balanced")
        weights = as_tensor(decoder_weights(layer) if self.by_label else ())
        self.register_buffer("weights", weights, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        if self.by_label:
            return to_unit(F.relu(_weighted(x, self.weights)), list(range(1, x.ndim)))
        saliency: Tensor = decode(x.detach(), self.method, self.labels)
        return saliency


to_module.register(Decode, TorchDecode)


# -- layers without weights ----------------------------------------------------------------------


@function_of(Activation)
def activation(layer: Activation, x: Tensor) -> Tensor:
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
    "identity": lambda x: x,
    "abs": torch.abs,
    "square": lambda x: x * x,
}


@function_of(LinearNormalize)
def linear_normalize(layer: LinearNormalize, x: Tensor) -> Tensor:
    over = {"domain": list(range(2, x.ndim)), "batch": [0], "channels": [1]}[layer.over]
    return to_unit(x, over)


def to_unit(x: Tensor, over: list[int]) -> Tensor:
    """Brought linearly to 0..1; a constant gives 0."""
    low, high = x.amin(over, keepdim=True), x.amax(over, keepdim=True)
    span = high - low
    return (x - low) / torch.where(span == 0, 1.0, span)


@function_of(Center)
def center(layer: Center, x: Tensor) -> Tensor:
    ordered = x.flatten(2).sort(dim=2).values
    count = ordered.shape[2]
    median = (ordered[:, :, (count - 1) // 2] + ordered[:, :, count // 2]) / 2
    return x - median.reshape(*x.shape[:2], *[1] * (x.ndim - 2))


@function_of(Concatenate)
def concatenate(layer: Concatenate, *images: Tensor) -> Tensor:
    return torch.cat(images, dim=1)


@function_of(Flatten)
def flatten(layer: Flatten, x: Tensor) -> Tensor:
    return x.movedim(1, -1).flatten(1)


@function_of(Threshold)
def threshold(layer: Threshold, x: Tensor) -> Tensor:
    if not isinstance(layer.at, str):
        return (x > layer.at).to(x.dtype)
    at: Tensor = threshold_value(x.detach(), layer.at)
    return (x > at.reshape(-1, *[1] * (x.ndim - 1))).to(x.dtype)
