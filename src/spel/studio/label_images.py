"""Masks and label images that users bring: their numbers, and the boxes of their objects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.errors import FormatError, ShapeError
from spel.io.annotation.annotations import ONE_CLASS
from spel.io.image.label_image import read_label_image
from spel.io.isolation import AVAILABLE
from spel.ops.label import label, regions
from spel.studio.commands.boxes import Named
from spel.studio.document import Class
from spel.studio.images import Loaded
from spel.studio.sources import MAX_PIXELS

SUFFIXES = (".png", ".tif", ".tiff", ".npy", ".pgm", ".bmp")
LARGEST = (1 << 31) - 1
THRESHOLD = 0.5

Labels = npt.NDArray[Any]


def read_labels_for(image: Loaded, path: Path) -> tuple[Labels, str]:
    """The numbers of a mask or a label image of the size of the image, and a note about them.

    They keep the file's type if it is uint8 or uint16, whose largest number means "left out" where
    classes are compared. Fractions from 0 to 1 are a saliency, whose mask is where it reaches 0.5.

    Raises
    ------
    FormatError, ShapeError
        If it holds no labels, or is not of the size of `image`.
    """
    labels = read_label_image(path, max_pixels=MAX_PIXELS, isolate=AVAILABLE)
    if labels.shape != image.size:
        shape = " x ".join(map(str, labels.shape))
        raise ShapeError(
            f"the mask has {shape} pixels, but {image.name} has "
            f"{image.size[0]} x {image.size[1]}; choose the image that it belongs to"
        )
    if labels.dtype.kind == "f" and _is_saliency(labels):
        mask = (labels >= THRESHOLD).astype(np.uint8)
        return mask, f"a saliency; objects are where it reaches {THRESHOLD:g}"
    whole = labels.dtype.kind in "iub" or bool((labels == np.rint(labels)).all())
    if not whole or labels.min() < 0 or labels.max() > LARGEST:
        raise FormatError("the mask: expected one channel of whole numbers of at least 0")
    if labels.dtype in (np.uint8, np.uint16):
        return labels, ""
    return labels.astype(np.uint8 if labels.dtype == bool else np.int32), ""


def _is_saliency(numbers: Labels) -> bool:
    """Whether there is a fraction among numbers from 0 to 1."""
    return bool(numbers.min() >= 0 and numbers.max() <= 1 and (numbers % 1 != 0).any())


def objects_of(labels: Labels) -> tuple[Named, str]:
    """The boxes of the objects, and what the image was taken for.

    In an image of two values the connected components are the objects; otherwise each value above
    0 is one object.
    """
    values = np.unique(labels)
    if len(values[values > 0]) < 2:
        return _named(labels != 0, ONE_CLASS), "a mask; its components are objects"
    boxes = regions(labels.astype(np.int64)).boxes.tolist()
    return [(box, ONE_CLASS) for box in boxes], "a label image; each value is one object"


def classes_of_pixels(labels: Labels, classes: tuple[Class, ...]) -> tuple[Named, str]:
    """As `objects_of`, where each value above 0 is a class and its components are the objects."""
    names = {one.label: one.name for one in classes}
    boxes: list[Any] = []
    for value in np.unique(labels[labels > 0]).tolist():
        if labels.dtype.kind == "u" and value == np.iinfo(labels.dtype).max:
            continue
        boxes += _named(labels == value, names.get(value, f"class {value}"))
    return boxes, "a label image; each value is one class"


def _named(mask: Any, name: str) -> Named:
    return [(box, name) for box in regions(label(mask)).boxes.tolist()]
