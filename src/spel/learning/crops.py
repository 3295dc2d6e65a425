"""Examples for a classifier, cut out of annotated images."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.core.intensity import full_range
from spel.errors import ParameterError, plural
from spel.io.annotation.annotations import Annotations
from spel.io.image.reader import ReadWithWhite, read_with_white

__all__ = ["labelled_crops"]


def labelled_crops(
    truth: Annotations,
    folder: str | os.PathLike[str],
    *,
    read: ReadWithWhite = read_with_white,
    report: Callable[[str], object] = str,
) -> tuple[list[npt.NDArray[Any]], tuple[str, ...]]:
    """The pixels inside each box, in the range of their type, and its class.

    Parameters
    ----------
    truth : Annotations
        Its image names are relative to `folder`.
    folder : path
    read : callable
        Reads an image and its full intensity.
    report : callable
        Called with a line of text for what is left out: boxes around crowds, images without a box.

    Returns
    -------
    images : list of arrays
    classes : tuple of str

    Raises
    ------
    ParameterError
        If there are boxes of fewer than two classes, or a box has no pixel inside its image.
    """
    images: list[npt.NDArray[Any]] = []
    classes: list[str] = []
    for one in truth:
        if not len(one):
            continue
        pixels = full_range(*read(Path(folder) / one.image))
        rows, cols = pixels.shape[-3:-1]
        for box, name, crowd in zip(one.boxes, one.classes, one.crowd.tolist()):
            if crowd:
                continue
            x0, y0 = np.floor(box[:2]).astype(int).clip(0)
            x1, y1 = min(int(np.ceil(box[2])), cols), min(int(np.ceil(box[3])), rows)
            if x1 <= x0 or y1 <= y0:
                raise ParameterError(
                    f"{one.image}: the box {box.tolist()} holds no pixel of its image of "
                    f"{cols} x {rows} (width x height)"
                )
            images.append(pixels[..., y0:y1, x0:x1, :])
            classes.append(name)
    crowds, empty = sum(int(one.crowd.sum()) for one in truth), sum(not len(one) for one in truth)
    if crowds:
        report(f"left out: {plural(crowds, 'box')} around crowds")
    if empty:
        report(f"left out: {plural(empty, 'image')} without a box")
    if len(set(classes)) < 2:
        raise ParameterError(
            f"the annotations hold {plural(len(classes), 'box')} of "
            f"{plural(len(set(classes)), 'class')}; expected "
            "boxes of two or more classes"
        )
    return images, tuple(classes)
