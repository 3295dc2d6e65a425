"""New layers by name, with values to start from."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from spel.core.adjacency import Adjacency
from spel.errors import ParameterError
from spel.nn import (
    Activation,
    Center,
    Color,
    Convolution,
    DivisiveNormalize,
    Layer,
    LinearNormalize,
    MaxPool,
    MeanPool,
    MinPool,
    Scale,
    Threshold,
    Unlearned,
    WeightedSum,
)
from spel.studio import banks

Maker = Callable[[int], Layer]

_MAKERS: dict[str, Maker] = {
    "convolution": lambda channels: Convolution(banks.preset("sobel-col", channels)),
    "activation": lambda channels: Activation("relu"),
    "max_pool": lambda channels: MaxPool(Adjacency.box(3)),
    "min_pool": lambda channels: MinPool(Adjacency.box(3)),
    "mean_pool": lambda channels: MeanPool(Adjacency.box(3)),
    "divisive_normalize": lambda channels: DivisiveNormalize(
        Adjacency.rectangle(width=25, height=5)
    ),
    "linear_normalize": lambda channels: LinearNormalize(),
    "center": lambda channels: Center(),
    "scale": lambda channels: Scale(_ones(channels)),
    "weighted_sum": lambda channels: WeightedSum(_ones(channels) / np.float32(channels)),
    "threshold": lambda channels: Threshold("otsu"),
    "color": lambda channels: Color("grey"),
    "unlearned": lambda channels: Unlearned(Adjacency.box(5), kernels=12, per_stroke=2),
}

ADDABLE = (*_MAKERS, "residue", "batch_normalize")
"""The kinds of steps that can be added; a residue brings several nodes, a batch
normalization reads images, so `add_step` makes these two."""


def new_layer(kind: str, channels: int) -> Layer:
    """A layer with sensible starting values for an image of this number of channels."""
    if kind not in _MAKERS:
        raise ParameterError(f"kind of step {kind!r:.40}; expected one of {', '.join(ADDABLE)}")
    return _MAKERS[kind](channels)


def _ones(channels: int) -> npt.NDArray[np.float32]:
    return np.ones(channels, dtype=np.float32)
