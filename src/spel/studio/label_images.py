"""Masks and label images as true boxes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from spel.errors import FormatError, ShapeError
from spel.io import read
from spel.io.isolation import AVAILABLE
from spel.ops.label import label, regions
from spel.studio.images import Loaded
from spel.studio.sources import MAX_PIXELS

SUFFIXES = (".png", ".tif", ".tiff", ".npy", ".pgm")


def read_instances(path: Path, image: Loaded) -> tuple[list[list[float]], str]:
    """The boxes of the objects in a mask or in a label image, and what it was taken for.

    In an image of two values the connected components are the objects; otherwise each value above
    0 is one object.

    Raises
    ------
    FormatError, ShapeError
        If it holds no labels, or is not of the size of `image`.
    """
    labels = _labels(read(path, max_pixels=MAX_PIXELS, isolate=AVAILABLE))
    if labels.shape != image.size:
        raise ShapeError(
            f"the mask has {labels.shape[0]} x {labels.shape[1]} pixels, but {image.name} has "
            f"{image.size[0]} x {image.size[1]}; choose the image that it belongs to"
        )
    values = np.unique(labels)
    if len(values[values > 0]) < 2:
        return regions(label(labels != 0)).boxes.tolist(), "a mask; its components are objects"
    return regions(labels).boxes.tolist(), "a label image; each value is one object"


def _labels(values: Any) -> Any:
    if values.ndim == 3 and (values[..., :1] == values[..., :3]).all():
        values = values[..., 0]
    whole = values.ndim == 2 and (values.dtype.kind in "iub" or (values == values.round()).all())
    if not whole or values.min() < 0:
        raise FormatError("the mask: expected one channel of whole numbers of at least 0")
    return values.astype(np.int64)
