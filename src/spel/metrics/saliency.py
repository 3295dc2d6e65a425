"""Saliencies against masks: MAE, weighted F-beta, S-measure, E-measure.

All take a saliency in 0..1 and a mask of the same size. Each states its rule for an empty mask.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from spel.errors import ParameterError, ShapeError

Real = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
EPS = float(np.finfo(np.float64).eps)
"""Added to divisors, as in the authors' programs."""


def mean_absolute_error(saliency: npt.ArrayLike, truth: npt.ArrayLike) -> float:
    """``mean |S - G|``; for an empty mask, the mean saliency.

    Parameters
    ----------
    saliency : array
        In 0..1.
    truth : array of the same shape
        A mask.

    Examples
    --------
    >>> mean_absolute_error([[0.0, 0.5, 1.0]], [[0, 0, 1]])
    0.16666666666666666
    """
    values, mask = _pair("mean_absolute_error", saliency, truth)
    return float(np.abs(values - mask).mean()) if values.size else 0.0


def weighted_f_beta(saliency: npt.ArrayLike, truth: npt.ArrayLike, *, beta2: float = 1.0) -> float:
    """F-beta in which errors are weighted by their place (Margolin et al., CVPR 2014).

    An error inside the object counts less if its neighbours are right; an error outside counts more
    the farther it is from the object. For an empty mask the measure is 1 if the saliency is 0
    everywhere, else 0.

    Parameters
    ----------
    saliency : (rows, cols) array
        In 0..1.
    truth : (rows, cols) array
        A mask.
    beta2 : float
        Weight of the recall: beta squared.

    Examples
    --------
    >>> weighted_f_beta([[0.0, 1.0]], [[0, 1]]) > 0.999
    True
    """
    from scipy.ndimage import convolve, distance_transform_edt

    values, mask = _pair("weighted_f_beta", saliency, truth)
    if not mask.any():
        return float(not values.any())
    error = np.abs(values - mask)
    away, nearest = distance_transform_edt(~mask, return_indices=True)
    spread = error[tuple(nearest)]  # outside, the error of the nearest pixel of the object
    steps = np.arange(-3, 4)
    grid = np.meshgrid(*[steps] * mask.ndim, indexing="ij")
    kernel = np.exp(-sum(g * g for g in grid) / (2 * 5.0**2))
    smooth = convolve(spread, kernel / kernel.sum(), mode="constant")
    smallest = np.where(mask & (smooth < error), smooth, error)
    place_weight = np.where(mask, 1.0, 2.0 - np.exp(np.log(0.5) / 5 * away))
    weighted = smallest * place_weight
    hit = mask.sum() - weighted[mask].sum()
    recall = 1 - weighted[mask].mean()
    precision = hit / (EPS + hit + weighted[~mask].sum())
    return float((1 + beta2) * recall * precision / (EPS + recall + beta2 * precision))


def s_measure(saliency: npt.ArrayLike, truth: npt.ArrayLike, *, alpha: float = 0.5) -> float:
    """Structure: ``alpha S_object + (1 - alpha) S_region`` (Fan et al., ICCV 2017).

    It is 1 minus the mean saliency for an empty mask, and the mean saliency for a full one. Images
    only.

    Parameters
    ----------
    saliency : (rows, cols) array
        In 0..1.
    truth : (rows, cols) array
        A mask.
    alpha : float
        Share of the object's part.

    Examples
    --------
    >>> round(s_measure([[0, 0], [0, 1.0]], [[0, 0], [0, 1]]), 6)
    1.0
    """
    values, mask = _pair("s_measure", saliency, truth)
    if values.ndim != 2:
        raise ShapeError(f"s_measure: saliency of shape {values.shape}; expected (rows, cols)")
    part = mask.mean() if mask.size else 0.0
    if part == 0:
        return float(1 - values.mean()) if values.size else 1.0
    if part == 1:
        return float(values.mean())
    own = part * _object_part(values[mask]) + (1 - part) * _object_part(1 - values[~mask])
    return float(max(alpha * own + (1 - alpha) * _regions(values, mask), 0.0))


def e_measure(
    saliency: npt.ArrayLike,
    truth: npt.ArrayLike,
    *,
    over: Literal["adaptive", "mean", "max"] = "adaptive",
) -> float:
    """Enhanced alignment of a thresholded saliency and the mask (Fan et al., IJCAI 2018).

    The threshold is twice the mean saliency ("adaptive"), or the measure is the mean or the maximum
    over the thresholds k / 255, k = 0..255. For an empty mask it is the share of the image that is
    left empty, for a full one the share that is filled. The mean is over all n pixels; the authors'
    program divides by n - 1, so that its values are larger by the factor n / (n - 1).

    Parameters
    ----------
    saliency : (rows, cols) array
        In 0..1.
    truth : (rows, cols) array
        A mask.
    over : {"adaptive", "mean", "max"}

    Examples
    --------
    >>> round(e_measure([[0, 0], [0, 1.0]], [[0, 0], [0, 1]]), 6)
    1.0
    """
    values, mask = _pair("e_measure", saliency, truth)
    if over not in ("adaptive", "mean", "max"):
        raise ParameterError(f"e_measure: over {over!r}; expected 'adaptive', 'mean' or 'max'")
    if not values.size:
        return 1.0
    if over == "adaptive":
        # A saliency of 0 everywhere marks no pixel.
        return _aligned((values >= min(2 * values.mean(), 1.0)) & (values > 0), mask)
    each = [_aligned(values >= level / 255, mask) for level in range(256)]
    return float(np.mean(each) if over == "mean" else np.max(each))


def _pair(name: str, saliency: npt.ArrayLike, truth: npt.ArrayLike) -> tuple[Real, Mask]:
    values = np.asarray(saliency, dtype=np.float64)
    mask = np.asarray(truth) != 0
    if values.ndim == mask.ndim + 1 and values.shape[-1] == 1:
        values = values[..., 0]
    if values.shape != mask.shape:
        raise ShapeError(
            f"{name}: a saliency of shape {values.shape} and a truth of {mask.shape}; expected the "
            "same size"
        )
    if values.size and not (values.min() >= 0 and values.max() <= 1):
        raise ParameterError(
            f"{name}: saliency from {values.min():.3g} to {values.max():.3g}; expected 0..1 "
            "(spel.ops.linear_normalize)"
        )
    return values, mask


def _object_part(values: Real) -> float:
    mean = values.mean()
    spread = values.std(ddof=1) if values.size > 1 else 0.0
    return float(2 * mean / (mean**2 + 1 + spread + EPS))


def _regions(values: Real, mask: Mask) -> float:
    """Structural similarity of the four parts around the object's centroid."""
    row, col = (round(c) + 1 for c in np.argwhere(mask).mean(axis=0))
    total = 0.0
    for rows in (slice(0, row), slice(row, None)):
        for cols in (slice(0, col), slice(col, None)):
            part, true = values[rows, cols], mask[rows, cols].astype(np.float64)
            if part.size:
                total += part.size / values.size * _structural_similarity(part, true)
    return total


def _structural_similarity(x: Real, y: Real) -> float:
    count = max(x.size - 1, 1)
    mx, my = x.mean(), y.mean()
    vx, vy = ((x - mx) ** 2).sum() / count, ((y - my) ** 2).sum() / count
    both = ((x - mx) * (y - my)).sum() / count
    top, bottom = 4 * mx * my * both, (mx**2 + my**2) * (vx + vy)
    if top != 0:
        return float(top / (bottom + EPS))
    return 1.0 if bottom == 0 else 0.0


def _aligned(answer: Mask, truth: Mask) -> float:
    """Alignment of two masks; both hold two values, so four counts suffice."""
    n = truth.size
    a, g = answer.mean(), truth.mean()
    if g == 0:
        return float(1 - a)
    if g == 1:
        return float(a)
    total = 0.0
    for x in (0, 1):
        for y in (0, 1):
            count = int(((answer == x) & (truth == y)).sum())
            fx, fy = x - a, y - g
            bias = 2 * fx * fy / (fx * fx + fy * fy + EPS)
            total += count * (bias + 1) ** 2 / 4
    return float(total / n)
