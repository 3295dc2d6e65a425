"""Weights as channels-first libraries take them: shared by the PyTorch and the ONNX backend."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from spel.nn import BatchNormalize, Decode

Array = npt.NDArray[Any]


def planar(values: npt.ArrayLike, ndim: int) -> Array:
    """Values per channel, or per spel and channel, in planar order and ready to broadcast.

    Examples
    --------
    >>> planar([1.0, 2.0], 2).shape, planar(np.zeros((5, 7, 3)), 2).shape, planar(1.0, 2).shape
    ((2, 1, 1), (3, 5, 7), ())
    """
    array = np.asarray(values, dtype=np.float32)
    if array.ndim == 0:
        return array
    full = array.reshape((1,) * (ndim + 1 - array.ndim) + array.shape)
    return np.ascontiguousarray(np.moveaxis(full, -1, 0))


def statistics(layer: BatchNormalize) -> tuple[Array, Array] | None:
    """Mean, and what the centred values are divided by; None if nothing is stored."""
    if layer.statistics is None:
        return None
    mean, deviation = layer.statistics
    epsilon = np.float32(layer.epsilon)
    if layer.over == "channel":
        return mean, np.sqrt(deviation * deviation + epsilon)
    return mean, deviation + epsilon


def decoder_weights(layer: Decode) -> Array:
    """Weights of the decoders whose weights do not depend on the image: "lm" and "lm-balanced"."""
    is_object = np.array(layer.labels, dtype=bool)
    plus = minus = 1
    if layer.method == "lm-balanced":
        plus, minus = max(int(is_object.sum()), 1), max(int((~is_object).sum()), 1)
    return np.where(is_object, 1 / plus, -1 / minus).astype(np.float32)
