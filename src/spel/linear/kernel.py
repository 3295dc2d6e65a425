"""Ridge regression with a radial kernel around some of the rows (Nystroem's approximation).

Everything is computed in float64, with the centres' mean as the origin: squared distances between
float32 rows would lose so many digits that the kernel matrix is no longer positive definite.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.errors import ParameterError
from spel.linear.ridge import one_against_all

Real = npt.NDArray[np.float64]
Rows = npt.NDArray[Any]

BLOCK = 2048
"""Number of rows whose kernel values are in memory at the same time."""


@dataclass(frozen=True, eq=False)
class RadialKernel:
    """The radial kernel ``exp(-width |x - c|^2)`` around each of several centres c.

    Attributes
    ----------
    centres : (m, d) array
    width : float

    Examples
    --------
    >>> kernel = RadialKernel(np.array([[0.0], [2.0]]), width=0.5)
    >>> kernel(np.array([[0.0]])).round(4).tolist()
    [[1.0, 0.1353]]
    """

    centres: Rows
    width: float

    def __call__(self, rows: Rows) -> Real:
        """Kernel values (n, m) of rows (n, d)."""
        squares = squared_distances(rows, self.centres)
        squares *= -self.width
        values: Real = np.exp(squares, out=squares)
        return values


def squared_distances(a: Rows, b: Rows) -> Real:
    """``|a_i - b_j|^2`` as (n, m), in float64.

    Examples
    --------
    >>> squared_distances(np.array([[0.0, 0.0]]), np.array([[3.0, 4.0], [0.0, 1.0]])).tolist()
    [[25.0, 1.0]]
    """
    origin = b.mean(axis=0, dtype=np.float64)
    left, right = a - origin, b - origin
    squared = left @ (-2 * right.T)
    squared += (left**2).sum(axis=1)[:, None]
    squared += (right**2).sum(axis=1)
    nonnegative: Real = np.maximum(squared, 0, out=squared)
    return nonnegative


def median_squared_distance(rows: Rows) -> float:
    """Median of the squared distances between different rows; 1 if there are none or all are 0.

    Parameters
    ----------
    rows : (n, d) array

    Examples
    --------
    >>> median_squared_distance(np.array([[0.0], [3.0]]))
    9.0
    """
    squares = squared_distances(rows, rows)[np.triu_indices(len(rows), 1)]
    return (float(np.median(squares)) if squares.size else 1.0) or 1.0


def fit_kernel_ridge(
    rows: Rows,
    labels: npt.NDArray[np.int64],
    classes: int,
    kernel: RadialKernel,
    penalty: float,
    weights: Rows | None = None,
) -> Real:
    """Weights of the kernel's values that fit targets of +1 and -1 for each class.

    Minimizes ``|K R V - Y|^2 + r |V|^2``, and returns ``W = R V``. R transforms the kernel matrix
    of the centres into the identity, so that the system stays positive definite where plain normal
    equations do not.

    Parameters
    ----------
    rows : (n, d) array
    labels : (n,) array of int
        Class numbers from 0.
    classes : int
    kernel : RadialKernel
    penalty : float
        r, above 0.
    weights : (n,) array, optional
        Weight of each row; by default all have the same.

    Returns
    -------
    (m, classes) array of float64

    Raises
    ------
    ParameterError
        If the system cannot be solved: values overflow, or the penalty is too small.

    Examples
    --------
    >>> rows = np.array([[0.0], [1.0], [4.0], [5.0]])
    >>> kernel = RadialKernel(rows, 0.1)
    >>> weights = fit_kernel_ridge(rows, np.array([0, 0, 1, 1]), 2, kernel, 0.01)
    >>> (kernel(rows) @ weights).argmax(axis=1).tolist()
    [0, 0, 1, 1]
    """
    from scipy.linalg import LinAlgError, solve, solve_triangular

    count = len(kernel.centres)
    try:
        own = kernel(kernel.centres) + 1e-6 * np.eye(count)
        root = solve_triangular(np.linalg.cholesky(own), np.eye(count), lower=True).T
        products = penalty * np.eye(count)
        cross = np.zeros((count, classes))
        for first in range(0, len(rows), BLOCK):
            block = slice(first, first + BLOCK)
            values = kernel(rows[block]) @ root
            weighted = values if weights is None else values * weights[block, None]
            products += weighted.T @ values
            cross += weighted.T @ one_against_all(labels[block], classes)
        solution: Real = root @ solve(products, cross, assume_a="pos")
    except (LinAlgError, ValueError) as error:
        raise ParameterError(
            f"kernel ridge: the system of {count} centres has no solution ({error}); scale the "
            f"features to values around 1, or raise the penalty, now {penalty:g}"
        ) from None
    return solution
