"""The surroundings of marked objects, where a saliency is computed in blocks.

What objects look like is learned from the components that strokes lie in. Of an image that need not
fit in memory, they are measured in windows that grow until they hold these components, and as much
around them; so area, shape and contrast are those of the whole image.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np
import numpy.typing as npt

from spel.core.adjacency import Adjacency
from spel.core.markers import Markers
from spel.decide.object_learning import object_strokes
from spel.decide.object_model import ObjectModel
from spel.errors import ParameterError
from spel.nn.blocks import AnyImage, InBlocks
from spel.ops.label import label, regions

LARGEST = 1 << 25
"""Spels of the largest window."""

Bounds = npt.NDArray[np.int64]
"""(2, ndim): the first spel of a window, and one past its last."""


def around_objects(
    saliencies: Sequence[AnyImage], markers: Sequence[Markers], model: ObjectModel
) -> tuple[list[npt.NDArray[np.floating]], list[Markers]]:
    """Saliencies and strokes for `spel.decide.learn_object_model`: windows in place of blocks.

    Parameters
    ----------
    saliencies : sequence of (rows, cols, 1) arrays, or of `spel.nn.blocks.InBlocks`
        Arrays stay whole.
    markers : sequence of Markers
    model : ObjectModel
        States the levels, the ring, and whether each stroke marks an object.

    Raises
    ------
    ParameterError
        If what is connected with a stroke does not fit into a window of `LARGEST` spels.
    """
    arrays, drawn = [], []
    for saliency, own in zip(saliencies, markers):
        if not isinstance(saliency, InBlocks):
            arrays.append(saliency)
            drawn.append(own)
            continue
        for bounds in _windows(saliency, own, model):
            arrays.append(saliency.part(bounds.T.tolist()))
            drawn.append(_inside(own, bounds))
    return arrays, drawn


def _windows(saliency: InBlocks, drawn: Markers, model: ObjectModel) -> list[Bounds]:
    """Windows apart from one another that hold what strokes of objects are connected with."""
    bounds = [
        np.stack([points.min(axis=0), points.max(axis=0) + 1])
        for points in object_strokes(drawn, each=model.multiple)
    ]
    bounds = _merged([_wider(one, model.ring + 1, drawn.size) for one in bounds])
    while True:
        needed = _merged([_needed(saliency, drawn, one, model) for one in bounds])
        if np.array_equal(needed, bounds):
            return bounds
        bounds = needed


def _needed(saliency: InBlocks, drawn: Markers, window: Bounds, model: ObjectModel) -> Bounds:
    """The window, or a larger one for the components that its strokes lie in."""
    _check_size(window)
    inside = _inside(drawn, window)
    values = saliency.part(window.T.tolist())[..., 0]
    numbers = label(values > min(model.levels), Adjacency.box(3, ndim=drawn.ndim))
    own = np.unique(numbers[tuple(inside.points[inside.is_object].T)])
    measured = regions(numbers)
    for number in own[own > 0].tolist():
        low, high = measured.low[number - 1], measured.high[number - 1]
        room = model.ring + 1 + int((high - low).max())
        wide = _wider(np.stack([low, high]) + window[0], room, drawn.size)
        window = np.stack([np.minimum(window[0], wide[0]), np.maximum(window[1], wide[1])])
    return window


def _wider(bounds: Bounds, room: int, size: Sequence[int]) -> Bounds:
    """The window with room on all sides, inside the image."""
    return np.stack([np.maximum(bounds[0] - room, 0), np.minimum(bounds[1] + room, size)])


def _merged(windows: Sequence[Bounds]) -> list[Bounds]:
    """Windows that overlap joined into one that holds both, until none overlap."""
    apart: list[Bounds] = []
    for one in windows:
        while True:
            near = [i for i, other in enumerate(apart) if _overlap(one, other)]
            if not near:
                break
            together = [one, *(apart.pop(i) for i in reversed(near))]
            one = np.stack(
                [
                    np.min([bounds[0] for bounds in together], axis=0),
                    np.max([bounds[1] for bounds in together], axis=0),
                ]
            )
        apart.append(one)
    return sorted(apart, key=lambda bounds: tuple(bounds[0]))


def _overlap(one: Bounds, other: Bounds) -> bool:
    return bool((one[0] < other[1]).all() and (other[0] < one[1]).all())


def _inside(drawn: Markers, window: Bounds) -> Markers:
    """The strokes in a window, as of an image of its own."""
    here = ((drawn.points >= window[0]) & (drawn.points < window[1])).all(axis=1)
    own = drawn.only(np.flatnonzero(here))
    size = tuple((window[1] - window[0]).tolist())
    return Markers(own.points - window[0], own.labels, size, drawn.background, own.ids)


def _check_size(window: Bounds) -> None:
    lengths = (window[1] - window[0]).tolist()
    if prod(lengths) > LARGEST:
        place = ", ".join(f"{a} to {b}" for a, b in window.T.tolist())
        raise ParameterError(
            f"learn_segmenter: what is salient around the strokes at {place} is connected over "
            f"more than {LARGEST:,} spels; draw more strokes on the background, or learn objects "
            "of any size (--objects any-size, select='threshold')"
        )
