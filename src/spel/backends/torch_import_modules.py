"""PyTorch's own modules over images as layers: the same numbers, or a refusal by name.

A module is supported only if its type is exactly one of PyTorch's, it has no hooks, its weights are
float32, and every option of it has a meaning here: a subclass may compute something else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from spel.backends.torch_deps import hooks, nn, torch
from spel.core.adjacency import Adjacency
from spel.core.bank import KernelBank
from spel.core.window import Border
from spel.errors import UnsupportedLayerError
from spel.nn import (
    Activation,
    BatchNormalize,
    Clip,
    Convolution,
    Crop,
    GlobalPool,
    GroupedConvolution,
    GroupNormalize,
    Layer,
    LocalResponseNormalize,
    MaxPool,
    MeanPool,
    Pad,
    PReLU,
    Softmax,
    TransposedConvolution,
    Upsample,
)
from spel.ops.activate import Kind

Pair: TypeAlias = tuple[int, int]
Array: TypeAlias = npt.NDArray[np.float32]
Layers: TypeAlias = Sequence[Layer]


def layers_of(name: str, module: nn.Module) -> Layers:
    """The layers that a module over images stands for, one after the other.

    Raises
    ------
    UnsupportedLayerError
        If one of its options has no meaning here.
    """
    if type(module) in _ACTIVATIONS:
        return [_activation(name, module)]
    return _OF_MAPS[type(module)](name, module)


def check_plain(name: str, module: nn.Module) -> None:
    """Refuse what may compute something else than its type says, or with other numbers."""
    if type(module) not in TAKEN:
        raise refusal(name, module, "no layer means the same (subclasses are not supported)")
    check_hooks(name, module)
    replaced = [key for key in vars(module) if callable(getattr(type(module), key, None))]
    if replaced:
        raise refusal(name, module, f"its {replaced[0]} is not that of its class")
    _check_weights(name, module)
    if module.training and type(module) in DROPOUTS and getattr(module, "p", 0.0) != 0.0:
        raise refusal(name, module, "it is in training mode; call module.eval()")


def _check_weights(name: str, module: nn.Module) -> None:
    whole = (b for b in module.buffers() if not (b.is_floating_point() or b.is_complex()))
    counters = set(map(id, whole))
    for values in (*module.parameters(), *module.buffers()):
        if values.is_meta or values.layout != torch.strided:
            raise refusal(name, module, "its weights hold no numbers yet, or not all of them")
        if values.dtype != torch.float32 and id(values) not in counters:
            why = f"its weights are {values.dtype}; convert it with .float()"
            raise refusal(name, module, why)


def check_hooks(name: str, module: nn.Module) -> None:
    """Refuse hooks and a `forward` of its own, which may change what a module computes."""
    everywhere = (hooks._global_forward_hooks, hooks._global_forward_pre_hooks)
    if any((module._forward_hooks, module._forward_pre_hooks, *everywhere)):
        raise refusal(name, module, "it has hooks, which may change what it computes")
    if "forward" in vars(module):
        raise refusal(name, module, "its forward is not that of its class")
    if type(module).__call__ is not nn.Module.__call__:
        raise refusal(name, module, "its class has a __call__ of its own")


def refusal(name: str, module: object, why: str) -> UnsupportedLayerError:
    """The error that names a module, or an operation, and says why it is not supported."""
    described = " ".join(str(module).split())[:200]
    return UnsupportedLayerError(
        f"from_torch: module {name or 'itself'!r}, {described}: {why}; replace it, or build "
        "this part of the network with layers of spel"
    )


# -- convolutions and poolings -------------------------------------------------------------------

_BORDERS: dict[str, Border] = {
    "zeros": "zero",
    "replicate": "edge",
    "reflect": "reflect",
    "circular": "wrap",
}


def _convolution(name: str, module: Any) -> Layers:
    weights = numbers(module.weight).transpose(0, 2, 3, 1)  # PyTorch looks at no kernel_size
    size, dilation, stride = (pair(v) for v in (weights.shape[1:3], module.dilation, module.stride))
    extents = [(k - 1) * d for k, d in zip(size, dilation)]
    border = _BORDERS[module.padding_mode]
    before, after = _padding(module, extents)
    # Positions 0, s, 2s, ... exist for every pixel only if both sides together are as wide as the
    # kernel's extent. Another padding is made real, and the windows lie inside of it.
    whole = all(a + b == e for a, b, e in zip(before, after, extents))
    around: list[Layer] = []
    if whole and any(extents):
        adjacency = _box(size, dilation, before)
    else:
        if any(before) or any(after):
            around = [Pad(before, after, border)]
        border = "valid" if any(extents) else border
        # No pixel outside is read: the middle of the window stands for it.
        adjacency = _box(size, dilation, [(k // 2) * d for k, d in zip(size, dilation)])
    bank = KernelBank(adjacency, weights.reshape(len(weights), len(adjacency), -1), bias_of(module))
    if module.groups == 1:
        return [*around, Convolution(bank, stride, border)]
    return [*around, GroupedConvolution(bank, module.groups, stride, border)]


def _padding(module: Any, extents: Sequence[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Pixels before and after, per axis; "same" puts the wider half after."""
    padding = module.padding
    if module.padding_mode != "zeros":  # PyTorch pads by these numbers, made with the module
        left, right, top, bottom = module._reversed_padding_repeated_twice
        return (top, left), (bottom, right)
    if padding == "same":
        before = tuple(e // 2 for e in extents)
        return before, tuple(e - b for e, b in zip(extents, before))
    amounts = (0, 0) if padding == "valid" else pair(padding)
    return amounts, amounts


def _transposed(name: str, module: Any) -> Layers:
    if module.groups != 1:
        raise refusal(name, module, "groups of a transposed convolution are not supported")
    dilation, stride, padding, more = (
        pair(getattr(module, key)) for key in ("dilation", "stride", "padding", "output_padding")
    )
    weights = numbers(module.weight).transpose(0, 2, 3, 1)
    size = pair(weights.shape[1:3])
    bias = bias_of(module)
    extents = [(k - 1) * d for k, d in zip(size, dilation)]
    # n pixels become (n - 1) s + extent + 1 - 2 padding + more: whole strides, or cut to size.
    rest = [e + 1 - 2 * p + m - s for e, p, m, s in zip(extents, padding, more, stride)]
    whole = not any(rest)
    adjacency = _box(size, dilation, padding if whole else (0, 0))
    bank = KernelBank(adjacency, weights.reshape(len(weights), len(adjacency), -1))
    border = "zero" if whole else "valid"
    layer = TransposedConvolution(bank, stride, border, 0.0 if bias is None else bias)  # type: ignore[arg-type]
    if whole or not (any(padding) or any(more)):
        return [layer]
    if any(m > p for m, p in zip(more, padding)):
        raise refusal(name, module, "its output_padding exceeds its padding")
    return [layer, Crop(padding, [p - m for p, m in zip(padding, more)])]


def _max_pool(name: str, module: Any) -> Layers:
    if module.ceil_mode or module.return_indices:
        raise refusal(name, module, "ceil_mode and return_indices are not supported")
    size, dilation, stride = (pair(v) for v in (module.kernel_size, module.dilation, module.stride))
    adjacency, padded = _pool_window(name, module, size, dilation)
    return [MaxPool(adjacency, stride, "inside" if padded else "valid")]


def _mean_pool(name: str, module: Any) -> Layers:
    if module.ceil_mode or module.divisor_override is not None:
        raise refusal(name, module, "ceil_mode and divisor_override are not supported")
    size, stride = pair(module.kernel_size), pair(module.stride)
    adjacency, padded = _pool_window(name, module, size, (1, 1))
    if not padded:
        return [MeanPool(adjacency, stride, "valid")]
    return [MeanPool(adjacency, stride, "inside", "full" if module.count_include_pad else "valid")]


def _pool_window(name: str, module: Any, size: Pair, dilation: Pair) -> tuple[Adjacency, bool]:
    """The displacements ``i * dilation - padding`` of a pooling, and whether it is padded."""
    extents = [(k - 1) * d for k, d in zip(size, dilation)]
    padding = pair(module.padding)
    if not any(padding) and any(extents):
        return _box(size, dilation, [(k // 2) * d for k, d in zip(size, dilation)]), False
    if any(2 * p != e for p, e in zip(padding, extents)):
        raise refusal(name, module, "its padding is neither 0 nor half the kernel's extent")
    return _box(size, dilation, padding), True


def _box(size: Sequence[int], dilation: Sequence[int], before: Sequence[int]) -> Adjacency:
    axes = ([i * d - b for i in range(k)] for k, d, b in zip(size, dilation, before))
    return Adjacency.from_displacements(list(product(*axes)))


def _global_pool(name: str, module: Any) -> Layers:
    largest = isinstance(module, nn.AdaptiveMaxPool2d)
    if largest and module.return_indices:
        raise refusal(name, module, "return_indices is not supported")
    output_size = module.output_size
    size = (
        tuple(output_size) if isinstance(output_size, tuple | list) else (output_size, output_size)
    )
    if None in size:
        raise refusal(name, module, "its size depends on the image")
    return [GlobalPool(size, "max" if largest else "mean")]


# -- sizes ---------------------------------------------------------------------------------------


def _upsample(name: str, module: Any) -> Layers:
    if module.size is not None or module.scale_factor is None:
        raise refusal(name, module, "it enlarges to a size; only whole scale factors are supported")
    if module.mode not in ("nearest", "bilinear") or module.align_corners:
        raise refusal(name, module, "only nearest and bilinear without align_corners are supported")
    scale = module.scale_factor
    factors = tuple(scale) if isinstance(scale, tuple | list) else (scale, scale)
    if any(f != int(f) for f in factors):
        raise refusal(name, module, "its scale factor is no whole number")
    method = "nearest" if module.mode == "nearest" else "linear"
    return [Upsample(tuple(int(f) for f in factors), method)]  # type: ignore[arg-type]


def _pad_module(name: str, module: Any) -> Layers:
    border: dict[type[nn.Module], Border] = {
        nn.ZeroPad2d: "zero",
        nn.ReflectionPad2d: "reflect",
        nn.ReplicationPad2d: "edge",
    }
    kind = type(module)
    filled = float(module.value) if kind is nn.ConstantPad2d else border[kind]
    return padding_layers(name, module, module.padding, filled)


def padding_layers(name: str, module: object, amounts: Sequence[int], border: Border) -> Layers:
    """Padding by (left, right, top, bottom) as PyTorch has it; negative amounts cut off."""
    left, right, top, bottom = (int(n) for n in amounts)
    before, after = (top, left), (bottom, right)
    if min(amounts) >= 0:
        return [Pad(before, after, border)]
    if max(amounts) <= 0:
        return [Crop([-n for n in before], [-n for n in after])]
    raise refusal(name, module, "it pads on one side and cuts off on another")


# -- normalizations and activations --------------------------------------------------------------


def _batch_normalize(name: str, module: Any) -> Layers:
    if module.running_mean is None or module.running_var is None:
        raise refusal(name, module, "it has no running statistics")
    if module.training:
        raise refusal(name, module, "it is in training mode; call module.eval()")
    return [
        BatchNormalize(
            numbers(module.running_mean),
            np.sqrt(numbers(module.running_var)),
            *_affine(module),
            float(module.eps),
            "channel",
        )
    ]


def _affine(module: Any) -> tuple[Any, Any]:
    """Factor and shift of a normalization, which PyTorch applies if they are there."""
    gamma, beta = module.weight, module.bias
    return 1.0 if gamma is None else numbers(gamma), 0.0 if beta is None else numbers(beta)


def _group_normalize(name: str, module: Any) -> Layers:
    return [GroupNormalize(module.num_groups, *_affine(module), float(module.eps))]


def _instance_normalize(name: str, module: Any) -> Layers:
    if module.track_running_stats:
        raise refusal(name, module, "it has running statistics of a whole data set")
    gamma, beta = _affine(module)
    if module.weight is None:  # one for each channel, so that no other number of them is taken
        gamma = np.ones(module.num_features, dtype=np.float32)
    return [GroupNormalize(module.num_features, gamma, beta, float(module.eps))]


def _local_response(name: str, module: Any) -> Layers:
    if module.size % 2 == 0:
        raise refusal(name, module, "an even size has no channel in its middle")
    numbers_of = (float(v) for v in (module.alpha, module.beta, module.k))
    return [LocalResponseNormalize(module.size, *numbers_of)]


def _softmax(name: str, module: Any) -> Layers:
    if isinstance(module, nn.Softmax) and module.dim not in (1, -3):
        raise refusal(name, module, "only a softmax over the channels (dim=1) is supported")
    return [Softmax()]


def _prelu(name: str, module: Any) -> Layers:
    slope = numbers(module.weight)
    return [Activation("leaky_relu", float(slope[0])) if len(slope) == 1 else PReLU(slope)]


def _activation(name: str, module: Any) -> Layer:
    function, options, parameter = _ACTIVATIONS[type(module)]
    if any(getattr(module, key) != value for key, value in options.items()):
        raise refusal(name, module, f"only {options} has a meaning here")
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
    nn.SiLU: ("silu", {}, None),
    nn.Hardswish: ("hard_swish", {}, None),
}

_OF_MAPS: dict[type[nn.Module], Callable[[str, Any], Layers]] = {
    nn.Conv2d: _convolution,
    nn.ConvTranspose2d: _transposed,
    nn.MaxPool2d: _max_pool,
    nn.AvgPool2d: _mean_pool,
    nn.AdaptiveAvgPool2d: _global_pool,
    nn.AdaptiveMaxPool2d: _global_pool,
    nn.Upsample: _upsample,
    nn.UpsamplingNearest2d: _upsample,
    nn.ZeroPad2d: _pad_module,
    nn.ConstantPad2d: _pad_module,
    nn.ReflectionPad2d: _pad_module,
    nn.ReplicationPad2d: _pad_module,
    nn.BatchNorm2d: _batch_normalize,
    nn.GroupNorm: _group_normalize,
    nn.InstanceNorm2d: _instance_normalize,
    nn.LocalResponseNorm: _local_response,
    nn.Softmax: _softmax,
    nn.Softmax2d: _softmax,
    nn.PReLU: _prelu,
    nn.ReLU6: lambda name, module: [Clip(0.0, 6.0)],
    nn.Hardtanh: lambda name, module: [Clip(float(module.min_val), float(module.max_val))],
}

DROPOUTS = frozenset({nn.Dropout, nn.Dropout2d})

OF_VALUES = frozenset({*_ACTIVATIONS, nn.ReLU6, nn.Hardtanh, nn.PReLU, nn.Softmax})
"""Modules that act on vectors as they act on images of one pixel."""

TAKEN = frozenset({*_ACTIVATIONS, *_OF_MAPS, *DROPOUTS, nn.Identity, nn.Flatten, nn.Linear})
"""The types that are supported, exactly."""


def pair(value: Any) -> Pair:
    """One number per axis."""
    several = value if isinstance(value, tuple | list) else (value, value)
    return int(several[0]), int(several[1])


def numbers(values: Any) -> Array:
    """A tensor's numbers."""
    return np.asarray(values.detach().cpu().numpy(), dtype=np.float32)


def bias_of(module: Any) -> Array | None:
    """A module's biases, if it has any."""
    return None if module.bias is None else numbers(module.bias)
