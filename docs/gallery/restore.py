"""A street with noise, and restored by anchors learned from other streets."""

import numpy as np

from spel.data import street
from spel.draw import Tile, sheet
from spel.synthesis import Task, learn_restorer, luma


def decibels(clean, other):
    return f"{10 * np.log10(1 / np.mean(np.square(clean - other))):.1f} dB"


def picture():
    task = Task("denoise", 25)
    clean = [luma(street(seed).image, 255) for seed in (11, 12, 13, 14)]
    restorer = learn_restorer(clean, task, anchors=64, patches=80_000)
    image = task.whole(luma(street(3).image, 255))
    noisy = task.spoil(image)
    better = restorer(noisy)[..., 0]
    part = (slice(140, 320), slice(180, 420))

    def shown(plane):
        return np.clip(np.rint(plane * 255), 0, 255).astype(np.uint8)

    tiles = [
        Tile(shown(noisy[part]), "noise, sigma 25", decibels(image, noisy)),
        Tile(shown(better[part]), "restored, 64 anchors", decibels(image, better)),
        Tile(shown(image[part]), "clean"),
    ]
    return sheet(tiles, title="Learned from four other streets")
