"""
Noise removed by anchors
========================

A bank of anchors and one linear map per anchor, learned from four streets, restores another one.
"""

import numpy as np
from PIL import Image

from spel.data import street
from spel.draw import Tile, sheet
from spel.synthesis import Task, learn_restorer, luma


def decibels(clean, other):
    """The peak signal-to-noise ratio of values from 0 to 1."""
    return f"{10 * np.log10(1 / np.mean(np.square(clean - other))):.1f} dB"


def shown(plane):
    """Values from 0 to 1 as grey levels."""
    return np.clip(np.rint(plane * 255), 0, 255).astype(np.uint8)


# %%
task = Task("denoise", 25)
clean = [luma(street(seed).image, 255) for seed in (11, 12, 13, 14)]
restorer = learn_restorer(clean, task, anchors=64, patches=80_000)

# %%
# The restorer is shown a street that it has not seen.
image = task.whole(luma(street(3).image, 255))
noisy = task.spoil(image)
better = restorer(noisy)[..., 0]
part = (slice(140, 320), slice(180, 420))
tiles = [
    Tile(shown(noisy[part]), "noise, sigma 25", decibels(image, noisy)),
    Tile(shown(better[part]), "restored, 64 anchors", decibels(image, better)),
    Tile(shown(image[part]), "clean"),
]
picture = Image.fromarray(sheet(tiles, title="Learned from four other streets"))
picture
