"""Connected components under any adjacency, and measurements of each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from spel import kernels
from spel.core.adjacency import Adjacency
from spel.core.numbers import as_unmasked
from spel.core.threads import thread_count
from spel.errors import ParameterError, ShapeError
from spel.ops.arrays import as_planar, as_real, check_adjacency


def label(mask: npt.ArrayLike, adjacency: Adjacency | None = None) -> npt.NDArray[np.int32]:
    """Number the connected components of a mask.

    Two spels belong together if a path of true spels joins them, in which each step is a
    displacement of the adjacency or its opposite.

    Parameters
    ----------
    mask : (rows, cols[, C]) array, with planes before them for voxels, or a batch of masks
        Non-zero where an object is. Each channel and image is labelled by itself.
    adjacency : Adjacency, optional
        Default: the 8 neighbours, ``Adjacency.box(3)``.

    Returns
    -------
    array of int32
        Of the mask's shape: 0 outside; 1, 2, ... in the raster order of first spels.

    Raises
    ------
    ShapeError, ParameterError
        If the mask does not fit the adjacency.

    Examples
    --------
    >>> label([[1, 0, 0], [0, 1, 0], [0, 0, 0], [1, 1, 0]]).tolist()
    [[1, 0, 0], [0, 1, 0], [0, 0, 0], [2, 2, 0]]
    >>> label([[1, 0], [0, 1]], Adjacency.disk(1)).tolist()
    [[1, 0], [0, 2]]
    """
    neighbours = _eight() if adjacency is None else check_adjacency("label", adjacency)
    planar = as_planar("label", mask, neighbours.ndim)
    foreground = planar.array if planar.array.dtype == bool else planar.array != 0
    steps = neighbours.displacements_3d
    if foreground.shape[:2] == (1, 1):  # the usual case needs no copy
        only = kernels.label(foreground[0, 0], steps, thread_count())[0].astype(
            np.int32, copy=False
        )
        return planar.image(only[None, None])
    labels = np.empty(foreground.shape, dtype=np.int32)
    for image, out in zip(foreground, labels, strict=True):
        for channel, numbered in zip(image, out, strict=True):
            numbered[...] = kernels.label(channel, steps, thread_count())[0]
    return planar.image(labels)


@cache
def _eight() -> Adjacency:
    return Adjacency.box(3)


@dataclass(frozen=True, eq=False)
class Regions:
    """Measurements of each component of a label image; row i is that of label ``labels[i]``.

    Attributes
    ----------
    labels : (n,) array of int
    areas : (n,) array of int
        Number of spels.
    low, high : (n, ndim) arrays of int
        The first ``(row, col)``, and one past the last.
    centroids : (n, ndim) array of float
        Mean ``(row, col)`` of the spels.
    means, maxima : (n,) arrays of float
        Mean and largest value of the intensity image; NaN without one.

    Examples
    --------
    >>> measured = regions([[0, 1, 1], [0, 1, 0]])
    >>> measured.low.tolist(), measured.high.tolist(), measured.centroids.round(2).tolist()
    ([[0, 1]], [[2, 3]], [[0.33, 1.33]])
    >>> measured.boxes.tolist(), len(measured)
    ([[1.0, 0.0, 3.0, 2.0]], 1)
    """

    labels: npt.NDArray[np.int64]
    areas: npt.NDArray[np.int64]
    low: npt.NDArray[np.int64]
    high: npt.NDArray[np.int64]
    centroids: npt.NDArray[np.float64]
    means: npt.NDArray[np.float64]
    maxima: npt.NDArray[np.float64]

    @property
    def boxes(self) -> npt.NDArray[np.float64]:
        """Boxes (n, 4) ``x0 y0 x1 y1``, half-open; (n, 6) ``x0 y0 z0 x1 y1 z1`` in volumes."""
        corners = np.concatenate([self.low[:, ::-1], self.high[:, ::-1]], axis=1)
        return corners.astype(np.float64)

    def __len__(self) -> int:
        return len(self.labels)


def regions(labels: npt.ArrayLike, intensity: npt.ArrayLike | None = None) -> Regions:
    """Measure the components of a label image.

    Parameters
    ----------
    labels : (rows, cols) or (planes, rows, cols) array of int
        0 outside.
    intensity : array of the same shape, optional

    Returns
    -------
    Regions
        One row per label that occurs, in increasing order.

    Raises
    ------
    ShapeError, ParameterError
        If the shapes differ or the labels are no integers of at least 0.

    Examples
    --------
    >>> measured = regions([[1, 1, 0], [0, 0, 2]], [[5, 7, 0], [0, 0, 1]])
    >>> measured.boxes.tolist(), measured.areas.tolist(), measured.means.tolist()
    ([[0.0, 0.0, 2.0, 1.0], [2.0, 1.0, 3.0, 2.0]], [2, 1], [6.0, 1.0])
    """
    array = as_unmasked(labels, "regions")
    if array.dtype.kind not in "iu" or array.ndim not in (2, 3):
        raise ParameterError(
            f"regions: labels of dtype {array.dtype} and shape {array.shape}; expected integers "
            "(rows, cols) or (planes, rows, cols), as spel.ops.label gives them"
        )
    if array.size and array.min() < 0:
        raise ParameterError(f"regions: label {array.min()}; expected labels of at least 0")
    values = None if intensity is None else as_real("regions", intensity)
    if values is not None and values.shape != array.shape:
        raise ShapeError(
            f"regions: intensity of shape {values.shape} for labels of shape {array.shape}; "
            "expected the same shape"
        )
    # Of booleans: several times faster than of integers.
    return regions_of_spels(np.flatnonzero(array != 0), array, values)


def regions_of_spels(
    spels: npt.NDArray[np.intp], labels: npt.NDArray[Any], values: npt.NDArray[Any] | None = None
) -> Regions:
    """`regions` of checked arrays, whose spels with a label above 0 are known."""
    places = np.unravel_index(spels, labels.shape)
    present, index = _ranked(labels.reshape(-1)[spels])
    n = len(present)
    areas = np.bincount(index, minlength=n)
    low = np.full((n, labels.ndim), np.iinfo(np.int64).max)
    high = np.zeros((n, labels.ndim), dtype=np.int64)
    centroids = np.empty((n, labels.ndim))
    for axis, place in enumerate(places):
        np.minimum.at(low[:, axis], index, place)
        np.maximum.at(high[:, axis], index, place + 1)
        centroids[:, axis] = np.bincount(index, place, minlength=n) / np.maximum(areas, 1)
    means, maxima = np.full(n, np.nan), np.full(n, np.nan)
    if values is not None:
        inside = values.reshape(-1)[spels].astype(np.float64)
        means = np.bincount(index, inside, minlength=n) / np.maximum(areas, 1)
        maxima = np.full(n, -np.inf)
        np.maximum.at(maxima, index, inside)
    return Regions(present.astype(np.int64), areas, low, high, centroids, means, maxima)


def _ranked(labels: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[np.intp]]:
    """The labels that occur, in order, and the rank of each value; small labels are counted."""
    if not labels.size or labels.max() > 16 * labels.size:
        present, index = np.unique(labels, return_inverse=True)
        return present, index
    counts = np.bincount(labels)
    present = np.flatnonzero(counts)
    rank = np.zeros(len(counts), dtype=np.intp)
    rank[present] = np.arange(len(present))
    return present, rank[labels]
