"""Means with intervals, paired tests, and nested choices, for tables of figures.

The unit is the image: two figures of the same image are paired, and a bootstrap draws images,
because the spels of one image are not independent.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

from spel.errors import ParameterError, ShapeError

Real = npt.NDArray[np.float64]

EXACT = 12
"""Largest number of differing pairs for which all signs are tried; for more, signs are random."""

BATCH = 1 << 20
"""Number of values that a bootstrap draws at once."""


@dataclass(frozen=True)
class Interval:
    """A mean with its bootstrap interval.

    Attributes
    ----------
    n : int
        Number of values.
    mean, deviation : float
        Of the values; the deviation is that of a sample (n - 1), NaN for one value.
    low, high : float
        Ends of the interval of the mean.
    """

    n: int
    mean: float
    deviation: float
    low: float
    high: float


@dataclass(frozen=True)
class PairedDifference:
    """The mean difference of two paired rows, and its p-value under the hypothesis of none.

    Attributes
    ----------
    difference : Interval
        Of first minus second.
    p : float
        Two-sided p-value of the sign-flip permutation test.
    """

    difference: Interval
    p: float


def bootstrap_interval(
    values: npt.ArrayLike, *, level: float = 0.95, draws: int = 10_000, seed: int = 0
) -> Interval:
    """The mean of values with its percentile bootstrap interval.

    Parameters
    ----------
    values : (n,) array
        One value per image.
    level : float
        Coverage of the interval, in 0..1.
    draws : int
        Number of resamples.
    seed : int

    Returns
    -------
    Interval

    Raises
    ------
    ParameterError, ShapeError
        If there are no finite values, or level or draws lie outside their range.

    Notes
    -----
    Efron & Tibshirani, An Introduction to the Bootstrap, 1993, section 13.3.

    Examples
    --------
    >>> result = bootstrap_interval([0.0, 1.0, 1.0, 0.0])
    >>> result.n, result.mean, round(result.deviation, 4), result.low, result.high
    (4, 0.5, 0.5774, 0.0, 1.0)
    """
    rows = _values("bootstrap_interval", values)
    if not 0 < level < 1 or draws < 1:
        raise ParameterError(
            f"bootstrap_interval: level {level!r}, draws {draws!r}; expected 0 < level < 1 and at "
            "least one draw"
        )
    rng = np.random.default_rng(seed)
    step = max(BATCH // len(rows), 1)
    means = [
        rows[rng.integers(len(rows), size=(min(step, draws - start), len(rows)))].mean(axis=1)
        for start in range(0, draws, step)
    ]
    low, high = np.quantile(np.concatenate(means), [(1 - level) / 2, (1 + level) / 2])
    deviation = float(rows.std(ddof=1)) if len(rows) > 1 else float("nan")
    return Interval(len(rows), float(rows.mean()), deviation, float(low), float(high))


def paired_difference(
    first: npt.ArrayLike, second: npt.ArrayLike, *, draws: int = 10_000, seed: int = 0
) -> PairedDifference:
    """Compare two rows of figures of the same images by a sign-flip permutation test.

    If there is no difference between the rows, each sign is equally likely. The p-value is the
    share of sign patterns whose mean difference is at least as large as the observed one: among all
    patterns for up to 12 images that differ, otherwise among random ones and the observed one.

    Parameters
    ----------
    first, second : (n,) arrays
        Figures of the same images in the same order.
    draws, seed : int
        Number and seed of the bootstrap's resamples and of random signs.

    Returns
    -------
    PairedDifference

    Notes
    -----
    Good, Permutation, Parametric and Bootstrap Tests of Hypotheses, 2005, section 3.2.

    Examples
    --------
    >>> result = paired_difference([0.9, 0.8, 0.7], [0.5, 0.5, 0.5])
    >>> round(result.difference.mean, 3), result.p
    (0.3, 0.25)
    """
    one, other = _values("paired_difference", first), _values("paired_difference", second)
    if one.shape != other.shape:
        raise ShapeError(
            f"paired_difference: {len(one)} and {len(other)} values; expected the same images"
        )
    differences = one - other
    apart = differences[differences != 0]
    if len(apart) <= EXACT:
        signs = np.array(list(product((-1.0, 1.0), repeat=len(apart))))
    else:
        rng = np.random.default_rng(seed)
        signs = np.concatenate(
            [rng.choice((-1.0, 1.0), size=(draws, len(apart))), np.ones((1, len(apart)))]
        )
    sums = np.abs(signs @ apart) if len(apart) else np.zeros(1)
    p = float(np.mean(sums >= abs(apart.sum()) - 1e-12))
    return PairedDifference(bootstrap_interval(differences, draws=draws, seed=seed), p)


def holm(p_values: npt.ArrayLike) -> Real:
    """P-values adjusted for several comparisons by Holm's step-down method.

    Parameters
    ----------
    p_values : sequence of float

    Returns
    -------
    (n,) array of float64

    Notes
    -----
    Holm, "A simple sequentially rejective multiple test procedure", Scand. J. Statist. 6, 1979.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03]).round(2).tolist()
    [0.03, 0.06, 0.06]
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    steps = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1.0)
    adjusted = np.empty_like(p)
    adjusted[order] = steps
    return adjusted


def nested_choice(
    scores: npt.ArrayLike,
    *,
    folds: int = 5,
    repeats: int = 10,
    seed: int = 0,
    groups: npt.ArrayLike | None = None,
) -> Real:
    """The score of each image under the setting that is best on the images of other folds.

    Its mean over images is unbiased, while the score of a setting that was chosen on the same
    images is too optimistic.

    Parameters
    ----------
    scores : (settings, n) array
        The score of every setting on every image.
    folds, repeats, seed : int
        Images are divided into folds, `repeats` times.
    groups : (n,) array, optional
        Images of one group (a patient, a data set) are never in different folds; with as many folds
        as groups, each group is left out once.

    Returns
    -------
    (n,) array
        Mean over the repeats.

    Raises
    ------
    ShapeError, ParameterError
        If scores are no table, or there are fewer images (or groups) than folds.

    Examples
    --------
    >>> table = [[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0]]
    >>> nested_choice(table, folds=2, groups=[0, 0, 1, 1]).tolist()  # each fold misleads the other
    [0.0, 0.0, 0.0, 0.0]
    """
    table = np.asarray(scores, dtype=np.float64)
    if table.ndim != 2 or not table.size:
        raise ShapeError(f"nested_choice: scores of shape {table.shape}; expected (settings, n)")
    owners = np.arange(table.shape[1]) if groups is None else np.asarray(groups)
    names, owner = np.unique(owners, return_inverse=True)
    if len(owner) != table.shape[1] or not 2 <= folds <= len(names) or repeats < 1:
        raise ParameterError(
            f"nested_choice: {folds} folds of {len(names)} images or groups, {repeats} repeats; "
            "expected 2 folds up to one per group, and at least one repeat"
        )
    nested = np.zeros((repeats, table.shape[1]))
    for repeat in range(repeats):
        order = np.random.default_rng([seed, repeat]).permutation(len(names))
        for fold in np.array_split(order, folds):
            inside = np.isin(owner, fold)
            best = table[:, ~inside].mean(axis=1).argmax()
            nested[repeat, inside] = table[best, inside]
    return np.asarray(nested.mean(axis=0), dtype=np.float64)


def _values(operator: str, values: npt.ArrayLike) -> Real:
    rows = np.asarray(values, dtype=np.float64)
    if rows.ndim != 1 or not len(rows):
        raise ShapeError(f"{operator}: values of shape {rows.shape}; expected a list of numbers")
    if not np.isfinite(rows).all():
        raise ParameterError(f"{operator}: a value is NaN or infinite; leave such images out")
    return rows
