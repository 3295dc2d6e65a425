"""Classifiers in closed form: linear, and over a radial kernel; rows may come in blocks."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets

from spel.errors import ParameterError
from spel.linear import ClassMoments, RadialKernel, fit_kernel_ridge, median_squared_distance
from spel.linear.standardize import units
from spel.sklearn.rows import finite, validate_rows, validate_training_rows
from spel.sklearn.settings import check_numbers, check_seed

Real = npt.NDArray[Any]
Whole = npt.NDArray[np.int64]
BLOCK = 4096
MAX_PRECISE = 512
"""Largest number of features whose sums are taken in float64, which costs little."""


class Head(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """The common part of the heads: checks, classes, decision by the largest score."""

    classes_: npt.NDArray[Any]

    def check_rows(self, X: Any, y: Any) -> tuple[Real, Whole]:
        """X, and the class number of each row; stores the classes."""
        X, y = validate_training_rows(self, X, y)
        check_classification_targets(y)
        self.classes_, numbers = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ParameterError(
                f"{type(self).__name__}: classifier can't train when only one class is present "
                f"({self.classes_.tolist()[0]!r}); give at least two classes"
            )
        return X, numbers

    def scores(self, X: Real) -> Real:
        """Score of every class (n, classes)."""
        raise NotImplementedError

    def decision_function(self, X: Any) -> Real:
        """Score of every class (n, classes), or with two classes that of the second one (n,)."""
        scores = finite(self.scores(validate_rows(self, X)))
        return scores[:, 1] - scores[:, 0] if len(self.classes_) == 2 else scores

    def predict(self, X: Any) -> Real:
        """The class with the largest score."""
        scores = finite(self.scores(validate_rows(self, X)))
        return np.asarray(self.classes_[scores.argmax(axis=1)])


def check_weights(sample_weight: Any, X: Real) -> Real | None:
    """The weights of the rows; None if there are none, so that all rows count alike.

    Raises
    ------
    ParameterError
        If a weight is negative or all are 0.
    """
    if sample_weight is None:
        return None
    weights = np.asarray(sample_weight, dtype=np.float64)
    if weights.ndim == 0:
        weights = np.full(len(X), float(weights))
    if weights.ndim != 1:
        raise ParameterError("Sample weights must be 1D array or scalar")
    if weights.shape != (len(X),):
        raise ParameterError(f"sample_weight.shape == {weights.shape}, expected {(len(X),)}!")
    if not np.isfinite(weights).all() or (weights < 0).any():
        raise ParameterError("sample_weight: expected finite numbers from 0")
    if not weights.any():
        raise ParameterError("sample_weight: every weight is zero; give one above zero")
    return weights


def as_precise(X: Real) -> Real:
    """The rows in float64 if they are short."""
    return X.astype(np.float64, copy=False) if X.shape[1] <= MAX_PRECISE else X


class RidgeHead(Head):
    """Least squares to targets of +1 and -1 over standardized features, in closed form.

    Only sums over rows are held in memory, so that rows can come in batches (`partial_fit`).

    Parameters
    ----------
    alpha : float
        Penalty on the weights of standardized features, per row.

    Examples
    --------
    >>> rows, names = [[0.0], [1.0], [8.0], [9.0]], ["low", "low", "high", "high"]
    >>> RidgeHead().fit(rows, names).predict([[2.0], [7.0]]).tolist()
    ['low', 'high']
    >>> head = RidgeHead().partial_fit(rows[:2], names[:2], classes=["high", "low"])
    >>> head.partial_fit(rows[2:], names[2:]).predict([[2.0], [7.0]]).tolist()
    ['low', 'high']
    """

    def __init__(self, alpha: float = 0.01) -> None:
        self.alpha = alpha

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Compute the weights from all rows."""
        X, numbers = self.check_rows(X, y)
        weights = check_weights(sample_weight, X)
        self._start(X)
        for first in range(0, len(X), BLOCK):
            part = slice(first, first + BLOCK)
            self._add(X[part], numbers[part], None if weights is None else weights[part])
        self._solve()
        return self

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Add rows; the first call takes all `classes`."""
        first = not hasattr(self, "_moments")
        if first and hasattr(self, "coef_"):
            raise ParameterError(
                "RidgeHead: a head that was loaded from a file has no sums, so no rows can be "
                "added; fit a new one"
            )
        if first and classes is None:
            raise ParameterError("classes must be passed on the first call to partial_fit.")
        X, y = validate_training_rows(self, X, y, reset=first)
        weights = check_weights(sample_weight, X)
        if first:
            self.classes_ = np.unique(classes)
            self._start(X)
        numbers = np.searchsorted(self.classes_, y)
        unknown = numbers >= len(self.classes_)
        unknown[~unknown] = self.classes_[numbers[~unknown]] != y[~unknown]
        if unknown.any():
            new, names = y[unknown].tolist()[0], self.classes_.tolist()
            raise ParameterError(f"RidgeHead: class {new!r} is not among {names!r:.200}")
        self._add(X, numbers, weights)
        self.__dict__.pop("coef_", None)
        return self

    @classmethod
    def from_moments(cls, moments: ClassMoments, classes: npt.NDArray[Any], alpha: float) -> Self:
        """The head that rows of these moments give; `classes` are sorted.

        Raises
        ------
        ParameterError
            If there is no solution.
        """
        head = cls(alpha)
        head.classes_, head._moments = np.asarray(classes), moments
        head.n_features_in_ = len(moments.total)
        head._units = np.ones(len(moments.total))
        head._solve()
        return head

    def _start(self, X: Real) -> None:
        check_numbers(self, above=["alpha"])
        first = as_precise(X[:BLOCK])
        self._units = units(first)  # of the columns whose squares float64 cannot hold
        origin = (first / self._units).mean(axis=0)
        self._moments = ClassMoments(origin, len(self.classes_))

    def _add(self, X: Real, numbers: Whole, weights: Real | None) -> None:
        with np.errstate(over="ignore", invalid="ignore"):  # refused when the weights are solved
            self._moments.add(as_precise(X) / self._units, numbers, weights)

    def _solve(self) -> None:
        try:
            with np.errstate(all="ignore"):
                model = self._moments.ridge(self.alpha)
                weights = model.weights.T / self._units
        except np.linalg.LinAlgError as error:
            raise ParameterError(f"RidgeHead: no solution ({error}); scale the features") from None
        if not (np.isfinite(weights).all() and np.isfinite(model.bias).all()):
            raise ParameterError(
                "RidgeHead: the features overflow float64; scale them to values around 1"
            )
        self.coef_, self.intercept_ = weights, model.bias

    def coefficients(self) -> tuple[Real, Real]:
        """Weights (classes, d) and biases (classes,)."""
        if not hasattr(self, "coef_"):
            self._solve()
        return self.coef_, self.intercept_

    def scores(self, X: Real) -> Real:
        """The scores of the hyperplanes."""
        weights, biases = self.coefficients()
        return np.asarray(X.astype(np.float64) @ weights.T + biases)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "coef_") or hasattr(self, "_moments")


class KernelHead(Head):
    """Least squares over a radial (Gaussian) kernel to some of the rows, in closed form (Nystroem).

    Parameters
    ----------
    centres : int
        Number of rows around which the kernel is placed, drawn at random from the distinct rows.
    gamma : float
        Width of the kernel ``exp(-gamma |x - c|^2 / m)``, where m is the median of the squared
        distances between centres.
    alpha : float
        Penalty on the weights.
    seed : int
        Seed of the random draw.

    Examples
    --------
    >>> rows, names = [[0.0], [4.0], [5.0], [9.0]], ["outer", "inner", "inner", "outer"]
    >>> KernelHead().fit(rows, names).predict([[4.5], [8.5]]).tolist()
    ['inner', 'outer']
    """

    def __init__(
        self, centres: int = 4000, gamma: float = 1.5, alpha: float = 0.03, seed: int = 0
    ) -> None:
        self.centres = centres
        self.gamma = gamma
        self.alpha = alpha
        self.seed = seed

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Compute the weights from all rows; the kernel matrix is computed block by block."""
        X, numbers = self.check_rows(X, y)
        weights = check_weights(sample_weight, X)
        check_numbers(self, whole=["centres"], above=["gamma", "alpha"])
        check_seed(self)
        random = np.random.default_rng(self.seed)
        candidates = _different_rows(X, weights)
        count = min(int(self.centres), len(candidates))
        drawn = np.sort(random.choice(len(candidates), count, replace=False))
        self.centres_ = X[candidates[drawn]]
        few = self.centres_[random.permutation(count)[:400]]
        spread = float(np.abs(few - few.mean(axis=0)).max())
        if 0 < spread < 1e-150:
            raise ParameterError(
                f"KernelHead: the features differ by {spread:.1g}, and squares of that are 0 in "
                "float64; scale them to values around 1"
            )
        with np.errstate(over="ignore", invalid="ignore"):
            self.width_ = float(self.gamma) / median_squared_distance(few)
        if not 0 < self.width_ < np.inf:
            raise ParameterError("KernelHead: the features overflow; scale them to values around 1")
        kernel = RadialKernel(self.centres_, self.width_)
        self.coef_ = fit_kernel_ridge(X, numbers, len(self.classes_), kernel, self.alpha, weights).T
        return self

    def scores(self, X: Real) -> Real:
        """The scores of all classes, block by block."""
        kernel = RadialKernel(self.centres_, self.width_)
        parts = [kernel(X[i : i + BLOCK]) @ self.coef_.T for i in range(0, len(X), BLOCK)]
        return np.concatenate(parts)


def _different_rows(X: Real, weights: Real | None) -> Whole:
    """Indices of the rows of positive weight, each equal row once, in order."""
    chosen = range(len(X)) if weights is None else np.flatnonzero(weights).tolist()
    first: dict[bytes, int] = {}
    for index in chosen:
        first.setdefault(X[index].tobytes(), index)
    return np.fromiter(first.values(), dtype=np.int64)
