"""Columns brought to mean 0 and deviation 1, and weights brought back to the raw columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Real = npt.NDArray[np.float64]

MIN_VARIANCE = 1e-12
"""Least variance of a column that is not constant, of its mean square if that is below 1."""

ROUNDING = 1e-26
"""Share of the mean square that sums of float64 leave as the variance of a constant column."""


def varies(mean: Real, variance: Real) -> npt.NDArray[np.bool_]:
    """Which columns are not constant, whatever their unit: those of nearly no variance are.

    Examples
    --------
    >>> varies(np.array([5.0, 0.3, 5e-30]), np.array([1.0, 1e-15, 1e-60])).tolist()
    [True, False, True]
    """
    square = mean**2 + variance
    least = np.maximum(MIN_VARIANCE * np.minimum(square, 1.0), ROUNDING * square)
    answer: npt.NDArray[np.bool_] = variance > least
    return answer


@dataclass(frozen=True, eq=False)
class Standardized:
    """Rows whose columns are standardized by their weighted mean and deviation.

    Attributes
    ----------
    rows : (n, d) array
    mean, deviation : (d,) arrays
        Those of the raw columns; a constant column has an infinite deviation, so that it becomes 0
        and its weight is 0.
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
        deviation = np.where(varies(mean, deviation**2), deviation, np.inf)
        return cls((rows - mean) / deviation, mean, deviation)

    def raw_weights(self, weights: Real) -> Real:
        """Weights (d,) or (d, k) of the standardized columns as weights of the raw columns."""
        deviation = self.deviation.reshape(-1, *(1,) * (weights.ndim - 1))
        raw: Real = weights / deviation
        return raw
