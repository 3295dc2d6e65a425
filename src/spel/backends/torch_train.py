"""Fine-tuning by backpropagation, and a small U-Net around an encoder, for comparisons."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.backends.torch_deps import F, Tensor, nn, torch
from spel.backends.torch_module import SpelModule
from spel.core.window import Window
from spel.errors import ParameterError, ShapeError
from spel.nn.network import Network


@dataclass(frozen=True)
class History:
    """Mean loss of every epoch."""

    losses: tuple[float, ...]


def fit(
    module: nn.Module,
    images: npt.ArrayLike,
    targets: npt.ArrayLike,
    *,
    epochs: int = 10,
    rate: float = 1e-3,
    batch: int = 32,
    decay: float = 0.0,
    seed: int = 0,
    device: str = "cpu",
    parameters: Sequence[nn.Parameter] | None = None,
    progress: Callable[[int, float], None] | None = None,
) -> History:
    """Minimize the cross-entropy of a module by Adam; the module is changed in place.

    Parameters
    ----------
    module : torch.nn.Module
        Takes ``(batch, channels, rows, cols)``. Its output is one score per class, of the image
        ``(batch, K)`` or ``(batch, K, 1, 1)``, or of every spel ``(batch, K, rows, cols)``.
    images : (n, rows, cols, channels) array
    targets : (n,) array of int, or (n, rows, cols) for spels
        Classes from 0; of masks, 0 and 1. With one score per spel (K = 1) the loss is the binary
        cross-entropy.
    epochs, rate, batch, decay
        Passes over the images, Adam's learning rate, images per step, weight decay.
    seed : int
        Of the order of the images; PyTorch's own generator is left alone.
    parameters : sequence of torch.nn.Parameter, optional
        The only ones to change; all of them by default.

    Returns
    -------
    History

    Raises
    ------
    ShapeError, ParameterError
        If images and targets do not fit, or a setting is out of range.
    """
    x = np.asarray(images, dtype=np.float32)
    y = np.asarray(targets)
    if x.ndim != 4 or len(x) != len(y) or not len(x):
        raise ShapeError(
            f"fit: images of shape {x.shape} and targets of {y.shape}; expected (n, rows, cols, "
            "channels) and one target per image, at least one"
        )
    if epochs < 1 or batch < 1 or not rate > 0:
        raise ParameterError(
            f"fit: epochs {epochs!r}, batch {batch!r}, rate {rate!r}; expected at least 1, 1 and a "
            "positive number"
        )
    planar = torch.from_numpy(np.ascontiguousarray(np.moveaxis(x, -1, 1))).to(device)
    wanted = torch.from_numpy(y.astype(np.int64)).to(device)
    module.to(device)
    chosen = list(module.parameters() if parameters is None else parameters)
    adam = torch.optim.Adam(chosen, lr=rate, weight_decay=decay)
    order = torch.Generator().manual_seed(seed)
    losses = []
    for epoch in range(epochs):
        total = 0.0
        for rows in torch.randperm(len(x), generator=order).split(batch):
            adam.zero_grad()
            loss = _loss(module(planar[rows]), wanted[rows])
            loss.backward()
            adam.step()
            total += float(loss.detach()) * len(rows)
        losses.append(total / len(x))
        if progress is not None:
            progress(epoch + 1, losses[-1])
    return History(tuple(losses))


def _loss(scores: Tensor, wanted: Tensor) -> Tensor:
    if wanted.ndim == 1:
        return F.cross_entropy(scores.flatten(1), wanted)
    if scores.shape[1] == 1:
        return F.binary_cross_entropy_with_logits(scores[:, 0], wanted.to(scores.dtype))
    return F.cross_entropy(scores, wanted)


def predict(module: nn.Module, images: npt.ArrayLike, *, batch: int = 256) -> npt.NDArray[Any]:
    """The module's scores, channels last, without gradients; in batches."""
    x = np.moveaxis(np.asarray(images, dtype=np.float32), -1, 1)
    device = next((p.device for p in module.parameters()), torch.device("cpu"))
    with torch.no_grad():
        parts = [
            module(torch.from_numpy(np.ascontiguousarray(x[i : i + batch])).to(device)).cpu()
            for i in range(0, len(x), batch)
        ]
    return np.moveaxis(torch.cat(parts).numpy(), 1, -1)


def randomized(module: SpelModule, *, seed: int = 0) -> SpelModule:
    """The same module with convolutions drawn anew (He): the start of a comparison."""
    draw = torch.Generator().manual_seed(seed)
    for layer in module.layers:
        weight = getattr(layer, "weight", None)
        if isinstance(weight, nn.Parameter):
            with torch.no_grad():
                fan = weight[0].numel()
                weight.copy_(torch.randn(weight.shape, generator=draw) * (2 / fan) ** 0.5)
                layer.bias.zero_()  # type: ignore[union-attr, operator]
    return module


class UNet(nn.Module):
    """A decoder on the activations of an encoder: upsample, join with the skip, convolve.

    Parameters
    ----------
    encoder : Network
        Learned from markers, say. The skips are the activations before its strided layers.
    classes : int
        Scores per spel; 1 for a mask.
    width : int
        Channels of the decoder.
    seed : int
        Of the decoder's weights.
    """

    def __init__(
        self,
        encoder: Network,
        *,
        classes: int = 1,
        width: int = 16,
        seed: int = 0,
        channels: int = 3,
    ) -> None:
        super().__init__()
        self.encoder = SpelModule(encoder)
        strided = [n for n in encoder.nodes if _strides(n.layer) > 1]
        self.skips = [n.inputs[0] for n in strided if n.inputs[0] != "input"]
        shapes = encoder.shapes((64, 64, channels))
        below = shapes[encoder.output][-1]
        self.joins = nn.ModuleList()
        for name in reversed(self.skips):
            self.joins.append(
                nn.Conv2d(below + shapes[name][-1], width, 3, padding=1, device="meta")
            )
            below = width
        self.last = nn.Conv2d(below, classes, 1, device="meta")
        self._drawn(seed)

    def _drawn(self, seed: int) -> None:
        """Weights of the decoder from our own generator."""
        draw = torch.Generator().manual_seed(seed)
        for layer in [*self.joins, self.last]:
            assert isinstance(layer, nn.Conv2d)
            fan = layer.weight[0].numel()
            drawn = torch.randn(layer.weight.shape, generator=draw) * (2 / fan) ** 0.5
            layer.weight = nn.Parameter(drawn)
            layer.bias = nn.Parameter(torch.zeros(layer.out_channels))

    def forward(self, image: Tensor) -> Tensor:
        done = self.encoder.activations(image)
        x = done[self.encoder.network.output]
        for join, name in zip(self.joins, reversed(self.skips)):
            skip = done[name]
            x = F.interpolate(x, size=skip.shape[2:], mode="bilinear", align_corners=False)
            x = F.relu(join(torch.cat([x, skip], dim=1)))
        x = F.interpolate(x, size=image.shape[2:], mode="bilinear", align_corners=False)
        scores: Tensor = self.last(x)
        return scores


def _strides(layer: Any) -> int:
    scope = layer.scope
    return max(scope.strides) if isinstance(scope, Window) else 1
