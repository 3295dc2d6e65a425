"""Clusters of rows: their centres by k-means."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Real = npt.NDArray[np.float64]


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
