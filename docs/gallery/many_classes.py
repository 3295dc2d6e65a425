"""
One detector of two classes
===========================

Plates and round signs are learned from six rendered streets, in closed form: no backpropagation.
"""

import numpy as np
from PIL import Image

import spel
from spel import draw
from spel.data import street
from spel.rigid import RigidConfig, learn_detector

SIZE = (240, 352)


def scene(seed):
    """A street with a round sign painted over it: the picture, all boxes and their classes."""
    rendered = street(seed, size=SIZE, cars=1 + seed % 2, plate_width=52)
    random = np.random.default_rng(seed)
    rows, cols = np.mgrid[: SIZE[0], : SIZE[1]]
    while True:
        row, col, radius = random.uniform(30, 120), random.uniform(30, 320), random.uniform(13, 22)
        box = np.array([col - radius, row - radius, col + radius, row + radius])
        apart = (box[2:] < rendered.boxes[:, :2]) | (box[:2] > rendered.boxes[:, 2:])
        if apart.any(axis=1).all():
            break
    distance = np.hypot(rows - row, cols - col)
    image = rendered.image.astype(float)
    pole = (abs(cols - col) < 2) & (rows > row) & (rows < row + 5 * radius)
    image[pole] = 110
    for size, color in ((radius, (190, 30, 40)), (0.68 * radius, (235, 235, 230))):
        cover = np.clip(size - distance, 0, 1)[..., None]
        image = image * (1 - cover) + np.array(color) * cover
    classes = ["plate"] * len(rendered.boxes) + ["sign"]
    return image.astype(np.uint8), np.concatenate([rendered.boxes, box[None]]), classes


def detector():
    """Learned from six streets."""
    images, boxes, classes = zip(*(scene(seed) for seed in range(100, 106)))
    config = RigidConfig(orientations=4, crops=160, rounds=2, hard_negatives=1200)
    return learn_detector(images, boxes, config, classes=classes)


# %%
network = detector()
tiles = []
for seed in range(4):
    image, boxes, _ = scene(seed)
    found = spel.detect(network, image)
    title = f"{len(found)} boxes above their thresholds"
    tiles.append(draw.Tile(draw.overlay(image, found, truth=boxes), title))
for number, name in enumerate(("plate", "sign")):
    kernel = network[f"score_{number}"].bank.dense()[0].sum(axis=-1)
    tiles.append(draw.Tile(draw.shade(kernel, "signed"), f"the kernel of {name}s"))
picture = Image.fromarray(draw.sheet(tiles))
picture
