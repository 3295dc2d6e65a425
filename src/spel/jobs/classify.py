"""Classification of many images by a fitted model."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from spel.core.intensity import dark_largest, full_range, largest_number
from spel.jobs.tables import write_table
from spel.learning.finite import check_finite
from spel.runs import ImageJob, ImageRecord, OutputFiles, RunFiles, SourceImage, Task
from spel.runs.resume import read_lines


@dataclass(frozen=True)
class ClassifyJob(ImageJob):
    """The class of every image, by a model that `ClassifierConfig` or `spel.sklearn` has fitted.

    Parameters
    ----------
    model : estimator
    model_name : str
        What the settings say of the model, such as the hash of its file; a resumed run must share
        it.
    formats : tuple of {"csv"}
        A table of the classes and scores of all images.
    """

    NAME: ClassVar[str] = "classify"
    FORMATS: ClassVar[tuple[str, ...]] = ("csv",)

    model: Any
    model_name: str = ""

    def settings(self) -> dict[str, Any]:
        """The model, by its name."""
        return {"model": self.model_name, "classes": [str(c) for c in self.model.classes_]}

    def process(self, image: SourceImage, files: OutputFiles) -> ImageRecord:
        """The class of an image in memory."""
        pixels = full_range(image.pixels, image.white)
        predicted, scores = classify_image(self.model, pixels, image.name)
        said = image.pixels.dtype != np.uint8 and image.white is not None
        white = {"white": image.white} if said else {}
        dark = dark_largest(largest_number(image.pixels), image.white) if said else None
        largest = {} if dark is None else {"largest": dark}
        return image.record(**{"class": predicted, "scores": scores, **white, **largest})

    def collect(
        self, files: RunFiles, tasks: Sequence[Task], changed: Collection[str]
    ) -> list[Path]:
        """Write the table of all images."""
        paths = [files.collected(form) for form in self.formats]
        for path in paths:
            write_table(path, self._rows(files.results))
        return paths

    def _rows(self, results: Path) -> Iterator[list[Any]]:
        classes = [str(c) for c in self.model.classes_]
        yield ["image", "class", *classes]
        for line, _, _ in read_lines(results):
            one = json.loads(line)
            yield [one["image"], one["class"], *(one["scores"].get(name, "") for name in classes)]


def model_name(path: str | Path) -> str:
    """The name of a model file: a hash of its contents."""
    return hashlib.blake2b(Path(path).read_bytes(), digest_size=16).hexdigest()


def classify_image(model: Any, image: Any, name: str = "") -> tuple[str, dict[str, float]]:
    """The class of one image, and the scores of all classes if the model gives them."""
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
    return predicted, scores
