"""Linear normalization, divisive normalization, and the residue between pooled and normalized."""

import numpy as np

import spel
from spel import Adjacency, draw
from spel.data import street


def picture():
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
    return draw.sheet(tiles)
