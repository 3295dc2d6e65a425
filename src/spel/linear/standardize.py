"""Columns brought to mean 0 and deviation 1, and weights brought back to the raw columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Real = npt.NDArray[np.float64]

MIN_DEVIATION = 1e-9
"""A column that deviates less is constant: it becomes 0, and its weight is 0."""


@dataclass(frozen=True, eq=False)
class Standardized:
    """Rows whose columns are standardized by their weighted mean and deviation.

    Attributes
    ----------
    rows : (n, d) array
    mean, deviation : (d,) arrays
        Those of the raw columns.
    """

    rows: Real
    mean: Real
    deviation: Real

    @classmethod
    def of(cls, rows: Real, shares: Real) -> Standardized:
        """The standardized rows, whose weights `shares` sum to 1.

        Examples
        --------
        >>> columns = Standardized.of(np.array([[1.0, 5.0], [3.0, 5.0]]), np.array([0.5, 0.5]))
        >>> columns.rows.tolist(), columns.raw_weights(np.array([2.0, 7.0])).tolist()
        ([[-1.0, 0.0], [1.0, 0.0]], [2.0, 0.0])
        """
        mean = shares @ rows
        deviation = np.sqrt(shares @ (rows - mean) ** 2)
        varies = deviation > MIN_DEVIATION
        scaled = np.where(varies, (rows - mean) / np.where(varies, deviation, 1.0), 0.0)
        return cls(scaled, mean, deviation)

    def raw_weights(self, weights: Real) -> Real:
        """Weights (d,) or (d, k) of the standardized columns as weights of the raw columns."""
        deviation = self.deviation.reshape(-1, *(1,) * (weights.ndim - 1))
        varies = deviation > MIN_DEVIATION
        return np.where(varies, weights / np.where(varies, deviation, 1.0), 0.0)
