"""Objects grouped by their aspects: one kernel per group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from spel.errors import ParameterError
from spel.rigid.config import RigidConfig
from spel.rigid.ragged import Ragged

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
    photos : (n,) array of int
        The photo of each object, in order.
    boxes : (n, 4) array
    """

    aspect: float
    size: tuple[float, float]
    window: tuple[int, int]
    photos: Ints
    boxes: Floats

    def __len__(self) -> int:
        return len(self.photos)

    def boxes_of(self, photo: int) -> Floats:
        """The boxes of such objects in a photo."""
        first, end = np.searchsorted(self.photos, [photo, photo + 1])
        return self.boxes[first:end]


def group_by_aspect(config: RigidConfig, truth: Ragged) -> list[AspectGroup]:
    """Split the objects of all photos at the widest gaps between their sorted aspects.

    The windows of all groups have a common middle.

    Raises
    ------
    ParameterError
        If a box is empty.
    """
    photos, boxes = truth.owners, truth.values
    sides = boxes[:, 2:] - boxes[:, :2]
    if not (np.isfinite(sides).all() and (sides > 0).all()):
        raise ParameterError(
            "learn_detector: a box is empty or not finite; expected finite x0 < x1 and y0 < y1"
        )
    aspects = np.log(sides[:, 0] / sides[:, 1])
    widest = float(np.log(config.max_aspect_ratio))
    groups = []
    for part in _split(np.argsort(aspects, kind="stable"), aspects, widest):
        aspect = float(np.exp(np.mean(aspects[part])))
        own = part[np.argsort(photos[part], kind="stable")]
        groups.append(_group(config, config.object_cells, aspect, photos[own], boxes[own]))
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


def group_of_all(config: RigidConfig, truth: Ragged) -> AspectGroup:
    """All objects, whatever their aspects, as one group: that from which boxes are adjusted."""
    sides = truth.values[:, 2:] - truth.values[:, :2]
    aspect = float(np.exp(np.mean(np.log(sides[:, 0] / sides[:, 1]))))
    return _group(config, config.adjust_object_cells, aspect, truth.owners, truth.values)


def _group(
    config: RigidConfig, cells: float, aspect: float, photos: Ints, boxes: Floats
) -> AspectGroup:
    """Objects that cover so many cells of a window of this aspect."""
    size = (float(np.sqrt(cells * aspect)), float(np.sqrt(cells / aspect)))
    rows, cols = (int(np.ceil(side)) + 2 * config.margin for side in size[::-1])
    return AspectGroup(aspect, size, (rows, cols), photos, boxes)


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
    scales = np.concatenate(
        [
            np.sqrt(
                g.size[0]
                * g.size[1]
                * config.cell**2
                / np.prod(g.boxes[:, 2:] - g.boxes[:, :2], axis=1)
            )
            for g in groups
        ]
    )
    largest = float(scales.max() * config.size_margin_below)
    if anchor is not None:
        steps = np.floor(np.log2(anchor / largest) * config.scales_per_octave + 1e-9)
        largest = float(anchor * 2 ** (-steps / config.scales_per_octave))
    return largest, float(scales.min() / config.size_margin_above)


def _split(order: Ints, values: Floats, widest: float) -> list[Ints]:
    """Cut sorted values at the largest gap until no part spans more than `widest`."""
    ranked = values[order]
    if ranked[-1] - ranked[0] <= widest:
        return [order]
    cut = int(np.diff(ranked).argmax()) + 1
    return [*_split(order[:cut], values, widest), *_split(order[cut:], values, widest)]
