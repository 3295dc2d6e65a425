"""The meaning of groups of like patches, in NumPy, see `reference`."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

Real = npt.NDArray[np.float32]
Double = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.intp]
SIDE = 8
"""Side of the patches."""
PART = 512
"""Groups that are shrunk at once."""


def add_groups(
    source: Real,
    guide: Real,
    marks: Real,
    out: tuple[Real, Real],
    *,
    reach: int,
    step: int,
    count: int,
    power: float,
    rows: tuple[int, int],
    threads: int = 1,
) -> None:
    """Add what groups of like patches say of each spel, times their weights, and the weights.

    Patches of 8 x 8 spels begin every `step` spels along each axis, and at the last possible one;
    `rows` are the first and the last row of this grid. Each is in a group with the `count` patches
    at most `reach` away whose marks, whole numbers from 0 to 511, are most like its own: by an
    eighth of the sum of their square differences, rounded down, then by their distance. If there
    are too few, the first come again. The waves of a group are those of the cosine transform along
    both axes of the patches, and of Haar's wavelet over the group. Of a wave of the source there
    passes p / (p + power), with p the power of the guide's; the mean of the group passes. A group
    weighs the more the less of it passes: 1 / the sum of the squares of these shares.
    """
    down, right = (_starts(size, step) for size in source.shape)
    down = down[slice(*rows)]
    corners = _alike(marks, down, right, reach, count).reshape(-1, count)
    inside = (np.arange(SIDE)[:, None] * source.shape[1] + np.arange(SIDE)).ravel()
    sums, weights = np.zeros(source.size), np.zeros(source.size)
    for first in range(0, len(corners), PART):
        places = corners[first : first + PART, :, None] + inside
        own, other = (plane.ravel()[places].astype(np.float64) for plane in (source, guide))
        stacks, weight = _shrunk(own, other, power)
        over = np.broadcast_to(weight[:, None, None], places.shape)
        sums += np.bincount(places.ravel(), (stacks * over).ravel(), source.size)
        weights += np.bincount(places.ravel(), over.ravel(), source.size)
    for plane, more in zip(out, (sums, weights)):
        plane += more.reshape(source.shape).astype(np.float32)


def _starts(size: int, step: int) -> Numbers:
    """First spels of the patches along an axis."""
    return np.array([*range(0, size - SIDE, step), size - SIDE])


def _alike(marks: Real, down: Numbers, right: Numbers, reach: int, count: int) -> Numbers:
    """For each patch the first spels, as numbers in the flat plane, of the patches like it."""
    height, width = (size - SIDE + 1 for size in marks.shape)
    squares = sliding_window_view(marks.astype(np.float64), (SIDE, SIDE))
    around = np.mgrid[-reach : reach + 1, -reach : reach + 1].reshape(2, -1)
    around = around[:, np.argsort(np.square(around).sum(axis=0), kind="stable")]
    apart = np.full((len(down), len(right), around.shape[1]), np.iinfo(np.int64).max)
    for number, (row, col) in enumerate(around.T):
        own = np.flatnonzero((down + row >= 0) & (down + row < height))
        across = np.flatnonzero((right + col >= 0) & (right + col < width))
        here = squares[np.ix_(down[own], right[across])]
        there = squares[np.ix_(down[own] + row, right[across] + col)]
        distances = np.square(here - there).sum(axis=(2, 3)).astype(np.int64) // 8
        apart[own[:, None], across, number] = distances
    order = np.argsort(apart, axis=2, kind="stable")
    candidates = (apart < np.iinfo(np.int64).max).sum(axis=2, keepdims=True)
    best = np.take_along_axis(order, np.arange(count) % np.minimum(candidates, count), axis=2)
    rows, cols = down[:, None, None] + around[0][best], right[:, None] + around[1][best]
    return np.asarray(rows * marks.shape[1] + cols)


def _shrunk(source: Double, guide: Double, power: float) -> tuple[Double, Double]:
    """Groups (n, count, 64) as far as their waves pass, and the weight (n,) of each."""
    across, plane = _haar(source.shape[1]), np.kron(_cosines(), _cosines())
    with np.errstate(over="ignore", invalid="ignore"):
        own, other = (
            np.einsum("kc,ncp,wp->nkw", across, stacks, plane, optimize=True)
            for stacks in (source, guide)
        )
        shares = 1 - power / (np.square(other) + power)
        shares[:, 0, 0] = 1
        back = np.einsum("kc,nkw,wp->ncp", across, own * shares, plane, optimize=True)
    return back, 1 / np.square(shares).sum(axis=(1, 2))


@cache
def _cosines() -> Double:
    places = np.arange(SIDE)
    waves = np.cos(np.pi * (places + 0.5) * places[:, None] / SIDE) * np.sqrt(2 / SIDE)
    waves[0] /= np.sqrt(2)
    return np.asarray(waves)


@cache
def _haar(count: int) -> Double:
    waves = np.ones((1, 1))
    while len(waves) < count:
        fine = np.kron(np.eye(len(waves)), [1, -1])
        waves = np.vstack([np.kron(waves, [1, 1]), fine]) / np.sqrt(2)
    return waves
