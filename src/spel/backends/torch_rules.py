"""Rules of the engine as operators of PyTorch: thresholds by rank or Otsu, adaptive decoders.

They compare values, and another order of summation could turn a comparison: so PyTorch calls the
engine's own rules, image by image. As registered operators they are one step to `torch.export` and
`torch.compile`. They have no gradient.
"""

from __future__ import annotations

import numpy as np

from spel import ops
from spel.backends.torch_deps import Tensor, torch


@torch.library.custom_op("spel::threshold_value", mutates_args=())
def threshold_value(x: Tensor, rule: str) -> Tensor:
    """The number that a rule stands for, for each image: (N,)."""
    values = [ops.threshold_value(image, rule) for image in _arrays(x)]
    return torch.tensor(values, dtype=x.dtype, device=x.device)


@threshold_value.register_fake
def _(x: Tensor, rule: str) -> Tensor:
    return x.new_empty(x.shape[0])


@torch.library.custom_op("spel::decode", mutates_args=())
def decode(x: Tensor, method: str, labels: list[bool]) -> Tensor:
    """The saliency of each image: (N, 1, ...)."""
    images = [ops.decode(image, method, labels) for image in _arrays(x)]
    stacked = np.stack([np.moveaxis(image, -1, 0) for image in images])
    return torch.from_numpy(np.ascontiguousarray(stacked)).to(x)


@decode.register_fake
def _(x: Tensor, method: str, labels: list[bool]) -> Tensor:
    return x.new_empty((x.shape[0], 1, *x.shape[2:]))


def _arrays(x: Tensor) -> list[np.ndarray]:
    """Images as the engine takes them, channels last."""
    planar = x.detach().cpu()
    if planar.dtype in (torch.bfloat16, torch.float16):
        planar = planar.float()
    return list(np.moveaxis(planar.numpy(), 1, -1))
