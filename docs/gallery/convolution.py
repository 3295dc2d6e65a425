"""Convolution and ReLU: the Sobel kernel responds to edges from dark to bright."""

import spel
from spel import draw
from spel.data import street


def picture():
    image = spel.Color("grey")(street(3).image[200:330, 180:430])
    edges = spel.ops.convolve(image, spel.KernelBank.sobel("col"))[..., 0]
    tiles = [
        draw.Tile(draw.shade(image[..., 0], "grey"), "the image I"),
        draw.Tile(draw.shade(edges, clip=0.01), "J(p) = sum <I(q), W(q)>"),
        draw.Tile(draw.shade(spel.ops.activate(edges, "relu"), clip=0.01), "R(p) = max(0, J(p))"),
    ]
    return draw.sheet(tiles)
