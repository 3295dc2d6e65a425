"""A mask by the colours of its own image: mixtures of colours, the saliency, and a minimum cut."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from spel.core.numbers import as_numbers
from spel.decide.components import Mask
from spel.errors import ShapeError
from spel.linear.mixture import LEAST, Mixture
from spel.ops.cut import SMOOTHNESS, Borders, least_cost
from spel.ops.squares import from_squares, squares

SIDE = 2
"""Side of the squares whose means are cut: they have less noise than spels."""

ROUNDS = 3
PARTS = 5
"""Distributions in the mixture of each side, at most, as in GrabCut."""

HALFWAY = 1 / 3
"""The saliency half way between the means of background strokes and of object strokes."""

EVIDENCE = 36.0
"""What a saliency of 1 more is worth, in log-densities of colours."""


def cut_by_colors(mask: npt.ArrayLike, saliency: npt.ArrayLike, colors: npt.ArrayLike) -> Mask:
    """The mask of the objects, after a look at the colours that they have in this image.

    A mixture of normal distributions describes the colours inside the mask, another one those
    outside. A spel is then inside if its colour and its saliency say so together, and borders lie
    where colours differ (a minimum cut); mixtures and cut follow each other three times. What has
    the colours of the background leaves the mask, and parts of the object that the saliency does
    not know join it. All this is of squares of 2 x 2 spels, so borders are as coarse; a delineation
    moves them to the edges of the image.

    Parameters
    ----------
    mask : (rows, cols) array of bool, with planes before them for voxels
        A threshold of the saliency.
    saliency : (rows, cols) array
        In 0..1, and a third half way between background and object, as spel learns it.
    colors : (rows, cols, C) array
        For example LABNorm2 (`spel.nn.Color`); each channel is divided by its deviation, and a
        colour that is not finite counts as the mean of all.

    Returns
    -------
    (rows, cols) array of bool
        The mask as it is, if one of its sides has fewer than 12 squares.

    Raises
    ------
    ShapeError
        If the three are not of one image.

    Notes
    -----
    Rother, Kolmogorov & Blake, "GrabCut", SIGGRAPH 2004, begun with a saliency in place of a
    rectangle, and with it as evidence in each round.

    Examples
    --------
    >>> colors = np.zeros((24, 24, 1), np.float32)
    >>> colors[6:18, 6:18] = 1
    >>> saliency = np.where(colors[..., 0] > 0, 0.4, 0.2)
    >>> saliency[6:12] += 0.4 * colors[6:12, :, 0]  # only the upper half is surely known
    >>> cut = cut_by_colors(saliency > 0.5, saliency, colors)
    >>> int((saliency > 0.5).sum()), int(cut.sum())
    (72, 144)
    """
    rough = np.asarray(mask, dtype=bool)
    evidence = as_numbers(saliency, "cut_by_colors", "saliency").astype(np.float32, copy=False)
    values = as_numbers(colors, "cut_by_colors", "colors").astype(np.float32, copy=False)
    if not rough.shape == evidence.shape == values.shape[:-1]:
        raise ShapeError(
            f"cut_by_colors: mask of shape {rough.shape}, saliency {evidence.shape}, colors "
            f"{values.shape}; expected one size, and a channel axis of the colors"
        )
    means = _coarse(_comparable(values), rough.ndim)
    evidence = EVIDENCE * (_coarse(np.nan_to_num(evidence), rough.ndim) - HALFWAY)
    inside = _coarse(rough.astype(np.float32), rough.ndim) >= 0.5
    if not _has_two_sides(inside):
        return rough
    return from_squares(_rounds(means, evidence, inside), SIDE, rough.shape)


def _comparable(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Colours with a deviation of 1 in each channel; those that are not finite become the mean."""
    finite: Mask = np.asarray(np.isfinite(values).all(axis=-1))
    if not finite.any():
        return np.zeros_like(values)
    mean, spread = values[finite].mean(axis=0), values[finite].std(axis=0)
    colors = np.where(finite[..., None], values, mean)
    return np.asarray(colors / np.where(spread > 0, spread, 1), dtype=np.float32)


def _rounds(means: npt.NDArray[Any], evidence: npt.NDArray[Any], inside: Mask) -> Mask:
    """The squares that are inside after some rounds of mixtures and cuts."""
    borders = Borders(means, SMOOTHNESS)
    for _ in range(ROUNDS):
        sides = np.stack([~inside, inside])
        costs = np.stack([-Mixture.fit(means[s], PARTS).log_density(means) for s in sides])
        costs[1] -= evidence
        shares = least_cost(costs.astype(np.float32), borders, sides.astype(np.float32))
        inside = np.asarray(shares[1] > shares[0])
        if not _has_two_sides(inside):
            break
    return inside


def _coarse(array: npt.NDArray[Any], ndim: int) -> npt.NDArray[np.float32]:
    return np.asarray(squares(array, SIDE, ndim).mean(axis=0), dtype=np.float32)


def _has_two_sides(inside: Mask) -> bool:
    """Whether object and background both have squares enough for a mixture."""
    return LEAST <= int(inside.sum()) <= inside.size - LEAST
