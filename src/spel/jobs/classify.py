"""Classification of many images by a fitted model."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from spel.core.threads import threads
from spel.errors import SpelError
from spel.io.image.reader import read
from spel.run import Failure


@dataclass(frozen=True)
class Classified:
    """The class that one image was called, and the scores of all classes."""

    image: str
    called: str
    scores: dict[str, float]

    def to_dict(self) -> dict[str, Any]:
        """As it stands in a line of the output."""
        return {"image": self.image, "class": self.called, "scores": self.scores}


@dataclass(frozen=True)
class ClassifyTask:
    """Classify one image file; called in whatever process, never raises for a bad image."""

    model: Any
    image: str
    threads: int = 1

    def __call__(self) -> Classified | Failure:
        try:
            with threads(self.threads):
                return classify_image(self.model, read(self.image), self.image)
        except (SpelError, ValueError, OSError, MemoryError) as error:
            lines = [str(error) or type(error).__name__, *getattr(error, "__notes__", [])]
            return Failure(self.image, type(error).__name__, "; ".join(lines))


@dataclass(frozen=True)
class ClassifyJob:
    """Classification by a model that `FitJob` or `spel.sklearn` has fitted."""

    model: Any
    threads: int = 1

    def tasks(self, sources: Iterable[str | os.PathLike[str]]) -> list[ClassifyTask]:
        """One task per image file."""
        return [ClassifyTask(self.model, os.fsdecode(s), self.threads) for s in sources]

    def run(self, sources: Iterable[str | os.PathLike[str]]) -> Iterator[Classified | Failure]:
        """Results in the order of the images, in this process."""
        for task in self.tasks(sources):
            yield task()


def classify_image(model: Any, image: Any, name: str = "") -> Classified:
    """The class of one image."""
    batch = np.asarray(image)[None]
    names = [str(c) for c in model.classes_]
    called = str(model.predict(batch)[0])
    scores: dict[str, float] = {}
    if hasattr(model, "decision_function"):
        found = np.asarray(model.decision_function(batch))[0]
        both = [-float(found), float(found)] if np.ndim(found) == 0 else found.tolist()
        scores = {n: round(s, 6) for n, s in zip(names, both)}
    elif hasattr(model, "predict_proba"):
        scores = {n: round(float(s), 6) for n, s in zip(names, model.predict_proba(batch)[0])}
    return Classified(name, called, scores)
