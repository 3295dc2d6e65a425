"""Crops of objects in windows that are misplaced and stretched, from which boxes are adjusted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from spel.nn import Network
from spel.rigid.config import RigidConfig
from spel.rigid.groups import AspectGroup, Floats
from spel.rigid.mining import Rows
from spel.rigid.pyramid import Pyramid
from spel.rigid.sampling import as_cells, with_channels
from spel.rigid.stored_rows import Scratch, StoredRows

CROPS = 3
"""Crops of an object in windows from which boxes are adjusted, for each one of its kernel."""


@dataclass(frozen=True)
class Misplacement:
    """How far windows are from their objects, at most.

    Parameters
    ----------
    shift : float
        A window's shift, as a share of the object's sides.
    growth : float
        The change of its size, as a logarithm.
    stretch : float
        The change of its width, and of its height the other way, as a logarithm.
    """

    shift: float
    growth: float
    stretch: float


FAR, NEAR = Misplacement(0.25, 0.3, 0.35), Misplacement(0.12, 0.15, 0.15)
"""A box as it was found, and as it is once it has been adjusted."""

DRAWN = Misplacement(0.05, 0.07, 0.07)
"""A box as it is drawn in the end."""


def misplace_objects(
    config: RigidConfig,
    cells: Network,
    images: Sequence[Any],
    group: AspectGroup,
    misplacement: Misplacement,
    random: np.random.Generator,
    scratch: Scratch,
    crops: int = CROPS,
) -> tuple[StoredRows, StoredRows]:
    """Crops of a group's objects in misplaced windows, each stretched to the group's size.

    Returns
    -------
    StoredRows of length d
        Cells of the crops.
    StoredRows of length 4
        How each window's box must change to be the object's, see `spel.rigid.views.apply_deltas`.
    """
    rows, deltas = StoredRows(scratch), StoredRows(scratch)
    copies = crops * config.crops_per_object(len(group))
    for photo in range(len(images)):
        cropped, changes = [np.zeros((0, rows.length), np.float32)], [np.zeros((0, 4))]
        if len(boxes := group.boxes_of(photo)):
            pyramid = Pyramid(cells["grey"](with_channels(images[photo])))
            shown = [
                [
                    _misplace(config, pyramid, box, group, misplacement, copy % 2 == 1, random)
                    for copy in range(copies)
                ]
                for box in boxes
            ]
            cropped = [as_cells(config, cells, np.stack([c for c, _ in own])) for own in shown]
            changes = [np.stack([delta for _, delta in own]) for own in shown]
        rows.add(np.concatenate(cropped))
        deltas.add(np.concatenate(changes))
    return rows, deltas


def _misplace(
    config: RigidConfig,
    pyramid: Pyramid,
    box: Floats,
    group: AspectGroup,
    most: Misplacement,
    other: bool,
    random: np.random.Generator,
) -> tuple[Rows, Floats]:
    """An object in a window, and how the window's box must change to be the object's.

    Every `other` window may be mirrored. All pairs are (height, width) or (row, col).
    """
    context = 2 * (config.block // 2)
    rows, cols = ((side + context) * config.cell for side in group.window)
    window = np.array(group.size[::-1]) * config.cell
    sides, centre = (box[2:] - box[:2])[::-1], (box[2:] + box[:2])[::-1] / 2
    turn = config.tilt or config.max_rotation
    degrees = float(random.triangular(-turn, 0, turn))
    enclosing = _enclosing(sides, degrees) if config.tilt else sides
    growth = random.uniform(-most.growth, most.growth)
    stretch = random.uniform(-most.stretch, most.stretch)
    scale = window / (enclosing * np.exp([growth - stretch, growth + stretch]))
    shift = random.uniform(-most.shift, most.shift, 2) * enclosing
    mirrored = config.mirror and other
    row, col = centre + shift
    crop = pyramid.crop(
        (row, col), (scale[0], scale[1]), (rows, cols), degrees=degrees, mirrored=mirrored
    )
    shown = _enclosing(sides * scale, degrees) if config.tilt else sides * scale
    # The content turns about the middle of the window, and the object's middle with it.
    cosine, sine = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    down, across = np.array([[cosine, -sine], [sine, cosine]]) @ (-shift * scale) / window
    return crop, np.array([-across if mirrored else across, down, *np.log(shown / window)[::-1]])


def _enclosing(sides: Floats, degrees: float) -> Floats:
    """Height and width of the upright box that encloses a rotated one."""
    cosine, sine = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(abs(degrees)))
    return np.asarray(sides * cosine + sides[::-1] * sine)
