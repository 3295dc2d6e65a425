"""Weighted ridge regression, from rows or from moments, and predictions that leave out a group."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.errors import ParameterError, ShapeError
from spel.linear.ridge import LinearModel, ridge_from_moments

Real = npt.NDArray[np.float64]
Rows = npt.NDArray[Any]

SLICE = 256
"""Number of rows that are centred in double precision at once."""

EVERYTHING = 1e-9
"""A group whose rows have all shares but this one cannot be left out."""


def fit_ridge(
    rows: Rows, targets: npt.ArrayLike, shares: npt.ArrayLike, ridge: float
) -> LinearModel:
    """The model that minimizes ``sum_i s_i (y_i - <x_i, w> - b)^2 + r |w|^2``, in closed form.

    The penalty r is `ridge` times the mean variance of the columns, so that `ridge` has no unit.

    Parameters
    ----------
    rows : (n, d) array
    targets : (n,) or (n, t) array
    shares : (n,) array
        Weight of each row; they are scaled to a sum of 1.
    ridge : float

    Raises
    ------
    ShapeError
        If there are no rows, or not as many targets and shares.

    Examples
    --------
    >>> line = fit_ridge(np.array([[0.0], [1.0], [2.0]]), [1.0, 3.0, 5.0], np.ones(3), 1e-9)
    >>> line.weights.round(3).tolist(), round(float(line.bias), 3)
    ([2.0], 1.0)
    """
    y = np.asarray(targets, dtype=np.float64)
    s = np.asarray(shares, dtype=np.float64)
    if len(rows) != len(y) or len(rows) != len(s) or not len(rows):
        raise ShapeError(
            f"fit_ridge: {len(rows)} rows, {len(y)} targets, {len(s)} shares; expected the same "
            "number of each, at least 1"
        )
    s = s / s.sum()
    return fit_ridge_in_portions(lambda: [(rows, y, s)], ridge)


def fit_ridge_in_portions(
    portions: Callable[[], Iterable[tuple[Rows, Real, Real]]], ridge: float
) -> LinearModel:
    """The model of `fit_ridge`, from rows of which only a portion need be in memory.

    Parameters
    ----------
    portions : callable
        Gives rows, targets and shares, portion by portion; it is called twice. All shares together
        have the sum 1.
    ridge : float

    Examples
    --------
    >>> halves = [np.array([[0.0]]), np.array([[1.0]])]
    >>> line = fit_ridge_in_portions(
    ...     lambda: ((half, 2 * half[:, 0], np.array([0.5])) for half in halves), 1e-9
    ... )
    >>> line.weights.round(3).tolist(), round(float(line.bias), 3) + 0
    ([2.0], 0.0)
    """
    mean, target_mean = _sum(((s @ rows, s @ y) for rows, y, s in portions()))
    covariance, cross = _sum(_products(rows, y, s, mean, target_mean) for rows, y, s in portions())
    penalty = _penalty(covariance, ridge)
    return ridge_from_moments(np.asarray(mean, np.float64), covariance, target_mean, cross, penalty)


def _products(rows: Rows, y: Real, s: Real, mean: Real, target_mean: Real) -> tuple[Real, Real]:
    """Weighted products of centred rows with themselves and with the centred targets."""
    root = np.sqrt(s)[:, None]
    # The products, which take the time, are in float32; regularization and solution in float64.
    centred = np.empty(rows.shape, dtype=np.float32)
    for first in range(0, len(rows), SLICE):
        part = slice(first, first + SLICE)
        centred[part] = (rows[part] - mean) * root[part]
    covariance = (centred.T @ centred).astype(np.float64)
    deviations = ((y - target_mean).reshape(len(y), -1) * root).astype(np.float32)
    cross = (centred.T @ deviations).astype(np.float64).reshape(-1, *y.shape[1:])
    return covariance, cross


def _sum(pairs: Iterable[tuple[Any, Any]]) -> tuple[Any, Any]:
    """The sums of the first and of the second ones of several pairs; adds to those of the first."""
    each = iter(pairs)
    sums = list(next(each))
    for pair in each:
        for number, one in enumerate(pair):
            sums[number] += one
        del pair, one  # not in memory beside the next ones
    return sums[0], sums[1]


class Moments:
    """Number, sum and products of rows that arrive in portions, which suffice for a ridge.

    Parameters
    ----------
    length : int
        Length of a row.

    Examples
    --------
    >>> moments = Moments(2)
    >>> moments.add(np.array([[1.0, 2.0], [3.0, 4.0]]))
    >>> moments.count, moments.total.tolist(), moments.products.tolist()
    (2, [4.0, 6.0], [[10.0, 14.0], [14.0, 20.0]])
    """

    def __init__(self, length: int) -> None:
        self.count = 0
        self.total = np.zeros(length)
        self.products = np.zeros((length, length))

    def add(self, rows: Rows) -> None:
        """Add rows (n, d)."""
        self.count += len(rows)
        self.total += rows.sum(axis=0, dtype=np.float64)
        single = np.asarray(rows, dtype=np.float32)
        self.products += single.T @ single


def separate_classes(
    positive: Moments, negative: Moments, positive_weight: float, ridge: float
) -> LinearModel:
    """The model that `fit_ridge` gives for targets +1 and -1, from the moments of two classes.

    The positive rows together have the weight `positive_weight`, the negative rows the rest of 1.

    Parameters
    ----------
    positive, negative : Moments
        Moments of the rows of each class.
    positive_weight : float
        Between 0 and 1.
    ridge : float
        In units of the mean variance of the columns.

    Examples
    --------
    >>> low, high = Moments(1), Moments(1)
    >>> low.add(np.array([[-1.0], [-1.0]]))
    >>> high.add(np.array([[1.0], [1.0]]))
    >>> model = separate_classes(high, low, 0.5, 1e-9)
    >>> model.weights.round(3).tolist(), round(float(model.bias), 3)
    ([1.0], 0.0)
    """
    share = (
        positive_weight / max(positive.count, 1),
        (1 - positive_weight) / max(negative.count, 1),
    )
    mean = share[0] * positive.total + share[1] * negative.total
    target_mean = 2 * positive_weight - 1
    covariance = share[0] * positive.products + share[1] * negative.products
    covariance = covariance - np.outer(mean, mean)
    cross = share[0] * positive.total - share[1] * negative.total - mean * target_mean
    return ridge_from_moments(mean, covariance, target_mean, cross, _penalty(covariance, ridge))


def leave_group_out(
    model: LinearModel,
    rows: Rows,
    targets: Real,
    shares: Real,
    groups: Sequence[Any] | npt.NDArray[Any],
    without: Sequence[Any] | npt.NDArray[Any] | None = None,
    total: float | None = None,
    root: npt.NDArray[np.float32] | None = None,
) -> Real:
    """Predictions for each row by the model that is fitted without the rows of its group.

    They are exact for a weighted ridge whose mean is held fixed, and need no second fit: for
    ``G = X_g A^-1 X_g'`` and the roots R of the shares, the residuals are ``e + G R z``, where
    ``(I - R G R) z = R e`` and ``e = y_g - X_g w - b`` (Cook & Weisberg 1982). Rows of a group
    that holds all rows get the model's own predictions.

    Parameters
    ----------
    model : LinearModel
        Fitted to these rows, targets and shares, and perhaps to those of other groups.
    rows : (n, d) array
    targets : (n,) or (n, t) array
    shares : (n,) array
        Weight of each row.
    groups : sequence
        The group of each row, for example the photo that it was cut from.
    without : sequence, optional
        The groups to leave out, one at a time; by default all. The rows of other groups get the
        model's own predictions.
    total : float, optional
        Sum of the shares of all rows that the model was fitted to; by default of these ones.
    root : (d, d) array of float32, optional
        ``root_of_covariance(model)``, for calls with rows of the same model.

    Raises
    ------
    ParameterError
        If the model was fitted with a ridge that is lost in rounding.

    Examples
    --------
    >>> rows, targets = np.array([[-1.0], [0.0], [1.0]]), np.array([-2.0, 0.0, 2.0])
    >>> shares = np.full(3, 1 / 3)
    >>> model = fit_ridge(rows, targets, shares, 1e-9)
    >>> leave_group_out(model, rows, targets, shares, [0, 1, 2]).round(3).tolist()
    [-2.0, 0.0, 2.0]
    """
    from scipy.linalg import solve, solve_triangular

    s = shares / (shares.sum() if total is None else total)
    predictions = rows @ model.weights + model.bias
    names = np.asarray(groups)
    root = root_of_covariance(model) if root is None else root
    mean = model.mean.astype(np.float32)
    for name in np.unique(names) if without is None else without:
        here = np.flatnonzero(names == name)
        if s[here].sum() > 1 - EVERYTHING:
            continue
        centred = rows[here].astype(np.float32) - mean
        half = solve_triangular(root, centred.T, lower=True, check_finite=False)
        # The 1 is the column of the bias, which is orthogonal to the centred columns.
        hat = ((half.T @ half).astype(np.float64) + 1.0) * np.sqrt(s[here])
        residual = targets[here] - predictions[here]
        rooted = (np.sqrt(s[here]) * residual.T).T
        without_group = np.eye(len(here)) - np.sqrt(s[here])[:, None] * hat
        predictions[here] -= hat @ solve(without_group, rooted, assume_a="sym", check_finite=False)
    return np.asarray(predictions, dtype=np.float64)


def root_of_covariance(model: LinearModel) -> npt.NDArray[np.float32]:
    """The lower triangular root of a model's covariance, which `leave_group_out` divides by.

    Parameters
    ----------
    model : LinearModel

    Returns
    -------
    (d, d) array of float32
        With zeros above its diagonal.

    Raises
    ------
    ParameterError
        If the model was fitted with a ridge that is lost in rounding.

    Examples
    --------
    >>> line = fit_ridge(np.array([[0.0], [2.0]]), [1.0, 3.0], np.ones(2), 3.0)
    >>> line.covariance.round(3).tolist(), root_of_covariance(line).round(3).tolist()
    ([[4.0]], [[2.0]])
    """
    from scipy.linalg import cholesky

    try:
        return np.asfortranarray(cholesky(model.covariance, lower=True), dtype=np.float32)
    except np.linalg.LinAlgError:
        raise ParameterError(
            "leave_group_out: the ridge of the model is lost in the rounding of its covariance; "
            "fit it with a larger one"
        ) from None


def models_without_groups(
    model: LinearModel,
    rows: Rows,
    targets: Real,
    shares: Real,
    groups: Sequence[Any] | npt.NDArray[Any],
    total: float | None = None,
    predictions: Real | None = None,
) -> dict[Any, LinearModel]:
    """The model without the rows of a group, for each group; see `leave_group_out`.

    ``w_g = w - A^-1 X_g' S_g (y_g - f_g)`` for the predictions f_g that leave the group out, so
    that all models follow from one system of equations.

    Parameters
    ----------
    model : LinearModel
        Fitted to these rows, targets and shares, and perhaps to those of other groups.
    rows : (n, d) array
    targets : (n,) array
    shares : (n,) array
        Weight of each row.
    groups : sequence
        The group of each row.
    total : float, optional
        Sum of the shares of all rows that the model was fitted to; by default of these ones.
    predictions : (n,) array, optional
        What `leave_group_out` gives for these rows, if it is known.

    Returns
    -------
    dict of group to LinearModel
        Empty if there is no row.

    Examples
    --------
    >>> rows, targets = np.array([[-1.0], [0.0], [1.0]]), np.array([-2.0, 0.0, 2.0])
    >>> shares = np.full(3, 1 / 3)
    >>> model = fit_ridge(rows, targets, shares, 1e-9)
    >>> without = models_without_groups(model, rows, targets, shares, ["a", "b", "c"])
    >>> without["a"].weights.round(3).tolist(), round(float(without["a"].bias), 3) + 0
    ([2.0], 0.0)
    """
    from scipy.linalg import solve

    if not len(rows):
        return {}
    s = shares / (shares.sum() if total is None else total)
    if predictions is None:
        predictions = leave_group_out(model, rows, targets, shares, groups, total=total)
    errors = targets - predictions
    weighted = errors * s.reshape(-1, *(1,) * (errors.ndim - 1))
    names = np.asarray(groups)
    each = [np.flatnonzero(names == name) for name in np.unique(names)]
    products = [(rows[here] - model.mean).T @ weighted[here] for here in each]
    length = len(model.mean)
    each_product = np.concatenate([p.reshape(length, -1) for p in products], axis=1)
    changes = solve(model.covariance, each_product, assume_a="pos", check_finite=False)
    middle = model.bias + model.mean @ model.weights
    models = {}
    for number, (name, here) in enumerate(zip(np.unique(names), each)):
        count = products[number].reshape(length, -1).shape[1]
        change = changes[:, number * count : (number + 1) * count]
        weights = model.weights - change.reshape(model.weights.shape)
        bias = middle - weighted[here].sum(axis=0) - model.mean @ weights
        models[name] = LinearModel(weights, bias, model.covariance, model.mean)
    return models


def _penalty(covariance: Real, ridge: float) -> float:
    """The ridge in units of the mean variance, plus a little that keeps the system solvable."""
    return float(ridge * np.trace(covariance) / len(covariance) + 1e-12)
