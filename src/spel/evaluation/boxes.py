"""Evaluation: the answers of a detector against true boxes, of any exchange format."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from spel.errors import FormatError, plural
from spel.io.annotation.annotations import ONE_CLASS, UNKNOWN_SIZE, Annotations, ImageBoxes
from spel.io.annotation.convert.jsonl import results_of
from spel.io.annotation.image_folder import check_size
from spel.io.annotation.labels import Report, read_labels
from spel.io.annotation.results import Result, read_results
from spel.io.text_files import problems_error
from spel.metrics.detection import Answers, DetectionMetrics, evaluate
from spel.runs.run_files import results_files


@dataclass(frozen=True)
class BoxEvaluation:
    """Figures of the boxes of a run.

    Attributes
    ----------
    metrics : DetectionMetrics
        With one row per image, worst first.
    missing : tuple of str
        Annotated images without a result; each counts as an image without answers.
    unknown : tuple of str
        Results whose image is not annotated; they are left out.
    notes : tuple of str
        How classes were compared, where that is not plain.
    """

    metrics: DetectionMetrics
    missing: tuple[str, ...]
    unknown: tuple[str, ...]
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and names for JSON."""
        return {
            **self.metrics.to_dict(),
            "missing": list(self.missing),
            "unknown": list(self.unknown),
            "notes": list(self.notes),
        }

    def text(self, worst: int = 10) -> str:
        """The figures, the worst images, and images without a partner, for people."""
        lines = [self.metrics.text(worst)]
        if self.missing:
            lines.append(
                f"{plural(len(self.missing), 'annotated image')} without a result, "
                f"such as {self.missing[0]}"
            )
        if self.unknown:
            lines.append(
                f"{plural(len(self.unknown), 'result')} of no annotated image, "
                f"such as {self.unknown[0]}"
            )
        return "\n".join([*lines, *self.notes])


def evaluate_boxes(
    results: str | os.PathLike[str] | Sequence[Result],
    truth: str | os.PathLike[str] | Annotations,
    *,
    level: float = 0.5,
    levels: tuple[float, ...] = (0.5, 0.3),
    only_answered: bool = False,
    classes: bool = True,
    turn: bool = False,
    images: str | os.PathLike[str] | None = None,
    report: Report | None = None,
) -> BoxEvaluation:
    """Measure answers against true boxes.

    Parameters
    ----------
    results : path or sequence of Result
        The folder of a run, its ``results.jsonl``, or any format of `spel.io.read_labels`.
    truth : path or Annotations
        Any format of `spel.io.read_labels`.
    level : float
        IoU from which an answer is right, for recall, precision, AP and false alarms.
    levels : tuple of float
        IoUs for the share of images whose best answer reaches them.
    only_answered : bool
        Leave out annotated images without a result, for runs over a part of the images.
    classes : bool
        Whether an answer must have the class of the true box. Without it all classes are one.
    turn : bool
        Whether true boxes that were drawn on stored images, before their EXIF rotation, are turned.
    images : path, optional
        The images, for formats that do not state their sizes.
    report : callable, optional
        Takes warnings of the reader, see `spel.io.read_labels`.

    Raises
    ------
    FormatError
        If a file cannot be read, an image occurs twice in the results, sizes differ, or no
        result belongs to an annotated image.
    """
    if not isinstance(truth, Annotations):
        truth = read_labels(truth, images=images, turn=turn, report=report)
    answers = _results(results, truth, images, report)
    pairs, unknown = _paired(answers, truth, turn)
    missing = [image for image in truth if image.image not in pairs]
    named, notes = _naming(answers, truth) if classes else (False, [])
    compared = [_answers(image, result, named) for image, result in pairs.values()]
    if not only_answered:
        compared += [_answers(image, None, named) for image in missing]
    return BoxEvaluation(
        evaluate(compared, level=level, levels=levels),
        tuple(image.image for image in missing),
        tuple(unknown),
        tuple(notes),
    )


def _paired(
    answers: Sequence[Result], truth: Annotations, turn: bool
) -> tuple[dict[str, tuple[ImageBoxes, Result]], list[str]]:
    """True boxes and answers by image, and the results without an annotated image."""
    pairs: dict[str, tuple[ImageBoxes, Result]] = {}
    unknown: list[str] = []
    problems: list[str] = []
    for result in answers:
        try:
            image = truth.of(result.image)
        except KeyError as error:
            if not str(error.args[0]).startswith("no annotation"):  # several
                raise FormatError(f"evaluate: {error.args[0]}; give the full names") from None
            unknown.append(result.image)
            continue
        if image.image in pairs:
            raise FormatError(f"evaluate: {image.image} occurs twice in the results")
        try:
            pairs[image.image] = (_turned(image, result, turn), result)
        except FormatError as error:
            problems.append(str(error))
    if problems:
        raise problems_error("truth and results do not agree", problems)
    if answers and not pairs:
        raise FormatError(
            f"evaluate: none of the {len(answers)} results belongs to an annotated image, for "
            f"example {answers[0].image}; check that both name the same images"
        )
    return pairs, unknown


def _turned(image: ImageBoxes, result: Result, turn: bool) -> ImageBoxes:
    """The true boxes in the frame of the result."""
    if UNKNOWN_SIZE in (image.size, result.size):
        return image
    return check_size(image, result.size, result.orientation, turn)


def _naming(answers: Sequence[Result], truth: Annotations) -> tuple[bool, list[str]]:
    """Whether classes can be compared, and what is to be said about it."""
    true = {name for image in truth for name in image.classes}
    named = {name for result in answers for name in result.classes}
    if not named:
        several = len(true) > 1 and any(len(result) for result in answers)
        note = "the results name no classes: all classes of the truth count as one"
        return False, [note] * several
    if true == {ONE_CLASS} and named != {ONE_CLASS}:
        return False, ["the truth names no classes: all classes of the results count as one"]
    if true and not true & named:
        return True, [
            f"no class of the results ({_listed(named)}) occurs in the truth "
            f"({_listed(true)}): no answer can be right"
        ]
    return True, []


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(names)[:5]) + (", ..." if len(names) > 5 else "")


def _answers(image: ImageBoxes, result: Result | None, named: bool) -> Answers:
    """Answers and true boxes of one image."""
    boxes = np.zeros((0, 4)) if result is None else result.boxes
    scores = np.zeros(0) if result is None else result.scores
    true: dict[str, Any] = {"crowd": image.crowd, "truth_areas": image.areas}
    if not named:
        return Answers(image.image, boxes, scores, image.boxes, **true)
    names = () if result is None else result.classes or (ONE_CLASS,) * len(result)
    return Answers(image.image, boxes, scores, image.boxes, names, image.classes, **true)


def _results(
    results: str | os.PathLike[str] | Sequence[Result],
    truth: Annotations,
    images: str | os.PathLike[str] | None,
    report: Report | None,
) -> Sequence[Result]:
    if not isinstance(results, (str, os.PathLike)):
        return results
    path = Path(results)
    files = list(results_files(path)) if path.is_dir() else [path]
    if not files and not any(any(path.glob(names)) for names in ("*.xml", "*.txt", "*.geojson")):
        raise FormatError(
            f"{path}: the folder holds neither results.jsonl nor labels; name the folder of a run, "
            "or of labels"
        )
    if files and all(file.suffix == ".jsonl" for file in files):
        return [result for file in files for result in read_results(file)]
    return results_of(read_labels(path, like=truth, images=images, report=report))
