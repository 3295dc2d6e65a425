"""
A detector from twelve boxes
============================

Wide kernels are learned from the coins in the upper half of a picture;
they detect those of the lower half.
"""

import numpy as np
from PIL import Image
from skimage import data

import spel
from spel import draw
from spel.rigid import RigidConfig, learn_detector

BOXES = np.array(
    [
        (305, 16, 365, 72),
        (132, 28, 179, 74),
        (192, 30, 240, 73),
        (255, 34, 297, 72),
        (22, 35, 67, 74),
        (81, 39, 120, 74),
        (245, 95, 296, 144),
        (25, 104, 67, 145),
        (186, 105, 226, 144),
        (317, 106, 356, 145),
        (84, 108, 122, 145),
        (134, 110, 173, 145),
    ]
)
"""``x0 y0 x1 y1`` of the twelve coins in the first 152 rows."""

# %%
upper, lower = data.coins()[:152], data.coins()[152:]
net = learn_detector([upper], [BOXES], RigidConfig(object_cells=60))
coins = spel.detect(net, lower, why=True)
cells = net.upto("normalized")(lower)
kernel = net["score"].bank.dense()[0]
contributors = [(c, r, c + 1, r + 1) for r, c in coins.why[0].spels]
tiles = [
    draw.Tile(draw.mark(upper, BOXES, color=draw.TRUTH_COLOR), "learned from these 12 boxes"),
    draw.Tile(draw.shade(cells[..., 0]), "cells: edges that brighten to the right"),
    draw.Tile(draw.shade(kernel[..., 0]), "weights of the kernel for these edges"),
    draw.Tile(draw.shade(net(lower)[..., 0]), "log-odds of windows at full size"),
    draw.Tile(draw.overlay(lower, coins), f"{len(coins)} coins above probability 0.5"),
    draw.Tile(
        draw.mark(lower, np.array(contributors)), "cells that contribute most to the best coin"
    ),
]
picture = Image.fromarray(draw.sheet(tiles))
picture
