"""
Adjacency relations
===================

An adjacency relation is a set of displacements.
It says which spels are neighbours, and its order numbers the weights of a kernel.
"""

from io import BytesIO

import numpy as np
from PIL import Image

from spel import Adjacency, draw, plot

RELATIONS = {
    "Adjacency.disk(1)": Adjacency.disk(1),
    "Adjacency.disk(2 ** 0.5)": Adjacency.disk(2**0.5),
    "Adjacency.disk(3)": Adjacency.disk(3),
    "Adjacency.rectangle(width=7, height=3)": Adjacency.rectangle(width=7, height=3),
    "Adjacency.cross(1).dilated(3)": Adjacency.cross(1).dilated(3),
    "from_mask, off-centre": Adjacency.from_mask([[1, 1, 1], [0, 1, 1]], origin=(1, 0)),
}


def rendered(figure):
    """A figure as an RGB array."""
    file = BytesIO()
    figure.savefig(file, dpi=110)
    return np.asarray(Image.open(file).convert("RGB"))


# %%
tiles = []
for title, relation in RELATIONS.items():
    figure = plot.adjacency(relation)
    figure.set_size_inches(3.4, 3.2)
    tiles.append(draw.Tile(rendered(figure), title))
picture = Image.fromarray(draw.sheet(tiles, columns=3, tile_width=374))
picture
