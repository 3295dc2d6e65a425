"""Mixtures of normal distributions: how probable a row is among others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.linear.centres import centres, distances

Real = npt.NDArray[Any]

SAMPLE = 2500
"""Rows, at most, that a mixture is fitted to."""

LEAST = 12
"""Rows for each part of a mixture, at least."""


@dataclass(frozen=True, eq=False)
class Mixture:
    """A mixture of normal distributions of colours.

    Attributes
    ----------
    shares : (m,) array
    means : (m, C) array
    whitening : (m, C, C) array
        Inverse Cholesky factors of the covariances.

    Examples
    --------
    >>> rows = np.random.default_rng(0).normal([5.0, 0.0], [1.0, 2.0], (4000, 2))
    >>> one = Mixture.fit(rows, 1)
    >>> one.means.round(1).tolist()
    [[5.0, 0.0]]
    >>> float((one.log_density([[5, 0]]) - one.log_density([[5, 4]])).item().__round__(1))  # 2 dev.
    2.0
    """

    shares: Real
    means: Real
    whitening: Real

    @classmethod
    def fit(cls, rows: npt.ArrayLike, parts: int, *, seed: int = 0) -> Mixture:
        """One part for each cluster of the rows (n, C), with the covariance of its rows."""
        values = np.asarray(rows, dtype=np.float64)
        if len(values) > SAMPLE:
            values = values[np.random.default_rng(seed).permutation(len(values))[:SAMPLE]]
        parts = max(1, min(parts, len(values) // LEAST))
        own = distances(values, centres(values, parts, seed=seed, iterations=8)).argmin(axis=1)
        groups = [values[own == part] for part in np.unique(own)]
        # As wide as a little of all rows: a part of few equal colours has no covariance.
        floor = 1e-3 * (values.var() + 1e-6) * np.eye(values.shape[1])
        spreads = [(g - g.mean(axis=0)).T @ (g - g.mean(axis=0)) / len(g) + floor for g in groups]
        return cls(
            np.array([len(group) for group in groups]) / len(values),
            np.array([group.mean(axis=0) for group in groups]),
            np.linalg.inv(np.linalg.cholesky(np.array(spreads))),
        )

    def log_density(self, values: npt.ArrayLike) -> Real:
        """Logarithm of the density at colours (..., C), up to a constant."""
        colors = np.asarray(values, dtype=np.float64)
        logs = []
        for share, mean, white in zip(self.shares, self.means, self.whitening):
            steps = (colors - mean) @ white.T
            volume = np.log(np.diagonal(white)).sum()
            logs.append(np.log(share) + volume - (steps * steps).sum(axis=-1) / 2)
        return np.asarray(np.logaddexp.reduce(logs, axis=0))
