"""Logistic regression of several classes (softmax), with a weight per row and a ridge."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spel.linear.ridge import one_against_all
from spel.linear.standardize import Standardized

Real = npt.NDArray[np.float64]


def fit_softmax(
    rows: Real, labels: npt.NDArray[np.int64], shares: Real, *, ridge: float, iterations: int = 500
) -> tuple[Real, Real]:
    """Weights W and biases b that minimize ``-sum_i s_i log p_i(y_i) + ridge |W|^2 / 2``.

    The probabilities are ``p_i = softmax(x_i W + b)``. Columns are standardized by their weighted
    mean and deviation; the returned weights are those of the raw columns. A constant column gets
    the weight 0. The problem is convex; SciPy's L-BFGS-B solves it from 0, so that the same rows
    give the same weights.

    Parameters
    ----------
    rows : (n, d) array of float64
    labels : (n,) array of int
        Class of each row, 0 to k - 1, each at least once.
    shares : (n,) array of float64
        Weight of each row; their sum is 1.
    ridge : float
        Penalty on the weights of standardized columns, above 0.
    iterations : int
        Largest number of steps.

    Returns
    -------
    weights : (d, k) array of float64
    bias : (k,) array of float64

    Examples
    --------
    >>> rows, labels = np.array([[0.0], [1.0], [4.0], [5.0], [8.0], [9.0]]), np.repeat([0, 1, 2], 2)
    >>> weights, bias = fit_softmax(rows, labels, np.full(6, 1 / 6), ridge=1e-4)
    >>> (rows @ weights + bias).argmax(axis=1).tolist()
    [0, 0, 1, 1, 2, 2]
    """
    from scipy.optimize import minimize

    columns = Standardized.of(rows, shares)
    design = columns.rows
    k = int(labels.max()) + 1
    truth = (one_against_all(labels, k) + 1) / 2

    def loss(flat: Real) -> tuple[float, Real]:
        weights = flat.reshape(-1, k)
        scores = design @ weights[:-1] + weights[-1]
        scores = scores - scores.max(axis=1, keepdims=True)
        total = np.exp(scores).sum(axis=1, keepdims=True)
        missing = (np.exp(scores) / total - truth) * shares[:, None]
        likely = shares @ ((scores * truth).sum(axis=1) - np.log(total[:, 0]))
        gradient = np.concatenate(
            [design.T @ missing + ridge * weights[:-1], missing.sum(axis=0)[None]]
        )
        return float(ridge * (weights[:-1] ** 2).sum() / 2 - likely), gradient.ravel()

    start = np.zeros((design.shape[1] + 1) * k)
    options = {"maxiter": iterations, "ftol": 1e-12, "gtol": 1e-8}
    solved = minimize(loss, start, jac=True, method="L-BFGS-B", options=options)
    solution = np.asarray(solved.x, dtype=np.float64).reshape(-1, k)
    weights = columns.raw_weights(solution[:-1])
    return weights, solution[-1] - columns.mean @ weights
