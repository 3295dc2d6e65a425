"""Layers with weights as PyTorch modules: their weights are parameters that can be trained.

`to_layer` gives the layer with the weights that the module has now. A weight that was not changed
comes back as the old value itself, so an untrained network comes back equal.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from spel.backends import geometry
from spel.backends.planar import statistics as stored
from spel.backends.torch_deps import F, Tensor, as_tensor, nn, torch
from spel.backends.torch_dispatch import LayerModule, to_module
from spel.backends.torch_windows import Correlation, pad
from spel.core.adjacency import Adjacency
from spel.nn import (
    BatchNormalize,
    Convolution,
    GroupedConvolution,
    GroupNormalize,
    PReLU,
    Residue,
    Scale,
    TransposedConvolution,
    WeightedSum,
)

AnyConvolution: TypeAlias = Convolution | GroupedConvolution


class TorchConvolution(LayerModule[AnyConvolution]):
    def __init__(self, layer: AnyConvolution) -> None:
        super().__init__(layer)
        bank = layer.bank
        self.groups = layer.groups if isinstance(layer, GroupedConvolution) else 1
        self.correlate = Correlation(layer.scope, bank.channels * self.groups)
        self.weight = nn.Parameter(as_tensor(geometry.dense(bank.adjacency, bank.weights)))
        self.bias = nn.Parameter(as_tensor(bank.bias))

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.correlate(x, self.weight, self.bias, self.groups)
        return result

    def to_layer(self) -> AnyConvolution:
        bank = self.layer.bank
        weights, bias = sparse_weights(bank.adjacency, self.weight), _updated(bank.bias, self.bias)
        if np.array_equal(weights, bank.weights):
            return replace(self.layer, bank=replace(bank, bias=bias))
        # Kernels that were trained further no longer come from their markers.
        return replace(self.layer, bank=replace(bank, weights=weights, bias=bias, provenance=()))


def sparse_weights(adjacency: Adjacency, dense: Tensor) -> npt.NDArray[Any]:
    """Weights (K, n, C) in the order of the adjacency, from those in its lattice box."""
    box = geometry.bounding_lattice(adjacency)
    cells = (adjacency.displacements - np.array(box.low)) // np.array(box.step)
    values = dense.detach().cpu().numpy()
    return np.moveaxis(values[(slice(None), slice(None), *cells.T)], 1, 2)


class TorchTransposedConvolution(LayerModule[TransposedConvolution]):
    cells: Tensor | None

    def __init__(self, layer: TransposedConvolution) -> None:
        super().__init__(layer)
        bank, window = layer.bank, layer.window
        box = geometry.bounding_lattice(bank.adjacency)
        self.step, self.strides = box.step, window.strides
        self.spans = geometry.transposed_spans(window)
        self.weight = nn.Parameter(as_tensor(geometry.dense(bank.adjacency, bank.weights)))
        self.bias = nn.Parameter(as_tensor(layer.bias))
        ones = np.ones((1, len(bank.adjacency), 1), dtype=np.float32)
        full = geometry.is_box(bank.adjacency)
        cells = None if full else as_tensor(geometry.dense(bank.adjacency, ones))
        self.register_buffer("cells", cells, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        spread = F.conv_transpose2d if len(self.spans) == 2 else F.conv_transpose3d
        masked = self.weight if self.cells is None else self.weight * self.cells
        whole = spread(x, masked, stride=self.strides, dilation=self.step)
        return pad(whole, self.spans) + _planar(self.bias, len(self.spans))

    def to_layer(self) -> TransposedConvolution:
        bank = self.layer.bank
        weights = sparse_weights(bank.adjacency, self.weight)
        bias = _updated(self.layer.bias, self.bias)
        if np.array_equal(weights, bank.weights):
            return replace(self.layer, bias=bias)
        return replace(self.layer, bank=replace(bank, weights=weights, provenance=()), bias=bias)


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
        gamma, beta = _updated(self.layer.gamma, self.gamma), _updated(self.layer.beta, self.beta)
        return replace(self.layer, gamma=gamma, beta=beta)


class TorchGroupNormalize(LayerModule[GroupNormalize]):
    def __init__(self, layer: GroupNormalize) -> None:
        super().__init__(layer)
        self.gamma, self.beta = (nn.Parameter(as_tensor(v)) for v in (layer.gamma, layer.beta))

    def forward(self, x: Tensor) -> Tensor:
        centred = F.group_norm(x, self.layer.groups, eps=self.layer.epsilon)
        return centred * _planar(self.gamma, x.ndim - 2) + _planar(self.beta, x.ndim - 2)

    def to_layer(self) -> GroupNormalize:
        gamma, beta = _updated(self.layer.gamma, self.gamma), _updated(self.layer.beta, self.beta)
        return replace(self.layer, gamma=gamma, beta=beta)


class TorchScale(LayerModule[Scale]):
    def __init__(self, layer: Scale) -> None:
        super().__init__(layer)
        self.factor, self.shift = (nn.Parameter(as_tensor(v)) for v in (layer.factor, layer.shift))

    def forward(self, x: Tensor) -> Tensor:
        return x * _planar(self.factor, x.ndim - 2) + _planar(self.shift, x.ndim - 2)

    def to_layer(self) -> Scale:
        factor = _updated(self.layer.factor, self.factor)
        return replace(self.layer, factor=factor, shift=_updated(self.layer.shift, self.shift))


class TorchPReLU(LayerModule[PReLU]):
    def __init__(self, layer: PReLU) -> None:
        super().__init__(layer)
        self.slope = nn.Parameter(as_tensor(layer.slope))

    def forward(self, x: Tensor) -> Tensor:
        return torch.where(x > 0, x, x * _planar(self.slope, x.ndim - 2))

    def to_layer(self) -> PReLU:
        return replace(self.layer, slope=_updated(self.layer.slope, self.slope))


class TorchWeightedSum(LayerModule[WeightedSum]):
    def __init__(self, layer: WeightedSum) -> None:
        super().__init__(layer)
        self.weights = nn.Parameter(as_tensor(layer.weights))
        self.bias = nn.Parameter(as_tensor(layer.bias))

    def forward(self, x: Tensor) -> Tensor:
        return weighted_sum(x, self.weights) + self.bias

    def to_layer(self) -> WeightedSum:
        weights = _updated(self.layer.weights, self.weights)
        return replace(self.layer, weights=weights, bias=_updated(self.layer.bias, self.bias))


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
to_module.register(GroupedConvolution, TorchConvolution)
to_module.register(TransposedConvolution, TorchTransposedConvolution)
to_module.register(BatchNormalize, TorchBatchNormalize)
to_module.register(GroupNormalize, TorchGroupNormalize)
to_module.register(Scale, TorchScale)
to_module.register(PReLU, TorchPReLU)
to_module.register(WeightedSum, TorchWeightedSum)
to_module.register(Residue, TorchResidue)


def _updated(old: Any, parameter: Tensor) -> Any:
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


def weighted_sum(x: Tensor, weights: Tensor) -> Tensor:
    """One channel from many: a weighted sum over the channels."""
    return (x * weights.reshape(1, -1, *[1] * (x.ndim - 2))).sum(1, keepdim=True)


def _to_one(x: Tensor) -> Tensor:
    top = x.amax(list(range(2, x.ndim)), keepdim=True)
    positive = top > 0
    return torch.where(positive, 1 / torch.where(positive, top, 1.0), 1.0)
