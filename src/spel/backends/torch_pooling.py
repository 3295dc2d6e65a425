"""Poolings and norms over windows as PyTorch modules."""

from __future__ import annotations

from typing import Any

from spel.backends.torch_deps import Tensor, torch
from spel.backends.torch_dispatch import LayerModule, to_module
from spel.backends.torch_windows import WindowMax, WindowReduce
from spel.core.window import Window
from spel.nn import DivisiveNormalize, MaxPool, MeanPool, MinPool


class TorchExtremum(LayerModule[Any]):
    def __init__(self, layer: MaxPool | MinPool) -> None:
        super().__init__(layer)
        self.largest = WindowMax(layer.scope)
        self.sign = -1 if isinstance(layer, MinPool) else 1

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.largest(x * self.sign) * self.sign
        return result


class TorchMeanPool(LayerModule[MeanPool]):
    def __init__(self, layer: MeanPool) -> None:
        super().__init__(layer)
        self.sum = WindowReduce(layer.scope, "sum")
        self.size = len(layer.adjacency)
        self.same = layer.count == "full" or layer.border == "valid"

    def forward(self, x: Tensor) -> Tensor:
        total: Tensor = self.sum(x)
        if self.same:
            return total / self.size
        count: Tensor = self.sum(torch.ones_like(x[:1, :1]))
        return total / count.clamp(min=1)


class TorchDivisiveNormalize(LayerModule[DivisiveNormalize]):
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


to_module.register(MaxPool, TorchExtremum)
to_module.register(MinPool, TorchExtremum)
to_module.register(MeanPool, TorchMeanPool)
to_module.register(DivisiveNormalize, TorchDivisiveNormalize)
