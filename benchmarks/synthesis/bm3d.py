"""BM3D, the peer for noise, in plain NumPy: K. Dabov and others, IEEE TIP 2007, normal profile.

Blocks like one another are stacked and filtered together: first by a threshold on their spectrum
(a biorthogonal wavelet in the plane, Haar's across), then by Wiener's filter with the first result
as its guide (cosine transform). Blocks are compared as they are, for all shifts at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Real = npt.NDArray[Any]
SIDE, STEP, REACH = 8, 3, 19
"""Side of the blocks, distance of the blocks that are restored, and how far others are sought."""


@dataclass(frozen=True)
class Pass:
    """One of the two passes."""

    blocks: int
    distance: float
    transform: Real
    threshold: float | None


def bm3d(noisy: Real, sigma: float) -> Real:
    """A plane of numbers from 0 to 1 without white noise of a standard deviation of sigma."""
    first = _passed(Pass(16, 2500 / 255**2, _wavelet(), 2.7), noisy, noisy, sigma)
    return _passed(Pass(32, 400 / 255**2, _cosines(), None), noisy, first, sigma)


def _passed(own: Pass, noisy: Real, guide: Real, sigma: float) -> Real:
    corners, counts = _alike(guide, own)
    cols = noisy.shape[1]
    inside = (np.arange(SIDE)[:, None] * cols + np.arange(SIDE)).ravel()
    window = np.outer(np.kaiser(SIDE, 2), np.kaiser(SIDE, 2))
    sums, weights = np.zeros(noisy.size), np.zeros(noisy.size)
    for count, members in _of_equal_size(counts):
        places = corners[members, :count, None] + inside
        stacks, shares = _filtered(own, noisy.ravel()[places], guide.ravel()[places], sigma, count)
        over = shares[:, None, None] * np.broadcast_to(window.ravel(), places.shape)
        sums += np.bincount(places.ravel(), (stacks * over).ravel(), noisy.size)
        weights += np.bincount(places.ravel(), over.ravel(), noisy.size)
    return np.asarray((sums / weights).reshape(noisy.shape), dtype=np.float32)


def _of_equal_size(counts: Real) -> Iterator[tuple[int, Real]]:
    for count in np.unique(counts).tolist():
        members = np.flatnonzero(counts == count)
        for first in range(0, len(members), 4000):
            yield count, members[first : first + 4000]


def _filtered(own: Pass, noisy: Real, guide: Real, sigma: float, count: int) -> tuple[Real, Real]:
    """Stacks of blocks without noise, and the weight of each stack."""
    plane, across, back = own.transform, _haar(count), np.linalg.inv(own.transform)

    def spectrum(stacks: Real) -> Real:
        blocks = stacks.reshape(-1, count, SIDE, SIDE)
        return np.einsum("kc,gcij->gkij", across, plane @ blocks @ plane.T, optimize=True)

    values = spectrum(noisy)
    if own.threshold is None:
        power = np.square(spectrum(guide))
        gain = power / (power + sigma**2)
    else:
        gain = (np.abs(values) > own.threshold * sigma).astype(float)
        gain[:, 0, 0, 0] = 1
    planes = np.einsum("kc,gkij->gcij", across, values * gain, optimize=True)
    stacks = (back @ planes @ back.T).reshape(noisy.shape)
    return stacks, 1 / np.maximum(np.square(gain).sum(axis=(1, 2, 3)), 1e-6)


def _alike(guide: Real, own: Pass) -> tuple[Real, Real]:
    """First spels of the blocks most like each block, and how many: a power of 2."""
    size = guide.shape
    down, right = (np.unique([*range(0, n - SIDE + 1, STEP), n - SIDE]) for n in size)
    shifts = [(r, c) for r in range(-REACH, REACH + 1) for c in range(-REACH, REACH + 1)]
    apart = np.full((len(down) * len(right), len(shifts)), np.inf, np.float32)
    for number, shift in enumerate(shifts):
        apart[:, number] = _distances(guide, down, right, shift).ravel()
    best = np.argpartition(apart, own.blocks, axis=1)[:, : own.blocks]
    best = np.take_along_axis(best, np.argsort(np.take_along_axis(apart, best, 1), axis=1), 1)
    near = (np.take_along_axis(apart, best, 1) < own.distance).sum(axis=1)
    steps = np.array([row * size[1] + col for row, col in shifts])
    corners = (down[:, None] * size[1] + right).reshape(-1, 1) + steps[best]
    return corners, 2 ** np.floor(np.log2(np.maximum(near, 1))).astype(int)


def _distances(guide: Real, down: Real, right: Real, shift: tuple[int, int]) -> Real:
    """Mean square differences of blocks from those at a shift; infinite outside the picture."""
    limits = [(max(0, -d), min(n, n - d)) for d, n in zip(shift, guide.shape)]
    own = tuple(slice(low, high) for low, high in limits)
    other = tuple(slice(low + d, high + d) for (low, high), d in zip(limits, shift))
    sums = np.zeros([n + 1 for n in guide.shape])
    sums[1:, 1:][own] = np.square(guide[own].astype(float) - guide[other])
    sums = sums.cumsum(axis=0).cumsum(axis=1)
    ends = sums[np.ix_(down + SIDE, right + SIDE)] + sums[np.ix_(down, right)]
    sides = sums[np.ix_(down, right + SIDE)] + sums[np.ix_(down + SIDE, right)]
    rows, cols = (
        (at >= low) & (at + SIDE <= high) for at, (low, high) in zip((down, right), limits)
    )
    return np.where(rows[:, None] & cols, (ends - sides) / SIDE**2, np.inf)


def _cosines() -> Real:
    places = np.arange(SIDE)
    waves = np.cos(np.pi * (places + 0.5) * places[:, None] / SIDE) * np.sqrt(2 / SIDE)
    waves[0] /= np.sqrt(2)
    return waves


def _haar(count: int) -> Real:
    waves = np.ones((1, 1))
    while len(waves) < count:
        fine = np.kron(np.eye(len(waves)), [1, -1])
        waves = np.vstack([np.kron(waves, [1, 1]), fine]) / np.sqrt(2)
    return waves


def _wavelet() -> Real:
    """The biorthogonal wavelet 1.5 of 8 values, of unit norms."""
    half = [0.01657281518405971, -0.01657281518405971, -0.12153397801643787]
    half += [0.12153397801643787, 0.7071067811865476]
    low, high = [*half, *half[::-1]], [0.0] * 4 + [-np.sqrt(0.5), np.sqrt(0.5)] + [0.0] * 4
    waves, length = np.eye(SIDE), SIDE
    while length > 1:
        step = np.eye(SIDE)
        step[:length, :length] = 0
        for row, place in np.ndindex(length // 2, len(low)):
            col = (2 * row + place - 4) % length
            step[row, col] += low[place]
            step[length // 2 + row, col] += high[place]
        waves, length = step @ waves, length // 2
    return waves / np.linalg.norm(waves, axis=1, keepdims=True)
