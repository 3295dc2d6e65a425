"""Linear learners without iterations over the data: ridge regression, and what it is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.errors import ShapeError

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Plane:
    """A hyperplane (or several) ``X W + b`` learned by ridge regression.

    Attributes
    ----------
    weights : (d,) or (d, t) array
    bias : float or (t,) array
    spread : (d, d) array
        ``S + r I`` of the weighted covariance S, for leaving samples out.
    mean : (d,) array
    """

    weights: Floats
    bias: Any
    spread: Floats
    mean: Floats


def ridge(rows: Rows, targets: npt.ArrayLike, shares: npt.ArrayLike, strength: float) -> Plane:
    """The plane with ``sum_i s_i (y_i - <x_i, w> - b)^2 + r |w|^2`` least, in closed form.

    ``w = (S + r I)^-1 c`` with S the covariance of the rows and c theirs with the targets, both
    weighted; r is `strength` times the mean variance, so that it does not depend on units.

    Parameters
    ----------
    rows : (n, d) array
    targets : (n,) or (n, t) array
    shares : (n,) array
        Weight of each row; brought to a sum of 1.
    strength : float

    Examples
    --------
    >>> line = ridge(np.array([[0.0], [1.0], [2.0]]), [1.0, 3.0, 5.0], np.ones(3), 1e-9)
    >>> line.weights.round(3).tolist(), round(float(line.bias), 3)
    ([2.0], 1.0)
    """
    y = np.asarray(targets, dtype=np.float64)
    s = np.asarray(shares, dtype=np.float64)
    if len(rows) != len(y) or len(rows) != len(s) or not len(rows):
        raise ShapeError(
            f"ridge: {len(rows)} rows, {len(y)} targets, {len(s)} shares; expected as many of "
            "each, at least 1"
        )
    s = s / s.sum()
    mean = s @ rows
    level = s @ y
    root = np.sqrt(s)[:, None]
    centred = ((rows - mean) * root).astype(np.float32)
    # Products in float32 (they are many), their sum regularized and solved in float64.
    spread = (centred.T @ centred).astype(np.float64)
    spread += (strength * np.trace(spread) / len(spread) + 1e-12) * np.eye(len(spread))
    shared = centred.T @ ((y - level).reshape(len(y), -1) * root).astype(np.float32)
    weights = np.linalg.solve(spread, shared.astype(np.float64)).reshape(-1, *y.shape[1:])
    return Plane(weights, level - mean @ weights, spread, np.asarray(mean, dtype=np.float64))


class Moments:
    """Number, sum and products of rows that come in portions: all that a plane needs of them.

    Examples
    --------
    >>> moments = Moments(2)
    >>> moments.add(np.array([[1.0, 2.0], [3.0, 4.0]]))
    >>> moments.count, moments.total.tolist(), moments.outer.tolist()
    (2, [4.0, 6.0], [[10.0, 14.0], [14.0, 20.0]])
    """

    def __init__(self, length: int) -> None:
        self.count = 0
        self.total = np.zeros(length)
        self.outer = np.zeros((length, length))

    def add(self, rows: Rows) -> None:
        """Take in some more rows."""
        self.count += len(rows)
        self.total += rows.sum(axis=0, dtype=np.float64)
        single = np.asarray(rows, dtype=np.float32)
        self.outer += single.T @ single


def separating(positive: Moments, negative: Moments, weight: float, strength: float) -> Plane:
    """What `ridge` gives for targets +1 and -1, the positive rows sharing `weight` of the sum."""
    share = (weight / max(positive.count, 1), (1 - weight) / max(negative.count, 1))
    mean = share[0] * positive.total + share[1] * negative.total
    level = 2 * weight - 1
    spread = share[0] * positive.outer + share[1] * negative.outer - np.outer(mean, mean)
    spread += (strength * np.trace(spread) / len(spread) + 1e-12) * np.eye(len(spread))
    shared = share[0] * positive.total - share[1] * negative.total - mean * level
    weights = np.linalg.solve(spread, shared)
    return Plane(weights, level - mean @ weights, spread, mean)


def left_out(
    plane: Plane,
    rows: Rows,
    targets: Floats,
    shares: Floats,
    groups: Sequence[Any],
    asked: Sequence[Any] | None = None,
) -> Floats:
    """What the plane would say of each row had all rows of its group been left out.

    Exact for the weighted ridge of given mean, without learning again: with
    ``H = X_g A^-1 X_g' S_g`` the residuals become ``(I - H)^-1 (y_g - X_g w - b)``.

    Parameters
    ----------
    plane : Plane
        Learned from these rows, targets and shares.
    groups : sequence
        The group of each row, for example the photo it was cut from.
    asked : sequence, optional
        Groups to leave out, each by itself; by default all. Rows of others keep their answers.
    """
    s = shares / shares.sum()
    answers = rows @ plane.weights + plane.bias
    names = np.asarray(groups)
    inverse = np.linalg.inv(plane.spread).astype(np.float32)
    mean = plane.mean.astype(np.float32)
    for name in np.unique(names) if asked is None else asked:
        here = np.flatnonzero(names == name)
        centred = rows[here].astype(np.float32) - mean
        # The constant is one more column, orthogonal to the centred ones.
        hat = ((centred @ inverse @ centred.T).astype(np.float64) + 1.0) * s[here]
        residual = targets[here] - answers[here]
        outside = np.linalg.solve(np.eye(len(here)) - hat, residual)
        answers[here] = targets[here] - outside
    return np.asarray(answers, dtype=np.float64)


def logistic(
    scores: npt.ArrayLike, true: npt.ArrayLike, *, rounds: int = 50
) -> tuple[float, float]:
    """Slope and shift that turn scores into log-odds of being true (Platt's calibration).

    Newton's method on the logistic likelihood, with targets drawn in by one sample on each side so
    that separated scores give finite odds (Platt 1999).

    Examples
    --------
    >>> slope, shift = logistic([0, 1, 2, 3, 2, 3, 4, 5], [0, 0, 0, 0, 1, 1, 1, 1])
    >>> slope > 0, round(-shift / slope, 2)
    (True, 2.5)
    """
    x = np.asarray(scores, dtype=np.float64)
    wanted = np.asarray(true, dtype=bool)
    yes, no = int(wanted.sum()), int((~wanted).sum())
    target = np.where(wanted, (yes + 1) / (yes + 2), 1 / (no + 2))
    design = np.stack([x, np.ones_like(x)], axis=1)
    theta = np.array([1.0, 0.0])
    for _ in range(rounds):
        odds = np.clip(design @ theta, -30, 30)
        p = 1 / (1 + np.exp(-odds))
        slope = design.T @ (p - target)
        bend = (design * (p * (1 - p))[:, None]).T @ design + 1e-6 * np.eye(2)
        step = np.linalg.solve(bend, slope)
        theta = theta - step * min(1.0, 2.0 / max(float(np.abs(step).max()), 1e-12))
        if np.abs(step).max() < 1e-8:
            break
    return float(theta[0]), float(theta[1])
