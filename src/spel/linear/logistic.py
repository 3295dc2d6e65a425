"""Logistic regression by Newton's method: weighted and penalized."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spel.linear.standardize import Standardized

Real = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def fit_logistic(
    rows: Real, is_positive: Bools, shares: Real, *, ridge: float, iterations: int = 50
) -> tuple[Real, float]:
    """Weights and bias of a penalized logistic regression, by damped Newton steps.

    Minimizes ``sum_i s_i log(1 + exp(-y_i (w z_i + b))) + ridge |w|^2 / 2`` for y of +1 or -1,
    where z are the columns standardized by their weighted mean and deviation. The returned weights
    are those of the raw columns. A constant column gets the weight 0. The bias is not penalized.

    Parameters
    ----------
    rows : (n, d) array of float64
    is_positive : (n,) array of bool
    shares : (n,) array of float64
        Weight of each row; their sum is 1.
    ridge : float
        Penalty on the weights of standardized columns, above 0.
    iterations : int
        Largest number of Newton steps.

    Returns
    -------
    weights : (d,) array of float64
    bias : float

    Examples
    --------
    >>> rows = np.array([[0.0], [1.0], [4.0], [5.0]])
    >>> side = np.array([False, False, True, True])
    >>> weights, bias = fit_logistic(rows, side, np.full(4, 0.25), ridge=0.01)
    >>> (rows @ weights + bias > 0).tolist()
    [False, False, True, True]
    """
    columns = Standardized.of(rows, shares)
    design = np.concatenate([columns.rows, np.ones((len(rows), 1))], axis=1)
    penalty = np.full(design.shape[1], ridge)
    penalty[-1] = 1e-9  # the bias is free, but a tiny penalty keeps the system solvable
    solution = _newton(design, is_positive.astype(np.float64), shares, penalty, iterations)
    weights = columns.raw_weights(solution[:-1])
    return weights, float(solution[-1] - weights @ columns.mean)


def _newton(design: Real, target: Real, shares: Real, penalty: Real, iterations: int) -> Real:
    """The solution of least loss; each step is halved until the loss does not increase."""
    solution = np.zeros(design.shape[1])
    loss = _loss(design, target, shares, penalty, solution)
    for _ in range(iterations):
        chance = sigmoid(design @ solution)
        gradient = design.T @ (shares * (chance - target)) + penalty * solution
        # The curvature of certain rows underflows to denormal numbers, which are slow to multiply.
        curvature = shares * np.maximum(chance * (1 - chance), 1e-12)
        hessian = (design * curvature[:, None]).T @ design + np.diag(penalty)
        step = np.linalg.solve(hessian, gradient)
        size = 1.0
        while size > 1e-6:
            candidate = solution - size * step
            new = _loss(design, target, shares, penalty, candidate)
            if new <= loss:
                break
            size /= 2
        else:
            break
        converged = loss - new < 1e-10
        solution, loss = candidate, new
        if converged:
            break
    return solution


def _loss(design: Real, target: Real, shares: Real, penalty: Real, solution: Real) -> float:
    """Penalized cross-entropy of targets 0 and 1."""
    score = design @ solution
    return float(shares @ (np.logaddexp(0, score) - target * score) + penalty @ solution**2 / 2)


def sigmoid(log_odds: Real) -> Real:
    """Probability of log-odds, ``1 / (1 + exp(-x))``, computed without overflow.

    Parameters
    ----------
    log_odds : array of float64

    Examples
    --------
    >>> sigmoid(np.array([0.0, -800.0])).tolist()
    [0.5, 0.0]
    """
    return 0.5 * (1 + np.tanh(log_odds / 2))
