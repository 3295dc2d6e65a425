"""
Linear and divisive normalization
=================================

Linear normalization stretches values to the range from 0 to 1.
Divisive normalization divides each spel by the length of its patch:
what stands alone remains, texture fades.
"""

import numpy as np
from PIL import Image

import spel
from spel import Adjacency, draw
from spel.data import street

# %%
grey = spel.Color("grey")(street(3, light=0.35).image[60:330, 60:480])
edges = spel.ops.activate(spel.ops.convolve(grey, spel.KernelBank.sobel("col"))[..., 0], "relu")
pooled = spel.ops.max_pool(edges, Adjacency.rectangle(width=11, height=3))
divided = spel.ops.divisive_normalize(pooled, Adjacency.rectangle(width=25, height=5))
tiles = [
    draw.Tile((255 * grey).astype(np.uint8), "a dark image"),
    draw.Tile(
        draw.shade(spel.ops.linear_normalize(grey)[..., 0], "grey"),
        "linear: (I - min) / (max - min)",
    ),
    draw.Tile(draw.shade(pooled), "edges, pooled"),
    draw.Tile(draw.shade(divided), "divisive: I / sqrt(sum of I squared), 25 x 5"),
    draw.Tile(draw.shade(spel.ops.residue(pooled, divided)), "residue: ReLU(P - N)"),
    draw.Tile(
        draw.shade(spel.ops.residue(pooled, divided, scale="max")),
        'residue, both scaled to 1: scale="max"',
    ),
]
picture = Image.fromarray(draw.sheet(tiles))
picture
