"""Labels of least energy: what each spel costs under a label, and what borders cost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.core.adjacency import Adjacency

Real = npt.NDArray[Any]
Place = tuple[slice, ...]

SMOOTHNESS = 50.0
"""What a border between two equal neighbours costs, in log-densities, as in GrabCut."""


@dataclass(frozen=True, eq=False)
class Borders:
    """What a border between two neighbours costs: less where their values differ.

    ``w(p, q) = smoothness / |p - q| * exp(-|I(p) - I(q)|^2 / (2 v))`` for the mean v of the squared
    differences of neighbours.

    Parameters
    ----------
    values : (..., C) array
    smoothness : float
    """

    values: Real
    smoothness: float

    @property
    def pairs(self) -> Iterator[tuple[Place, Place, float]]:
        """Where the first and the second of all neighbours lie, and how far apart they are."""
        size = self.values.shape[:-1]
        for step in Adjacency.box(3, ndim=len(size)).displacements.tolist():
            if step > [0] * len(size):  # each pair once
                first = tuple(slice(max(0, -d), n - max(0, d)) for d, n in zip(step, size))
                second = tuple(slice(max(0, d), n + min(0, d)) for d, n in zip(step, size))
                yield first, second, float(np.linalg.norm(step))

    @cached_property
    def weights(self) -> list[Real]:
        """The cost of a border for each pair of neighbours."""
        squares = [((self.values[p] - self.values[q]) ** 2).sum(-1) for p, q, _ in self.pairs]
        total = sum(float(one.sum(dtype=np.float64)) for one in squares)
        mean = total / max(sum(one.size for one in squares), 1) + 1e-12
        return [
            np.asarray(self.smoothness / far * np.exp(-one / (2 * mean)), dtype=np.float32)
            for one, (_, _, far) in zip(squares, self.pairs)
        ]


def least_cost(costs: Real, borders: Borders, start: Real, *, steps: int = 60) -> Real:
    """Shares of the labels (K, ...) that cost least together with the borders between them.

    The labels of the largest shares are nearly those of the minimum cut; for two labels exactly
    those, after enough steps.

    Parameters
    ----------
    costs : (K, ...) array
        What each spel costs under each label.
    borders : Borders
    start : (K, ...) array
        Shares to begin with.
    steps : int

    Notes
    -----
    Minimum cuts by total variation: Chan, Esedoglu & Nikolova, SIAM J. Appl. Math. 66, 2006; the
    steps: Pock & Chambolle, ICCV 2011.

    Examples
    --------
    >>> costs = np.array([[[0, 0, 3, 0, 9, 9]], [[9, 9, 0, 9, 0, 0]]], np.float32)  # one errs
    >>> line = Borders(np.zeros((1, 6, 1), np.float32), smoothness=4.0)
    >>> least_cost(costs, line, np.full((2, 1, 6), 0.5, np.float32)).argmax(axis=0).tolist()
    [[0, 0, 0, 0, 1, 1]]
    """
    if len(costs) == 2:  # the share of the second label says all
        second = _descend(costs[1:] - costs[:1], borders, start[1:], steps)
        return np.concatenate([1 - second, second])
    return _descend(costs, borders, start, steps)


def _descend(costs: Real, borders: Borders, start: Real, steps: int) -> Real:
    """The shares of all labels, or of one of two labels."""
    # With the shares of all labels, a border is counted on both of its sides.
    weights = borders.weights if len(costs) == 1 else [w / 2 for w in borders.weights]
    places = list(zip(borders.pairs, weights))
    around = np.full(start.shape[1:], 1e-6, np.float32)
    for (p, q, _), weight in places:
        around[p] += weight
        around[q] += weight
    flows = [np.zeros((len(start), *weight.shape), np.float32) for weight in weights]
    shares = ahead = start
    for _ in range(steps):
        descent = costs.copy()
        for ((p, q, _), weight), flow in zip(places, flows):
            flow += (ahead[:, *q] - ahead[:, *p]) / 2
            np.clip(flow, -1, 1, out=flow)
            cost = weight * flow
            descent[:, *p] -= cost
            descent[:, *q] += cost
        moved = shares - descent / around
        following = np.clip(moved, 0, 1) if len(costs) == 1 else _on_simplex(moved)
        shares, ahead = following, 2 * following - shares
    return shares


def _on_simplex(values: Real) -> Real:
    """The nearest shares: none below 0, with the sum 1 over the first axis."""
    ranked = -np.sort(-values, axis=0)
    ranks = np.arange(1, len(values) + 1, dtype=np.float32).reshape(-1, *(1,) * (values.ndim - 1))
    lowered = (np.cumsum(ranked, axis=0) - 1) / ranks
    count = (ranked > lowered).sum(axis=0, keepdims=True)
    return np.maximum(values - np.take_along_axis(lowered, count - 1, axis=0), 0)
