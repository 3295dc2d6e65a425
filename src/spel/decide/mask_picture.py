"""What files of masks hold: 0 and 255, or the labels of several classes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from spel.decide.segmentation import UNDECIDED, Segmentation
from spel.errors import ParameterError


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
