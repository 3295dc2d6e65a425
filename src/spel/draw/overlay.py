"""Detections drawn over their image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from spel.core.box_arrays import box_array
from spel.core.detections import Detections
from spel.draw.font import drawable, font, width
from spel.draw.shade import RGB, as_rgb

if TYPE_CHECKING:
    from PIL import ImageDraw

DETECTION_COLOR = (255, 138, 0)
"""Orange: the color of detections."""

TRUTH_COLOR = (0, 190, 120)
"""Green: the color of true boxes."""

_INK = (20, 20, 20)


def overlay(
    image: npt.ArrayLike,
    detections: Detections,
    *,
    truth: npt.ArrayLike | None = None,
    labels: Sequence[str] | None = None,
) -> RGB:
    """Draw boxes with classes and scores over the image, and true boxes in green below them.

    Parameters
    ----------
    image : (rows, cols[, C]) array
    detections : Detections
    truth : (n, 4) array, optional
        True boxes ``x0 y0 x1 y1``.
    labels : sequence of str, optional
        One per box; by default the classes, if there are any, and the scores.

    Returns
    -------
    (rows, cols, 3) array of uint8

    Examples
    --------
    >>> boxes = Detections([[10, 30, 30, 40]], [0.9], [200], (60, 80))
    >>> picture = overlay(np.zeros((60, 80)), boxes)
    >>> picture.shape, picture[29, 20].tolist()  # the frame lies around the box
    ((60, 80, 3), [255, 138, 0])
    """
    names = detections.classes or ("",) * len(detections)
    scores = detections.scores.tolist()
    words = labels or [f"{name} {score:.3g}".strip() for name, score in zip(names, scores)]
    rgb = as_rgb(image)
    if truth is not None:
        rgb = mark(rgb, truth, color=TRUTH_COLOR)
    return mark(rgb, detections.boxes, labels=words, color=DETECTION_COLOR)


def mark(
    image: npt.ArrayLike,
    boxes: npt.ArrayLike,
    *,
    labels: Sequence[str] = (),
    color: tuple[int, int, int] = DETECTION_COLOR,
    thickness: int | None = None,
) -> RGB:
    """Draw boxes ``x0 y0 x1 y1`` around their pixels, with labels; the frame lies outside.

    Parameters
    ----------
    image : array
        As `as_rgb` takes it.
    boxes : (n, 4) array
        In pixels of the image.
    labels : sequence of str, optional
        A text above each box.
    color : tuple of int
        Red, green and blue, 0 to 255.
    thickness : int, optional
        Thickness of the frame in pixels; by default it grows with the image.

    Returns
    -------
    (rows, cols, 3) array of uint8

    Examples
    --------
    >>> picture = mark(np.zeros((6, 8), np.uint8), [[3, 2, 5, 4]], color=(9, 9, 9), thickness=1)
    >>> (picture[..., 0] == 9).astype(int).tolist()[1:5]
    [[0, 0, 1, 1, 1, 1, 0, 0], [0, 0, 1, 0, 0, 1, 0, 0], [0, 0, 1, 0, 0, 1, 0, 0], [0, 0, 1, 1, 1, 1, 0, 0]]
    """  # noqa: E501
    from PIL import Image, ImageDraw

    rgb = as_rgb(image)
    picture = Image.fromarray(rgb)
    pen = ImageDraw.Draw(picture)
    thick = thickness or max(1, round(max(rgb.shape[:2]) / 250))
    for i, (x0, y0, x1, y1) in enumerate(box_array("mark: boxes", boxes)):
        left, top = int(np.floor(x0)), int(np.floor(y0))
        right, bottom = int(np.ceil(x1)) - 1, int(np.ceil(y1)) - 1
        for step in range(1, thick + 1):
            frame = (left - step, top - step, max(right, left) + step, max(bottom, top) + step)
            pen.rectangle(frame, outline=color)
        if i < len(labels) and labels[i]:
            _label(pen, labels[i], (left - thick, top - thick), rgb.shape, color)
    return np.asarray(picture)


def _label(
    pen: ImageDraw.ImageDraw,
    text: str,
    corner: tuple[int, int],
    shape: tuple[int, ...],
    color: tuple[int, int, int],
) -> None:
    """A small flag on the upper left corner of a box, kept inside the picture."""
    size = int(np.clip(max(shape[:2]) / 45, 10, 40))
    wide, tall = width(text, size) + size // 2, round(size * 1.3)
    x = int(np.clip(corner[0], 0, max(0, shape[1] - wide)))
    y = corner[1] - tall if corner[1] >= tall else corner[1]
    pen.rectangle((x, y, x + wide, y + tall), fill=color)
    pen.text((x + size // 4, y + tall / 2), drawable(text), fill=_INK, font=font(size), anchor="lm")
