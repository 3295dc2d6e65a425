"""Fitted models as numbers, which files hold in place of scikit-learn's own estimators.

Each predicts the same as the estimator from which it was made, with any version of scikit-learn.
None of them can be fitted again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.utils.metaestimators import available_if

from spel.errors import ParameterError
from spel.sklearn.rows import finite, validate_rows

Real = npt.NDArray[np.float64]
Names = npt.NDArray[Any]

LINKS = ("none", "sigmoid", "softmax")
ACTIVATIONS = ("identity", "logistic", "tanh", "relu")


class FittedModel(BaseEstimator):  # type: ignore[misc]
    """A model that was fitted elsewhere."""

    n_features_in_: int

    def fit(self, X: Any, y: Any = None) -> NoReturn:
        """Not possible: raises `ParameterError`."""
        raise ParameterError(
            f"{type(self).__name__}: a model from a file cannot be fitted again; create a new one"
        )

    def rows(self, X: Any) -> Real:
        """X as a table of finite numbers with the right number of columns."""
        return validate_rows(self, X).astype(np.float64, copy=False)


class FittedScaler(TransformerMixin, FittedModel):  # type: ignore[misc]
    """Columns shifted and scaled: ``(x - mean) / scale``."""

    def __init__(self, mean: Any, scale: Any) -> None:
        self.mean, self.scale = mean, scale
        self.n_features_in_ = self.n_features_out_ = len(mean)

    def transform(self, X: Any) -> Real:
        """The shifted and scaled table."""
        return np.asarray((self.rows(X) - self.mean) / self.scale)


class FittedProjection(TransformerMixin, FittedModel):  # type: ignore[misc]
    """Components of centred rows: ``(x - mean) @ axes``."""

    def __init__(self, mean: Any, axes: Any) -> None:
        self.mean, self.axes = mean, axes
        self.n_features_in_, self.n_features_out_ = axes.shape

    def transform(self, X: Any) -> Real:
        """The components of every row."""
        return np.asarray((self.rows(X) - self.mean) @ self.axes)


class FittedClassifier(ClassifierMixin, FittedModel):  # type: ignore[misc]
    """A classifier of rows, from scores (n, classes), or (n,) for two classes."""

    classes_: Names

    def scores(self, X: Real) -> Real:
        """The scores of checked rows."""
        raise NotImplementedError

    def predict(self, X: Any) -> Names:
        """The class of every row."""
        scores = finite(self.scores(self.rows(X)))
        best = (scores > 0).astype(int) if scores.ndim == 1 else scores.argmax(axis=1)
        return np.asarray(self.classes_[best])


class FittedLinear(FittedClassifier):
    """A hyperplane for each class, or one for two classes.

    Parameters
    ----------
    weights : (k, d) array
    biases : (k,) array
    classes : array of names or numbers
    link : {"none", "sigmoid", "softmax"}
        From scores to probabilities.
    """

    def __init__(self, weights: Any, biases: Any, classes: Any, link: str = "none") -> None:
        self.weights, self.biases, self.classes, self.link = weights, biases, classes, link
        self.classes_ = classes
        self.n_features_in_ = weights.shape[1]

    def scores(self, X: Real) -> Real:
        """Signed distances to the hyperplanes, times the lengths of their weights."""
        scores = X @ self.weights.T + self.biases
        return np.asarray(scores[:, 0] if len(self.weights) == 1 else scores)

    def decision_function(self, X: Any) -> Real:
        """The scores."""
        return finite(self.scores(self.rows(X)))

    @available_if(lambda self: self.link != "none")  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> Real:
        """Probability of every class."""
        scores = self.decision_function(X)
        if self.link == "softmax" and scores.ndim == 2:
            return _softmax(scores)
        chances = _sigmoid(scores)
        if chances.ndim == 1:
            return np.stack([1 - chances, chances], axis=1)
        return np.asarray(chances / chances.sum(axis=1, keepdims=True))


class FittedNetwork(FittedClassifier):
    """A multilayer perceptron.

    Parameters
    ----------
    weights : list of (d_i, d_i+1) arrays
    biases : list of (d_i+1,) arrays
    classes : array of names or numbers
    activation : {"identity", "logistic", "tanh", "relu"}
        Of the hidden layers.
    """

    def __init__(
        self, weights: Sequence[Any], biases: Sequence[Any], classes: Any, activation: str
    ) -> None:
        self.weights, self.biases, self.classes = weights, biases, classes
        self.activation = activation
        self.classes_ = classes
        self.n_features_in_ = weights[0].shape[0]

    def scores(self, X: Real) -> Real:
        """The output of the last layer, before it becomes probabilities."""
        for weights, bias in zip(self.weights[:-1], self.biases[:-1]):
            X = _activate(X @ weights + bias, self.activation)
        scores = X @ self.weights[-1] + self.biases[-1]
        return np.asarray(scores[:, 0] if scores.shape[1] == 1 else scores)

    def predict_proba(self, X: Any) -> Real:
        """Probability of every class."""
        scores = finite(self.scores(self.rows(X)))
        if scores.ndim == 2:
            return _softmax(scores)
        chances = _sigmoid(scores)
        return np.stack([1 - chances, chances], axis=1)


def _activate(values: Real, name: str) -> Real:
    if name == "relu":
        return np.maximum(values, 0)
    if name == "tanh":
        return np.tanh(values)
    return _sigmoid(values) if name == "logistic" else values


def _sigmoid(values: Real) -> Real:
    return np.asarray(0.5 * (1 + np.tanh(0.5 * values)))


def _softmax(scores: Real) -> Real:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))
