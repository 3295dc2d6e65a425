"""Detection of several classes: the windows of each class, over one scale space of the image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from spel.core.detections import Detections
from spel.nn import Network
from spel.rigid.classes import ClassWindows
from spel.rigid.detect import detect_in_pyramid
from spel.rigid.nms import non_maximum_suppression
from spel.rigid.pyramid import Pyramid, image_of_plane
from spel.rigid.score import Scanner


def detect_classes(
    network: Network, image: npt.ArrayLike, decision: ClassWindows, *, why: bool = False
) -> Detections:
    """Detect with the kernels of every class; `spel.detect` calls this.

    The scores are probabilities, calibrated for each class on its own. So boxes of different
    classes are ordered, and suppress one another, by their scores.
    """
    array = image_of_plane(image)
    size = (int(array.shape[0]), int(array.shape[1]))
    if 0 in size:
        return Detections(np.zeros((0, 4)), np.zeros(0), np.zeros(0), size)
    scanners = [Scanner(network, windows) for _, windows in decision.classes]
    return classes_in_pyramid(scanners, scanners[0].pyramid(array, share=True), decision, why=why)


def classes_in_pyramid(
    scanners: Sequence[Scanner], pyramid: Pyramid, decision: ClassWindows, *, why: bool = False
) -> Detections:
    """Detect in a scale space with the scanner of each class; see `detect_classes`."""
    detections = [detect_in_pyramid(scanner, pyramid, why=why) for scanner in scanners]
    boxes = np.concatenate([one.boxes for one in detections])
    scores = np.concatenate([one.scores for one in detections])
    areas = np.concatenate([one.areas for one in detections])
    reasons = [reason for one in detections for reason in one.why]
    names = [name for name, one in zip(decision.names, detections) for _ in range(len(one))]
    if decision.suppress == "across":
        order = non_maximum_suppression(boxes, scores, overlap=decision.overlap, classes=names)
    else:
        order = np.argsort(-scores, kind="stable")
    return Detections(
        boxes[order],
        scores[order],
        areas[order],
        pyramid.size,
        why=tuple(reasons[i] for i in order) if why else (),
        classes=tuple(names[i] for i in order),
        left_out=sum(one.left_out for one in detections),
    )
