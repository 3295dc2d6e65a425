"""New layers by name, with values to start from."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

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


def new_layer(kind: str, channels: int) -> Layer:
    """A layer with sensible starting values for an image of this number of channels."""
    ones = np.ones(channels, dtype=np.float32)
    makers: dict[str, Callable[[], Layer]] = {
        "color": lambda: Color("grey"),
        "convolution": lambda: Convolution(banks.preset("sobel-col", channels)),
        "unlearned": lambda: Unlearned(Adjacency.box(5), kernels=12, per_stroke=2),
        "activation": lambda: Activation("relu"),
        "max_pool": lambda: MaxPool(Adjacency.box(3)),
        "min_pool": lambda: MinPool(Adjacency.box(3)),
        "mean_pool": lambda: MeanPool(Adjacency.box(3)),
        "linear_normalize": lambda: LinearNormalize(),
        "divisive_normalize": lambda: DivisiveNormalize(Adjacency.rectangle(width=25, height=5)),
        "scale": lambda: Scale(ones),
        "weighted_sum": lambda: WeightedSum(ones / np.float32(channels)),
        "threshold": lambda: Threshold("otsu"),
        "center": lambda: Center(),
    }
    if kind not in makers:
        raise ParameterError(
            f"kind of step {kind!r:.40}; expected residue, batch_normalize or one of "
            f"{', '.join(makers)}"
        )
    return makers[kind]()
