"""PyTorch's convolutions and poolings as layers, of images and of volumes.

Their displacements are ``i * dilation - padding``, for any size, dilation and padding.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from spel.core.adjacency import Adjacency
from spel.core.bank import KernelBank
from spel.core.window import Border
from spel.errors import UnsupportedLayerError
from spel.nn import (
    Convolution,
    Crop,
    GlobalPool,
    GroupedConvolution,
    Layer,
    MaxPool,
    MeanPool,
    Pad,
    TransposedConvolution,
)

Array: TypeAlias = npt.NDArray[np.float32]
Layers: TypeAlias = Sequence[Layer]


def refusal(name: str, module: object, why: str) -> UnsupportedLayerError:
    """The error that names a module, or an operation, and says why it is not supported."""
    described = " ".join(str(module).split())[:200]
    return UnsupportedLayerError(
        f"from_torch: module {name or 'itself'!r}, {described}: {why}; replace it, or build "
        "this part of the network with layers of spel"
    )


def axes_of(module: object) -> int:
    """Axes of the images of a module whose type says it: 3 of MaxPool3d."""
    return int(type(module).__name__[-2])


def sides(value: Any, axes: int) -> tuple[int, ...]:
    """One number per axis."""
    several = value if isinstance(value, tuple | list) else (value,) * axes
    several = tuple(several) * axes if len(several) == 1 else several
    return tuple(int(n) for n in several)


def before_and_after(amounts: Sequence[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Numbers before and after each axis of PyTorch's (left, right, top, bottom, ...)."""
    ordered = [int(n) for n in amounts]
    return tuple(ordered[-2::-2]), tuple(ordered[::-2])


def numbers(values: Any) -> Array:
    """A tensor's numbers."""
    return np.asarray(values.detach().cpu().numpy(), dtype=np.float32)


def bias_of(module: Any) -> Array | None:
    """A module's biases, if it has any."""
    return None if module.bias is None else numbers(module.bias)


_BORDERS: dict[str, Border] = {
    "zeros": "zero",
    "replicate": "edge",
    "reflect": "reflect",
    "circular": "wrap",
}


def convolution(name: str, module: Any) -> Layers:
    weights = np.moveaxis(numbers(module.weight), 1, -1)  # PyTorch looks at no kernel_size
    size = weights.shape[1:-1]
    dilation, stride = (sides(v, len(size)) for v in (module.dilation, module.stride))
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
        return before_and_after(module._reversed_padding_repeated_twice)
    if padding == "same":
        before = tuple(e // 2 for e in extents)
        return before, tuple(e - b for e, b in zip(extents, before))
    amounts = sides(0 if padding == "valid" else padding, len(extents))
    return amounts, amounts


def transposed(name: str, module: Any) -> Layers:
    if module.groups != 1:
        raise refusal(name, module, "groups of a transposed convolution are not supported")
    weights = np.moveaxis(numbers(module.weight), 1, -1)
    size = weights.shape[1:-1]
    dilation, stride, padding, more = (
        sides(getattr(module, key), len(size))
        for key in ("dilation", "stride", "padding", "output_padding")
    )
    bias = bias_of(module)
    extents = [(k - 1) * d for k, d in zip(size, dilation)]
    # n pixels become (n - 1) s + extent + 1 - 2 padding + more: whole strides, or cut to size.
    rest = [e + 1 - 2 * p + m - s for e, p, m, s in zip(extents, padding, more, stride)]
    whole = not any(rest)
    adjacency = _box(size, dilation, padding if whole else [0] * len(size))
    bank = KernelBank(adjacency, weights.reshape(len(weights), len(adjacency), -1))
    border = "zero" if whole else "valid"
    layer = TransposedConvolution(bank, stride, border, 0.0 if bias is None else bias)  # type: ignore[arg-type]
    if whole or not (any(padding) or any(more)):
        return [layer]
    if any(m > p for m, p in zip(more, padding)):
        raise refusal(name, module, "its output_padding exceeds its padding")
    return [layer, Crop(padding, [p - m for p, m in zip(padding, more)])]


def max_pool(name: str, module: Any) -> Layers:
    if module.ceil_mode or module.return_indices:
        raise refusal(name, module, "ceil_mode and return_indices are not supported")
    size, dilation, stride = (
        sides(v, axes_of(module)) for v in (module.kernel_size, module.dilation, module.stride)
    )
    adjacency, padded = _pool_window(name, module, size, dilation)
    return [MaxPool(adjacency, stride, "inside" if padded else "valid")]


def mean_pool(name: str, module: Any) -> Layers:
    if module.ceil_mode or module.divisor_override is not None:
        raise refusal(name, module, "ceil_mode and divisor_override are not supported")
    size, stride = (sides(v, axes_of(module)) for v in (module.kernel_size, module.stride))
    adjacency, padded = _pool_window(name, module, size, [1] * len(size))
    if not padded:
        return [MeanPool(adjacency, stride, "valid")]
    return [MeanPool(adjacency, stride, "inside", "full" if module.count_include_pad else "valid")]


def _pool_window(
    name: str, module: Any, size: Sequence[int], dilation: Sequence[int]
) -> tuple[Adjacency, bool]:
    """The displacements ``i * dilation - padding`` of a pooling, and whether it is padded."""
    extents = [(k - 1) * d for k, d in zip(size, dilation)]
    padding = sides(module.padding, len(size))
    if not any(padding) and any(extents):
        return _box(size, dilation, [(k // 2) * d for k, d in zip(size, dilation)]), False
    if any(2 * p != e for p, e in zip(padding, extents)):
        raise refusal(name, module, "its padding is neither 0 nor half the kernel's extent")
    return _box(size, dilation, padding), True


def _box(size: Sequence[int], dilation: Sequence[int], before: Sequence[int]) -> Adjacency:
    axes = ([i * d - b for i in range(k)] for k, d, b in zip(size, dilation, before))
    return Adjacency.from_displacements(list(product(*axes)))


def global_pool(name: str, module: Any) -> Layers:
    largest = "Max" in type(module).__name__
    if largest and module.return_indices:
        raise refusal(name, module, "return_indices is not supported")
    output = module.output_size
    if output is None or (isinstance(output, tuple | list) and None in output):
        raise refusal(name, module, "its size depends on the image")
    return [GlobalPool(sides(output, axes_of(module)), "max" if largest else "mean")]
