"""From PyTorch's own modules to a network, as far as they mean the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from spel.backends.torch_deps import nn
from spel.backends.torch_module import SpelModule
from spel.core.adjacency import Adjacency
from spel.core.bank import KernelBank
from spel.errors import ShapeError, UnsupportedLayerError
from spel.nn import (
    Activation,
    BatchNormalize,
    Convolution,
    Layer,
    MaxPool,
    MeanPool,
    Network,
    chain,
)
from spel.nn.node import Node


def from_torch(module: nn.Module, shape: Sequence[int] | None = None) -> Network:
    """A network from a module that `to_torch` made, or from PyTorch's own modules."""
    return module.to_network() if isinstance(module, SpelModule) else from_modules(module, shape)


def from_modules(module: nn.Module, shape: Sequence[int] | None = None) -> Network:
    """A chain of layers from a sequence of modules in evaluation mode.

    Convolutions (zero padding of half the kernel, or none; no groups), max- and mean-pooling,
    batch normalization with running statistics, the activations, and, once `shape` is known,
    ``Flatten`` followed by ``Linear``: a linear layer over a map of h x w spels is a convolution
    whose kernel is the whole map.

    Parameters
    ----------
    module : torch.nn.Module
        One of those, or ``nn.Sequential`` of them (nested ones are unrolled).
    shape : (rows, cols, channels), optional
        Of the images, for what follows a ``Flatten``.

    Raises
    ------
    UnsupportedLayerError
        For any other module or option; the message names it.
    """
    layers: list[Layer] = []
    names: list[str] = []
    flat = False
    for name, part in _leaves("", module):
        if isinstance(part, nn.Identity | nn.Dropout | nn.Dropout2d):
            continue
        if isinstance(part, nn.Flatten):
            flat = True
            continue
        if isinstance(part, nn.Linear):
            layer = _linear(name, part, _map(layers, shape) if flat else (1, 1))
            flat = False
        else:
            layer = _layer(name, part)
        layers.append(layer)
        names.append(f"m{name}".replace(".", "_") if name[:1].isdigit() else name or "module")
    if not layers:
        raise UnsupportedLayerError("from_torch: the module has no layer that a network keeps")
    inputs = ["input", *names[:-1]]
    return Network(tuple(Node(n, la, (i,)) for n, la, i in zip(names, layers, inputs)))


def _leaves(name: str, module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    if isinstance(module, nn.Sequential):
        for child, part in module.named_children():
            yield from _leaves(f"{name}.{child}" if name else child, part)
    else:
        yield name, module


def _map(layers: list[Layer], shape: Sequence[int] | None) -> tuple[int, int]:
    if shape is None:
        raise ShapeError(
            "from_torch: a Linear after a Flatten fixes the size of images; give "
            "shape=(rows, cols, channels)"
        )
    given = tuple(shape) if len(shape) == 3 else (*shape, 1)
    rows, cols, _ = chain(*layers).shape(given) if layers else given
    return rows, cols


def _layer(name: str, module: nn.Module) -> Layer:
    if isinstance(module, nn.Conv2d):
        return _convolution(name, module)
    if isinstance(module, nn.MaxPool2d | nn.AvgPool2d):
        return _pool(name, module)
    if isinstance(module, nn.BatchNorm2d):
        return _batch_norm(name, module)
    for kind, function, options in _ACTIVATIONS:
        if isinstance(module, kind):
            if any(getattr(module, k) != v for k, v in options.items()):
                raise _refused(name, module, f"only {options} is kept")
            slope = {"leaky_relu": "negative_slope", "elu": "alpha"}.get(function)
            return Activation(function, float(getattr(module, slope)) if slope else None)
    raise _refused(name, module, "no layer means the same")


_ACTIVATIONS: tuple[tuple[type[nn.Module], Any, dict[str, Any]], ...] = (
    (nn.ReLU, "relu", {}),
    (nn.LeakyReLU, "leaky_relu", {}),
    (nn.ELU, "elu", {}),
    (nn.Sigmoid, "sigmoid", {}),
    (nn.Tanh, "tanh", {}),
    (nn.GELU, "gelu", {"approximate": "none"}),
    (nn.Softplus, "softplus", {"beta": 1}),
    (nn.Hardsigmoid, "hard_sigmoid", {}),
)


def _convolution(name: str, module: nn.Conv2d) -> Convolution:
    if module.groups != 1 or module.padding_mode != "zeros":
        raise _refused(name, module, "groups and other padding modes are not kept")
    size, dilation = _pair(module.kernel_size), _pair(module.dilation)
    extents = [(k - 1) * d for k, d in zip(size, dilation)]
    border = _border(name, module, module.padding, extents)
    weights = _plain(module.weight).transpose(0, 2, 3, 1)
    origin = [k // 2 if border == "valid" else (k - 1) // 2 for k in size]
    bias = None if module.bias is None else _plain(module.bias)
    bank = KernelBank.from_array(weights, bias, origin=origin)
    adjacency = bank.adjacency.dilated(dilation)
    return Convolution(KernelBank(adjacency, bank.weights, bank.bias), _pair(module.stride), border)


def _pool(name: str, module: Any) -> Layer:
    size = _pair(module.kernel_size)
    mean = isinstance(module, nn.AvgPool2d)
    dilation = (1, 1) if mean else _pair(module.dilation)
    if module.ceil_mode or (mean and module.divisor_override):
        raise _refused(name, module, "ceil_mode and divisor_override are not kept")
    extents = [(k - 1) * d for k, d in zip(size, dilation)]
    border = _border(name, module, module.padding, extents)
    area = Adjacency.box(size).dilated(dilation)
    stride = _pair(module.stride)
    where = "valid" if border == "valid" else "inside"
    if not mean:
        return MaxPool(area, stride, where)
    count = "full" if module.count_include_pad and where == "inside" else "valid"
    return MeanPool(area, stride, where, count)


def _border(name: str, module: Any, padding: Any, extents: Sequence[int]) -> Any:
    """ "valid" without padding, "zero" with half the kernel's extent."""
    if padding == "same" and all(e % 2 == 0 for e in extents):
        padding = tuple(e // 2 for e in extents)
    if isinstance(padding, str):
        if padding == "valid":
            return "valid"
        raise _refused(name, module, "padding='same' of an even kernel is not kept")
    spans = _pair(padding)
    if not any(spans):
        return "valid" if any(extents) else "zero"
    if any(2 * p != e for p, e in zip(spans, extents)):
        raise _refused(name, module, "its padding is neither 0 nor half the kernel's extent")
    return "zero"


def _batch_norm(name: str, module: nn.BatchNorm2d) -> BatchNormalize:
    if module.running_mean is None or module.running_var is None:
        raise _refused(name, module, "it has no running statistics")
    return BatchNormalize(
        _plain(module.running_mean),
        np.sqrt(_plain(module.running_var)),
        _plain(module.weight) if module.affine else 1.0,
        _plain(module.bias) if module.affine else 0.0,
        float(module.eps),
        "channel",
    )


def _linear(name: str, module: nn.Linear, size: tuple[int, int]) -> Convolution:
    rows, cols = size
    weights = _plain(module.weight)
    if weights.shape[1] % (rows * cols):
        raise _refused(name, module, f"{weights.shape[1]} inputs for maps of {rows} x {cols} spels")
    maps = weights.reshape(len(weights), -1, rows, cols).transpose(0, 2, 3, 1)
    bias = None if module.bias is None else _plain(module.bias)
    return Convolution(KernelBank.from_array(maps, bias), border="valid")


def _pair(value: Any) -> tuple[int, int]:
    pair = value if isinstance(value, tuple | list) else (value, value)
    return int(pair[0]), int(pair[1])


def _plain(values: Any) -> Any:
    return values.detach().cpu().numpy()


def _refused(name: str, module: nn.Module, why: str) -> UnsupportedLayerError:
    return UnsupportedLayerError(
        f"from_torch: module {name or 'itself'!r}, {module}: {why}; replace it, or bring its part "
        "of the network yourself"
    )
