"""Each kind of layer as a PyTorch module, and a network of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from spel import ops
from spel.backends import geometry
from spel.backends.planar import decoder_weights, statistics as stored
from spel.backends.torch_color import color
from spel.backends.torch_deps import F, Tensor, as_tensor, nn, torch
from spel.backends.torch_windows import bounced, pad, window_max, window_sum
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
from spel.nn.network import Network
from spel.nn.node import INPUT, Node, in_node


class SpelModule(nn.Module):
    """A network's nodes as modules, by their names."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network
        self.layers = nn.ModuleList()
        for node in network.nodes:
            with in_node(node):
                self.layers.append(module_of(node.layer))

    def forward(self, image: Tensor) -> Tensor:
        return self.activations(image)[self.network.output]

    def activations(self, image: Tensor) -> dict[str, Tensor]:
        """The output of every node, by name."""
        done = {INPUT: image}
        for node, layer in zip(self.network.nodes, self.layers):
            done[node.name] = layer(*[done[name] for name in node.inputs])
        del done[INPUT]
        return done

    def to_network(self) -> Network:
        """The network with the weights as they are now."""
        nodes = [
            Node(node.name, _back(node.layer, layer), node.inputs)
            for node, layer in zip(self.network.nodes, self.layers)
        ]
        return Network(tuple(nodes), self.network.meta)


def module_of(layer: Layer) -> nn.Module:
    """The module of one layer."""
    for kind, make in _MODULES.items():
        if isinstance(layer, kind):
            return make(layer)
    raise UnsupportedLayerError(
        f"torch: layers of kind {layer.kind!r} have no numbers to translate; learn the network "
        "first (spel.learn)"
    )


# -- layers with weights -------------------------------------------------------------------------


class TorchConvolution(nn.Module):
    def __init__(self, layer: Convolution) -> None:
        super().__init__()
        bank, self.window = layer.bank, layer.scope
        adjacency = bank.adjacency
        box = geometry.lattice(adjacency)
        self.step, self.spans = box.step, geometry.pads(self.window, box.low, box.high)
        self.weight = nn.Parameter(as_tensor(geometry.dense(adjacency, bank.weights)))
        self.bias = nn.Parameter(as_tensor(bank.bias))
        ones = np.ones((1, len(adjacency), 1))
        cells = None if geometry.is_box(adjacency) else as_tensor(geometry.dense(adjacency, ones))
        self.register_buffer("cells", cells, persistent=False)
        mode, fill = self.window.border_mode(bank.channels)
        self.border = "constant" if self.window.border == "valid" else mode
        self.register_buffer("fill", as_tensor(fill), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight if self.cells is None else self.weight * self.cells
        convolve = F.conv2d if len(self.spans) == 2 else F.conv3d
        padded = self._padded(x)
        return convolve(padded, weight, self.bias, stride=self.window.strides, dilation=self.step)

    def _padded(self, x: Tensor) -> Tensor:
        if self.border != "constant":
            return bounced(x, self.spans, self.border)
        padded = pad(x, self.spans)
        if self.window.border == "valid" or not bool(self.fill.any()):
            return padded
        outside = 1 - pad(torch.ones_like(x[:1, :1]), self.spans)
        return padded + outside * self.fill.reshape(1, -1, *[1] * len(self.spans))

    def bank_weights(self) -> Any:
        """Weights (K, n, C) in the order of the adjacency."""
        adjacency = self.window.adjacency
        box = geometry.lattice(adjacency)
        cells = (adjacency.displacements - np.array(box.low)) // np.array(box.step)
        dense = self.weight.detach().cpu().numpy()
        return np.moveaxis(dense[(slice(None), slice(None), *cells.T)], 1, 2)


class TorchBatchNormalize(nn.Module):
    def __init__(self, layer: BatchNormalize) -> None:
        super().__init__()
        self.over, self.epsilon = layer.over, layer.epsilon
        self.gamma, self.beta = (nn.Parameter(as_tensor(v)) for v in (layer.gamma, layer.beta))
        given = stored(layer)
        self.fitted = given is not None
        mean, below = given if given is not None else (np.zeros(()), np.ones(()))
        self.register_buffer("mean", as_tensor(mean))
        self.register_buffer("below", as_tensor(below))

    def forward(self, x: Tensor) -> Tensor:
        ndim = x.ndim - 2
        mean, below = _planar(self.mean, ndim), _planar(self.below, ndim)
        if not self.fitted:
            axes = [0] if self.over == "spel" else [0, *range(2, x.ndim)]
            mean = x.mean(axes, keepdim=True)
            squares = (x - mean).square()
            if self.over == "channel":
                below = (squares.mean(axes, keepdim=True) + self.epsilon).sqrt()
            else:
                below = (squares.sum(0, keepdim=True) / (len(x) - 1)).sqrt() + self.epsilon
        return (x - mean) * (_planar(self.gamma, ndim) / below) + _planar(self.beta, ndim)


class TorchScale(nn.Module):
    def __init__(self, layer: Scale) -> None:
        super().__init__()
        self.factor, self.shift = (nn.Parameter(as_tensor(v)) for v in (layer.factor, layer.shift))

    def forward(self, x: Tensor) -> Tensor:
        return x * _planar(self.factor, x.ndim - 2) + _planar(self.shift, x.ndim - 2)


class TorchWeightedSum(nn.Module):
    def __init__(self, layer: WeightedSum) -> None:
        super().__init__()
        self.weights = nn.Parameter(as_tensor(layer.weights))
        self.bias = nn.Parameter(as_tensor(layer.bias))

    def forward(self, x: Tensor) -> Tensor:
        products = torch.tensordot(x, self.weights, dims=([1], [0]))
        return (products + self.bias)[:, None]


def _planar(values: Tensor, ndim: int) -> Tensor:
    """Values per channel, or per spel and channel, in planar order, ready to broadcast."""
    if values.ndim == 0:
        return values
    full = values.reshape((1,) * (ndim + 1 - values.ndim) + tuple(values.shape))
    return full.movedim(-1, 0)


# -- layers without weights ----------------------------------------------------------------------


class Function(nn.Module):
    """A layer without weights: a function of the layer and its images."""

    def __init__(self, layer: Layer, run: Callable[..., Tensor]) -> None:
        super().__init__()
        self.layer, self.run = layer, run

    def forward(self, *images: Tensor) -> Tensor:
        return self.run(self.layer, *images)

    def extra_repr(self) -> str:
        return self.layer.describe()


class TorchResidue(nn.Module):
    def __init__(self, layer: Residue) -> None:
        super().__init__()
        self.inner = None if layer.layer is None else module_of(layer.layer)
        self.scale = layer.scale

    def forward(self, x: Tensor, *other: Tensor) -> Tensor:
        pair = [x, other[0] if self.inner is None else self.inner(x)]
        if self.scale == "max":
            pair = [image * _to_one(image) for image in pair]
        return F.relu(pair[0] - pair[1])


def _to_one(x: Tensor) -> Tensor:
    top = x.amax(list(range(2, x.ndim)), keepdim=True)
    positive = top > 0
    return torch.where(positive, 1 / torch.where(positive, top, 1.0), 1.0)


def _activation(layer: Activation, x: Tensor) -> Tensor:
    a = layer.parameter
    table: dict[str, Callable[[], Tensor]] = {
        "relu": lambda: F.relu(x),
        "leaky_relu": lambda: F.leaky_relu(x, 0.01 if a is None else a),
        "elu": lambda: F.elu(x, 1.0 if a is None else a),
        "sigmoid": lambda: torch.sigmoid(x),
        "tanh": lambda: torch.tanh(x),
        "gelu": lambda: F.gelu(x),
        "softplus": lambda: torch.logaddexp(x, torch.zeros_like(x)),
        "hard_sigmoid": lambda: (x / 6 + 0.5).clamp(0, 1),
        "identity": lambda: x,
        "abs": lambda: x.abs(),
        "square": lambda: x * x,
    }
    return table[layer.function]()


def _mean_pool(layer: MeanPool, x: Tensor) -> Tensor:
    window = layer.scope
    total = window_sum(x, window)
    if layer.count == "full" or window.border == "valid":
        return total / len(window.adjacency)
    count = window_sum(torch.ones_like(x[:1, :1]), window)
    return total / count.clamp(min=1)


def _divisive(layer: DivisiveNormalize, x: Tensor) -> Tensor:
    squares = window_sum(x * x, Window(geometry.neighbours(layer)))
    if layer.across_channels:
        squares = squares.sum(1, keepdim=True)
    none = squares == 0  # the root of 0 has no gradient: it never sees one
    return torch.where(none, 0.0, x / torch.where(none, 1.0, squares).sqrt())


def _linear(layer: LinearNormalize, x: Tensor) -> Tensor:
    over = {"domain": list(range(2, x.ndim)), "batch": [0], "channels": [1]}[layer.over]
    return to_unit(x, over)


def to_unit(x: Tensor, over: list[int]) -> Tensor:
    """Brought linearly to 0..1; a constant gives 0."""
    low, high = x.amin(over, keepdim=True), x.amax(over, keepdim=True)
    span = high - low
    return (x - low) / torch.where(span == 0, 1.0, span)


def _center(layer: Center, x: Tensor) -> Tensor:
    ordered = x.flatten(2).sort(dim=2).values
    count = ordered.shape[2]
    median = (ordered[:, :, (count - 1) // 2] + ordered[:, :, count // 2]) / 2
    return x - median.reshape(*x.shape[:2], *[1] * (x.ndim - 2))


def _decode(layer: Decode, x: Tensor) -> Tensor:
    if layer.method in ("lm", "lm-balanced"):
        weights = as_tensor(decoder_weights(layer)).to(x)
        positive = F.relu(torch.tensordot(x, weights, dims=([1], [0])))[:, None]
        return to_unit(positive, list(range(1, x.ndim)))
    images = [ops.decode(_array(one), layer.method, layer.labels) for one in x]
    return torch.stack([torch.from_numpy(np.moveaxis(i, -1, 0).copy()) for i in images]).to(x)


def _threshold(layer: Threshold, x: Tensor) -> Tensor:
    at = ops.threshold_value(_array(x), layer.at) if isinstance(layer.at, str) else layer.at
    return (x > torch.tensor(at, dtype=x.dtype, device=x.device)).to(x.dtype)


def _array(x: Tensor) -> npt.NDArray[Any]:
    """An image of the module as the engine takes it: rules of the engine, without gradient."""
    return np.moveaxis(x.detach().cpu().numpy(), -x.ndim if x.ndim < 4 else 1, -1)


_FUNCTIONS: dict[type[Layer], Callable[..., Tensor]] = {
    Activation: _activation,
    Center: _center,
    Color: color,
    Concatenate: lambda layer, *images: torch.cat(images, dim=1),
    Decode: _decode,
    DivisiveNormalize: _divisive,
    Flatten: lambda layer, x: x.movedim(1, -1).flatten(1),
    LinearNormalize: _linear,
    MaxPool: lambda layer, x: window_max(x, layer.scope),
    MeanPool: _mean_pool,
    MinPool: lambda layer, x: -window_max(-x, layer.scope),
    Threshold: _threshold,
}

_MODULES: dict[type[Layer], Callable[[Any], nn.Module]] = {
    BatchNormalize: TorchBatchNormalize,
    Convolution: TorchConvolution,
    Residue: TorchResidue,
    Scale: TorchScale,
    WeightedSum: TorchWeightedSum,
    **{kind: (lambda layer, run=run: Function(layer, run)) for kind, run in _FUNCTIONS.items()},
}


def _back(layer: Layer, module: nn.Module) -> Layer:
    """The layer with the module's weights."""

    def plain(values: Tensor) -> Any:
        return values.detach().cpu().numpy()

    if isinstance(module, TorchConvolution):
        assert isinstance(layer, Convolution)
        weights, bias = module.bank_weights(), plain(module.bias)
        changed = not np.array_equal(weights, layer.bank.weights)
        known = () if changed else layer.bank.provenance
        return replace(
            layer, bank=replace(layer.bank, weights=weights, bias=bias, provenance=known)
        )
    if isinstance(module, TorchBatchNormalize):
        return replace(layer, gamma=plain(module.gamma), beta=plain(module.beta))
    if isinstance(module, TorchScale):
        return replace(layer, factor=plain(module.factor), shift=plain(module.shift))
    if isinstance(module, TorchWeightedSum):
        return replace(layer, weights=plain(module.weights), bias=float(module.bias))
    if isinstance(module, TorchResidue) and module.inner is not None:
        assert isinstance(layer, Residue)
        return replace(layer, layer=_back(layer.layer, module.inner)) if layer.layer else layer
    return layer
