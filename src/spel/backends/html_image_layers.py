"""Colours, normalizations and decoders as the page to hand out computes them."""

from __future__ import annotations

from typing import Any

import numpy as np

from spel.kernels.reference_color import (
    EXTENT,
    LOWEST,
    RGB_TO_XYZ_LIBIFT,
    WHITE_POINT_LIBIFT,
)
from spel.nn.color import Color
from spel.nn.decode import Decode
from spel.nn.normalize import BatchNormalize, LinearNormalize
from spel.ops.color import GREY_WEIGHTS
from spel.ops.normalize import batch_factor

Json = dict[str, Any]
Shape = tuple[int, ...]

MAX_STATISTICS = 200_000
"""Numbers of a batch normalization that a page may hold."""
DECODERS = ("lm", "lm-balanced", "ts", "ts*", "lt", "at", "mb")
"""All but pb, whose likelihoods turn over where the variance is rounding error."""

# The matrices of `skimage.color`: sRGB to XYZ with its D65 white, and ITU-R BT.601.
_XYZ = (
    (0.412453, 0.357580, 0.180423),
    (0.212671, 0.715160, 0.072169),
    (0.019334, 0.119193, 0.950227),
)
_D65 = (0.95047, 1.0, 1.08883)
_YCBCR = ((65.481, 128.553, 24.966), (-37.797, -74.203, 112.0), (112.0, -93.786, -18.214))


def color(layer: Color, shape: Shape) -> Json:
    """A colour layer: grey as a weighted sum, the others with their matrices."""
    if layer.space == "grey":
        weights = [1.0] if shape[-1] < 3 else list(GREY_WEIGHTS)
        unit = np.float32(1 / layer.white).item()
        rest = [0.0] * (shape[-1] - len(weights))
        return {"op": "grey", "weights": [w * unit for w in weights] + rest, "bias": 0.0}
    if layer.space == "lab":
        return {**_lab(np.array(_XYZ) / np.array(_D65)[:, None], layer.white), **_LAB}
    if layer.space.startswith("labnorm2"):
        matrix = RGB_TO_XYZ_LIBIFT / WHITE_POINT_LIBIFT[:, None]
        ends = {"low": LOWEST.tolist(), "extent": EXTENT.tolist()}
        return {**_lab(matrix, layer.white), **_LABNORM, **ends, "file": layer.space[9:] or "png"}
    ycbcr = layer.space == "ycbcr"
    matrix = np.array(_YCBCR) if ycbcr else np.eye(3)
    shift = [16.0, 128.0, 128.0] if ycbcr else [0.0] * 3
    return {"op": "affine", "white": layer.white, "matrix": matrix.tolist(), "shift": shift}


def _lab(matrix: Any, white: float) -> Json:
    return {"op": "lab", "white": white, "matrix": matrix.tolist()}


_LAB: Json = {
    "gamma": True,
    "knee": 0.008856,
    "slope": 7.787,
    "offset": 16 / 116,
    "low": [0.0, 0.0, 0.0],
    "extent": [1.0, 1.0, 1.0],
}
_LABNORM: Json = {"knee": 0.008856451679, "slope": 841 / 108, "offset": 4 / 29}


def linear(layer: LinearNormalize, shape: Shape) -> Json | None:
    """A linear normalization of one image; None over a batch or for volumes."""
    if layer.over == "batch" or layer.axes != 2:
        return None
    return {"op": "linear", "over": layer.over}


def batch(layer: BatchNormalize, shape: Shape) -> Json | None:
    """A batch normalization by stored statistics; None without them, or if they are too many."""
    if layer.mean is None or layer.deviation is None:
        return None
    factor = batch_factor(
        layer.deviation, over=layer.over, gamma=layer.gamma, epsilon=layer.epsilon
    )
    numbers = {"subtract": layer.mean, "multiply": factor, "add": layer.beta}
    per_spel = any(np.prod(np.shape(value)[:-1]) > 1 for value in numbers.values())
    size = shape if per_spel else (1, 1, shape[-1])
    if np.prod(size) > MAX_STATISTICS:
        return None
    described: Json = {"op": "batch"}
    for name, value in numbers.items():
        full = np.broadcast_to(np.asarray(value, dtype=float), size)
        if not np.isfinite(full).all():
            return None
        described[name] = np.moveaxis(full, -1, 0).reshape(shape[-1], -1).tolist()
    return described


def decode(layer: Decode, shape: Shape) -> Json | None:
    """A decoder; None for those that a page cannot repeat."""
    if layer.method not in DECODERS:
        return None
    labels = list(layer.labels)
    objects = max(sum(labels), 1)
    others = max(len(labels) - sum(labels), 1)
    shares = (1 / objects, -1 / others) if layer.method == "lm-balanced" else (1.0, -1.0)
    weights = [shares[0] if label else shares[1] for label in labels]
    return {"op": "decode", "method": layer.method, "weights": weights, "labels": labels}
