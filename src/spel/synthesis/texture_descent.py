"""L-BFGS over the spels of planes, in coordinates in which smooth changes are easy."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Planes = npt.NDArray[np.float32]
Fall = Callable[[Planes], tuple[float, Planes]]
MEMORY = 20
"""How many steps say how the ground is curved."""
KNEE = 1 / 16
"""Frequency, in turns per spel, below which the gain of the coordinates stays the same."""
FIRST = 0.02
"""Of a first step, as a change of the coordinates of a spel, root mean square."""
MOST_CUTS = 8


class Ease:
    """The change of coordinates: changes of low frequency have a larger gain than those of high.

    Parameters
    ----------
    size : (rows, cols)
        Of planes that go on at the other side.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        from scipy import fft

        self._forward, self._back = fft.rfft2, fft.irfft2
        rows, cols = fft.fftfreq(size[0]), fft.rfftfreq(size[1])
        squares = rows[:, None] ** 2 + cols**2
        self.size = size
        self.gain = (((KNEE**2 + 1 / 16) / (squares + KNEE**2)) ** 0.25).astype(np.float32)

    def __call__(self, planes: Planes) -> Planes:
        """Planes of coordinates; the function is its own adjoint."""
        spectrum = self._forward(planes) * self.gain
        return np.asarray(self._back(spectrum, self.size), dtype=np.float32)


def descend(
    fall: Fall,
    start: Planes,
    rounds: int,
    *,
    free: Planes | float = 1.0,
    on_round: Callable[[], object] = lambda: None,
    reached: Callable[[], bool] = lambda: False,
) -> Planes:
    """Planes at which a function is small.

    Parameters
    ----------
    fall : function
        Of planes to the value and its gradient.
    start : (C, rows, cols) array
    rounds : int
        Steps, at most.
    free : (rows, cols) array, optional
        0 where the planes are to stay as they are, else 1.
    on_round : function, optional
        Called after every step.
    reached : function, optional
        Whether the last planes that were given to `fall` are good enough.

    Examples
    --------
    >>> goal = np.random.default_rng(0).normal(size=(1, 9, 7)).astype(np.float32)
    >>> found = descend(lambda x: (((x - goal) ** 2).sum(), 2 * (x - goal)), 0 * goal, 30)
    >>> bool(abs(found - goal).max() < 1e-3)
    True
    """
    ease = Ease((start.shape[1], start.shape[2]))
    planes, (loss, pull) = start, fall(start)
    pull = ease(pull * free)
    past: deque[tuple[Planes, Planes, float]] = deque(maxlen=MEMORY)
    for _ in range(rounds):
        if reached():
            break
        way = -_bent(pull, past)
        slope = float(np.vdot(way, pull))
        length = 1.0 if past else FIRST * way.size**0.5 / max(float(np.linalg.norm(way)), 1e-30)
        for _ in range(MOST_CUTS):
            ahead = planes + ease(length * way) * free
            lower, turned = fall(ahead)
            if lower <= loss + 1e-4 * length * slope:
                break
            length /= 4
        else:
            if not past:
                break
            past.clear()  # and go straight down from here
            continue
        turned = ease(turned * free)
        step, turn = length * way, turned - pull
        along = float(np.vdot(step, turn))
        if along > 0:
            past.append((step, turn, along))
        planes, loss, pull = ahead, lower, turned
        on_round()
    return planes


def _bent(pull: Planes, past: deque[Any]) -> Planes:
    """The gradient times what the past steps say of the inverse of the second derivatives."""
    way, shares = pull.copy(), []
    for step, turn, along in reversed(past):
        share = np.float32(np.vdot(step, way) / along)
        way -= share * turn
        shares.append(share)
    if past:
        _, turn, along = past[-1]
        way *= np.float32(along / np.vdot(turn, turn))
    for (step, turn, along), share in zip(past, reversed(shares)):
        way += (share - np.float32(np.vdot(turn, way) / along)) * step
    return way
