"""Folders of label images against folders of true ones, object by object."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.errors import FormatError
from spel.evaluation.figures import figure_lines, missing_lines
from spel.evaluation.label_files import INSTANCES, paired
from spel.evaluation.label_windows import label_pairs
from spel.metrics.instances import (
    InstanceOverlaps,
    count_pairs,
    evaluate_instances,
    overlaps_of_pairs,
)
from spel.runs.run_files import RunFiles

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class InstanceEvaluation:
    """The overlaps of the objects of every image.

    Attributes
    ----------
    overlaps : mapping of str to InstanceOverlaps
        By the names of the images.
    missing : tuple of str
        True label images without an answer; each counts as an empty answer.
    """

    overlaps: Mapping[str, InstanceOverlaps]
    missing: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, float | None]:
        """The figures of `spel.metrics.instances.InstanceMetrics`; None where none is defined."""
        figures = asdict(evaluate_instances(list(self.overlaps.values())))
        named = {k: None if np.isnan(v) else float(v) for k, v in figures.items()}
        return {"images": named.pop("images"), "missing": float(len(self.missing)), **named}

    def text(self, worst: int = 10) -> str:
        """A line for each figure, and the images with the least F1."""
        lines = figure_lines(self.to_dict())
        ranked = sorted((evaluate_instances([o]).f1, name) for name, o in self.overlaps.items())
        lines += [f"{f1:.4f}  {name}" for f1, name in ranked[:worst]]
        return "\n".join([*lines, *missing_lines(self.missing)])


def evaluate_instance_masks(
    answers: str | os.PathLike[str],
    truth: str | os.PathLike[str],
    *,
    only_answered: bool = False,
) -> InstanceEvaluation:
    """Compare label images object by object; the images are paired as by `evaluate_masks`.

    In a folder that `spel segment --save instances` wrote, ``NAME.instances.tif`` are compared, or
    ``NAME.instances.ome.tif`` and ``.ome.zarr`` of images that were read tile by tile; and
    ``NAME.objects.csv``, where it was saved too, gives the scores. Else all scores are 1, so AP
    says nothing of their order.

    Parameters
    ----------
    answers, truth : path
        Folders.
    only_answered : bool
        Leave out true label images without an answer.

    Raises
    ------
    FormatError
        If an answer has no true image, sizes differ, there is no image, or a run of ``segment``
        saved no instances: its masks and class labels are not numbers of objects.
    """
    folder = Path(answers)
    numbered = any(path.name.endswith(INSTANCES) for path in folder.glob("*.instances.*"))
    if RunFiles(folder).manifest.exists() and not numbered:
        raise FormatError(
            f"{folder}: the run saved masks or class labels, and no numbered objects; run segment "
            "again with --save instances, or compare class labels with --classes"
        )
    pairs, missing = paired(answers, truth, only_answered, INSTANCES)
    if not pairs:
        raise FormatError(f"{truth}: no label image; expected one for each image")
    overlaps = {name: _overlaps(answer, true) for name, (answer, true) in pairs.items()}
    return InstanceEvaluation(overlaps, missing)


def _overlaps(answer: Path | None, truth: Path) -> InstanceOverlaps:
    """The overlaps of the objects of one image, which is read by windows if it is large."""
    counts = (
        count_pairs(_numbers(answer or truth, mine), _numbers(truth, true))
        for mine, true in label_pairs(answer, truth)
    )
    overlaps, numbers, _ = overlaps_of_pairs(counts)
    scores = None if answer is None else _scores(answer, numbers)
    return overlaps if scores is None else replace(overlaps, scores=scores)


def _numbers(path: Path, labels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Labels that are numbers of objects, or a FormatError."""
    wrong = labels[(labels < 0) | (labels != np.rint(labels))]
    if wrong.size:
        raise FormatError(f"{path}: {wrong[0]:g} is no number of an object; expected 0, 1, 2, ...")
    return labels


def _scores(answer: Path, numbers: Numbers) -> npt.NDArray[np.float64] | None:
    """The scores beside the label image of a run."""
    ending = next((one for one in INSTANCES if answer.name.endswith(one)), "")
    table = answer.with_name(answer.name.removesuffix(ending) + ".objects.csv")
    if not ending or not table.exists():
        return None
    with table.open(newline="", encoding="utf-8") as file:
        scores = {int(row["object"]): float(row["score"]) for row in csv.DictReader(file)}
    return np.array([scores.get(int(number), 1.0) for number in numbers])
