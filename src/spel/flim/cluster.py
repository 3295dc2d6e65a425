"""Step 3 of learning: a few samples that represent all samples of a stroke."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spel.errors import ParameterError
from spel.flim.samples import Samples
from spel.linear.centres import centres, distances

Real = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def clusters(samples: Samples, per_stroke: int, *, seed: int = 42) -> Samples:
    """Prototypes of each stroke: the samples nearest to the centres of its clusters.

    Parameters
    ----------
    samples : Samples
    per_stroke : int
        Number of clusters of each stroke; a stroke with no more samples than that keeps them all.
    seed : int
        Seed of the clustering.

    Returns
    -------
    Samples
        Image by image, stroke by stroke, in the order of the samples.

    Notes
    -----
    libift, ``iftComputeKernelBank``: k-means, then the sample nearest to each centroid.

    Examples
    --------
    >>> rows = Samples(np.array([[0.0], [1.0], [2.5]]), np.ones(3, int), np.ones(3, int),
    ...                np.zeros(3, int), np.zeros((3, 2), int), ("a",))
    >>> clusters(rows, 1).patches.tolist()
    [[1.0]]
    """
    if per_stroke < 1:
        raise ParameterError(f"clusters: per_stroke {per_stroke!r}; expected at least 1")
    chosen: list[Ints] = []
    for image in range(len(samples.names)):
        here = samples.images == image
        for stroke in np.unique(samples.strokes[here]):
            rows = np.flatnonzero(here & (samples.strokes == stroke))
            chosen.append(rows[prototypes(samples.patches[rows], per_stroke, seed=seed)])
    return samples.only(np.concatenate(chosen) if chosen else np.zeros(0, dtype=np.int64))


def prototypes(rows: Real, count: int, *, seed: int = 42) -> Ints:
    """Indices of the rows nearest to the centres of `count` clusters, in increasing order.

    There are fewer indices if two centres share their nearest row.
    """
    if count >= len(rows):
        return np.arange(len(rows))
    nearest = distances(rows, centres(rows, count, seed=seed)).argmin(axis=0)
    return np.unique(nearest).astype(np.int64)
