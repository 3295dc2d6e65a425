"""Step 4 of learning: the prototypes of all strokes become a limited number of unit kernels."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from spel.errors import ParameterError
from spel.flim.cluster import prototypes
from spel.flim.samples import Samples

Real = npt.NDArray[np.float64]
Reduce = Literal["auto", "kmeans", "pca"]

LEAST_NORM = 1e-3
"""Patches of smaller norm are almost the mean colour; as in libift, they are not scaled to 1."""


def consensus(
    candidates: Samples,
    limit: int,
    *,
    reduce: Reduce = "auto",
    per_image: int | None = None,
    seed: int = 42,
    transposed_pca: bool = False,
) -> Samples:
    """Unit kernels from prototypes: all of them, or a reduction to `limit`.

    Parameters
    ----------
    candidates : Samples
        Prototypes (step 3).
    limit : int
        Largest number of kernels.
    reduce : {"auto", "kmeans", "pca"}
        If there are too many: the prototypes nearest to the centres of `limit` clusters, or the
        first principal components; "auto" takes components if there are more prototypes than
        entries of a patch (libift's rule), else clusters.
    per_image : int, optional
        The prototypes of each image are first reduced to this number, by clusters.
    seed : int
        Seed of the clustering.
    transposed_pca : bool
        libift confuses rows and columns: its kernel k holds the weights of feature k in every
        component, instead of component k. True reproduces this; the default is correct.

    Returns
    -------
    Samples
        They have unit norm. A component has the provenance of the prototype most like it, and the
        sign for which the sum of the prototypes lies on its positive side.

    Raises
    ------
    ParameterError
        If the limit is below 1, or the way to reduce is unknown.

    Notes
    -----
    libift, ``ConsensusKernelbank``.

    Examples
    --------
    >>> rows = Samples(np.array([[3.0, 4.0], [0.0, 2.0]]), np.ones(2, int), np.ones(2, int),
    ...                np.zeros(2, int), np.zeros((2, 2), int), ("a",))
    >>> consensus(rows, 2).patches.tolist()
    [[0.6, 0.8], [0.0, 1.0]]
    """
    if limit < 1 or reduce not in ("auto", "kmeans", "pca"):
        raise ParameterError(
            f"consensus: limit {limit!r}, reduce {reduce!r}; expected at least 1 and one of auto, "
            "kmeans, pca"
        )
    candidates = unit(candidates)
    if per_image is not None:
        parts = []
        for image in range(len(candidates.names)):
            rows = np.flatnonzero(candidates.images == image)
            parts.append(rows[prototypes(candidates.patches[rows], per_image, seed=seed)])
        candidates = candidates.only(np.concatenate(parts))
    if len(candidates) <= limit:
        return candidates
    length = candidates.patches.shape[1]
    if reduce == "pca" or (reduce == "auto" and len(candidates) > length):
        return _components(candidates, min(limit, length), transposed_pca)
    return candidates.only(prototypes(candidates.patches, limit, seed=seed))


def unit(prototypes: Samples) -> Samples:
    """Each row divided by its norm, where that exceeds `LEAST_NORM`."""
    norm = np.linalg.norm(prototypes.patches, axis=1, keepdims=True)
    return replace(prototypes, patches=prototypes.patches / np.where(norm > LEAST_NORM, norm, 1.0))


def _components(prototypes: Samples, limit: int, transposed: bool) -> Samples:
    """The first principal components of the prototypes, as unit kernels."""
    rows = prototypes.patches
    centred = rows - rows.mean(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=True)  # row j is component j
    side = np.sign((rows @ axes.T).sum(axis=0))
    axes = axes * np.where(side == 0, 1.0, side)[:, None]
    chosen = axes.T[:limit] if transposed else axes[:limit]
    like = (chosen @ rows.T).argmax(axis=1)  # what lies opposite activates no kernel
    return replace(prototypes.only(like), patches=chosen)
