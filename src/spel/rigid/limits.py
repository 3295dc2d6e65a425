"""Estimates of what learning a detector costs; too much is refused before it begins."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from spel.errors import ParameterError, ShapeError
from spel.rigid.config import RigidConfig
from spel.rigid.groups import AspectGroup, Floats, frame_of
from spel.rigid.stored_rows import PORTION_BYTES

GB = 1e9
"""Bytes of a gigabyte."""


def check_kernels(config: RigidConfig, groups: Sequence[AspectGroup]) -> None:
    """Refuse kernels, one for each group, whose moments would need more than `max_memory`.

    Raises
    ------
    ParameterError
    """
    rows, cols = frame_of(groups)
    lengths = [g.window[0] * g.window[1] * config.orientations for g in groups]
    # Products of both classes, the covariance, its inverse and a copy of the largest.
    needed = (3 * sum(n * n for n in lengths) + 3 * max(lengths) ** 2) * 8
    # A portion of the samples, and its products in double precision.
    needed += 6 * PORTION_BYTES
    if needed <= config.max_memory * GB:
        return
    aspects = [g.aspect for g in groups]
    raise ParameterError(
        f"learn_detector: {len(groups)} kernels of up to {rows} x {cols} cells need about "
        f"{needed / GB:.1f} GB of memory; the limit is {config.max_memory:g} GB. The boxes are "
        f"{min(aspects):.3g} to {max(aspects):.3g} times as wide as high: leave out those of "
        "unusual shape, lower object_cells, or raise max_memory"
    )


def size_of(name: str, image: npt.ArrayLike) -> tuple[int, int]:
    """Rows and columns of a photo.

    Raises
    ------
    ShapeError
        If it is no photo, or has channels that are no colours.
    """
    shape = np.shape(image)
    if len(shape) not in (2, 3) or not 1 <= (*shape, 1)[2] <= 4:
        raise ShapeError(
            f"learn_detector: photo {name} is an array of shape {shape}; detectors see grey, so "
            "(rows, cols) or (rows, cols, channels) are expected, with 1 (grey), 2 (grey, alpha), "
            "3 (RGB) or 4 (RGB, alpha) channels"
        )
    return shape[0], shape[1]


def check_boxes(name: str, size: tuple[int, int], boxes: Floats) -> None:
    """Refuse boxes that do not fit their photo.

    Raises
    ------
    ParameterError
    """
    rows, cols = size
    for box in boxes:
        low, high = np.maximum(box[:2], 0), np.minimum(box[2:], (cols, rows))
        if not (high > low).all() or np.prod(high - low) < 0.01 * np.prod(box[2:] - box[:2]):
            corners = ", ".join(f"{value:g}" for value in box)
            raise ParameterError(
                f"learn_detector: photo {name}: the box {corners} does not fit the photo of "
                f"{cols} x {rows} pixels; expected x0, y0, x1, y1 in pixels of that photo"
            )


def check_enlargement(config: RigidConfig, largest: float) -> None:
    """Refuse boxes so small that photos would have to be enlarged too much for them.

    Raises
    ------
    ParameterError
    """
    if largest > config.max_enlargement:
        raise ParameterError(
            f"learn_detector: the smallest box is so small that photos would be enlarged "
            f"{largest:.3g} times; the limit is {config.max_enlargement:g}. Leave out such boxes, "
            "lower object_cells, or raise max_enlargement"
        )


def check_photo(
    config: RigidConfig, name: str, size: tuple[int, int], scales: Sequence[float], kernels: int
) -> None:
    """Refuse a photo whose scale space would need more memory than `max_memory`.

    Raises
    ------
    ParameterError
    """
    (rows, cols), largest = size, max(scales)
    area = rows * cols * largest**2
    at_all_scales = rows * cols * sum(s * s for s in scales)
    cells = config.cell**2
    needed = (
        8 * area + 8 * at_all_scales * config.orientations / cells + 12 * area * kernels / cells
    )
    if needed > config.max_memory * GB:
        raise ParameterError(
            f"learn_detector: photo {name} of {cols} x {rows} pixels, resized by {largest:.3g}, "
            f"needs about {needed / GB:.1f} GB of memory; the limit is {config.max_memory:g} GB. "
            "Leave out the smallest boxes, reduce the photo, or raise max_memory"
        )
