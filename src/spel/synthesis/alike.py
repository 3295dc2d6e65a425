"""Means of like spels: what is repeated in a picture has its noise averaged away."""

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
Part = tuple[slice, slice]
MAX_REACH = 64
BAND = 1 << 18
"""Number of spels that are averaged at once."""


@dataclass(frozen=True)
class Likeness:
    """An adjacency by likeness: spels of a window, weighed by how like their patches are.

    The weight is (1 - d / (4 spread ** 2)) ** 4 where d, the mean square difference of two patches,
    is small enough, and 0 elsewhere; so it is nearly exp(-d / spread ** 2).

    Attributes
    ----------
    reach : int
        Largest distance of two spels along an axis.
    side : int
        Side of the patches, odd.
    spread : float
        In units of full intensity.

    Examples
    --------
    >>> stripes = np.tile(np.array([0, 1], np.float32), (4, 3))
    >>> noisy = stripes + np.array([0, 0, 0.25, 0, 0.5, 0], np.float32)
    >>> Likeness(reach=5, side=1, spread=0.1)(noisy, stripes)[0].round(6).tolist()
    [0.25, 1.0, 0.25, 1.0, 0.25, 1.0]
    """

    reach: int
    side: int
    spread: float

    def __post_init__(self) -> None:
        lengths = fits(self.reach, int) and fits(self.side, int)
        if not lengths or self.reach not in range(1, MAX_REACH) or self.side not in range(1, 64, 2):
            raise ParameterError(
                f"restoration: likeness with a reach of {self.reach!r:.20} and patches of "
                f"{self.side!r:.20} spels; expected a reach of 1 to {MAX_REACH - 1}, and an odd "
                "side below 64"
            )
        if not fits(self.spread, float) or not 1e-6 <= self.spread < 1e6:
            raise ParameterError(
                f"restoration: likeness with a spread of {self.spread!r:.20}; expected a number "
                "above 0"
            )

    def __call__(
        self, source: Plane, guide: Plane, on_band: Callable[[], object] = lambda: None
    ) -> Plane:
        """For each spel, the mean of the spels of a plane that a guide shows to be like it.

        Parameters
        ----------
        source, guide : (rows, cols) arrays of float32
        on_band : function, optional
            Called after each of the `bands`.
        """
        padded = np.pad(guide, self.side // 2, mode="symmetric")
        out = np.empty_like(source)
        for first, last in self.bands(source.shape):
            out[first:last] = kernels.like_means(
                source,
                padded,
                reach=self.reach,
                side=self.side,
                scale=self._scale,
                rows=(first, last),
                threads=thread_count(),
            )
            on_band()
        return out

    def bands(self, shape: tuple[int, ...]) -> list[tuple[int, int]]:
        """First and last row of each part that is computed at once."""
        height = max(64, BAND // shape[1])
        return [(first, min(shape[0], first + height)) for first in range(0, shape[0], height)]

    def around(self, guide: Plane, at: tuple[int, int]) -> tuple[Part, Real]:
        """The part of a plane whose spels are averaged for a spel, and their weights."""
        starts = [max(0, n - self.reach) for n in at]
        ends = [min(size, n + self.reach + 1) for n, size in zip(at, guide.shape)]
        part = (slice(starts[0], ends[0]), slice(starts[1], ends[1]))
        padded = np.pad(guide, self.side // 2, mode="symmetric")
        patch = padded[self._with_margin((slice(at[0], at[0] + 1), slice(at[1], at[1] + 1)))]
        square = (self.side, self.side)
        others = np.lib.stride_tricks.sliding_window_view(padded[self._with_margin(part)], square)
        with np.errstate(over="ignore", invalid="ignore"):
            squares = np.square(others - patch).sum(axis=(2, 3))
            weights = np.fmax(0, 1 - np.float32(self._scale) * squares) ** 4
        return part, weights / weights.sum()

    def _with_margin(self, part: Part) -> Part:
        """A part of a plane and a margin, in the padded plane."""
        rows, cols = (slice(own.start, own.stop + self.side - 1) for own in part)
        return rows, cols

    @property
    def _scale(self) -> float:
        """What a sum of square differences is multiplied by."""
        return 1 / (2 * self.spread * self.side) ** 2
