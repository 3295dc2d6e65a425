"""Enlarging: a strided activation at the size of the image that it came from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from spel.errors import ParameterError, ShapeError
from spel.ops.arrays import Float, as_real


def enlarge(image: npt.ArrayLike, size: Sequence[int], stride: int | Sequence[int]) -> Float:
    """Linear interpolation between spels that lie at 0, s, 2s, ... of a larger image.

    ``out(p) = image(p / s)``, interpolated between the nearest spels; the last spel is repeated.

    Parameters
    ----------
    image : (rows, cols, C) array, with planes before them for voxels
    size : sequence of int
        Size of the result, without channels.
    stride : int or sequence of int
        Distance s between the spels of the image on the larger one, one for all axes or one each.

    Returns
    -------
    array of float32
        Of the shape ``(*size, C)``.

    Raises
    ------
    ShapeError, ParameterError
        If the sizes do not fit one another.

    Examples
    --------
    >>> enlarge([[[0.0], [4.0]]], (1, 4), 2)[..., 0].tolist()
    [[0.0, 2.0, 4.0, 4.0]]
    """
    array = as_real("enlarge", image).astype(np.float32, copy=False)
    axes = len(size)
    if array.ndim != axes + 1:
        raise ShapeError(
            f"enlarge: image of shape {array.shape} to {tuple(size)}; expected {axes} axes and a "
            "channel axis"
        )
    steps = np.broadcast_to(np.asarray(stride), (axes,))
    if (steps < 1).any() or 0 in array.shape[:-1]:
        raise ParameterError(
            f"enlarge: stride {stride!r}, image of shape {array.shape}; expected strides of at "
            "least 1, and an image with spels"
        )
    for axis, (n, step) in enumerate(zip(size, steps.tolist())):
        place = np.minimum(np.arange(n) / step, array.shape[axis] - 1)
        low = place.astype(np.int64)
        high = np.minimum(low + 1, array.shape[axis] - 1)
        part = (place - low).astype(np.float32).reshape(-1, *(1,) * (array.ndim - 1 - axis))
        below, above = np.take(array, low, axis), np.take(array, high, axis)
        array = below + (above - below) * part
    return array
