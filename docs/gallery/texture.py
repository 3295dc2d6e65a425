"""
Textures of any size
====================

From one sample: noise with the joint statistics of a bank's activations, and patches of the sample.
"""

import numpy as np
from PIL import Image
from scipy.spatial import cKDTree

from spel.draw import Tile, sheet
from spel.synthesis import quilt, texture

# %%
# The sample is a bed of pebbles: the spels nearest to each of 300 points, lit from above.
rng = np.random.default_rng(4)
points = rng.uniform(-10, 170, (300, 2))
colors = rng.choice([[186, 140, 105], [120, 128, 138], [208, 196, 176], [93, 84, 80]], 300)
spels = np.moveaxis(np.indices((160, 160)), 0, -1).astype(float)
apart, nearest = cKDTree(points).query(spels, k=2)
room = np.clip((apart[..., 1] - apart[..., 0]) / 8, 0, 1)
light = 0.25 + 0.75 * np.sqrt(room) - 0.03 * (spels - points[nearest[..., 0]])[..., 0]
shade = np.clip(light, 0, 1.2)[..., None] * colors[nearest[..., 0]]
sample = np.clip(shade + rng.normal(0, 5, shade.shape), 0, 255).astype(np.uint8)

# %%
# Both pictures go on at their other side: rolled by half, they show no seam.
size = (240, 240)
joint = texture(sample, size, seed=1, rounds=50)
quilted = quilt(sample, size, patch=48, overlap=12, tileable=True, seed=1)
half = (size[0] // 2, size[1] // 2)

# %%
# A quilt knows where each of its spels comes from: here, its row and column as red and green.
places = quilted.origin * 255 // (np.array(sample.shape[:2]) - 1)
origin = np.concatenate([places, np.full((*size, 1), 90)], axis=-1).astype(np.uint8)
tiles = [
    Tile(sample, "sample", "160 x 160"),
    Tile(np.roll(joint, half, (0, 1)), "joint statistics", "noise, moved; rolled by half"),
    Tile(np.roll(quilted.picture, half, (0, 1)), "quilt", "patches of 48 x 48; rolled by half"),
    Tile(np.roll(origin, half, (0, 1)), "origin of the quilt", "the place in the sample"),
]
picture = Image.fromarray(sheet(tiles, columns=2, title="Textures of any size from one sample"))
picture
