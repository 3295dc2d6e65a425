"""Files of one segmented image: the mask or label image, the output, and the objects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.decide.segmentation import UNDECIDED, Segmentation
from spel.decide.segmented import SegmentedImage
from spel.errors import ParameterError
from spel.io.annotation.instance_files import write_instances
from spel.io.image.label_image import write_label_image
from spel.io.image.writer import write

PARTS = {
    "saliency": "saliency.tif",
    "instances": "instances.tif",
    "csv": "objects.csv",
    "coco": "objects.json",
    "geojson": "objects.geojson",
}
"""Ending of each file that can be written beside the mask."""


def mask_picture(
    labels: npt.NDArray[np.int32], segmentation: Segmentation
) -> npt.NDArray[np.unsignedinteger[Any]]:
    """What a mask file holds: 0 and 255, or the labels of several classes.

    Raises
    ------
    ParameterError
        If a label does not fit into 16 bits.
    """
    kind = picture_type(segmentation)
    if not segmentation.classes:
        return np.multiply((labels > 0).view(np.uint8), 255, dtype=kind)
    return np.where(labels == UNDECIDED, np.iinfo(kind).max, labels).astype(kind)


def objects_in_picture(
    picture: npt.NDArray[np.unsignedinteger[Any]], segmentation: Segmentation
) -> npt.NDArray[np.bool_]:
    """Spels of objects in what `mask_picture` made."""
    if not segmentation.classes:
        return picture > 0
    undecided = picture == np.iinfo(picture.dtype).max
    return segmentation.objects_in(np.where(undecided, UNDECIDED, picture.astype(np.int32)))


def picture_type(segmentation: Segmentation) -> np.dtype[np.unsignedinteger[Any]]:
    """The type of the numbers in a mask file.

    Raises
    ------
    ParameterError
        If a label does not fit into 16 bits.
    """
    largest = max((one.label for one in segmentation.classes), default=0)
    if largest >= 65535:
        raise ParameterError(
            f"segment: label {largest} does not fit into a file of 16 bits, where 65535 stands for "
            "undecided; learn that class with a label of at most 65534"
        )
    return np.dtype(np.uint8 if largest < 255 else np.uint16)


def number_type(objects: int) -> np.dtype[np.unsignedinteger[Any]]:
    """The type of the numbers in a file of that many objects.

    >>> [number_type(n).name for n in (255, 256, 65536)]
    ['uint8', 'uint16', 'uint32']
    """
    return np.dtype(np.min_scalar_type(objects))


def save_part(part: str, path: Path, segmented: SegmentedImage, image: str) -> None:
    """Write one of `PARTS`."""
    if part == "saliency":
        write(path, segmented.output)
    elif part == "instances":
        numbers = segmented.instances.labels.astype(number_type(len(segmented.instances)))
        write_label_image(path, numbers)
    else:
        write_instances(path, {Path(image).name: segmented.instances})
