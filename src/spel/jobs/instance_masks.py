"""Folders of label images against folders of true ones, object by object."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from spel.errors import FormatError, plural
from spel.io.image.label_image import read_label_image
from spel.io.large import LargeImage, is_zarr
from spel.jobs.masks import INSTANCES, check_sizes, figure_lines, paired
from spel.metrics.instances import InstanceOverlaps, evaluate_instances, instance_overlaps
from spel.runs.run_files import RunFiles

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class InstanceEvaluation:
    """The overlaps of the objects of every image.

    Attributes
    ----------
    overlaps : mapping of str to InstanceOverlaps
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
        if self.missing:
            lines.append(
                f"{plural(len(self.missing), 'true label image')}: no answer, counted as missed, "
                f"for example {self.missing[0]}"
            )
        return "\n".join(lines)


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
    _, true = _numbered(truth)
    if answer is None:
        return instance_overlaps(np.zeros_like(true), true)
    numbers, mine = _numbered(answer)
    check_sizes(answer, mine.shape, truth, true.shape)
    return instance_overlaps(mine, true, scores=_scores(answer, numbers))


def _numbered(path: Path) -> tuple[Numbers, Numbers]:
    """The numbers of the objects in a file, and the image with 1, 2, ... in their place."""
    labels = _read(path)
    numbers, places = np.unique(labels, return_inverse=True)
    if numbers[0] < 0 or (numbers != np.rint(numbers)).any():
        raise FormatError(
            f"{path}: {numbers[0]:g} is no number of an object; expected 0, 1, 2, ..."
        )
    first = int(numbers[0] != 0)
    return numbers[1 - first :].astype(np.int64), places.reshape(labels.shape) + first


def _read(path: Path) -> npt.NDArray[np.generic]:
    """The labels in a file, or in a folder of OME-Zarr."""
    if not is_zarr(path):
        return read_label_image(path)
    with LargeImage(path) as image:
        return np.asarray(image[:][..., 0])


def _scores(answer: Path, numbers: Numbers) -> npt.NDArray[np.float64] | None:
    """The scores beside the label image of a run."""
    ending = next((one for one in INSTANCES if answer.name.endswith(one)), "")
    table = answer.with_name(answer.name.removesuffix(ending) + ".objects.csv")
    if not ending or not table.exists():
        return None
    with table.open(newline="", encoding="utf-8") as file:
        scores = {int(row["object"]): float(row["score"]) for row in csv.DictReader(file)}
    return np.array([scores.get(int(number), 1.0) for number in numbers])
