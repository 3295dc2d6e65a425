"""Examples of every kind of layer, which the tests over all kinds run through.

A new kind of layer needs a line in `EXAMPLES`. The images of the tests have two channels.
"""

from typing import Any

import numpy as np

from spel import Adjacency, KernelBank
from spel.nn import DivisiveNormalize

BOX = Adjacency.box(3)


def _without_bias(adjacency: Adjacency, **options: int) -> KernelBank:
    bank = KernelBank.random(adjacency, **options)
    return KernelBank(adjacency, bank.weights)


EXAMPLES: dict[str, list[dict[str, Any]]] = {
    "activation.v1": [{}, {"function": "leaky_relu", "parameter": 0.2}],
    "add.v1": [{}],
    "argmax.v1": [{}],
    "batch_normalize.v1": [
        {"mean": np.ones(2), "deviation": np.full(2, 2.0), "over": "channel"},
        {"mean": np.ones((6, 7, 2)), "deviation": np.ones((6, 7, 2)), "gamma": np.ones(2)},
    ],
    "center.v1": [{}],
    "clip.v1": [{"low": 0.0, "high": 6.0}, {"low": -0.5}],
    "color.v1": [{"space": s} for s in ("grey", "rgb", "lab", "ycbcr")],
    "concatenate.v1": [{}],
    "convolution.v1": [
        {"bank": KernelBank.random(BOX, kernels=3, channels=2, seed=0)},
        {
            "bank": KernelBank.random(Adjacency.disk(2), kernels=1, channels=2, seed=1),
            "stride": (2, 1),
            "border": (1.0, 2.0),
        },
    ],
    "crop.v1": [{"before": (1, 0), "after": (0, 2)}],
    "decode.v1": [{"method": "lm", "labels": (True, False)}, {"method": "ts", "labels": (0, 1)}],
    "divisive_normalize.v1": [{"adjacency": BOX}, {"adjacency": BOX, "across_channels": True}],
    "flatten.v1": [{}],
    "global_pool.v1": [{}, {"size": (2, 3), "function": "max"}, {"size": (4, 2)}],
    "group_normalize.v1": [
        {"groups": 2, "gamma": [0.5, 2.0], "beta": [1.0, 0.0]},
        {"groups": 1, "epsilon": 0.1},
    ],
    "grouped_convolution.v1": [
        {"bank": KernelBank.random(BOX, kernels=4, channels=1, seed=2), "groups": 2},
        {
            "bank": KernelBank.random(Adjacency.disk(2), kernels=2, channels=1, seed=3),
            "groups": 2,
            "stride": (1, 2),
            "border": (0.5, -0.5),
        },
    ],
    "linear_normalize.v1": [{}, {"over": "channels"}],
    "local_response_normalize.v1": [{}, {"size": 3, "alpha": 2.0, "beta": 0.5, "k": 2.0}],
    "max_pool.v1": [{"adjacency": BOX}, {"adjacency": BOX, "stride": 2, "border": "valid"}],
    "mean_pool.v1": [{"adjacency": BOX, "count": "full"}],
    "min_pool.v1": [{"adjacency": Adjacency.from_displacements([(0, 2), (1, 0)])}],
    "multiply.v1": [{}],
    "pad.v1": [
        {"before": (1, 0), "after": (2, 3), "border": (0.5, -1.0)},
        {"before": (2, 3), "after": (1, 2), "border": "symmetric"},
    ],
    "prelu.v1": [{"slope": [0.25, -0.5]}],
    "residue.v1": [{"layer": DivisiveNormalize(BOX)}, {"scale": "max"}],
    "scale.v1": [{"factor": [1.0, 2.0], "shift": [0.0, 1.0]}],
    "softmax.v1": [{}],
    "threshold.v1": [{"at": 0.5}, {"at": "otsu"}],
    "transposed_convolution.v1": [
        {
            "bank": _without_bias(BOX, kernels=2, channels=3, seed=4),
            "stride": 2,
            "bias": [0.5, 1, 2],
        },
        {
            "bank": _without_bias(Adjacency.disk(2), kernels=2, channels=1, seed=5),
            "stride": (1, 3),
            "border": "valid",
        },
    ],
    "upsample.v1": [{}, {"factor": (2, 3), "method": "linear"}],
    "weighted_sum.v1": [{"weights": [1.0, -1.0], "bias": 0.25}],
}
"""Arguments of layers that run, by kind."""

REQUESTS: dict[str, dict[str, Any]] = {"unlearned.v1": {"adjacency": BOX, "kernels": 4}}
"""Arguments of layers that have a shape but no numbers yet."""
