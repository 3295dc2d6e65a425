"""
Convolution and ReLU
====================

A convolution is the inner product of a kernel with the patch around every spel.
The Sobel kernel responds to edges from dark to bright, and ReLU keeps these alone.
"""

from PIL import Image

import spel
from spel import draw
from spel.data import street

# %%
image = spel.Color("grey")(street(3).image[200:330, 180:430])
edges = spel.ops.convolve(image, spel.KernelBank.sobel("col"))[..., 0]
tiles = [
    draw.Tile(draw.shade(image[..., 0], "grey"), "the image I"),
    draw.Tile(draw.shade(edges, clip=0.01), "J(p) = sum <I(q), W(q)>"),
    draw.Tile(draw.shade(spel.ops.activate(edges, "relu"), clip=0.01), "R(p) = max(0, J(p))"),
]
picture = Image.fromarray(draw.sheet(tiles))
picture
