"""PyTorch's own modules over images as layers: the same numbers, or a refusal by name.

A module is supported only if its type is exactly one of PyTorch's, it has no hooks, its weights are
float32, and every option of it has a meaning here: a subclass may compute something else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from spel.backends.torch_deps import hooks, nn, torch
from spel.backends.torch_import_windows import (
    Layers,
    before_and_after,
    convolution,
    global_pool,
    max_pool,
    mean_pool,
    numbers,
    refusal,
    sides,
    transposed,
)
from spel.core.window import Border
from spel.nn import (
    Activation,
    BatchNormalize,
    Clip,
    Crop,
    GroupNormalize,
    Layer,
    LocalResponseNormalize,
    Pad,
    PReLU,
    Softmax,
    Upsample,
)
from spel.ops.activate import Kind


def layers_of(name: str, module: nn.Module, axes: int) -> Layers:
    """The layers that a module stands for, one after the other, over images of 2 or 3 axes.

    Raises
    ------
    UnsupportedLayerError
        If one of its options has no meaning here.
    """
    if type(module) in _ACTIVATIONS:
        return [_activation(name, module)]
    if type(module) in _OF_AXES:
        return _OF_AXES[type(module)](name, module, axes)
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


# -- sizes ---------------------------------------------------------------------------------------


def _upsample(name: str, module: Any, axes: int) -> Layers:
    if module.size is not None or module.scale_factor is None:
        raise refusal(name, module, "it enlarges to a size; only whole scale factors are supported")
    linear = "bilinear" if axes == 2 else "trilinear"
    if module.mode not in ("nearest", linear) or module.align_corners:
        why = f"only nearest and {linear} without align_corners are supported"
        raise refusal(name, module, why)
    scale = module.scale_factor
    factors = scale if isinstance(scale, tuple | list) else (scale,)
    if any(f != int(f) for f in factors):
        raise refusal(name, module, "its scale factor is no whole number")
    return [Upsample(sides(scale, axes), "nearest" if module.mode == "nearest" else "linear")]


_PADS: dict[str, Border] = {"Zero": "zero", "Reflection": "reflect", "Replication": "edge"}


def _pad_module(name: str, module: Any) -> Layers:
    kind = type(module).__name__.partition("Pad")[0]
    filled = float(module.value) if kind == "Constant" else _PADS[kind]
    return padding_layers(name, module, module.padding, filled)


def padding_layers(name: str, module: object, amounts: Sequence[int], border: Border) -> Layers:
    """Padding by (left, right, top, bottom, ...) as PyTorch has it; negative amounts cut off."""
    before, after = before_and_after(amounts)
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


def _softmax(name: str, module: Any, axes: int) -> Layers:
    if isinstance(module, nn.Softmax) and module.dim not in (1, -1 - axes):
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
    **dict.fromkeys((nn.Conv2d, nn.Conv3d), convolution),
    **dict.fromkeys((nn.ConvTranspose2d, nn.ConvTranspose3d), transposed),
    **dict.fromkeys((nn.MaxPool2d, nn.MaxPool3d), max_pool),
    **dict.fromkeys((nn.AvgPool2d, nn.AvgPool3d), mean_pool),
    **dict.fromkeys((nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d), global_pool),
    **dict.fromkeys((nn.AdaptiveMaxPool2d, nn.AdaptiveMaxPool3d), global_pool),
    **dict.fromkeys((nn.ZeroPad2d, nn.ConstantPad2d, nn.ConstantPad3d), _pad_module),
    **dict.fromkeys((nn.ReflectionPad2d, nn.ReflectionPad3d), _pad_module),
    **dict.fromkeys((nn.ReplicationPad2d, nn.ReplicationPad3d), _pad_module),
    **dict.fromkeys((nn.BatchNorm2d, nn.BatchNorm3d), _batch_normalize),
    **dict.fromkeys((nn.InstanceNorm2d, nn.InstanceNorm3d), _instance_normalize),
    nn.GroupNorm: _group_normalize,
    nn.LocalResponseNorm: _local_response,
    nn.PReLU: _prelu,
    nn.ReLU6: lambda name, module: [Clip(0.0, 6.0)],
    nn.Hardtanh: lambda name, module: [Clip(float(module.min_val), float(module.max_val))],
}

_OF_AXES: dict[type[nn.Module], Callable[[str, Any, int], Layers]] = {
    **dict.fromkeys((nn.Upsample, nn.UpsamplingNearest2d), _upsample),
    **dict.fromkeys((nn.Softmax, nn.Softmax2d), _softmax),
}
"""Modules that do not say of how many axes their images are."""

DROPOUTS = frozenset({nn.Dropout, nn.Dropout2d, nn.Dropout3d})

OF_VALUES = frozenset({*_ACTIVATIONS, nn.ReLU6, nn.Hardtanh, nn.PReLU, nn.Softmax})
"""Modules that act on vectors as they act on images of one pixel."""

TAKEN = frozenset(
    {*_ACTIVATIONS, *_OF_MAPS, *_OF_AXES, *DROPOUTS, nn.Identity, nn.Flatten, nn.Linear}
)
"""The types that are supported, exactly."""
