"""PyTorch's functions as the modules that compute the same, with all their options.

Each entry states the function's own arguments after its image, so that an unsupported option is
refused where the module is, and an unknown one is refused as well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from spel.backends.torch_deps import F, nn, torch
from spel.backends.torch_import_modules import padding_layers, refusal
from spel.core.window import Border
from spel.nn import Clip, Layer

Meaning: TypeAlias = nn.Module | Sequence[Layer]


def _dropout(p: float = 0.5, training: bool = True, inplace: bool = False) -> nn.Module:
    if training:
        raise refusal("dropout", "F.dropout", "it drops values; pass training=self.training")
    return nn.Identity()


def _interpolate(
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> nn.Module:
    if antialias:
        raise refusal("interpolate", "F.interpolate", "antialias is not supported")
    return nn.Upsample(size, scale_factor, mode, align_corners, recompute_scale_factor)


def _pad(pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Sequence[Layer]:
    words: dict[str, Border] = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}
    border = words.get(mode, float(value or 0.0))
    amounts = (*pad, *(0,) * (4 - len(pad)))
    if len(amounts) != 4 or not all(isinstance(n, int) for n in amounts):
        raise refusal(
            "pad", f"F.pad{tuple(pad)}", "only whole numbers for rows and cols are supported"
        )
    return padding_layers("pad", f"F.pad{tuple(pad)}", amounts, border)


def _mean(dim: Any = None, keepdim: bool = False, dtype: Any = None) -> nn.Module:
    axes = sorted(d % 4 for d in (dim if isinstance(dim, tuple | list) else [dim or 0]))
    if axes != [2, 3] or dtype is not None:
        raise refusal("mean", f"mean(dim={dim})", "only a mean over rows and cols is supported")
    if keepdim:
        return nn.AdaptiveAvgPool2d(1)
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())


def _clip(min: float | None = None, max: float | None = None) -> Sequence[Layer]:
    return [Clip(*(None if v is None else float(v) for v in (min, max)))]


def _softmax(dim: int | None = None, dtype: Any = None, _stacklevel: int = 3) -> nn.Module:
    return nn.Softmax(dim)


def _relu(inplace: bool = False) -> nn.Module:
    return nn.ReLU()


def _max_pool(
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> nn.Module:
    return nn.MaxPool2d(kernel_size, stride, padding, dilation, return_indices, ceil_mode)


FUNCTIONS: dict[Callable[..., Any] | str, Callable[..., Meaning]] = {
    F.relu: _relu,
    F.relu6: lambda inplace=False: nn.ReLU6(),
    F.leaky_relu: lambda negative_slope=0.01, inplace=False: nn.LeakyReLU(negative_slope),
    F.elu: lambda alpha=1.0, inplace=False: nn.ELU(alpha),
    F.gelu: lambda approximate="none": nn.GELU(approximate),
    F.silu: lambda inplace=False: nn.SiLU(),
    F.hardswish: lambda inplace=False: nn.Hardswish(),
    F.hardsigmoid: lambda inplace=False: nn.Hardsigmoid(),
    F.hardtanh: lambda min_val=-1.0, max_val=1.0, inplace=False: nn.Hardtanh(min_val, max_val),
    F.softplus: lambda beta=1, threshold=20: nn.Softplus(beta, threshold),
    F.sigmoid: nn.Sigmoid,
    F.tanh: nn.Tanh,
    F.softmax: _softmax,
    F.max_pool2d: _max_pool,
    F.avg_pool2d: nn.AvgPool2d,
    F.adaptive_avg_pool2d: nn.AdaptiveAvgPool2d,
    F.adaptive_max_pool2d: nn.AdaptiveMaxPool2d,
    F.local_response_norm: nn.LocalResponseNorm,
    F.interpolate: _interpolate,
    F.pad: _pad,
    F.dropout: _dropout,
    torch.relu: _relu,
    torch.sigmoid: nn.Sigmoid,
    torch.tanh: nn.Tanh,
    torch.softmax: _softmax,
    torch.clamp: _clip,
    torch.clip: _clip,
    torch.mean: _mean,
    torch.flatten: lambda start_dim=0, end_dim=-1: nn.Flatten(start_dim, end_dim),
    "relu": _relu,
    "relu_": _relu,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "softmax": _softmax,
    "clamp": _clip,
    "clip": _clip,
    "mean": _mean,
    "flatten": lambda start_dim=0, end_dim=-1: nn.Flatten(start_dim, end_dim),
    "contiguous": nn.Identity,
    "clone": nn.Identity,
    "detach": nn.Identity,
}
"""Functions, and methods of tensors by name."""
