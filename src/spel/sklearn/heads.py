"""Classifiers in closed form: linear, and over a radial kernel; both stream their rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from spel.errors import ParameterError
from spel.linear import ClassMoments, RadialKernel, fit_kernel_ridge, median_squared_distance

Real = npt.NDArray[Any]


class _Head(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """What both share: checks, classes, decision by the largest score."""

    def _checked(self, X: Any, y: Any) -> tuple[Real, npt.NDArray[np.int64]]:
        X, y = validate_data(self, X, y, dtype=(np.float64, np.float32), reset=True)
        check_classification_targets(y)
        self.classes_, number = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"{type(self).__name__}: classifier can't train when only one class is present "
                f"({self.classes_[0]!r}); give at least two classes"
            )
        return X, number

    def _scores(self, X: Any) -> Real:
        raise NotImplementedError

    def decision_function(self, X: Any) -> Real:
        """Score of every class (n, classes); of two classes, of the second one (n,)."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=(np.float64, np.float32), reset=False)
        scores = self._scores(X)
        return scores[:, 1] - scores[:, 0] if len(self.classes_) == 2 else scores

    def predict(self, X: Any) -> Real:
        """The class of the largest score."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=(np.float64, np.float32), reset=False)
        return np.asarray(self.classes_[self._scores(X).argmax(axis=1)])


class RidgeHead(_Head):
    """Least squares to targets of +1 and -1 over standardized features, in closed form.

    Only sums over rows are kept, so that rows can come in batches (`partial_fit`) and features of a
    large set never lie in memory together.

    Parameters
    ----------
    alpha : float
        Penalty on the weights of standardized features, per row.
    """

    def __init__(self, alpha: float = 0.01) -> None:
        self.alpha = alpha

    def fit(self, X: Any, y: Any) -> RidgeHead:
        """Weights from all rows."""
        X, number = self._checked(X, y)
        self._start(X)
        for first in range(0, len(X), 4096):
            self._moments.add(X[first : first + 4096], number[first : first + 4096])
        self._solve()
        return self

    def partial_fit(self, X: Any, y: Any, classes: Any = None) -> RidgeHead:
        """Add rows; `classes`, all of them, with the first call."""
        first = not hasattr(self, "_moments")
        if first and classes is None:
            raise ValueError("classes must be passed on the first call to partial_fit.")
        X, y = validate_data(self, X, y, dtype=(np.float64, np.float32), reset=first)
        if first:
            self.classes_ = np.unique(classes)
            self._start(X)
        number = np.searchsorted(self.classes_, y)
        unknown = number >= len(self.classes_)
        unknown[~unknown] = self.classes_[number[~unknown]] != y[~unknown]
        if unknown.any():
            raise ValueError(f"RidgeHead: class {y[unknown][0]!r} is not among {self.classes_}")
        self._moments.add(X, number)
        self.__dict__.pop("coef_", None)
        return self

    def _start(self, X: Real) -> None:
        if not self.alpha > 0:
            raise ParameterError(f"RidgeHead: alpha {self.alpha!r}; expected a number above 0")
        self._moments = ClassMoments(X[:4096].mean(axis=0), len(self.classes_))

    def _solve(self) -> None:
        model = self._moments.ridge(self.alpha)
        self.coef_, self.intercept_ = model.weights.T, model.bias

    def _scores(self, X: Real) -> Real:
        return np.asarray(X.astype(np.float64) @ self._coefficients().T + self.intercept_)

    def _coefficients(self) -> Real:
        if not hasattr(self, "coef_"):
            self._solve()
        return self.coef_

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "coef_") or hasattr(self, "_moments")


class KernelHead(_Head):
    """Least squares over a radial (Gaussian) kernel to some of the rows, in closed form (Nystrom).

    Parameters
    ----------
    centres : int
        Rows that the kernel is taken to, drawn at random.
    gamma : float
        Width: ``exp(-gamma |x - c|^2 / m)``, m the median of squared distances between centres.
    alpha : float
        Penalty on the weights.
    seed : int
    """

    def __init__(
        self, centres: int = 4000, gamma: float = 1.5, alpha: float = 0.03, seed: int = 0
    ) -> None:
        self.centres = centres
        self.gamma = gamma
        self.alpha = alpha
        self.seed = seed

    def fit(self, X: Any, y: Any) -> KernelHead:
        """Weights from all rows; the kernel matrix is taken block by block."""
        X, number = self._checked(X, y)
        if not (self.alpha > 0 and self.gamma > 0) or int(self.centres) < 1:
            raise ParameterError(
                f"KernelHead: centres {self.centres!r}, gamma {self.gamma!r}, alpha "
                f"{self.alpha!r}; expected at least 1 and numbers above 0"
            )
        draw = np.random.default_rng(self.seed)
        count = min(int(self.centres), len(X))
        self.centres_ = X[np.sort(draw.choice(len(X), count, replace=False))]
        few = self.centres_[draw.permutation(count)[:400]]
        self.width_ = float(self.gamma) / median_squared_distance(few)
        kernel = RadialKernel(self.centres_, self.width_)
        self.coef_ = fit_kernel_ridge(X, number, len(self.classes_), kernel, self.alpha).T
        return self

    def _scores(self, X: Real) -> Real:
        kernel = RadialKernel(self.centres_, self.width_)
        parts = [kernel(X[i : i + 2048]) @ self.coef_.T for i in range(0, len(X), 2048)]
        return np.concatenate(parts)
