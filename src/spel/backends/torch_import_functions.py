"""PyTorch's functions as the modules that compute the same, with all their options.

Each entry states the function's own arguments after its image, so that an unsupported option is
refused where the module is, and an unknown one is refused as well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from spel.backends.torch_deps import F, nn, torch
from spel.backends.torch_import_modules import padding_layers
from spel.backends.torch_import_windows import refusal
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


def _pad(
    axes: int, pad: Sequence[int], mode: str = "constant", value: float | None = None
) -> Sequence[Layer]:
    words: dict[str, Border] = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}
    border = words.get(mode, float(value or 0.0))
    amounts = (*pad, *(0,) * (2 * axes - len(pad)))
    if len(amounts) != 2 * axes or not all(isinstance(n, int) for n in amounts):
        why = "only whole numbers for the axes of the image are supported"
        raise refusal("pad", f"F.pad{tuple(pad)}", why)
    return padding_layers("pad", f"F.pad{tuple(pad)}", amounts, border)


def _mean(axes: int, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> nn.Module:
    over = sorted(d % (axes + 2) for d in (dim if isinstance(dim, tuple | list) else [dim or 0]))
    if over != list(range(2, axes + 2)) or dtype is not None:
        why = "only a mean over all axes of the image is supported"
        raise refusal("mean", f"mean(dim={dim})", why)
    pool = nn.AdaptiveAvgPool2d(1) if axes == 2 else nn.AdaptiveAvgPool3d(1)
    return pool if keepdim else nn.Sequential(pool, nn.Flatten())


def _clip(min: float | None = None, max: float | None = None) -> Sequence[Layer]:
    return [Clip(*(None if v is None else float(v) for v in (min, max)))]


def _softmax(dim: int | None = None, dtype: Any = None, _stacklevel: int = 3) -> nn.Module:
    return nn.Softmax(dim)


def _relu(inplace: bool = False) -> nn.Module:
    return nn.ReLU()


def _max_pool(pool: Callable[..., nn.Module]) -> Callable[..., nn.Module]:
    def meaning(
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> nn.Module:
        return pool(kernel_size, stride, padding, dilation, return_indices, ceil_mode)

    return meaning


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
    F.max_pool2d: _max_pool(nn.MaxPool2d),
    F.max_pool3d: _max_pool(nn.MaxPool3d),
    F.avg_pool2d: nn.AvgPool2d,
    F.avg_pool3d: nn.AvgPool3d,
    F.adaptive_avg_pool2d: nn.AdaptiveAvgPool2d,
    F.adaptive_avg_pool3d: nn.AdaptiveAvgPool3d,
    F.adaptive_max_pool2d: nn.AdaptiveMaxPool2d,
    F.adaptive_max_pool3d: nn.AdaptiveMaxPool3d,
    F.local_response_norm: nn.LocalResponseNorm,
    F.interpolate: _interpolate,
    F.dropout: _dropout,
    torch.relu: _relu,
    torch.sigmoid: nn.Sigmoid,
    torch.tanh: nn.Tanh,
    torch.softmax: _softmax,
    torch.clamp: _clip,
    torch.clip: _clip,
    torch.flatten: lambda start_dim=0, end_dim=-1: nn.Flatten(start_dim, end_dim),
    "relu": _relu,
    "relu_": _relu,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "softmax": _softmax,
    "clamp": _clip,
    "clip": _clip,
    "flatten": lambda start_dim=0, end_dim=-1: nn.Flatten(start_dim, end_dim),
    "contiguous": nn.Identity,
    "clone": nn.Identity,
    "detach": nn.Identity,
}
"""Functions, and methods of tensors by name."""

OF_AXES: dict[Callable[..., Any] | str, Callable[..., Meaning]] = {
    F.pad: _pad,
    torch.mean: _mean,
    "mean": _mean,
}
"""Functions whose meaning depends on the number of the image's axes, their first argument."""
