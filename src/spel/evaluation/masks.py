"""Folders of masks against folders of true masks, by name."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.errors import FormatError, ParameterError, plural
from spel.io.image.label_image import read_label_image
from spel.io.large.forms import ENDINGS
from spel.io.sources import expand, natural_key
from spel.metrics.segmentation import Overlap, overlap

SUFFIXES = (".ome", ".labels", "_label", "-label", "_mask", "-mask", ".mask", "_gt", "-gt")
LARGE = tuple(ENDINGS.values())
INSTANCES = (".instances.tif", *(f".instances.{form}" for form in LARGE))
"""Endings of the numbered objects of a run, the last two of images that were read in tiles."""

NO_MASKS = (".saliency.tif", *(f".saliency.{form}" for form in LARGE), ".overlay.jpg", *INSTANCES)
"""Endings of other pictures that runs write beside their masks."""


@dataclass(frozen=True)
class MaskEvaluation:
    """Overlaps by image name, and the figures that follow from them.

    Two empty masks agree wholly (Dice 1), so the mean over all images flatters a method that marks
    nothing: the figure of an always empty answer stands beside it.

    Attributes
    ----------
    overlaps : mapping of str to Overlap
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
                f"{len(self.several)} true masks hold several labels, for example "
                f"{self.several[0]}: all but 0 count as one object. --classes compares each label"
            )
        return "\n".join(lines)


def figure_lines(figures: Mapping[str, float | None]) -> list[str]:
    """A line for each figure; a dash where none is defined.

    Examples
    --------
    >>> figure_lines({"images": 3.0, "dice": None})
    ['images             3', 'dice               –']
    """
    return [
        f"{name:18s} " + ("–" if value is None else f"{value:.4f}".removesuffix(".0000"))
        for name, value in figures.items()
    ]


def missing_lines(missing: Sequence[str]) -> list[str]:
    """What is said of true label images without an answer, if there are any."""
    one = f"no answer, counted as missed, for example {missing[0]}" if missing else ""
    return [f"{plural(len(missing), 'true label image')}: {one}"] if missing else []


def evaluate_masks(
    answers: str | os.PathLike[str],
    truth: str | os.PathLike[str],
    *,
    only_answered: bool = False,
) -> MaskEvaluation:
    """Compare the masks of a folder with the true masks of another, by name.

    A true mask of image ``a`` is ``a.png``, ``a_label.png``, ``a_mask.png`` or ``a_gt.png`` (any
    image format). Non-zero is object.

    Parameters
    ----------
    answers, truth : path
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


Pairs = dict[str, tuple[Path | None, Path]]


def paired(
    answers: str | os.PathLike[str],
    truth: str | os.PathLike[str],
    only_answered: bool,
    endings: Sequence[str] = (),
) -> tuple[Pairs, tuple[str, ...]]:
    """The answer, if there is one, and the truth of each image; the names without an answer.

    Where answers have one of the endings, others beside them are left out.

    Raises
    ------
    FormatError
        If an answer has no true image.
    """
    special = {
        path.name.removesuffix(ending): path
        for ending in endings
        for path in sorted(Path(answers).glob(f"*{ending}"))
    }
    answered, true = special or files_by_name(answers), files_by_name(truth)
    unknown = sorted(set(answered) - set(true))
    if unknown:
        raise FormatError(
            f"{truth}: there is no true mask for {', '.join(unknown[:5])}"
            + (f" and {len(unknown) - 5} more" if len(unknown) > 5 else "")
        )
    missing = () if only_answered else tuple(name for name in true if name not in answered)
    pairs: Pairs = {name: (path, true[name]) for name, path in answered.items()}
    return {**pairs, **{name: (None, true[name]) for name in missing}}, missing


def _overlap(answer: Path | None, truth: Path) -> Overlap:
    true = read_mask(truth)
    if answer is None:
        return overlap(np.zeros_like(true), true)
    mask = read_mask(answer)
    check_sizes(answer, mask.shape, truth, true.shape)
    return overlap(mask, true)


def check_sizes(
    answer: Path, size: tuple[int, ...], truth: Path, expected: tuple[int, ...]
) -> None:
    """Refuse an answer of another size than the true mask."""
    if size != expected:
        raise FormatError(
            f"{answer}: {_size(size)} pixels, but the true mask {truth} has {_size(expected)}"
        )


def _size(shape: tuple[int, ...]) -> str:
    return " x ".join(str(n) for n in shape)


def files_by_name(folder: str | os.PathLike[str]) -> dict[str, Path]:
    """Masks by the name of their image; ``a.saliency.tif`` and ``a.overlay.jpg`` are none."""
    names: dict[str, Path] = {}
    for path in _images_or_arrays(Path(folder)):
        if path.name.endswith(NO_MASKS):
            continue
        stem = image_stem(path.name)
        if stem in names:
            raise FormatError(f"{path}: {names[stem].name} stands for the same image; keep one")
        names[stem] = path
    return names


def _images_or_arrays(folder: Path) -> Sequence[Path]:
    """The images of a folder, or its .npy files if it holds nothing else."""
    try:
        return expand([folder])
    except ParameterError:
        arrays = sorted(folder.glob("*.npy"), key=natural_key)
        if not arrays:
            raise
        return arrays


def image_stem(name: str) -> str:
    """The name of the image that a mask is named after, without its ending.

    Examples
    --------
    >>> image_stem("a.png"), image_stem("a_label.tif"), image_stem("a.labels.png")
    ('a', 'a', 'a')
    """
    stem = Path(name).stem
    for suffix in SUFFIXES:
        stem = stem.removesuffix(suffix)
    return stem


def read_mask(path: Path) -> npt.NDArray[np.bool_]:
    """A mask: labels other than 0 are object."""
    mask: npt.NDArray[np.bool_] = whole_labels(path) != 0
    return mask


def whole_labels(path: Path) -> npt.NDArray[Any]:
    """A label image of whole numbers, or a FormatError: a saliency is no mask."""
    labels = read_label_image(path)
    wrong = labels[labels != np.rint(labels)] if labels.dtype.kind == "f" else labels[:0]
    if wrong.size:
        raise FormatError(
            f"{path}: {wrong[0]:g} is no label; expected whole numbers, so threshold "
            "probabilities first"
        )
    return labels


def holds_several(path: Path) -> bool:
    """Whether a label image holds more than one label besides 0."""
    labels = whole_labels(path)
    present = labels[labels != 0]
    return bool(present.size) and bool((present != present[0]).any())


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None
