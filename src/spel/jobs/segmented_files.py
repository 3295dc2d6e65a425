"""Files of one segmented image beside its mask: the output of the network, and the objects."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from spel.decide.segmented import SegmentedImage
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


def save_part(part: str, path: Path, segmented: SegmentedImage, image: str) -> None:
    """Write one of `PARTS`."""
    if part == "saliency":
        write(path, segmented.output)
    elif part == "instances":
        numbers = segmented.instances.labels.astype(np.min_scalar_type(len(segmented.instances)))
        write_label_image(path, numbers)
    else:
        write_instances(path, {Path(image).name: segmented.instances})
