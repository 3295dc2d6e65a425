"""Files of one segmented image: the mask or label image, the output, and the objects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.decide.segmentation import UNDECIDED
from spel.decide.segmented import SegmentedImage
from spel.errors import ParameterError
from spel.io.annotation.instance_files import write_instances
from spel.io.image.writer import write

ENDINGS = {
    "saliency": "saliency.tif",
    "instances": "instances.tif",
    "csv": "objects.csv",
    "coco": "objects.json",
    "geojson": "objects.geojson",
}
"""Ending of each file that can be written beside the mask."""


def mask_picture(segmented: SegmentedImage) -> npt.NDArray[np.unsignedinteger[Any]]:
    """What a mask file holds: 0 and 255, or the labels of several classes.

    Raises
    ------
    ParameterError
        If a label does not fit into 16 bits.
    """
    classes = segmented.segmentation.classes
    if not classes:
        return np.where(segmented.mask, np.uint8(255), np.uint8(0))
    largest = max(one.label for one in classes)
    if largest >= 65535:
        raise ParameterError(f"segment: label {largest} does not fit into a file of 16 bits")
    kind = np.uint8 if largest < 255 else np.uint16
    labels = np.where(segmented.labels == UNDECIDED, np.iinfo(kind).max, segmented.labels)
    return labels.astype(kind)


def save_part(part: str, path: Path, segmented: SegmentedImage, image: str) -> None:
    """Write one of `ENDINGS`."""
    if part == "saliency":
        write(path, segmented.output)
    elif part == "instances":
        kind = np.uint8 if len(segmented.instances) < 256 else np.uint16
        write(path, segmented.instances.labels.astype(kind))
    else:
        write_instances(path, {Path(image).name: segmented.instances})
