"""Public operators: arrays in, array out.

Each checks, allocates and calls a kernel. ``out=`` is strict, inputs are never written, and the
result has the same bits for any number of threads. Operators whose results are grey levels as well
take an ``out`` of uint8: the engine rounds each row half to even as it writes it, numbers below 0
become 0, those above 255 become 255, and NaN becomes 0.
"""

from spel.ops.activate import activate
from spel.ops.adjoint import unpool
from spel.ops.channels import argmax, softmax
from spel.ops.color import grey, lab, ycbcr
from spel.ops.convolve import convolve
from spel.ops.decode import decode
from spel.ops.enlarge import enlarge
from spel.ops.flood import dynamic_trees, growcut, watershed
from spel.ops.global_pool import global_pool
from spel.ops.gradient import gradient_magnitude
from spel.ops.label import Regions, label, regions
from spel.ops.labnorm import labnorm2
from spel.ops.normalize import (
    BatchStatistics,
    batch_normalize,
    batch_statistics,
    divisive_normalize,
    linear_normalize,
    residue,
)
from spel.ops.normalize_channels import group_normalize, local_response_normalize
from spel.ops.pad import crop, pad
from spel.ops.patches import flatten, patches
from spel.ops.pool import max_pool, mean_pool, min_pool
from spel.ops.threshold import threshold, threshold_value
from spel.ops.upsample import transposed_convolve, upsample

__all__ = [
    "BatchStatistics",
    "Regions",
    "activate",
    "argmax",
    "batch_normalize",
    "batch_statistics",
    "convolve",
    "crop",
    "decode",
    "divisive_normalize",
    "dynamic_trees",
    "enlarge",
    "flatten",
    "global_pool",
    "gradient_magnitude",
    "grey",
    "group_normalize",
    "growcut",
    "lab",
    "label",
    "labnorm2",
    "linear_normalize",
    "local_response_normalize",
    "max_pool",
    "mean_pool",
    "min_pool",
    "pad",
    "patches",
    "regions",
    "residue",
    "softmax",
    "threshold",
    "threshold_value",
    "transposed_convolve",
    "unpool",
    "upsample",
    "watershed",
    "ycbcr",
]
