"""Ridge regression from moments: it needs only the mean and the covariance of the rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.core.memory import check_memory
from spel.linear.standardize import varies

Real = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LinearModel:
    """A hyperplane, or several over the same rows: ``X W + b``.

    Attributes
    ----------
    weights : (d,) or (d, t) array of float64
    bias : float or (t,) array
    covariance : (d, d) array of float64
        ``S + r I``, the regularized covariance that the weights were solved with.
    mean : (d,) array of float64
        Weighted mean of the rows.

    Examples
    --------
    >>> model = ridge_from_moments(np.zeros(1), np.array([[3.0]]), 5.0, np.array([8.0]), 1.0)
    >>> model.weights.tolist(), float(model.bias), model.covariance.tolist()
    ([2.0], 5.0, [[4.0]])
    """

    weights: Real
    bias: Any
    covariance: Real
    mean: Real


def ridge_from_moments(
    mean: Real, covariance: Real, target_mean: Any, cross: Real, penalty: float
) -> LinearModel:
    """The model that minimizes ``sum_i s_i (y_i - <x_i, w> - b)^2 + r |w|^2``, sum s_i = 1.

    The solution is ``w = (S + r I)^-1 c`` and ``b = mean(y) - <mean(x), w>``.

    Parameters
    ----------
    mean : (d,) array
        Weighted mean of the rows.
    covariance : (d, d) array
        Their weighted covariance S.
    target_mean : float or (t,) array
    cross : (d,) or (d, t) array
        Weighted covariance c of the rows with the targets.
    penalty : float
        r, above 0.

    Examples
    --------
    >>> model = ridge_from_moments(np.array([1.0]), np.array([[2.0]]), 3.0, np.array([4.0]), 1e-12)
    >>> model.weights.round(6).tolist(), round(float(model.bias), 6)
    ([2.0], 1.0)
    """
    regularized = covariance + penalty * np.eye(len(covariance))
    weights = np.asarray(np.linalg.solve(regularized, cross), dtype=np.float64)
    return LinearModel(weights, target_mean - mean @ weights, regularized, mean)


class ClassMoments:
    """Sums over labelled rows that arrive in portions, enough for a ridge of one class against all.

    An origin near the rows' mean is subtracted from them, so that sums of float32 rows lose little.

    Parameters
    ----------
    origin : (d,) array
        For example the mean of the first rows.
    classes : int
        Number of classes.

    Examples
    --------
    >>> moments = ClassMoments(np.zeros(1), classes=2)
    >>> moments.add(np.array([[-1.0], [1.0]]), np.array([0, 1]))
    >>> model = moments.ridge(1e-9)
    >>> model.weights.round(3).tolist(), model.bias.round(3).tolist()
    ([[-1.0, 1.0]], [0.0, 0.0])
    """

    def __init__(self, origin: npt.NDArray[Any], classes: int) -> None:
        length = len(origin)
        check_memory(
            f"ridge regression over {length:,} features",
            4 * 8.0 * length**2,
            "use fewer features, as pooled ones or principal components, or smaller images",
        )
        self.origin = origin
        self.count: float = 0
        self.products = np.zeros((length, length))
        self.total = np.zeros(length)
        self.target_total = np.zeros(classes)
        self.cross = np.zeros((length, classes))

    def add(
        self,
        rows: npt.NDArray[Any],
        labels: npt.NDArray[np.int64],
        weights: npt.NDArray[Any] | None = None,
    ) -> None:
        """Add rows (n, d) of the classes `labels` (n,), numbers from 0, each with its weight."""
        centred = rows - self.origin
        targets = one_against_all(labels, len(self.target_total)).astype(centred.dtype)
        weighted, weighted_targets = centred, targets
        if weights is not None:
            weighted, weighted_targets = centred * weights[:, None], targets * weights[:, None]
        self.products += weighted.T @ centred
        self.cross += weighted.T @ targets
        self.total += weighted.sum(axis=0, dtype=np.float64)
        self.target_total += weighted_targets.sum(axis=0, dtype=np.float64)
        self.count += len(rows) if weights is None else float(weights.sum())

    def moved(self, mean: Real, scale: Real) -> ClassMoments:
        """The moments of the rows ``(x - mean) / scale``."""
        origin = (np.asarray(self.origin, np.float64) - mean) / scale
        other = ClassMoments(origin, len(self.target_total))
        other.count, other.target_total = self.count, self.target_total
        other.products = self.products / np.outer(scale, scale)
        other.total, other.cross = self.total / scale, self.cross / scale[:, None]
        return other

    def mean_and_variance(self) -> tuple[Real, Real]:
        """Mean and variance of every column."""
        mean = self.total / self.count
        variance = np.maximum(np.diag(self.products) / self.count - mean**2, 0)
        return self.origin + mean, variance

    def ridge(self, penalty: float) -> LinearModel:
        """A hyperplane per class, fitted to targets +1 and -1, with its penalty on unit columns.

        The penalty is on the weights of standardized columns, but the returned weights are those of
        the raw columns. A constant column gets the weight 0.
        """
        mean, target_mean = self.total / self.count, self.target_total / self.count
        variance = np.maximum(np.diag(self.products) / self.count - mean**2, 0)
        deviation = np.sqrt(variance)
        scale = np.where(varies(self.origin + mean, deviation), deviation, np.inf)
        covariance = (self.products / self.count - np.outer(mean, mean)) / np.outer(scale, scale)
        cross = (self.cross / self.count - np.outer(mean, target_mean)) / scale[:, None]
        standard = ridge_from_moments(mean / scale, covariance, target_mean, cross, penalty)
        weights = standard.weights / scale[:, None]
        mean = self.origin + mean
        return LinearModel(weights, target_mean - mean @ weights, standard.covariance, mean)


def one_against_all(labels: npt.NDArray[np.int64], classes: int) -> Real:
    """Targets (n, classes): +1 in the column of each row's class, -1 in all others.

    Examples
    --------
    >>> one_against_all(np.array([1, 0]), 2).tolist()
    [[-1.0, 1.0], [1.0, -1.0]]
    """
    return np.where(np.arange(classes) == labels[:, None], 1.0, -1.0)
