"""The bank of a texture: oriented pairs of kernels over dilated adjacencies, and its adjoint.

Level by level the planes are smoothed, and the same bank looks at them from twice as far: its
adjacency is dilated and its stride grows. A pair holds an even kernel, which answers to lines, and
an odd one, which answers to edges; their norm is the energy, whatever the phase.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import gcd, pi

import numpy as np
import numpy.typing as npt

from spel.core.adjacency import Adjacency
from spel.core.bank import KernelBank
from spel.ops.convolve import convolve

Planes = npt.NDArray[np.float32]
ORIENTATIONS = 4
_EVEN, _ODD = (
    KernelBank.gabor(
        orientations=ORIENTATIONS, wavelength=2.5, sigma=1.0, gamma=1.0, radius=3, phase=phase
    )
    for phase in (0.0, pi / 2)
)
PAIRS = _EVEN + _ODD
SMOOTH = KernelBank.gaussian(1.0, radius=2)
MOST_LEVELS = 5
LEAST_SIDE = 18
"""Of a sample, in spels."""


@dataclass(frozen=True)
class Level:
    """What the bank sees at one level.

    Attributes
    ----------
    low : (C, rows, cols) array
        The smoothed planes.
    pairs : (C, 2, ORIENTATIONS, rows', cols') array
        Activations of the even and of the odd kernels.
    step : int
        How far apart in these arrays neighbours of the level lie.
    """

    low: Planes
    pairs: Planes
    step: int


def level_count(sample: Sequence[int], size: Sequence[int]) -> int:
    """How many levels there are of which a sample and a picture of a size hold a few parts."""
    count = 0
    while count < MOST_LEVELS and min(size) >= 8 * 2**count and min(sample) >= 22 * 2**count - 4:
        count += 1
    return count


def periodic(planes: Planes) -> Planes:
    """(C, rows, cols) planes without the steps from each side to the opposite one.

    What is taken away is smooth: of all planes that have these steps it is that of the least
    Laplacian (Moisan, "Periodic plus smooth image decomposition", JMIV 2011).
    """
    steps = np.zeros(planes.shape)
    for axis in (1, 2):
        first, last = np.take(planes, 0, axis), np.take(planes, -1, axis)
        at_first, at_last = (np.moveaxis(steps, axis, 0)[i] for i in (0, -1))
        at_first += last - first
        at_last -= last - first
    rows, cols = (2 * np.cos(2 * pi * np.arange(n) / n) - 2 for n in planes.shape[1:])
    laplacian = rows[:, None] + cols[: planes.shape[2] // 2 + 1]
    laplacian[0, 0] = 1
    smooth = np.fft.rfft2(steps) / laplacian
    smooth[:, 0, 0] = 0
    return np.asarray(planes - np.fft.irfft2(smooth, planes.shape[1:]), dtype=np.float32)


def sample_levels(planes: Planes, count: int) -> list[Level]:
    """The levels of (C, rows, cols) planes that go on at the other side, at every spel."""
    smooth, levels = planes[..., None], []
    for level in range(count):
        if level:
            smooth = convolve(smooth, _smooth(2 ** (level - 1)), border="wrap")
        answers = np.moveaxis(convolve(smooth, _pairs(2**level), border="wrap"), -1, 1)
        levels.append(Level(smooth[..., 0], _in_pairs(answers), 2**level))
    return levels


def picture_levels(planes: Planes, count: int) -> list[Level]:
    """The levels of (C, rows, cols) planes that go on at the other side, with growing strides."""
    smooth, levels = planes[..., None], []
    steps = _steps(planes.shape[1:], count)
    for level, step in enumerate(steps):
        if level:
            fine = steps[level - 1]
            bank = _smooth(2 ** (level - 1) // fine)
            smooth = convolve(smooth, bank, stride=step // fine, border="wrap")
        apart = 2**level // step
        answers = convolve(smooth, _pairs(apart), stride=apart, border="wrap")
        low = np.ascontiguousarray(smooth[:, ::apart, ::apart, 0])
        levels.append(Level(low, _in_pairs(np.moveaxis(answers, -1, 1)), 1))
    return levels


def adjoint(levels: Sequence[Level], size: tuple[int, int]) -> Planes:
    """The adjoint of `picture_levels`, onto planes of a size."""
    steps = _steps(size, len(levels))
    below = np.zeros((1, 1, 1, 1), np.float32)
    for level in reversed(range(len(levels))):
        one, step = levels[level], steps[level]
        apart, grid = 2**level // step, (size[0] // step, size[1] // step)
        pairs = one.pairs.reshape(len(one.low), -1, *one.pairs.shape[3:])
        answers = np.moveaxis(_apart(pairs, apart, grid), 1, -1)
        below = below + convolve(answers, _pairs(apart, back=True), border="wrap")
        below[:, ::apart, ::apart, 0] += one.low
        if level:
            fine = steps[level - 1]
            wide = _apart(below[..., 0], step // fine, (size[0] // fine, size[1] // fine))
            bank = _smooth(2 ** (level - 1) // fine, back=True)
            below = convolve(wide[..., None], bank, border="wrap")
    return below[..., 0]


def _steps(size: Sequence[int], count: int) -> list[int]:
    """How far apart the spels lie at which each level is computed.

    A level reads every 2 ** level-th spel; others are left out if that divides the size, so that
    the picture goes on at its other side.
    """
    return [gcd(2**level, *size) for level in range(count)]


def _apart(planes: Planes, step: int, size: tuple[int, int]) -> Planes:
    """Planes of a size with values at every step-th spel and zeros between."""
    out = np.zeros((*planes.shape[:-2], *size), np.float32)
    out[..., ::step, ::step] = planes
    return out


@cache
def _pairs(factor: int, *, back: bool = False) -> KernelBank:
    return _dilated(PAIRS, factor, back)


@cache
def _smooth(factor: int, *, back: bool = False) -> KernelBank:
    return _dilated(SMOOTH, factor, back)


def _dilated(bank: KernelBank, factor: int, back: bool) -> KernelBank:
    """The bank over a dilated adjacency, or its adjoint over a wrapped image: reflected kernels."""
    adjacency = bank.adjacency.dilated(factor)
    if not back:
        return KernelBank(adjacency, bank.weights)
    return KernelBank(Adjacency(-adjacency.displacements), bank.weights.transpose(2, 1, 0))


def _in_pairs(answers: Planes) -> Planes:
    pairs = answers.reshape(len(answers), 2, ORIENTATIONS, *answers.shape[2:])
    return np.ascontiguousarray(pairs)
