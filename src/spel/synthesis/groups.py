"""Groups of like patches: noise is what their waves do not have in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spel import kernels
from spel.core.threads import thread_count
from spel.errors import ParameterError
from spel.nn.fields import fits
from spel.synthesis.degrade import Plane

Real = npt.NDArray[np.float32]
SIDE, MAX_REACH, MAX_STEP, MAX_COUNT = 8, 15, 8, 32
LEVELS = 511
"""Patches are compared by whole numbers from 0 to this one, so that all machines group alike."""

FINE = 8
"""Number of these levels in a deviation of the noise, as far as they reach."""

BAND = 64
"""Spels of the smallest part of a plane that the engine computes; its parts begin with one."""

PART = 1 << 18
"""Number of spels between two calls of `on_band`."""


@dataclass(frozen=True)
class Groups:
    """An adjacency by likeness: each patch and those of a window that are most like it.

    A group of patches is seen as a sum of waves, down and along the patches and over the group.
    Of each wave of the noisy patches more passes the stronger it is in a guide, as in
    `spel.synthesis.waves`; then each spel is the weighted mean of all the patches that cover it.
    The guide alone decides, so for each spel that is a weighted sum of noisy spels, and the
    weights sum to 1.

    Attributes
    ----------
    reach : int
        Largest distance of two patches along an axis, at most 15.
    step : int
        Distance of the patches that have a group, at most 8.
    count : int
        Number of patches in a group: 1, 2, 4, 8, 16 or 32.
    noise : float
        The deviation of the noise, in units of full intensity.

    Examples
    --------
    >>> stripes = np.tile(np.array([0, 1], np.float32), (16, 8))
    >>> noisy = stripes + np.random.default_rng(0).normal(0, 0.1, stripes.shape).astype(np.float32)
    >>> quiet = Groups(reach=6, step=2, count=8, noise=0.1)(noisy, stripes)
    >>> bool(abs(quiet - stripes).mean() < abs(noisy - stripes).mean() / 4)
    True
    """

    reach: int
    step: int
    count: int
    noise: float

    def __post_init__(self) -> None:
        limits = {"reach": range(1, MAX_REACH + 1), "step": range(1, MAX_STEP + 1)}
        limits["count"] = (1, 2, 4, 8, 16, MAX_COUNT)  # type: ignore[assignment]
        for name, expected in limits.items():
            value = getattr(self, name)
            if not fits(value, int) or value not in expected:
                raise ParameterError(
                    f"restoration: groups with a {name} of {value!r:.20}; expected one of "
                    f"{', '.join(map(str, expected))}"
                )
        if not fits(self.noise, float) or not 1e-6 <= self.noise < 1e6:
            raise ParameterError(
                f"restoration: groups for noise of {self.noise!r:.20}; expected a number above 0"
            )

    def __call__(
        self, source: Plane, guide: Plane, on_band: Callable[[], object] = lambda: None
    ) -> Plane:
        """For each spel, what the groups of patches that cover it say.

        Parameters
        ----------
        source, guide : (rows, cols) arrays of float32
            Where they have less than 8 rows or columns there are no patches, and the source is
            returned.
        on_band : function, optional
            Called after each of the `bands`.
        """
        if min(source.shape) < SIDE:
            return source
        sums, weights = self._sums(source, guide, on_band)
        return sums / weights

    def bands(self, shape: tuple[int, ...]) -> list[tuple[int, int]]:
        """First and last row of patches of each part that is computed at once."""
        if min(shape) < SIDE:
            return []
        rows = 1 - (SIDE - shape[0]) // self.step
        least = -(-BAND // self.step)
        height = least * max(1, PART // (BAND * shape[1]))
        return [(first, min(rows, first + height)) for first in range(0, rows, height)]

    def spread(self, weights: Plane, guide: Plane) -> Plane:
        """Weights over what the groups say, as weights over the source.

        The waves of a group pass forth as they pass back, so the sums are their own adjoint.
        """
        if min(weights.shape) < SIDE:
            return weights
        counts = self._sums(weights, guide)[1]
        return self._sums(weights / counts, guide)[0]

    def _sums(
        self, source: Plane, guide: Plane, on_band: Callable[[], object] = lambda: None
    ) -> tuple[Plane, Plane]:
        """For each spel the weighted sum of what the groups say, and the sum of the weights."""
        levels = np.float32(min(LEVELS, FINE / self.noise))
        with np.errstate(over="ignore"):
            marks = np.nan_to_num(np.rint(guide * levels)).clip(0, LEVELS)
        out = np.zeros_like(source), np.zeros_like(source)
        for rows in self.bands(source.shape):
            kernels.add_groups(
                source,
                guide,
                marks,
                out,
                reach=self.reach,
                step=self.step,
                count=self.count,
                power=self.noise**2,
                rows=rows,
                threads=thread_count(),
            )
            on_band()
        return out
