"""Objects of another size than the marked ones: images resized, and the scale of a set of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from spel import kernels
from spel.core.numbers import as_numbers
from spel.core.threads import thread_count
from spel.decide.numbers import check_number
from spel.decide.presence import LOWEST
from spel.decide.segmentation import segmentation_of
from spel.errors import ParameterError, ShapeError
from spel.nn.intensity import match_white
from spel.nn.network import Network

SCALES = (0.5, 0.7, 1.0, 1.4, 2.0)
"""Lengths of objects over those of the marked ones that `estimate_scale` tries."""

LARGEST = 8.0
"""Largest scale; the smallest is its reciprocal, since smaller objects need larger images."""

Image = npt.NDArray[Any]


def estimate_scale(
    network: Network,
    images: Sequence[npt.ArrayLike],
    *,
    scales: Sequence[float] = SCALES,
    white: float | None = None,
) -> float:
    """How long the objects of some images are, over the objects that a network was learned from.

    All images of one microscope or camera share a scale, so it is chosen for all of them together:
    that at which the better half of the images has the highest scores. ``spel reproduce scales``
    measures what it gains.

    Parameters
    ----------
    network : Network
        Learned with the size of its objects (an `ObjectModel`).
    images : sequence of (rows, cols[, C]) arrays
        About 20 are enough. Some must hold an object.
    scales : sequence of float
        The scales to choose from.
    white : float, optional
        Full intensity of the images, as for `segment`.

    Returns
    -------
    float
        One of `scales`, for the argument `scale` of `segment`.

    Raises
    ------
    ParameterError, ShapeError
        If the network has no object model, or there are no images.
    """
    model = segmentation_of(network).objects
    if model is None or not len(images) or not len(scales):
        raise ParameterError(
            f"estimate_scale: {len(images)} images, {len(scales)} scales; expected some of each, "
            "and a network that was learned with the size of its objects"
        )
    wide = replace(model, min_score=LOWEST)
    scores = np.empty((len(scales), len(images)))
    for column, image in enumerate(images):
        array = match_white(network, as_numbers(image, "estimate_scale"), white)
        array = array[..., None] if array.ndim == 2 else array
        for line, scale in enumerate(scales):
            factor = 1 / check_scale("estimate_scale", scale, array.shape)
            saliency = network(resized(array, size_at(array.shape[:2], factor)))
            ranked = (wide.score(one) for one in wide.components(saliency))
            scores[line, column] = max(ranked, default=LOWEST)
    best = np.sort(scores, axis=1)[:, len(images) // 2 :]
    return float(scales[int(best.mean(axis=1).argmax())])


def check_scale(owner: str, scale: float, shape: Sequence[int]) -> float:
    """A scale of objects in an image of some shape, between 1/8 and 8.

    Raises
    ------
    ParameterError, ShapeError
    """
    check_number(owner, "scale", scale, 1 / LARGEST, LARGEST)
    if len(shape) != 3:
        raise ShapeError(
            f"{owner}: scale {scale} for a volume or batch of shape {tuple(shape)}; images can be "
            "resized, volumes cannot"
        )
    return float(scale)


def size_at(size: Sequence[int], factor: float) -> tuple[int, int]:
    """Rows and columns of an image resized by a factor, at least one of each."""
    rows, cols = (max(1, round(n * factor)) for n in size)
    return rows, cols


def resized(image: Image, size: Sequence[int]) -> npt.NDArray[np.float32]:
    """A (rows, cols, C) image at another size, by triangles that cover every spel.

    Examples
    --------
    >>> resized(np.array([[[0.0], [0.0], [7.0], [7.0]]]), (1, 2))[..., 0].round(3).tolist()
    [[1.0, 6.0]]
    """
    rows, cols, channels = image.shape
    if not image.size:
        raise ShapeError(f"segment: an image of shape {image.shape} cannot be resized")
    out = np.empty((channels, *size), dtype=np.float32)
    for number in range(channels):
        plane = np.ascontiguousarray(image[..., number], dtype=np.float32)
        out[number] = kernels.resize(plane, (0, 0, cols, rows), (size[0], size[1]), thread_count())
    return np.moveaxis(out, 0, -1)
