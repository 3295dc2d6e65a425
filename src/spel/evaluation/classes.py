"""Folders of label images against folders of true ones, class by class."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from spel.errors import FormatError
from spel.evaluation.figures import figure_lines, missing_lines
from spel.evaluation.label_files import check_sizes, paired, whole_labels
from spel.evaluation.masks import MaskEvaluation
from spel.metrics.segmentation import Overlap, overlap

Labels = npt.NDArray[np.int64]
NO_LABEL = -1


@dataclass(frozen=True)
class ClassEvaluation:
    """The overlaps of every class.

    Attributes
    ----------
    classes : mapping of int to MaskEvaluation
        By label; 0 is the background and is left out.
    missing : tuple of str
        True label images without an answer; each counts as an empty answer.
    """

    classes: Mapping[int, MaskEvaluation]
    missing: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, float | None]:
        """Dice and IoU of each class, and their means over the classes that occur."""
        figures = {label: one.to_dict() for label, one in self.classes.items()}
        named: dict[str, float | None] = {}
        for name in ("dice", "iou"):
            values = [v for one in figures.values() if (v := one[name]) is not None]
            named[f"mean_{name}"] = float(np.mean(values)) if values else None
        for label, one in figures.items():
            named |= {f"{name}_{label}": one[name] for name in ("dice", "iou", "false_alarms")}
        images = next((one["images"] for one in figures.values()), 0.0)
        return {"images": images, "missing": float(len(self.missing)), **named}

    def text(self, worst: int = 10) -> str:
        """A line for each figure, and the worst images of each class."""
        lines = figure_lines(self.to_dict())
        for label, one in self.classes.items():
            ranked = sorted(one.overlaps.items(), key=lambda pair: pair[1].dice)
            lines += [
                f"{overlap.dice:.4f}  class {label}  {name}" for name, overlap in ranked[:worst]
            ]
        return "\n".join([*lines, *missing_lines(self.missing)])


def evaluate_classes(
    answers: str | os.PathLike[str],
    truth: str | os.PathLike[str],
    *,
    only_answered: bool = False,
) -> ClassEvaluation:
    """Compare label images class by class; the images are paired as by `evaluate_masks`.

    Where other labels occur besides it, the largest number of the file's type (255 or 65535) is no
    class: in a true image these pixels are left out (Pascal VOC's void), in an answer they are
    undecided.

    Parameters
    ----------
    answers, truth : path
        Folders.
    only_answered : bool
        Leave out true label images without an answer.

    Raises
    ------
    FormatError
        If an answer has no true image, sizes differ, or there is no class.
    """
    pairs, missing = paired(answers, truth, only_answered)
    read = {name: _read_pair(answer, true) for name, (answer, true) in pairs.items()}
    labels = sorted({int(v) for pair in read.values() for one in pair for v in np.unique(one)})
    labels = [label for label in labels if label > 0]
    if not labels:
        raise FormatError(f"{truth}: no label but 0 occurs; expected the classes of the pixels")
    classes: dict[int, dict[str, Overlap]] = {
        label: {name: overlap(mine == label, true == label) for name, (mine, true) in read.items()}
        for label in labels
    }
    return ClassEvaluation({k: MaskEvaluation(v) for k, v in classes.items()}, missing)


def _read_pair(answer: Path | None, truth: Path) -> tuple[Labels, Labels]:
    """The labels of the pixels that count, as vectors."""
    true = _labels(truth)
    mine = np.zeros_like(true) if answer is None else _labels(answer)
    if answer is not None:
        check_sizes(answer, mine.shape, truth, true.shape)
    counts = true != NO_LABEL
    return mine[counts], true[counts]


def _labels(path: Path) -> Labels:
    stored = whole_labels(path)
    labels = stored.astype(np.int64)
    if stored.dtype.kind == "u":
        highest = np.iinfo(stored.dtype).max
        if ((stored != 0) & (stored != highest)).any():
            labels[stored == highest] = NO_LABEL
    return labels
