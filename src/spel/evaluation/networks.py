"""Networks compared on the same images and true masks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.decide.segmentation import Segmentation
from spel.decide.segmented import segment
from spel.evaluation.masks import MaskEvaluation, read_mask
from spel.io.image.reader import read_with_white
from spel.metrics import saliency
from spel.metrics.segmentation import Overlap, overlap
from spel.nn import Network, match_white
from spel.ops import linear_normalize

FIGURES = ("dice", "iou", "f_beta", "false_alarms", "dice_all")
MEASURES = {
    "MAE": saliency.mean_absolute_error,
    "wF": saliency.weighted_f_beta,
    "S": saliency.s_measure,
    "E": saliency.e_measure,
}
"""Measures of a saliency, by the names of their columns."""


def compare_on_masks(
    network: Network | None,
    names: Sequence[str],
    images: Mapping[str, Path],
    masks: Mapping[str, Path],
    segmentation: Segmentation | None = None,
) -> dict[str, float]:
    """Figures of a network over images with true masks.

    Parameters
    ----------
    network : Network, optional
        None for masks that are always empty.
    names : sequence of str
        Names of the images that have a mask.
    images, masks : mappings of names to files
        The images are brought to the full intensity that the network expects.
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
    for name in names:
        mask = read_mask(masks[name])
        if network is None:
            overlaps[name] = overlap(np.zeros_like(mask), mask)
            continue
        image, white = read_with_white(images[name])
        began = perf_counter()
        predicted = segment(network, image, segmentation, white=white)
        seconds += perf_counter() - began
        overlaps[name] = overlap(predicted, mask)
        if mask.any():
            rows += _saliency_measures(network(match_white(network, image, white)), mask)
    all_figures = MaskEvaluation(overlaps).to_dict()
    figures = {key: value for key in FIGURES if (value := all_figures[key]) is not None}
    if rows:
        figures |= dict(zip(MEASURES, np.mean(rows, axis=0).tolist(), strict=True))
    return {**figures, "ms": 1000 * seconds / max(len(names), 1)}


def _saliency_measures(
    output: npt.NDArray[np.float32], mask: npt.NDArray[Any]
) -> list[list[float]]:
    """One row of measures; none if the output is not a saliency of the mask's size."""
    if output.shape != (*mask.shape, 1):
        return []
    unit = linear_normalize(output)
    return [[float(measure(unit, mask)) for measure in MEASURES.values()]]
