"""Adjacency relations: sets of displacements, numbered in the order of the kernel weights."""

import numpy as np

from spel import Adjacency, draw, plot

RELATIONS = {
    "Adjacency.disk(1)": Adjacency.disk(1),
    "Adjacency.disk(2 ** 0.5)": Adjacency.disk(2**0.5),
    "Adjacency.disk(3)": Adjacency.disk(3),
    "Adjacency.rectangle(width=7, height=3)": Adjacency.rectangle(width=7, height=3),
    "Adjacency.cross(1).dilated(3)": Adjacency.cross(1).dilated(3),
    "from_mask, off-centre": Adjacency.from_mask([[1, 1, 1], [0, 1, 1]], origin=(1, 0)),
}


def picture():
    tiles = []
    for title, relation in RELATIONS.items():
        figure = plot.adjacency(relation)
        figure.set_size_inches(3.4, 3.2)
        figure.set_dpi(110)
        tiles.append(draw.Tile(rendered(figure), title))
    return draw.sheet(tiles, columns=3, tile_width=374)


def rendered(figure):
    """A figure as an RGB array."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()
