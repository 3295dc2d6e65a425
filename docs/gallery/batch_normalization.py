"""
Batch normalization
===================

Batch normalization subtracts the mean of the batch and divides by its standard deviation.
The cloud of patches moves to the origin, so that a kernel's hyperplane can be found without a bias.
"""

import numpy as np

import spel
from spel import plot
from spel.data import street

# %%
batch = np.stack([street(seed, size=(120, 180)).image / 255 for seed in range(8)])
picture = plot.batch_normalization(batch, spel.ops.batch_normalize(batch, over="channel"))
picture
