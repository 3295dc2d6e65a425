"""The eighth decoder, "bp": a 1 x 1 convolution fitted to masks by gradient descent.

This is the only place where spel itself learns by backpropagation: one layer, on a frozen encoder.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from spel.core.numbers import as_numbers
from spel.errors import ParameterError, ShapeError
from spel.nn.combine import WeightedSum

Real = npt.NDArray[np.float64]


def backprop_decoder(
    images: Sequence[npt.ArrayLike],
    masks: Sequence[npt.ArrayLike],
    *,
    seed: int = 0,
    rate: float = 0.01,
    epochs: int = 100,
) -> WeightedSum:
    """Weights and bias whose sigmoid fits masks: Adam on ``(Dice loss + cross-entropy) / 2``.

    Parameters
    ----------
    images : sequence of (rows, cols, K) arrays
        Activations of the frozen encoder.
    masks : sequence of (rows, cols) arrays
    seed : int
        Seed of the first weights (Xavier's uniform distribution).
    rate : float
        Learning rate, above 0.
    epochs : int
        Number of passes over the images, with one step per image.

    Returns
    -------
    WeightedSum
        `Activation("sigmoid")` turns its output into a saliency.

    Raises
    ------
    ShapeError, ParameterError
        If images and masks do not fit one another, or a number is not positive.

    Notes
    -----
    arXiv 2504.20872, "FLIM_bp": rate 0.01, 100 epochs. Channels are divided by their largest value
    while learning, which the returned weights undo.

    Examples
    --------
    >>> image = np.zeros((8, 8, 2))
    >>> image[2:5, 2:5, 0] = 1
    >>> layer = backprop_decoder([image], [image[..., 0]])
    >>> bool((layer(image)[..., 0] > 0).sum() == 9)
    True
    """
    if len(images) != len(masks) or not len(images):
        raise ShapeError(
            f"backprop_decoder: {len(images)} images, {len(masks)} masks; expected one mask per "
            "image, at least one"
        )
    if not (rate > 0 and epochs >= 1):
        raise ParameterError(
            f"backprop_decoder: rate {rate}, epochs {epochs}; expected a rate above 0 and at least "
            "1 epoch"
        )
    name = "backprop_decoder"
    arrays = [as_numbers(image, name).astype(np.float64, copy=False) for image in images]
    truths = [as_numbers(mask, name, "mask") != 0 for mask in masks]
    for array, truth in zip(arrays, truths):
        if array.shape[:-1] != truth.shape or array.shape[-1] != arrays[0].shape[-1]:
            raise ShapeError(
                f"backprop_decoder: image of shape {array.shape}, mask of {truth.shape}; expected "
                "the same spels, and one number of channels"
            )
    top = np.max([np.abs(a).reshape(-1, a.shape[-1]).max(axis=0) for a in arrays], axis=0)
    scale = np.where(top > 0, 1 / np.where(top > 0, top, 1.0), 0.0)
    rows = [
        (a.reshape(-1, a.shape[-1]) * scale, t.ravel().astype(float))
        for a, t in zip(arrays, truths)
    ]
    limit = np.sqrt(6 / (len(scale) + 1))
    start = np.append(np.random.default_rng(seed).uniform(-limit, limit, len(scale)), 0.0)
    weights = _adam(rows * epochs, start, rate)
    return WeightedSum((weights[:-1] * scale).astype(np.float32), float(weights[-1]))


def _adam(batches: Sequence[tuple[Real, Real]], weights: Real, rate: float) -> Real:
    """The weights after one step of Adam per batch (Kingma & Ba, ICLR 2015)."""
    first, second = np.zeros_like(weights), np.zeros_like(weights)
    for step, (x, y) in enumerate(batches, 1):
        gradient = _gradient(x, y, weights)
        first = 0.9 * first + 0.1 * gradient
        second = 0.999 * second + 0.001 * gradient**2
        corrected = first / (1 - 0.9**step) / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)
        weights = weights - rate * corrected
    return weights


def _gradient(x: Real, y: Real, weights: Real) -> Real:
    """Gradient of ``(1 - (2 sum py + 1) / (sum p + sum y + 1) + mean cross-entropy) / 2``."""
    p = 0.5 * (1 + np.tanh((x @ weights[:-1] + weights[-1]) / 2))
    top, bottom = 2 * (p * y).sum() + 1, p.sum() + y.sum() + 1
    dice = -(2 * y * bottom - top) / bottom**2 * p * (1 - p)
    each = (dice + (p - y) / len(y)) / 2
    return np.append(x.T @ each, each.sum())
