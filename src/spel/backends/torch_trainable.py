"""Layers with weights as PyTorch modules: their weights are parameters that can be trained.

`to_layer` gives the layer with the weights that the module has now. A weight that was not changed
comes back as the old value itself, so an untrained network comes back equal.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar, TypeAlias

import numpy as np
import numpy.typing as npt

from spel.backends import geometry
from spel.backends.planar import statistics as stored
from spel.backends.torch_deps import F, Tensor, as_tensor, nn, torch
from spel.backends.torch_dispatch import L, LayerModule, to_module
from spel.backends.torch_windows import Correlation, pad
from spel.core.adjacency import Adjacency
from spel.core.bank import KernelBank
from spel.errors import ShapeError
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
    """Convolution whose weights and biases are trained, with one group of channels or several.

    The weights are dense in the adjacency's lattice box; those outside of the adjacency are masked
    in every forward pass.
    """

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
        bank = _trained_bank(self.layer.bank, self.weight)
        return replace(self.layer, bank=replace(bank, bias=_updated(bank.bias, self.bias)))


def _trained_bank(bank: KernelBank, dense: Tensor) -> KernelBank:
    """The bank with the weights of its lattice box; the old bank itself if they are the same."""
    weights = sparse_weights(bank.adjacency, dense)
    if np.array_equal(weights, bank.weights):
        return bank
    # Kernels that were trained further no longer come from their markers.
    return replace(bank, weights=weights, provenance=())


def sparse_weights(adjacency: Adjacency, dense: Tensor) -> npt.NDArray[Any]:
    """Weights (K, n, C) in the order of the adjacency, from those in its lattice box."""
    box = geometry.bounding_lattice(adjacency)
    cells = (adjacency.displacements - np.array(box.low)) // np.array(box.step)
    values = dense.detach().cpu().numpy()
    return np.moveaxis(values[(slice(None), slice(None), *cells.T)], 1, 2)


class TorchTransposedConvolution(LayerModule[TransposedConvolution]):
    """Transposed convolution whose weights and biases are trained, cropped to the layer's shape."""

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
        bank = _trained_bank(self.layer.bank, self.weight)
        return replace(self.layer, bank=bank, bias=_updated(self.layer.bias, self.bias))


class FieldModule(LayerModule[L]):
    """A layer whose fields in `trained` are parameters of the same names."""

    trained: ClassVar[tuple[str, ...]]

    def __init__(self, layer: L) -> None:
        super().__init__(layer)
        for name in self.trained:
            self.register_parameter(name, nn.Parameter(as_tensor(getattr(layer, name))))

    def to_layer(self) -> L:
        """The layer with the values that its trained fields have now."""
        layer: Any = self.layer
        values = {
            name: _updated(getattr(layer, name), getattr(self, name)) for name in self.trained
        }
        trained: L = replace(layer, **values)
        return trained


class TorchBatchNormalize(FieldModule[BatchNormalize]):
    """Values less their mean, over their deviation, by statistics that are stored and not trained.

    Without stored statistics, those of the batch are used, as in `spel.BatchNormalize`.
    """

    trained = ("gamma", "beta")
    mean: Tensor
    divisor: Tensor
    gamma: Tensor
    beta: Tensor

    def __init__(self, layer: BatchNormalize) -> None:
        super().__init__(layer)
        self.over, self.epsilon = layer.over, float(layer.epsilon)
        statistics = stored(layer)
        self.fitted = statistics is not None
        mean, divisor = statistics if statistics is not None else (np.zeros(()), np.ones(()))
        self.register_buffer("mean", as_tensor(mean))
        self.register_buffer("divisor", as_tensor(divisor))

    def forward(self, x: Tensor) -> Tensor:
        ndim = x.ndim - 2
        mean, divisor = _planar(self.mean, ndim), _planar(self.divisor, ndim)
        if self.fitted:
            _check_broadcast(mean, x)
        else:
            axes = [0] if self.over == "spel" else [0, *range(2, x.ndim)]
            mean = x.mean(axes, keepdim=True)
            squares = (x - mean).square()
            if self.over == "channel":
                divisor = (squares.mean(axes, keepdim=True) + self.epsilon).sqrt()
            else:
                divisor = (squares.sum(0, keepdim=True) / (len(x) - 1)).sqrt() + self.epsilon
        return (x - mean) * (_planar(self.gamma, ndim) / divisor) + _planar(self.beta, ndim)


def _check_broadcast(mean: Tensor, x: Tensor) -> None:
    """Refuse images of another size than statistics per spel; one spel would be repeated."""
    sizes = x.shape[:0:-1]
    if any(have not in (1, size) for have, size in zip(mean.shape[::-1], sizes)):
        raise ShapeError(
            f"BatchNormalize: statistics of shape {tuple(mean.shape)} for images of "
            f"{tuple(x.shape[1:])}, channels first; fit the layer on images of this size"
        )


class TorchGroupNormalize(FieldModule[GroupNormalize]):
    """Each group of channels normalized by its mean and deviation over the image."""

    trained = ("gamma", "beta")
    gamma: Tensor
    beta: Tensor

    def forward(self, x: Tensor) -> Tensor:
        # `F.group_norm` refuses groups of one value, whose normalized value is 0.
        centred = torch.group_norm(x, self.layer.groups, eps=self.layer.epsilon)
        return centred * _planar(self.gamma, x.ndim - 2) + _planar(self.beta, x.ndim - 2)


class TorchScale(FieldModule[Scale]):
    """Every value times a factor, plus a shift."""

    trained = ("factor", "shift")
    factor: Tensor
    shift: Tensor

    def forward(self, x: Tensor) -> Tensor:
        return x * _planar(self.factor, x.ndim - 2) + _planar(self.shift, x.ndim - 2)


class TorchPReLU(FieldModule[PReLU]):
    """Negative values times the slope of their channel."""

    trained = ("slope",)
    slope: Tensor

    def forward(self, x: Tensor) -> Tensor:
        return torch.where(x > 0, x, x * _planar(self.slope, x.ndim - 2))


class TorchWeightedSum(FieldModule[WeightedSum]):
    """One channel: the weighted sum of all channels, plus a bias."""

    trained = ("weights", "bias")
    weights: Tensor
    bias: Tensor

    def forward(self, x: Tensor) -> Tensor:
        return weighted_sum(x, self.weights) + self.bias


class TorchResidue(LayerModule[Residue]):
    """The positive part of an image less another one, or less what an inner layer makes of it."""

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
        if self.inner is None:
            return self.layer
        return replace(self.layer, layer=self.inner.to_layer())


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
