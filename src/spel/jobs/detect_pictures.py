"""Pictures of detections: their kinds, and how they are written.

======== ========================== ===================================================
save     file                       holds
======== ========================== ===================================================
overlay  ``NAME.overlay.jpg``       the image with boxes and scores
mask     ``NAME.mask.png``          16 bits: 0, or the number of the box, in the output's size
saliency ``NAME.saliency.tif``      the network's output, float32
======== ========================== ===================================================

Of a video, ``NAME.overlay.mp4`` and, for each frame, ``NAME-000030.mask.png`` and so on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from spel import draw
from spel.core.detections import Detections
from spel.io.image.label_image import write_label_image
from spel.io.image.writer import write
from spel.nn import Network
from spel.runs import OutputFiles

KINDS = {"overlay": "overlay.jpg", "mask": "mask.png", "saliency": "saliency.tif"}
VIDEO = "overlay.mp4"


def save_pictures(
    files: OutputFiles,
    kinds: Sequence[str],
    network: Network,
    image: npt.NDArray[Any],
    detections: Detections,
) -> None:
    """Write pictures of some `KINDS` of the detections in an image."""
    for kind in kinds:
        path = files.path(KINDS[kind])
        if kind == "overlay":
            write(path, draw.overlay(image, detections))
        elif kind == "saliency":
            write(path, network(image))
        elif detections.components is not None:
            write_label_image(path, detections.components.astype(np.uint16))
