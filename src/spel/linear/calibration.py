"""Scores calibrated to log-odds: Platt scaling."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def fit_platt(
    scores: npt.ArrayLike, is_positive: npt.ArrayLike, *, iterations: int = 50
) -> tuple[float, float]:
    """Slope and offset that turn scores into the log-odds of being positive (Platt 1999).

    Newton's method on the logistic likelihood. The targets are moved inwards by one sample on each
    side, so that separable scores give finite log-odds.

    Parameters
    ----------
    scores : (n,) array of float
    is_positive : (n,) array of bool
    iterations : int
        Largest number of Newton steps.

    Returns
    -------
    slope, offset : float

    Examples
    --------
    >>> slope, offset = fit_platt([0, 1, 2, 3, 2, 3, 4, 5], [0, 0, 0, 0, 1, 1, 1, 1])
    >>> slope > 0, round(-offset / slope, 2)
    (True, 2.5)
    """
    x = np.asarray(scores, dtype=np.float64)
    positive = np.asarray(is_positive, dtype=bool)
    yes, no = int(positive.sum()), int((~positive).sum())
    target = np.where(positive, (yes + 1) / (yes + 2), 1 / (no + 2))
    design = np.stack([x, np.ones_like(x)], axis=1)
    solution = np.array([1.0, 0.0])
    for _ in range(iterations):
        log_odds = np.clip(design @ solution, -30, 30)
        chance = 1 / (1 + np.exp(-log_odds))
        gradient = design.T @ (chance - target)
        hessian = (design * (chance * (1 - chance))[:, None]).T @ design + 1e-6 * np.eye(2)
        step = np.linalg.solve(hessian, gradient)
        solution = solution - step * min(1.0, 2.0 / max(float(np.abs(step).max()), 1e-12))
        if np.abs(step).max() < 1e-8:
            break
    return float(solution[0]), float(solution[1])
