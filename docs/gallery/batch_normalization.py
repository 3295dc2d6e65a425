"""Batch normalization moves the cloud of patches to the origin."""

import numpy as np

import spel
from spel import plot
from spel.data import street


def picture():
    batch = np.stack([street(seed, size=(120, 180)).image / 255 for seed in range(8)])
    return plot.batch_normalization(batch, spel.ops.batch_normalize(batch, over="channel"))
