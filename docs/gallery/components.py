"""
Threshold, components, boxes
============================

A threshold gives a mask, an adjacency relation its connected components, and each component a box.
"""

import numpy as np
from PIL import Image

import spel
from spel import Adjacency, draw
from spel.data import street

COLORS = np.array(
    [(255, 255, 255), (196, 86, 15), (31, 95, 166), (99, 153, 61), (138, 34, 106), (238, 138, 60)],
    dtype=np.uint8,
)

# %%
scene = street(7, cars=2, size=(300, 620))
net = spel.zoo.plate_lecture()
saliency = net(scene.image)[..., 0]
mask = spel.ops.threshold(saliency, "p97") > 0
labels = spel.ops.label(mask, Adjacency.box(3))
colors = COLORS[np.where(labels > 0, (labels - 1) % 5 + 1, 0)]
plates = spel.detect(net, scene.image, select="all", threshold="p97", width=(30, 1e9))
tiles = [
    draw.Tile(draw.shade(saliency, clip=0.004), "saliency"),
    draw.Tile(colors, f"above the 97th percentile: {labels.max()} components"),
    draw.Tile(draw.overlay(scene.image, plates, truth=scene.boxes), "at least 30 pixels wide"),
]
picture = Image.fromarray(draw.sheet(tiles))
picture
