"""Columns brought to mean 0 and deviation 1, and weights brought back to the raw columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Real = npt.NDArray[np.float64]

MIN_DEVIATION = 1e-6
"""Least deviation of a column that is not constant, of its magnitude if that is below 1."""

ROUNDING = 1e-13
"""Share of the magnitude that sums of float64 leave as the deviation of a constant column."""

SAFE = 300
"""Exponents of two up to this one can be squared and summed in float64."""


def varies(mean: Real, deviation: Real) -> npt.NDArray[np.bool_]:
    """Which columns are not constant, whatever their unit: those of nearly no deviation are.

    Examples
    --------
    >>> varies(np.array([5.0, 0.3, 5e-200]), np.array([1.0, 3e-8, 1e-200])).tolist()
    [True, False, True]
    """
    magnitude = np.hypot(mean, deviation)
    least = np.maximum(MIN_DEVIATION * np.minimum(magnitude, 1.0), ROUNDING * magnitude)
    answer: npt.NDArray[np.bool_] = deviation > least
    return answer


def units(rows: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.floating[Any]]:
    """A power of two for each column, 1 where squares neither underflow nor overflow without it.

    Examples
    --------
    >>> units(np.array([[3.0, 2.0**-700, 0.0]])).tolist() == [1.0, 2.0**-700, 1.0]
    True
    """
    exponents = np.frexp(np.abs(rows).max(axis=0, initial=0))[1] - 1
    return np.where(np.abs(exponents) > SAFE, np.ldexp(1.0, exponents), 1.0).astype(rows.dtype)


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
        unit = units(rows)
        deviation = np.sqrt(shares @ ((rows - mean) / unit) ** 2) * unit
        deviation = np.where(varies(mean, deviation), deviation, np.inf)
        return cls((rows - mean) / deviation, mean, deviation)

    def raw_weights(self, weights: Real) -> Real:
        """Weights (d,) or (d, k) of the standardized columns as weights of the raw columns."""
        deviation = self.deviation.reshape(-1, *(1,) * (weights.ndim - 1))
        raw: Real = weights / deviation
        return raw
