"""Files of masks and label images: which belongs to which image, and what they may hold."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.errors import FormatError, ParameterError
from spel.io.image.label_image import read_label_image
from spel.io.large.forms import ENDINGS
from spel.io.sources import expand, natural_key

SUFFIXES = (".ome", ".labels", "_label", "-label", "_mask", "-mask", ".mask", "_gt", "-gt")
LARGE = tuple(ENDINGS.values())
INSTANCES = (".instances.tif", *(f".instances.{form}" for form in LARGE))
"""Endings of the numbered objects of a run, the last two of images that were read in tiles."""

NO_MASKS = (".saliency.tif", *(f".saliency.{form}" for form in LARGE), ".overlay.jpg", *INSTANCES)
"""Endings of other pictures that runs write beside their masks."""

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
