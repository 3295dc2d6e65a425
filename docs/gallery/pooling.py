"""
Pooling over any adjacency
==========================

A maximum merges what is near, a minimum separates it, a mean smooths.
The window is any adjacency relation, and a stride keeps every n-th result.
"""

from PIL import Image

import spel
from spel import Adjacency, draw
from spel.data import street

# %%
grey = spel.Color("grey")(street(3).image[200:330, 180:430])
edges = spel.ops.activate(spel.ops.convolve(grey, spel.KernelBank.sobel("col"))[..., 0], "relu")
box, disk = Adjacency.rectangle(width=11, height=3), Adjacency.disk(4)
closed = spel.ops.min_pool(spel.ops.max_pool(edges, box), box)
tiles = [
    draw.Tile(draw.shade(edges, clip=0.01), "edges"),
    draw.Tile(draw.shade(spel.ops.max_pool(edges, box)), "max-pooling, 11 x 3"),
    draw.Tile(draw.shade(closed), "then min-pooling, 11 x 3: a closing"),
    draw.Tile(draw.shade(spel.ops.max_pool(edges, disk)), "max-pooling, disk of radius 4"),
    draw.Tile(draw.shade(spel.ops.mean_pool(edges, box)), "mean-pooling, 11 x 3"),
    draw.Tile(draw.shade(spel.ops.max_pool(edges, box, stride=4)), "max-pooling, 11 x 3, stride 4"),
]
picture = Image.fromarray(draw.sheet(tiles))
picture
