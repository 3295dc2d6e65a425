"""Decoders: an activation becomes one saliency, with weights that depend on the image itself.

Names and equations are those of arXiv 2504.20872. Every decoder computes
``S(p) = ReLU(sum_k w_k(p) x_k(p))``, scaled linearly to 0..1; they differ in the weights.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from spel.core.adjacency import Adjacency
from spel.errors import ParameterError, ShapeError
from spel.ops.arrays import Float, as_real
from spel.ops.pool import mean_pool
from spel.ops.threshold import threshold_value

Real = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]
Method = Literal["lm", "lm-balanced", "ts", "ts*", "lt", "at", "pb", "mb"]

LABELLED = ("lm", "lm-balanced", "lt", "pb", "mb")
"""Decoders that need a label for each channel: whether its kernel came from an object."""


def decode(image: npt.ArrayLike, method: str, labels: Sequence[bool] = ()) -> Float:
    """Saliency of an activation by one of the published decoders.

    Parameters
    ----------
    image : (rows, cols, K) array, with planes before them for voxels
    method : str
        - "lm" (labelled marker): +1 if kernel k came from an object's marker, else -1.
        - "lm-balanced": ``+1 / n_object`` and ``-1 / n_background`` instead, so that neither
          class outweighs the other.
        - "ts" (tri-state): by the channel's mean and the part of it above its own Otsu threshold;
          objects are assumed to be small.
        - "ts*": the same without the part above Otsu's threshold.
        - "lt" (labelled tri-state): "ts" for object channels, 0 for the others.
        - "at" (attention): +1 for the channels least similar to the mean attention, -1 for those
          most similar.
        - "pb" (probability): per spel; a channel votes where the local Gaussians of both classes
          agree with its own label.
        - "mb" (mean): per spel; a channel votes where the local means agree with its own label.
    labels : sequence of bool, optional
        Whether each channel's kernel came from an object; for lm, lm-balanced, lt, pb, mb.

    Returns
    -------
    (rows, cols, 1) array of float32
        In 0..1; all 0 if every weight is 0 or the saliency is constant.

    Raises
    ------
    ShapeError, ParameterError
        For another image, method or number of labels.

    Notes
    -----
    arXiv 2504.20872, equations 6 to 14; the eighth, "bp", is learned: `spel.flim.backprop_decoder`.

    Examples
    --------
    >>> decode([[[4.0, 1.0], [2.0, 2.0]]], "lm", [True, False]).ravel().tolist()
    [1.0, 0.0]
    """
    array = as_real("decode", image)
    if array.size and array.ndim not in (3, 4):
        raise ShapeError(f"decode: image of shape {array.shape}; expected (rows, cols, channels)")
    is_object = checked_labels(method, labels, array.shape[-1])
    if not array.size:
        return np.zeros((*array.shape[:-1], 1), dtype=np.float32)
    total = METHODS[method](array.astype(np.float32, copy=False), is_object)
    saliency = np.maximum(total, 0)
    low, high = saliency.min(), saliency.max()
    span = high - low if high > low else np.inf
    return np.asarray((saliency - low) / span, dtype=np.float32)[..., None]


def checked_labels(method: str, labels: Sequence[bool], channels: int) -> Bools:
    """The labels as an array, or an error that says what the method needs."""
    if method not in METHODS:
        raise ParameterError(f"decode: method {method!r}; expected one of {', '.join(METHODS)}")
    array = np.asarray(labels, dtype=bool).reshape(-1)
    if method in LABELLED and len(array) != channels:
        raise ShapeError(
            f"decode: {len(array)} labels for {channels} channels; {method!r} needs one per "
            "channel (True where the kernel came from an object's marker)"
        )
    return array


def tri_state_weights(bands: Real, *, size_prior: bool = True) -> Real:
    """Weights -1, 0, +1 of bands in 0..1 by their means (and, with the prior, their extent)."""
    flat = bands.reshape(-1, bands.shape[-1])
    means = flat.mean(axis=0, dtype=np.float64)
    some = means[means > 0]
    tau = threshold_value(some, "otsu") if len(some) else 0.0
    spread = float(means.var())
    plus = means <= (tau if tau <= 0.1 else tau - spread)
    minus = means >= tau + spread
    if size_prior:
        part = np.array([(b > threshold_value(b, "otsu")).mean() for b in flat.T])
        plus &= part < 0.1
        minus &= part > 0.2
    return np.where(plus, 1.0, np.where(minus, -1.0, 0.0)).astype(np.float32)


def attention_weights(bands: Real) -> Real:
    """Weights -1, 0, +1 of bands in 0..1 by their cosine with the spatial attention."""
    attention = _unit(bands.max(axis=-1)) + _unit(bands.mean(axis=-1))
    flat = bands.reshape(-1, bands.shape[-1]).astype(np.float64)
    a = attention.ravel().astype(np.float64)
    norms = np.linalg.norm(flat, axis=0) * np.linalg.norm(a)
    cosine = (a @ flat) / np.where(norms > 0, norms, np.inf)
    low, high = cosine.mean() - cosine.std() / 2, cosine.mean() + cosine.std() / 2
    return np.where(cosine < low, 1.0, np.where(cosine > high, -1.0, 0.0)).astype(np.float32)


def probability_votes(bands: Real, is_object: Bools) -> Real:
    """Per spel: a channel votes where its own class has the more likely local Gaussian."""
    likely = []
    for side in (is_object, ~is_object):
        mean = _local_mean(bands, side)
        variance = _local_mean(bands**2, side) - mean**2
        variance = np.where(variance < 1e-7, np.float32(1), variance)
        # The larger of two exponentials is the one with the larger exponent.
        likely.append(-((bands - mean) ** 2) / (2 * variance))
    return _votes(likely[0], likely[1], is_object)


def mean_votes(bands: Real, is_object: Bools) -> Real:
    """Per spel: a channel votes where its own class has the larger local mean."""
    own, other = _local_mean(bands, is_object), _local_mean(bands, ~is_object)
    return _votes(own, other, is_object)


def _votes(own: Real, other: Real, is_object: Bools) -> Real:
    return np.asarray(np.where(is_object, own > other, -1.0 * (own < other)), dtype=np.float32)


def _local_mean(bands: Real, side: Bools) -> Real:
    """Mean over a disk of radius 1.5 and over the channels of one class; 0 if there are none."""
    if not side.any():
        return np.zeros((*bands.shape[:-1], 1), dtype=np.float32)
    near = Adjacency.ball(1.5, ndim=bands.ndim - 1)
    return mean_pool(bands[..., side].mean(axis=-1, keepdims=True), near)


def _unit(values: Real) -> Real:
    low, high = values.min(), values.max()
    span = high - low if high > low else np.float32(np.inf)
    return np.asarray((values - low) / span)


def _unit_bands(image: Real) -> Real:
    spels = tuple(range(image.ndim - 1))
    low, high = image.min(axis=spels), image.max(axis=spels)
    return np.asarray((image - low) / np.where(high > low, high - low, np.float32(np.inf)))


def _by_maximum(image: Real) -> Real:
    top = image.max(axis=tuple(range(image.ndim - 1)))
    return np.asarray(image / np.where(top > 0, top, np.float32(np.inf)))


def _labelled(image: Real, is_object: Bools) -> Real:
    return image @ np.where(is_object, 1, -1).astype(np.float32)


def _balanced(image: Real, is_object: Bools) -> Real:
    plus, minus = max(int(is_object.sum()), 1), max(int((~is_object).sum()), 1)
    return image @ np.where(is_object, 1 / plus, -1 / minus).astype(np.float32)


def _tri_state(image: Real, is_object: Bools) -> Real:
    bands = _unit_bands(image)
    return bands @ tri_state_weights(bands)


def _tri_state_wide(image: Real, is_object: Bools) -> Real:
    bands = _unit_bands(image)
    return bands @ tri_state_weights(bands, size_prior=False)


def _labelled_tri_state(image: Real, is_object: Bools) -> Real:
    bands = _unit_bands(image)
    return bands @ np.where(is_object, tri_state_weights(bands), np.float32(0))


def _attention(image: Real, is_object: Bools) -> Real:
    bands = _unit_bands(image)
    return bands @ attention_weights(bands)


def _probability(image: Real, is_object: Bools) -> Real:
    bands = _by_maximum(image)
    total: Real = (bands * probability_votes(bands, is_object)).sum(axis=-1)
    return total


def _mean(image: Real, is_object: Bools) -> Real:
    bands = _by_maximum(image)
    total: Real = (bands * mean_votes(bands, is_object)).sum(axis=-1)
    return total


METHODS: dict[str, Callable[[Real, Bools], Real]] = {
    "lm": _labelled,
    "lm-balanced": _balanced,
    "ts": _tri_state,
    "ts*": _tri_state_wide,
    "lt": _labelled_tri_state,
    "at": _attention,
    "pb": _probability,
    "mb": _mean,
}
