"""Gradients: how much an image changes around a spel."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spel.core.adjacency import Adjacency
from spel.ops.arrays import Float, as_planar, check_adjacency
from spel.ops.pool import max_pool, min_pool


def gradient_magnitude(image: npt.ArrayLike, adjacency: Adjacency | None = None) -> Float:
    """Norm over the channels of the range of values around a spel (morphological gradient).

    ``G(p) = sqrt(sum_k (max I_k(q) - min I_k(q))^2)`` over the q in A(p) inside the image.

    Parameters
    ----------
    image : (rows, cols[, C]) array, with planes before them for voxels, or a batch of images
        Scale the channels so that their ranges compare.
    adjacency : Adjacency, optional
        Default: the 8 neighbours, ``Adjacency.box(3)``.

    Returns
    -------
    (rows, cols, 1) array of float32

    Raises
    ------
    ShapeError, ParameterError
        If the image does not fit the adjacency.

    Examples
    --------
    >>> gradient_magnitude([[0, 0, 3, 3]])[..., 0].tolist()
    [[0.0, 3.0, 3.0, 0.0]]
    """
    neighbours = check_adjacency(
        "gradient_magnitude", Adjacency.box(3) if adjacency is None else adjacency
    )
    planar = as_planar("gradient_magnitude", image, neighbours.ndim)
    channels = planar.image(planar.array, channelled=True)
    spans = max_pool(channels, neighbours) - min_pool(channels, neighbours)
    squares = np.einsum("...k,...k->...", spans, spans)
    return np.asarray(np.sqrt(squares)[..., None], dtype=np.float32)
