"""Means of like spels: what is repeated in a picture has its noise averaged away."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spel.errors import ParameterError
from spel.nn.fields import fits
from spel.synthesis.degrade import Plane

Real = npt.NDArray[np.float32]
Part = tuple[slice, slice]
MAX_REACH = 64
CACHED = 1 << 15
"""Number of spels that are compared at once, so few that they stay in the cache."""


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
        self, source: Plane, guide: Plane, on_row: Callable[[], object] = lambda: None
    ) -> Plane:
        """For each spel, the mean of the spels of a plane that a guide shows to be like it.

        Parameters
        ----------
        source, guide : (rows, cols) arrays of float32
        on_row : function, optional
            Called `reach + 1` times.
        """
        padded = np.pad(guide, self.side // 2, mode="symmetric")
        sums, counts = source.copy(), np.ones_like(source)
        with np.errstate(over="ignore", invalid="ignore"):
            for down in range(self.reach + 1):
                for right in range(-self.reach if down else 1, self.reach + 1):
                    for own, other in _pairs(source.shape, down, right):
                        weights = self._weights(
                            padded[self._with_margin(own)], padded[self._with_margin(other)]
                        )
                        sums[own] += weights * source[other]
                        sums[other] += weights * source[own]
                        counts[own] += weights
                        counts[other] += weights
                on_row()
            return np.asarray(sums / counts)

    def around(self, guide: Plane, at: tuple[int, int]) -> tuple[Part, Real]:
        """The part of a plane whose spels are averaged for a spel, and their weights."""
        starts = [max(0, n - self.reach) for n in at]
        ends = [min(size, n + self.reach + 1) for n, size in zip(at, guide.shape)]
        part = (slice(starts[0], ends[0]), slice(starts[1], ends[1]))
        padded = np.pad(guide, self.side // 2, mode="symmetric")
        patch = padded[self._with_margin((slice(at[0], at[0] + 1), slice(at[1], at[1] + 1)))]
        square = (self.side, self.side)
        others = np.lib.stride_tricks.sliding_window_view(padded[self._with_margin(part)], square)
        weights = self._falling(np.square(others - patch).sum(axis=(2, 3)))
        return part, weights / weights.sum()

    def _with_margin(self, part: Part) -> Part:
        """A part of a plane and a margin, in the padded plane."""
        rows, cols = (slice(own.start, own.stop + self.side - 1) for own in part)
        return rows, cols

    def _weights(self, own: Real, other: Real) -> Real:
        squares = own - other
        squares *= squares
        return self._falling(_boxes(_boxes(squares, self.side, 0), self.side, 1))

    def _falling(self, squares: Real) -> Real:
        """Weights from sums of square differences, which are overwritten."""
        squares *= np.float32(-1 / (2 * self.spread * self.side) ** 2)
        squares += 1
        np.fmax(squares, 0, out=squares)
        squares *= squares
        squares *= squares
        return squares


def _pairs(shape: tuple[int, ...], down: int, right: int) -> Iterator[tuple[Part, Part]]:
    """Parts of a plane, a few rows each, and the parts at an offset from them."""
    left, end = max(0, -right), shape[1] - max(0, right)
    height = max(8, CACHED // shape[1])
    for top in range(0, shape[0] - down if end > left else 0, height):
        rows = slice(top, min(shape[0] - down, top + height))
        below = slice(rows.start + down, rows.stop + down)
        yield (rows, slice(left, end)), (below, slice(left + right, end + right))


def _boxes(plane: Real, side: int, axis: int) -> Real:
    """Sums of as many neighbours along an axis, put together from sums of 1, 2, 4 and so on.

    Examples
    --------
    >>> _boxes(np.array([[1, 2, 3, 4]], np.float32), 3, axis=1).tolist()
    [[6.0, 9.0]]
    """
    lines = plane.T if axis else plane
    count = len(lines) - side + 1
    parts, first, width = [], 0, 1
    while width <= side:
        if side & width:
            parts.append(lines[first : first + count])
            first += width
        lines = lines[:-width] + lines[width:]
        width *= 2
    total = sum(parts[1:], parts[0])
    return np.asarray(total.T if axis else total)
