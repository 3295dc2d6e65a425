"""The statistics of a sample as a goal, and the way of a picture to it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from spel.synthesis.texture_bank import (
    Level,
    Planes,
    adjoint,
    level_count,
    picture_levels,
    sample_levels,
)
from spel.synthesis.texture_descent import descend
from spel.synthesis.texture_statistics import Method, Units, View, terms

Legal = Callable[[Planes], Planes]
Within = Callable[[Planes], tuple[Planes, Legal]]
SETTLINGS = 5
"""How often half of the free spels, those nearest to their final numbers, get them."""
NEAR = 0.005
"""Where all statistics differ less, in deviations of the sample, a picture is good."""


class Goal:
    """The statistics of a sample, and how far planes are from them."""

    def __init__(self, sample: Planes, size: tuple[int, int], method: Method) -> None:
        self.sample, self.size, self.method = sample, size, method
        self.count = level_count(sample.shape[1:], size)
        levels = sample_levels(self.sample, self.count)
        self.units = [Units.of(level) for level in levels]
        statistics = terms(View(levels, self.units), self.units, method)
        self.wanted = {t.name: t.value for t in statistics if not _is_order(t.name)}
        self.differences: dict[str, float] = {}

    def miss(self, planes: Planes) -> tuple[float, list[Level]]:
        """The weighted squares of all differences, and what pulls at each level."""
        view = View(picture_levels(planes, self.count), self.units)
        loss = 0.0
        for term in terms(view, self.units, self.method):
            away = term.value - self.wanted.get(term.name, np.float32(0))
            square = float(np.square(away, dtype=np.float64).mean())
            self.differences[term.name] = square**0.5
            loss += term.weight * square
            term.pull(2 * term.weight / away.size * away)
        return loss, view.pulls(self.units)

    def reached(
        self,
        start: Planes,
        rounds: int,
        legal: Legal,
        within: Within,
        on_round: Callable[[], object],
    ) -> Planes:
        """Planes near to the goal that are those of a picture.

        `legal` gives the nearest planes of a picture, whose numbers may be whole and have a range;
        `within` those in the range alone, and what takes a gradient back through this limit.
        After three quarters of the rounds half of the spels, those nearest to their final numbers,
        get them, then half of the others, and so on; those that are still free make up for what
        rounding changed.
        """

        def fall(planes: Planes) -> tuple[float, Planes]:
            inside, back = within(planes)
            beyond = planes - inside  # whose squares bring back what is out of the range
            loss, pulls = self.miss(inside)
            unit = self.size[0] * self.size[1]  # so that a step of one spel's deviation counts as 1
            pull = adjoint(pulls, self.size) * np.float32(unit) - 2 * beyond
            return loss * unit + float(np.vdot(beyond, beyond)), 2 * beyond + back(pull)

        each = rounds // 4 // SETTLINGS
        stages = [each] * (SETTLINGS if each else 0)
        first = rounds - sum(stages)
        planes = descend(fall, start, first, on_round=on_round, reached=self.is_near)
        for number, count in enumerate(stages, start=1):
            final = legal(planes)
            away = np.square(planes - final).sum(axis=0)
            free = _largest(away, away.size >> number).astype(np.float32)
            planes = np.where(free, planes, final)
            planes = descend(fall, planes, count, free=free, on_round=on_round)
        return legal(planes)

    def is_near(self) -> bool:
        """Whether the last planes have all statistics but for `NEAR`."""
        return max(self.differences.values()) < NEAR


def _largest(values: Planes, count: int) -> npt.NDArray[np.bool_]:
    """Where the largest values are."""
    out = np.zeros(values.shape, dtype=bool)
    out.ravel()[np.argsort(values, axis=None)[values.size - count :]] = True
    return out


def _is_order(name: str) -> bool:
    """Whether a statistic compares values rank by rank, and so is 0 where it is reached."""
    return name.startswith(("values", "activations"))


def noise(sample: Planes, size: tuple[int, int], seed: int) -> Planes:
    """Noise of the sample's spectrum: white noise, convolved with the sample."""
    rows, cols = (min(a, b) for a, b in zip(size, sample.shape[1:]))
    fade = np.sqrt(np.outer(np.hanning(rows + 2)[1:-1], np.hanning(cols + 2)[1:-1]))
    kernel = np.zeros((len(sample), *size))
    kernel[:, :rows, :cols] = sample[:, :rows, :cols] * fade / np.linalg.norm(fade)
    white = np.fft.rfft2(np.random.default_rng(seed).normal(size=size))
    return np.asarray(np.fft.irfft2(np.fft.rfft2(kernel) * white, size), dtype=np.float32)
