"""Step 3 of learning: a few samples that represent all samples of a stroke."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spel.errors import ParameterError
from spel.flim.samples import Samples

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


def centres(
    rows: Real, count: int, *, seed: int = 42, iterations: int = 100, tolerance: float = 1e-3
) -> Real:
    """Centres of `count` clusters by Lloyd's iterations from k-means++ seeds.

    Stops when no centre moves by more than `tolerance`. The centre of a single cluster is the mean.
    A cluster that becomes empty moves to the row that is farthest from its own centre.
    """
    if count == 1:
        mean: Real = rows.mean(axis=0, keepdims=True)
        return mean
    centers = _spread(rows, count, np.random.default_rng(seed))
    for _ in range(iterations):
        away = distances(rows, centers)
        owner = away.argmin(axis=1)
        size = np.bincount(owner, minlength=count)
        total = np.zeros_like(centers)
        np.add.at(total, owner, rows)
        moved = total / np.maximum(size, 1)[:, None]
        far = np.argsort(-away[np.arange(len(rows)), owner], kind="stable")
        empty = np.flatnonzero(size == 0)
        moved[empty] = rows[far[: len(empty)]]
        step = np.abs(moved - centers).max()
        centers = moved
        if step <= tolerance:
            break
    return centers


def distances(rows: Real, others: Real) -> Real:
    """Squared distances (n, k) between rows and others."""
    cross = rows @ others.T
    squares: Real = (rows**2).sum(axis=1)[:, None] - 2 * cross + (others**2).sum(axis=1)
    return np.maximum(squares, 0.0)


def _spread(rows: Real, count: int, random: np.random.Generator) -> Real:
    """k-means++: each further seed is drawn in proportion to its squared distance."""
    picked = [int(random.integers(len(rows)))]
    nearest = distances(rows, rows[picked])[:, 0]
    for _ in range(count - 1):
        total = nearest.sum()
        # If all rows are alike, every row has the same chance.
        weight = nearest / total if total > 0 else None
        picked.append(int(random.choice(len(rows), p=weight)))
        nearest = np.minimum(nearest, distances(rows, rows[picked[-1:]])[:, 0])
    return rows[picked]
