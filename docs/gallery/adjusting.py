"""
How a box is adjusted
=====================

The zoo's ``plates`` moves the sides of a box to the edges that it sees, four times, in views that
are stretched until each box has one size.
"""

import numpy as np
from PIL import Image

from spel import draw, zoo
from spel.data import street
from spel.decide.detection import decision_of
from spel.rigid.adjust import FINE, ROUNDS
from spel.rigid.score import Scanner
from spel.rigid.views import apply_deltas

ZOOM = 5
scene = street(8, size=(240, 352), plate_width=70, tilt=9)
truth = scene.boxes[0]

# %%
# A box of another aspect, as a kernel that is made for wide and low plates may find it.
boxes = [truth + np.array([12.0, -14.0, -6.0, -4.0])]
net = zoo.plates()
scanner = Scanner(net, decision_of(net))
pyramid = scanner.pyramid(scene.image)
for first in ROUNDS:
    deltas = scanner.adjusting_deltas(pyramid, boxes[-1][None])[:, first : first + 4]
    moved = apply_deltas(boxes[-1][None], deltas)[0]
    boxes.append(np.rint(FINE * moved) / FINE)


# %%
def overlap(box):
    """Intersection over union with the plate."""
    sides = np.minimum(box[2:], truth[2:]) - np.maximum(box[:2], truth[:2])
    both = sides.clip(0).prod()
    return both / (np.prod(box[2:] - box[:2]) + np.prod(truth[2:] - truth[:2]) - both)


def marked(box):
    """The surroundings of the plate, enlarged, with the box and the true one."""
    left, top, right, bottom = (truth + np.array([-22, -26, 22, 26])).astype(int)
    part = Image.fromarray(scene.image[top:bottom, left:right])
    part = part.resize((ZOOM * part.width, ZOOM * part.height))
    corner = np.array([left, top, left, top])
    true = draw.mark(part, [ZOOM * (truth - corner)], color=draw.TRUTH_COLOR, thickness=2)
    return draw.mark(true, [ZOOM * (box - corner)], thickness=3)


def stretched(box):
    """What the kernels see: the view in which the box has the size that they are made for."""
    size, _, _ = scanner.crop_geometry(scanner.adjuster)
    scale = np.array(scanner.windows.adjust_size) / (box[2:] - box[:2])
    middle = (box[1] + box[3]) / 2, (box[0] + box[2]) / 2
    view = pyramid.crop(middle, (scale[1], scale[0]), (size[0], size[1]))
    half = np.array(scanner.windows.adjust_size) / 2
    centre = size[::-1] / 2
    shown = Image.fromarray((255 * view / view.max()).astype(np.uint8))
    shown = shown.resize((3 * shown.width, 3 * shown.height), Image.Resampling.NEAREST)
    frame = 3 * np.concatenate([centre - half, centre + half])
    return draw.mark(shown, [frame], thickness=2)


names = ["given", "moved once", "twice", "three times", "four times"]
tiles = [
    draw.Tile(marked(box), name, f"IoU with the plate {overlap(box):.2f}")
    for box, name in zip(boxes, names, strict=True)
]
tiles += [draw.Tile(stretched(box), "", "the view that the kernels see") for box in boxes]
picture = Image.fromarray(
    draw.sheet(tiles, columns=5, tile_width=250, footer="Orange: the box. Green: the plate.")
)
picture
