"""Folders of masks against folders of true masks, by name."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spel.errors import plural
from spel.evaluation.figures import figure_lines
from spel.evaluation.label_files import check_sizes, holds_several, paired, read_mask
from spel.metrics.segmentation import Overlap, overlap


@dataclass(frozen=True)
class MaskEvaluation:
    """Overlaps by image name, and the figures that follow from them.

    Two empty masks agree wholly (Dice 1), so the mean over all images flatters a method that marks
    nothing: the figure of an always empty answer stands beside it.

    Attributes
    ----------
    overlaps : mapping of str to Overlap
        By the names of the images.
    missing : tuple of str
        True masks without an answer; each counts as an empty answer.
    several : tuple of str
        True masks with several labels, which count as one object.
    """

    overlaps: Mapping[str, Overlap]
    missing: tuple[str, ...] = ()
    several: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, float | None]:
        """Figures; None where there is no image of the kind."""
        every = list(self.overlaps.values())
        full = [o for o in every if o.true]
        empty = [o for o in every if not o.true]
        return {
            "images": float(len(every)),
            "missing": float(len(self.missing)),
            "several_labels": float(len(self.several)),
            "object_images": float(len(full)),
            "dice": _mean([o.dice for o in full]),
            "iou": _mean([o.iou for o in full]),
            "f_beta": _mean([o.f_beta() for o in full]),
            "precision": _mean([o.precision for o in full]),
            "recall": _mean([o.recall for o in full]),
            "false_alarms": _mean([float(o.answered > 0) for o in empty]),
            "dice_all": _mean([o.dice for o in every]),
            "dice_all_if_empty": _mean([float(not o.true) for o in every]),
        }

    def text(self, worst: int = 10) -> str:
        """Figures, the worst images first, and the masks without an answer."""
        lines = figure_lines(self.to_dict())
        ranked = sorted(self.overlaps.items(), key=lambda pair: pair[1].dice)
        lines += [f"{one.dice:.4f}  {name}" for name, one in ranked[:worst]]
        if self.missing:
            lines.append(
                f"{len(self.missing)} of {len(self.overlaps)} true masks have no answer and count "
                f"as missed, for example {self.missing[0]}"
            )
        if self.several:
            lines.append(
                f"{plural(len(self.several), 'true mask')} with several labels, for example "
                f"{self.several[0]}: all but 0 count as one object. --classes compares each label"
            )
        return "\n".join(lines)


def evaluate_masks(
    answers: str | os.PathLike[str],
    truth: str | os.PathLike[str],
    *,
    only_answered: bool = False,
) -> MaskEvaluation:
    """Compare the masks of a folder with the true masks of another, by name.

    A true mask of image ``a`` is ``a.png``, ``a_label.png``, ``a_mask.png`` or ``a_gt.png`` (any
    image format but JPEG, which changes numbers). Non-zero is object.

    Parameters
    ----------
    answers, truth : path
        Folders.
    only_answered : bool
        Leave out true masks without an answer; otherwise each counts as an empty answer.

    Raises
    ------
    FormatError
        If an answer has no true mask, a mask has several channels, or sizes differ.
    """
    pairs, missing = paired(answers, truth, only_answered)
    overlaps = {name: _overlap(answer, true) for name, (answer, true) in pairs.items()}
    several = tuple(name for name, (_, true) in pairs.items() if holds_several(true))
    return MaskEvaluation(overlaps, missing, several)


def _overlap(answer: Path | None, truth: Path) -> Overlap:
    true = read_mask(truth)
    if answer is None:
        return overlap(np.zeros_like(true), true)
    mask = read_mask(answer)
    check_sizes(answer, mask.shape, truth, true.shape)
    return overlap(mask, true)


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None
