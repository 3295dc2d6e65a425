"""Classification of many images by a fitted model."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from spel.core.intensity import full_range
from spel.core.threads import threads
from spel.io.image.header import MAX_PIXELS
from spel.io.image.reader import read_with_white
from spel.io.isolation import AVAILABLE
from spel.learning.finite import check_finite
from spel.runs import Failure


@dataclass(frozen=True)
class Classified:
    """The predicted class of an image, and the scores of all classes."""

    image: str
    predicted: str
    scores: dict[str, float]

    def to_dict(self) -> dict[str, Any]:
        """The values of a line of the output."""
        return {"image": self.image, "class": self.predicted, "scores": self.scores}


@dataclass(frozen=True)
class ClassifyTask:
    """Classify one image file; returns a `Failure` for a bad image."""

    model: Any
    image: str
    threads: int = 1
    isolate: bool = AVAILABLE
    max_pixels: int = MAX_PIXELS

    def __call__(self) -> Classified | Failure:
        try:
            with threads(self.threads):
                image, white = read_with_white(
                    self.image, isolate=self.isolate, max_pixels=self.max_pixels
                )
                return classify_image(self.model, full_range(image, white), self.image)
        except Exception as error:  # whatever one image causes costs that image only
            return Failure.of(self.image, error)


@dataclass(frozen=True)
class ClassifyJob:
    """Classification by a model that `ClassifierConfig` or `spel.sklearn` has fitted."""

    model: Any
    threads: int = 1
    isolate: bool = AVAILABLE
    max_pixels: int = MAX_PIXELS

    def tasks(self, sources: Iterable[str | os.PathLike[str]]) -> list[ClassifyTask]:
        """One task per image file."""
        return [
            ClassifyTask(self.model, os.fsdecode(s), self.threads, self.isolate, self.max_pixels)
            for s in sources
        ]

    def run(self, sources: Iterable[str | os.PathLike[str]]) -> Iterator[Classified | Failure]:
        """Results in the order of the images, in this process."""
        for task in self.tasks(sources):
            yield task()


def classify_image(model: Any, image: Any, name: str = "") -> Classified:
    """The class of one image."""
    check_finite(image, name or "image")
    batch = np.asarray(image)[None]
    names = [str(c) for c in model.classes_]
    predicted = str(model.predict(batch)[0])
    scores: dict[str, float] = {}
    if hasattr(model, "decision_function"):
        margins = np.asarray(model.decision_function(batch))[0]
        if np.ndim(margins) == 0:  # of two classes, the margin of the second one
            margins = np.array([-margins, margins])
        scores = {n: round(float(s), 6) for n, s in zip(names, margins, strict=True)}
    elif hasattr(model, "predict_proba"):
        scores = {n: round(float(s), 6) for n, s in zip(names, model.predict_proba(batch)[0])}
    return Classified(name, predicted, scores)
