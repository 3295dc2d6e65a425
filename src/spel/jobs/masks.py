"""Folders of masks against folders of true masks, by name."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from spel.errors import FormatError
from spel.io.image.reader import read
from spel.io.sources import expand
from spel.metrics.segmentation import Overlap, overlap

SUFFIXES = ("_label", "-label", "_mask", "-mask", "_gt", "-gt")


@dataclass(frozen=True)
class MaskEvaluation:
    """Overlaps by image name, and what they amount to.

    Two empty masks agree wholly (Dice 1), so means over all images flatter whoever answers nothing:
    the always-empty answer stands beside them.
    """

    overlaps: Mapping[str, Overlap]

    def to_dict(self) -> dict[str, float | None]:
        """Figures; None where there is no image of the kind."""
        every = list(self.overlaps.values())
        full = [o for o in every if o.true]
        empty = [o for o in every if not o.true]
        return {
            "images": float(len(every)),
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
        """Figures, and the worst images first."""
        figures = self.to_dict()
        lines = [
            f"{name:18s} " + ("–" if value is None else f"{value:.4f}".removesuffix(".0000"))
            for name, value in figures.items()
        ]
        ranked = sorted(self.overlaps.items(), key=lambda pair: pair[1].dice)
        lines += [f"{overlap_.dice:.4f}  {name}" for name, overlap_ in ranked[:worst]]
        return "\n".join(lines)


def evaluate_masks(
    answers: str | os.PathLike[str], truth: str | os.PathLike[str]
) -> MaskEvaluation:
    """Compare the masks of a folder with the true masks of another, by name.

    A true mask of image ``a`` is ``a.png``, ``a_label.png``, ``a_mask.png`` or ``a_gt.png`` (any
    image format). Non-zero is object.

    Raises
    ------
    FormatError
        If a mask has no partner, has several channels, or sizes differ.
    """
    given, true = _by_name(answers), _by_name(truth)
    missing = sorted(set(given) - set(true))
    if missing:
        raise FormatError(
            f"{truth}: there is no true mask for {', '.join(missing[:5])}"
            + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")
        )
    found = {}
    for name, path in given.items():
        answer, known = _mask(path), _mask(true[name])
        if answer.shape != known.shape:
            raise FormatError(
                f"{path}: {answer.shape} spels, the truth {true[name]} has {known.shape}"
            )
        found[name] = overlap(answer, known)
    return MaskEvaluation(found)


def _by_name(folder: str | os.PathLike[str]) -> dict[str, Path]:
    names: dict[str, Path] = {}
    for path in expand([folder]):
        stem = path.stem
        for suffix in SUFFIXES:
            stem = stem.removesuffix(suffix)
        if path.name.count(".") > 1:  # NAME.saliency.tif and the like are no masks
            continue
        if stem in names:
            raise FormatError(f"{path}: {names[stem].name} stands for the same image; keep one")
        names[stem] = path
    return names


def _mask(path: Path) -> Any:
    image = read(path)
    colors = image[..., :3] if image.shape[-1] == 4 else image
    if (colors != colors[..., :1]).any():
        raise FormatError(f"{path}: its channels differ; a mask has one, or several alike")
    return colors[..., 0] != 0


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None
