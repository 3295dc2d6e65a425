"""Networks compared on the same images and true masks."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.decide.segmentation import Segmentation
from spel.decide.segmented import segment
from spel.errors import ParameterError, SpelError
from spel.evaluation.label_files import check_sizes, files_by_name, read_mask
from spel.evaluation.masks import MaskEvaluation
from spel.io.image.reader import read_with_white
from spel.metrics import saliency
from spel.metrics.segmentation import Overlap, overlap
from spel.nn import Network, match_white
from spel.ops import linear_normalize

MaskedImages = Mapping[str, tuple[Path, Path]]
"""The files of images and of their true masks, by name."""

FIGURES = ("dice", "iou", "f_beta", "false_alarms", "dice_all")
MEASURES = {
    "MAE": saliency.mean_absolute_error,
    "wF": saliency.weighted_f_beta,
    "S": saliency.s_measure,
    "E": saliency.e_measure,
}
"""Measures of a saliency, by the names of their columns."""


def masked_images(
    images: str | os.PathLike[str], masks: str | os.PathLike[str]
) -> tuple[MaskedImages, int]:
    """The images of a folder that have a true mask in another, and how many have none.

    Parameters
    ----------
    images, masks : path

    Raises
    ------
    ParameterError
        If no image has a mask.
    """
    files, true = files_by_name(images), files_by_name(masks)
    pairs = {name: (path, true[name]) for name, path in files.items() if name in true}
    if not pairs:
        raise ParameterError(
            f"none of the {len(files)} images in {images} has a mask in {masks}; masks are named "
            "after their images"
        )
    return pairs, len(files) - len(pairs)


def compare_on_masks(
    network: Network | None, images: MaskedImages, segmentation: Segmentation | None = None
) -> dict[str, float]:
    """Figures of a network over images with true masks.

    Parameters
    ----------
    network : Network, optional
        None for masks that are always empty.
    images : mapping of str to pairs of paths
        See `masked_images`. They are brought to the full intensity that the network expects.
    segmentation : Segmentation, optional
        Used instead of the one that the network carries.

    Returns
    -------
    dict of str to float
        Overlap of the masks; measures of the saliency, if it has the size of the mask, averaged
        over the images with an object; milliseconds per image.
    """
    overlaps: dict[str, Overlap] = {}
    rows: list[list[float]] = []
    seconds = 0.0
    for name, (path, true) in images.items():
        mask = read_mask(true)
        if network is None:
            overlaps[name] = overlap(np.zeros_like(mask), mask)
            continue
        image, white = read_with_white(path)
        began = perf_counter()
        try:
            predicted = segment(network, image, segmentation, white=white)
        except SpelError as error:
            error.add_note(str(path))
            raise
        seconds += perf_counter() - began
        check_sizes(path, predicted.shape, true, mask.shape)
        overlaps[name] = overlap(predicted, mask)
        if mask.any():
            rows += _saliency_measures(network(match_white(network, image, white)), mask)
    all_figures = MaskEvaluation(overlaps).to_dict()
    figures = {key: value for key in FIGURES if (value := all_figures[key]) is not None}
    if rows:
        figures |= dict(zip(MEASURES, np.mean(rows, axis=0).tolist(), strict=True))
    return {**figures, "ms": 1000 * seconds / max(len(images), 1)}


def _saliency_measures(
    output: npt.NDArray[np.float32], mask: npt.NDArray[Any]
) -> list[list[float]]:
    """One row of measures; none if the output is not a saliency of the mask's size."""
    if output.shape != (*mask.shape, 1):
        return []
    unit = linear_normalize(output)
    return [[float(measure(unit, mask)) for measure in MEASURES.values()]]
