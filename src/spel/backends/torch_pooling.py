"""Poolings, norms over windows, padding and enlarging, as PyTorch modules."""

from __future__ import annotations

from typing import Any

from spel.backends.torch_deps import F, Tensor, as_tensor, torch
from spel.backends.torch_dispatch import LayerModule, function_of, to_module
from spel.backends.torch_windows import WindowMax, WindowReduce, pad, supplied
from spel.core.window import Window
from spel.nn import (
    Crop,
    DivisiveNormalize,
    GlobalPool,
    LocalResponseNormalize,
    MaxPool,
    MeanPool,
    MinPool,
    Pad,
    Upsample,
)


class TorchExtremum(LayerModule[Any]):
    """Largest or smallest value of each window; a minimum is the maximum of -x, negated."""

    def __init__(self, layer: MaxPool | MinPool) -> None:
        super().__init__(layer)
        self.largest = WindowMax(layer.scope)
        self.sign = -1 if isinstance(layer, MinPool) else 1

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.largest(x * self.sign) * self.sign
        return result


class TorchMeanPool(LayerModule[MeanPool]):
    """Mean of each window: over all its pixels, or over those inside the image."""

    def __init__(self, layer: MeanPool) -> None:
        super().__init__(layer)
        self.sum = WindowReduce(layer.scope, "sum")
        self.size = len(layer.adjacency)
        self.same = layer.count == "full" or layer.border != "inside"

    def forward(self, x: Tensor) -> Tensor:
        total: Tensor = self.sum(x)
        if self.same:
            return total / self.size
        count: Tensor = self.sum(torch.ones_like(x[:1, :1]))
        return total / count.clamp(min=1)


class TorchDivisiveNormalize(LayerModule[DivisiveNormalize]):
    """Each value divided by the root of the sum of squares over its window; 0 / 0 is 0."""

    def __init__(self, layer: DivisiveNormalize) -> None:
        super().__init__(layer)
        self.sum = WindowReduce(Window(layer.area), "sum")
        self.across = layer.across_channels

    def forward(self, x: Tensor) -> Tensor:
        squares: Tensor = self.sum(x * x)
        if self.across:
            squares = squares.sum(1, keepdim=True)
        none = squares == 0  # The root of 0 has no gradient: it is never taken.
        return torch.where(none, 0.0, x / torch.where(none, 1.0, squares).sqrt())


class TorchPad(LayerModule[Pad]):
    """Pixels added around the image, supplied by the layer's border."""

    fill: Tensor

    def __init__(self, layer: Pad) -> None:
        super().__init__(layer)
        self.spans = list(zip(*layer.amounts))
        channels = len(layer.border) if isinstance(layer.border, tuple) else 1
        self.mode, fill = layer.window.border_mode(channels)
        self.filled = self.mode != "constant" or any(fill)
        self.register_buffer("fill", as_tensor(fill), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return supplied(x, self.spans, self.mode, self.fill) if self.filled else pad(x, self.spans)


class TorchCrop(LayerModule[Crop]):
    """Pixels cut off around the image."""

    def __init__(self, layer: Crop) -> None:
        super().__init__(layer)
        self.spans = [(-before, -after) for before, after in zip(*layer.amounts)]

    def forward(self, x: Tensor) -> Tensor:
        return pad(x, self.spans)


class TorchUpsample(LayerModule[Upsample]):
    """An image enlarged by whole factors: each value repeated, or interpolated linearly."""

    def __init__(self, layer: Upsample) -> None:
        super().__init__(layer)
        self.scale = [float(f) for f in layer.factors]
        linear = "bilinear" if len(self.scale) == 2 else "trilinear"
        self.mode = "nearest" if layer.method == "nearest" else linear

    def forward(self, x: Tensor) -> Tensor:
        corners = None if self.mode == "nearest" else False
        return F.interpolate(x, scale_factor=self.scale, mode=self.mode, align_corners=corners)


class TorchGlobalPool(LayerModule[GlobalPool]):
    """Largest or mean value of each part of the image, which is divided into a grid."""

    def __init__(self, layer: GlobalPool) -> None:
        super().__init__(layer)
        self.size, self.largest = list(layer.sizes), layer.function == "max"

    def forward(self, x: Tensor) -> Tensor:
        pool: Any
        if self.largest:
            pool = F.adaptive_max_pool2d if len(self.size) == 2 else F.adaptive_max_pool3d
        else:
            pool = F.adaptive_avg_pool2d if len(self.size) == 2 else F.adaptive_avg_pool3d
        result: Tensor = pool(x, self.size)
        return result


@function_of(LocalResponseNormalize)
def local_response_normalize(layer: LocalResponseNormalize, x: Tensor) -> Tensor:
    """Each value divided by (k + alpha / size * sum of squares of near channels) ** beta."""
    return F.local_response_norm(x, layer.size, layer.alpha, layer.beta, layer.k)


to_module.register(GlobalPool, TorchGlobalPool)
to_module.register(Crop, TorchCrop)
to_module.register(Upsample, TorchUpsample)
to_module.register(Pad, TorchPad)
to_module.register(MaxPool, TorchExtremum)
to_module.register(MinPool, TorchExtremum)
to_module.register(MeanPool, TorchMeanPool)
to_module.register(DivisiveNormalize, TorchDivisiveNormalize)
