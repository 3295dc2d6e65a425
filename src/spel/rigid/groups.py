"""Objects grouped by their aspects: one kernel per group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from spel.errors import ParameterError
from spel.rigid.config import RigidConfig

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class AspectGroup:
    """Objects of similar aspects, from which one kernel is learned.

    Attributes
    ----------
    aspect : float
        Geometric mean of width over height.
    size : (width, height)
        Size of the object in its window, in cells.
    window : (rows, cols)
        Size of the window, margins included, in cells.
    objects : list of (photo, box)
        In the order of the photos.
    """

    aspect: float
    size: tuple[float, float]
    window: tuple[int, int]
    objects: list[tuple[int, Floats]]

    @property
    def boxes_of_photos(self) -> dict[int, list[Floats]]:
        """The boxes of each photo that shows such an object."""
        boxes: dict[int, list[Floats]] = {}
        for photo, box in self.objects:
            boxes.setdefault(photo, []).append(box)
        return boxes


def group_by_aspect(config: RigidConfig, truth: Sequence[Floats]) -> list[AspectGroup]:
    """Split the objects of all photos at the widest gaps between their sorted aspects.

    The windows of all groups have a common middle.

    Raises
    ------
    ParameterError
        If a box is empty.
    """
    objects = [(photo, box) for photo, boxes in enumerate(truth) for box in boxes]
    sides = np.array([box[2:] - box[:2] for _, box in objects])
    if not (np.isfinite(sides).all() and (sides > 0).all()):
        raise ParameterError(
            "learn_detector: a box is empty or not finite; expected finite x0 < x1 and y0 < y1"
        )
    aspects = np.log(sides[:, 0] / sides[:, 1])
    widest = float(np.log(config.max_aspect_ratio))
    groups = []
    for part in _split(np.argsort(aspects, kind="stable"), aspects, widest):
        aspect = float(np.exp(np.mean(aspects[part])))
        cells = config.object_cells
        size = (float(np.sqrt(cells * aspect)), float(np.sqrt(cells / aspect)))
        rows, cols = (int(np.ceil(side)) + 2 * config.margin for side in size[::-1])
        members = sorted((objects[i] for i in part), key=lambda member: member[0])
        groups.append(AspectGroup(aspect, size, (rows, cols), members))
    rows, cols = frame_of(groups)
    # A window grows by a cell where needed, so that its middle is that of the frame.
    return [
        replace(
            group,
            window=(
                group.window[0] + (rows - group.window[0]) % 2,
                group.window[1] + (cols - group.window[1]) % 2,
            ),
        )
        for group in groups
    ]


def frame_of(groups: Sequence[AspectGroup]) -> tuple[int, int]:
    """Size, in cells, of the smallest window that contains the windows of all groups."""
    return max(g.window[0] for g in groups), max(g.window[1] for g in groups)


def scale_range(
    config: RigidConfig, groups: Sequence[AspectGroup], anchor: float | None = None
) -> tuple[float, float]:
    """Largest and smallest scale at which an object of the photos fills its window, with margins.

    An `anchor` is a scale that is at least as large. The largest scale is then raised to the next
    one that lies a whole number of steps below the anchor.
    """
    scales = [
        np.sqrt(g.size[0] * g.size[1] * config.cell**2 / np.prod(box[2:] - box[:2]))
        for g in groups
        for _, box in g.objects
    ]
    largest = float(max(scales) * config.size_margin_below)
    if anchor is not None:
        steps = np.floor(np.log2(anchor / largest) * config.scales_per_octave + 1e-9)
        largest = float(anchor * 2 ** (-steps / config.scales_per_octave))
    return largest, float(min(scales) / config.size_margin_above)


def _split(order: Ints, values: Floats, widest: float) -> list[Ints]:
    """Cut sorted values at the largest gap until no part spans more than `widest`."""
    ranked = values[order]
    if ranked[-1] - ranked[0] <= widest:
        return [order]
    cut = int(np.diff(ranked).argmax()) + 1
    return [*_split(order[:cut], values, widest), *_split(order[cut:], values, widest)]
