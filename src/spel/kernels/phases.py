"""Larger grids in phases: the spels of one remainder modulo a factor come from one stage.

A spel q of a grid that is `factor` times finer is written ``q = factor a + r``. All spels of one
phase r see the coarse image in the same way, relative to a: as a convolution. The phases are
computed on the coarse grid and then interleaved, so nothing is multiplied by a zero between spels.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
import numpy.typing as npt

from spel.kernels.stream import Array, Program, Size, Stage

Still = (0, 0, 0)
Dense = (1, 1, 1)


def transposed(
    program: Program,
    of: Stage,
    displacements: npt.ArrayLike,
    weights: Array,
    bias: Array,
    *,
    start: Size,
    stride: Size,
    size: Size,
) -> Stage:
    """The stages of the adjoint of a convolution with weights (K, n, C), see `reference`."""
    steps, factor = np.asarray(displacements), np.asarray(stride)
    coarse = [-(-n // f) for n, f in zip(size, stride)]
    parts = []
    for phase in product(*map(range, stride)):
        away = np.asarray(phase) - np.asarray(start) - steps
        own = (away % factor == 0).all(axis=1)
        parts.append(
            program.convolve(
                of,
                away[own] // factor,
                np.moveaxis(weights[:, own], 0, -1).swapaxes(0, 1),
                bias,
                start=Still,
                stride=Dense,
                border="constant",
                fill=np.zeros(of.channels),
                size=coarse,
            )
        )
    return program.interleave(parts, range(len(parts)), factor=stride, size=size)


def upsampled(program: Program, of: Stage, factor: Size, linear: bool) -> Stage:
    """The stages that enlarge each spel to `factor` spels."""
    size = [n * f for n, f in zip(of.size, factor)]
    if not linear:
        return program.interleave([of], [0] * int(np.prod(factor)), factor=factor, size=size)
    parts = []
    for phase in product(*map(range, factor)):
        taps, weights = linear_taps(phase, factor)
        parts.append(
            program.convolve(
                of,
                taps,
                np.tile(weights[None, :, None], (of.channels, 1, 1)),
                np.zeros(of.channels),
                start=Still,
                stride=Dense,
                border="edge",
                fill=[0.0],
                size=of.size,
                groups=of.channels,
            )
        )
    return program.interleave(parts, range(len(parts)), factor=factor, size=size)


def linear_taps(phase: Sequence[int], factor: Sequence[int]) -> tuple[Array, Array]:
    """Displacements and weights of the coarse spels around the middle of a fine one.

    Examples
    --------
    >>> linear_taps((0, 1), (1, 2))
    (array([[0, 0],
           [0, 1]]), array([0.75, 0.25]))
    """
    axes = []
    for r, f in zip(phase, factor):
        place = (2 * r + 1 - f) / (2 * f)
        low = int(np.floor(place))
        part = place - low
        axes.append([(low, 1 - part), (low + 1, part)] if part else [(low, 1.0)])
    corners = list(product(*axes))
    taps = [[tap for tap, _ in corner] for corner in corners]
    weights = [np.prod([weight for _, weight in corner]) for corner in corners]
    return np.array(taps), np.array(weights)
