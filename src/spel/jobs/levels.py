"""Levels of a pyramid: boxes in pixels of the full size."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from spel.core.detections import Detections


def full_size(
    detections: Detections, size: tuple[int, ...], scale: tuple[float, ...]
) -> Detections:
    """Detections in a level of a pyramid, in pixels of the full size.

    Parameters
    ----------
    detections : Detections
    size : ([planes,] rows, cols)
        The full size.
    scale : tuple of float
        Length of each axis of the level by that of the full size.

    Examples
    --------
    >>> one = Detections(np.array([[1.0, 2, 3, 4]]), np.ones(1), np.array([4]), (10, 10))
    >>> full_size(one, (20, 40), (0.5, 0.25)).boxes.tolist()
    [[4.0, 4.0, 12.0, 8.0]]
    """
    if set(scale) == {1.0}:
        return detections
    boxes = np.asarray(detections.boxes, np.float64) / (scale[::-1] * 2)
    boxes = np.clip(boxes, 0, size[::-1] * 2)
    areas = (np.asarray(detections.areas, np.float64) / np.prod(scale)).astype(np.int64)
    return replace(detections, boxes=boxes, areas=areas, image_size=size, components=None, why=())
