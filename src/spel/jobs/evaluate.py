"""Evaluation: the results of a run against true boxes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from spel.errors import FormatError
from spel.io.annotation.annotations import Annotations, ImageBoxes
from spel.io.annotation.labels import read_coco
from spel.io.annotation.results import Result, read_results
from spel.jobs.run_files import RunFiles, results_files
from spel.metrics.detection import Answers, DetectionMetrics, evaluate, iou


@dataclass(frozen=True)
class Evaluation:
    """Figures of a run.

    Attributes
    ----------
    metrics : DetectionMetrics
        With one row per image, worst first.
    missing : tuple of str
        Annotated images without a result; each counts as an image without answers.
    unknown : tuple of str
        Results whose image is not annotated; they are left out.
    """

    metrics: DetectionMetrics
    missing: tuple[str, ...]
    unknown: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and names for JSON."""
        return {
            **self.metrics.to_dict(),
            "missing": list(self.missing),
            "unknown": list(self.unknown),
        }

    def text(self, worst: int = 10) -> str:
        """The figures, the worst images and what did not fit together, for people."""
        lines = [self.metrics.text(worst)]
        if self.missing:
            lines.append(f"{len(self.missing)} annotated images have no result: {self.missing[0]}")
        if self.unknown:
            lines.append(f"{len(self.unknown)} results are not annotated: {self.unknown[0]}")
        return "\n".join(lines)


@dataclass(frozen=True)
class EvaluateJob:
    """What is to be measured.

    Parameters
    ----------
    level : float
        IoU from which an answer is right, for recall, precision, AP and false alarms.
    levels : tuple of float
        IoUs for the share of images whose best answer reaches them.
    only_answered : bool
        Leave out annotated images without a result, for runs over a part of the images.
    """

    level: float = 0.5
    levels: tuple[float, ...] = (0.5, 0.3)
    only_answered: bool = False

    def __call__(
        self,
        results: str | os.PathLike[str] | Sequence[Result],
        truth: str | os.PathLike[str] | Annotations,
    ) -> Evaluation:
        """Measure results (a run's folder, a ``results.jsonl`` or values) against COCO truth.

        Raises
        ------
        FormatError
            If a file cannot be read, an image stands twice in the results, or no result belongs to
            an annotated image.
        """
        found = _results(results)
        known = truth if isinstance(truth, Annotations) else read_coco(truth)
        answers: dict[str, Answers] = {}
        unknown = []
        for result in found:
            try:
                image = known.of(result.image)
            except KeyError:
                unknown.append(result.image)
                continue
            if image.image in answers:
                raise FormatError(f"evaluate: {image.image} stands twice in the results")
            answers[image.image] = self._answers(image, result)
        if found and not answers:
            raise FormatError(
                f"evaluate: none of the {len(found)} results belongs to an annotated image, for "
                f"example {found[0].image}; check that both name the same images"
            )
        missing = [image for image in known if image.image not in answers]
        images = list(answers.values())
        if not self.only_answered:
            images += [self._answers(image, None) for image in missing]
        return Evaluation(
            evaluate(images, level=self.level, levels=self.levels),
            tuple(image.image for image in missing),
            tuple(unknown),
        )

    def _answers(self, image: ImageBoxes, result: Result | None) -> Answers:
        """Answers and truth of one image; crowds are neither to be found nor wrong to find."""
        crowd = np.asarray(image.crowd, dtype=bool)
        truth = image.boxes[~crowd]
        if result is None:
            return Answers(image.image, np.zeros((0, 4)), np.zeros(0), truth)
        counted = np.ones(len(result), dtype=bool)
        if crowd.any() and len(result):
            in_crowd = iou(result.boxes, image.boxes[crowd]).max(axis=1) >= self.level
            on_truth = iou(result.boxes, truth).max(axis=1, initial=0) >= self.level
            counted = ~in_crowd | on_truth
        return Answers(image.image, result.boxes[counted], result.scores[counted], truth)


def _results(given: str | os.PathLike[str] | Sequence[Result]) -> list[Result]:
    if isinstance(given, (str, os.PathLike)):
        path = Path(given)
        files = list(results_files(path)) or [RunFiles(path).results] if path.is_dir() else [path]
        return [result for file in files for result in read_results(file)]
    return list(given)
