"""Leave-one-photo-out: what a detector finds in each photo if it is learned without it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from spel.metrics.detection import Answers, area_under, precision_recall
from spel.nn import Network
from spel.rigid.detect import detect_rigid
from spel.rigid.groups import Floats
from spel.rigid.mining import FindTask
from spel.rigid.photos import TrainingPhotos
from spel.rigid.windows import Windows

MIN_PROBABILITY = 0.01
"""Lowest probability of a detection that counts."""


@dataclass(frozen=True, eq=False)
class Validation:
    """How well the detector without a photo does on that photo, at the best threshold.

    Attributes
    ----------
    photos : int
    threshold : float
        Probability with the highest F1, the harmonic mean of precision and recall.
    precision, recall : float
        Their values at that threshold, for an intersection over union of at least 0.5.
    average_precision : float
    """

    photos: int
    threshold: float
    precision: float
    recall: float
    average_precision: float

    def to_dict(self) -> dict[str, Any]:
        """The figures by name."""
        return {
            "method": "leave-one-photo-out",
            "photos": self.photos,
            "threshold": self.threshold,
            "precision": self.precision,
            "recall": self.recall,
            "average_precision": self.average_precision,
        }

    def text(self) -> str:
        """The figures in one sentence."""
        return (
            f"each of the {self.photos} photos without itself: recall {self.recall:.3f} and "
            f"precision {self.precision:.3f} at the threshold {self.threshold:.3g}; "
            f"average precision {self.average_precision:.3f}"
        )


def validate(
    without: Callable[[int], Network],
    windows: Windows,
    photos: TrainingPhotos,
) -> Validation:
    """Detect in every photo with ``without(photo)``, and choose the threshold."""
    answers = (
        Answers(name, boxes, scores, true, crowd=crowd)
        for name, true, crowd, (boxes, scores) in zip(
            photos.names, photos.boxes, photos.crowd, _detections_without(without, windows, photos)
        )
    )
    scores, precision, recall = precision_recall(answers)
    if not len(scores) or not recall.max() > 0:
        return Validation(len(photos.names), 0.5, 0.0, 0.0, 0.0)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    best = int(f1.argmax())
    below = scores[best + 1] if best + 1 < len(scores) else MIN_PROBABILITY
    return Validation(
        len(photos.names),
        # Half way, in log-odds, to the next detection, which would be one too many.
        float(_between(scores[best], below)),
        float(precision[best]),
        float(recall[best]),
        area_under(precision, recall),
    )


def _detections_without(
    without: Callable[[int], Network], windows: Windows, photos: TrainingPhotos
) -> Iterator[tuple[Floats, Floats]]:
    """Boxes and scores in every photo, here or in workers."""
    if photos.run is None:
        for number, image in enumerate(photos.images):
            detections = detect_rigid(without(number), image, windows)
            yield detections.boxes, detections.scores
        return
    yield from photos.run(
        FindTask(photos.images[number : number + 1], name, without(number), windows)
        for number, name in enumerate(photos.names)
    )


def _between(a: float, b: float) -> float:
    """The probability half way between two others, in log-odds."""
    x, y = (np.clip(v, 1e-6, 1 - 1e-6) for v in (a, b))
    middle = (np.log(x / (1 - x)) + np.log(y / (1 - y))) / 2
    return float(1 / (1 + np.exp(-middle)))
