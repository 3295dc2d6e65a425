"""From PyTorch's own modules to a network: the same numbers, or a refusal that names the module.

A module is taken only if its type is exactly one of PyTorch's, it has no hooks, and every option of
it has a meaning here: a subclass may compute something else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from spel.backends.torch_deps import nn, torch
from spel.backends.torch_module import SpelModule
from spel.core.adjacency import Adjacency
from spel.core.bank import KernelBank
from spel.errors import ShapeError, UnsupportedLayerError
from spel.nn import (
    Activation,
    BatchNormalize,
    Convolution,
    Flatten,
    Layer,
    MaxPool,
    MeanPool,
    Network,
    Node,
    chain,
)
from spel.ops.activate import Kind

Pair = tuple[int, int]
Array = npt.NDArray[np.float32]


def from_torch(module: nn.Module, shape: Sequence[int] | None = None) -> Network:
    """A network from a module that `to_torch` made, or from PyTorch's own modules."""
    if type(module) is SpelModule:
        return module.to_network()
    return from_modules(module, shape)


def from_modules(module: nn.Module, shape: Sequence[int] | None = None) -> Network:
    """A chain of layers from a sequence of PyTorch's own modules, in evaluation mode.

    Convolutions (zero padding of half the kernel's extent, "same", or none; no groups), max- and
    mean-pooling, batch normalization with running statistics, the activations, and, once `shape`
    is known, ``Flatten`` followed by ``Linear``: a linear layer over a map of h x w pixels is a
    convolution whose kernel is the whole map.

    Parameters
    ----------
    module : torch.nn.Module
        One of those, or ``nn.Sequential`` of them (nested ones are unrolled), with weights of
        float32.
    shape : (rows, cols, channels), optional
        Of the images, for what follows a ``Flatten``.

    Raises
    ------
    UnsupportedLayerError
        For any other module, a subclass, or an option that has no meaning here; the message names
        the module.
    """
    chain_of = _Chain(shape)
    for name, part in _leaves("", module):
        _check_plain(name, part)
        chain_of.add(name, part)
    return chain_of.network()


def _leaves(name: str, module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    if isinstance(module, nn.Sequential) and type(module).forward is nn.Sequential.forward:
        _check_hooks(name, module)
        for child, part in module.named_children():
            yield from _leaves(f"{name}.{child}" if name else child, part)
    else:
        yield name, module


def _check_plain(name: str, module: nn.Module) -> None:
    """Refuse what may compute something else than its type says, or with other numbers."""
    if type(module) not in _TAKEN:
        raise _refusal(name, module, "no layer means the same (subclasses are not taken)")
    _check_hooks(name, module)
    for values in (*module.parameters(), *module.buffers()):
        if values.is_floating_point() and values.dtype != torch.float32:
            why = f"its weights are {values.dtype}; convert it with .float()"
            raise _refusal(name, module, why)


def _check_hooks(name: str, module: nn.Module) -> None:
    if module._forward_hooks or module._forward_pre_hooks:
        raise _refusal(name, module, "it has hooks, which may change what it computes")


@dataclass
class _Chain:
    """The layers so far, and what comes out of them: a map, its flattened values, or a vector."""

    shape: Sequence[int] | None
    layers: list[Layer] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    form: Literal["map", "flattened", "vector"] = "map"
    flatten: tuple[str, nn.Module] | None = None

    def add(self, name: str, module: nn.Module) -> None:
        kind = type(module)
        if kind in _WITHOUT_EFFECT:
            if module.training and getattr(module, "p", 0.0) != 0.0:
                raise _refusal(name, module, "it is in training mode; call module.eval()")
        elif kind is nn.Flatten:
            self._flatten(name, module)
        elif kind is nn.Linear:
            self._append(name, self._linear(name, module))
            self.form = "vector"
        elif kind in _ACTIVATIONS:
            self._append(name, _activation(name, module))
        elif self.form != "map":
            raise _refusal(name, module, "it follows a Flatten or a Linear, which leave no image")
        else:
            self._append(name, _OF_MAPS[kind](name, module))

    def network(self) -> Network:
        if self.form == "flattened" and self.flatten is not None:
            # PyTorch flattens channel by channel, spel pixel by pixel: one order only if either
            # is alone.
            name, module = self.flatten
            rows, cols, channels = self._size(name, module)
            if channels != 1 and rows * cols != 1:
                raise _refusal(name, module, "it orders the values of a vector channel by channel")
            self._append(name, Flatten())
        if not self.layers:
            raise UnsupportedLayerError("from_torch: the module has no layer that a network keeps")
        inputs = ["input", *self.names[:-1]]
        steps = zip(self.names, self.layers, inputs)
        return Network(tuple(Node(name, layer, (source,)) for name, layer, source in steps))

    def _append(self, name: str, layer: Layer) -> None:
        self.layers.append(layer)
        stem = name.replace(".", "_") or "module"
        self.names.append(f"m{stem}" if stem[0].isdigit() or stem == "input" else stem)

    def _flatten(self, name: str, module: Any) -> None:
        if (module.start_dim, module.end_dim) != (1, -1):
            raise _refusal(name, module, "it does not flatten whole images")
        if self.form == "map":
            self.form, self.flatten = "flattened", (name, module)

    def _linear(self, name: str, module: Any) -> Convolution:
        if self.form == "map":
            raise _refusal(name, module, "on an image it acts on each row; put a Flatten before it")
        weights = _numbers(module.weight)
        rows, cols = (1, 1) if self.form == "vector" else self._size(name, module)[:2]
        if weights.shape[1] % (rows * cols):
            why = f"{weights.shape[1]} inputs for maps of {rows} x {cols} pixels"
            raise _refusal(name, module, why)
        maps = weights.reshape(len(weights), -1, rows, cols).transpose(0, 2, 3, 1)
        return Convolution(KernelBank.from_array(maps, _bias(module)), border="valid")

    def _size(self, name: str, module: nn.Module) -> tuple[int, int, int]:
        if self.shape is None:
            raise ShapeError(
                f"from_torch: module {name!r}, {module}: what follows a Flatten fixes the size of "
                "images; give shape=(rows, cols, channels)"
            )
        given = tuple(self.shape) if len(self.shape) == 3 else (*self.shape, 1)
        rows, cols, channels = chain(*self.layers).shape(given) if self.layers else given
        return rows, cols, channels


# -- modules over images -------------------------------------------------------------------------


def _convolution(name: str, module: Any) -> Layer:
    if module.groups != 1 or module.padding_mode != "zeros":
        raise _refusal(name, module, "groups and other padding modes are not taken")
    size, dilation, stride = (
        _pair(v) for v in (module.kernel_size, module.dilation, module.stride)
    )
    adjacency, padded = _window(name, module, size, dilation, module.padding)
    weights = _numbers(module.weight).transpose(0, 2, 3, 1)
    bank = KernelBank(adjacency, weights.reshape(len(weights), len(adjacency), -1), _bias(module))
    return Convolution(bank, stride, "zero" if padded else "valid")


def _max_pool(name: str, module: Any) -> Layer:
    if module.ceil_mode or module.return_indices:
        raise _refusal(name, module, "ceil_mode and return_indices are not taken")
    size, dilation, stride = (
        _pair(v) for v in (module.kernel_size, module.dilation, module.stride)
    )
    adjacency, padded = _window(name, module, size, dilation, module.padding)
    return MaxPool(adjacency, stride, "inside" if padded else "valid")


def _mean_pool(name: str, module: Any) -> Layer:
    if module.ceil_mode or module.divisor_override is not None:
        raise _refusal(name, module, "ceil_mode and divisor_override are not taken")
    size, stride = _pair(module.kernel_size), _pair(module.stride)
    adjacency, padded = _window(name, module, size, (1, 1), module.padding)
    if not padded:
        return MeanPool(adjacency, stride, "valid")
    return MeanPool(adjacency, stride, "inside", "full" if module.count_include_pad else "valid")


def _window(
    name: str, module: Any, size: Pair, dilation: Pair, padding: Any
) -> tuple[Adjacency, bool]:
    """The displacements ``i * dilation - padding`` of a kernel, and whether it is padded at all.

    With padding, positions 0, s, 2s, ... exist for every pixel only if both sides together are as
    wide as the kernel's extent ("same": to the right the wider one).
    """
    extents = [(k - 1) * d for k, d in zip(size, dilation)]
    if padding == "valid":
        padding = 0
    if padding == "same":
        before = [extent // 2 for extent in extents]
        padded = True
    else:
        before = list(_pair(padding))
        padded = any(before) or not any(extents)
        if padded and any(2 * p != e for p, e in zip(before, extents)):
            raise _refusal(name, module, "its padding is neither 0 nor half the kernel's extent")
        if not padded:
            # No pixel outside is read: the middle of the window stands for it.
            before = [(k // 2) * d for k, d in zip(size, dilation)]
    rows, cols = ([i * d - b for i in range(k)] for k, d, b in zip(size, dilation, before))
    return Adjacency.from_displacements(list(product(rows, cols))), padded


def _batch_normalize(name: str, module: Any) -> Layer:
    if module.running_mean is None or module.running_var is None:
        raise _refusal(name, module, "it has no running statistics")
    if module.training:
        raise _refusal(name, module, "it is in training mode; call module.eval()")
    return BatchNormalize(
        _numbers(module.running_mean),
        np.sqrt(_numbers(module.running_var)),
        _numbers(module.weight) if module.affine else 1.0,
        _numbers(module.bias) if module.affine else 0.0,
        float(module.eps),
        "channel",
    )


def _activation(name: str, module: Any) -> Layer:
    function, options, parameter = _ACTIVATIONS[type(module)]
    if any(getattr(module, key) != value for key, value in options.items()):
        raise _refusal(name, module, f"only {options} has a meaning here")
    return Activation(function, float(getattr(module, parameter)) if parameter else None)


_ACTIVATIONS: dict[type[nn.Module], tuple[Kind, dict[str, Any], str | None]] = {
    nn.ReLU: ("relu", {}, None),
    nn.LeakyReLU: ("leaky_relu", {}, "negative_slope"),
    nn.ELU: ("elu", {}, "alpha"),
    nn.Sigmoid: ("sigmoid", {}, None),
    nn.Tanh: ("tanh", {}, None),
    nn.GELU: ("gelu", {"approximate": "none"}, None),
    # Above the threshold PyTorch returns its input; at 20 that is the same float32.
    nn.Softplus: ("softplus", {"beta": 1, "threshold": 20}, None),
    nn.Hardsigmoid: ("hard_sigmoid", {}, None),
}

_OF_MAPS: dict[type[nn.Module], Callable[[str, Any], Layer]] = {
    nn.Conv2d: _convolution,
    nn.MaxPool2d: _max_pool,
    nn.AvgPool2d: _mean_pool,
    nn.BatchNorm2d: _batch_normalize,
}

_WITHOUT_EFFECT = frozenset({nn.Identity, nn.Dropout, nn.Dropout2d})

_TAKEN = frozenset({*_ACTIVATIONS, *_OF_MAPS, *_WITHOUT_EFFECT, nn.Flatten, nn.Linear})


def _pair(value: Any) -> Pair:
    pair = value if isinstance(value, tuple | list) else (value, value)
    return int(pair[0]), int(pair[1])


def _numbers(values: Any) -> Array:
    return np.asarray(values.detach().cpu().numpy(), dtype=np.float32)


def _bias(module: Any) -> Array | None:
    return None if module.bias is None else _numbers(module.bias)


def _refusal(name: str, module: nn.Module, why: str) -> UnsupportedLayerError:
    return UnsupportedLayerError(
        f"from_torch: module {name or 'itself'!r}, {module}: {why}; replace it, or bring its part "
        "of the network yourself"
    )
