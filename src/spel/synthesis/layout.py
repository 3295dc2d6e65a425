"""Which patches a stage of restoration sees and makes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spel.errors import ParameterError
from spel.nn.fields import fits
from spel.synthesis.degrade import Plane

Numbers = npt.NDArray[np.int64]
MAX_SIDE = 64
BAND = 1 << 14
"""Number of patches in memory at the same time."""


@dataclass(frozen=True)
class Layout:
    """Which patches a stage sees and makes; lengths are in spels of the degraded picture.

    Attributes
    ----------
    factor : int
        Number of restored spels per degraded spel, along each axis.
    source : int
        Side of the patches of the degraded picture, odd.
    before : int
        Side of the patches of what the stage before restored, odd; 0 for the first stage.
    compared : int
        Side of the middle part by which patches are compared with anchors, odd.
    out : int
        Side of the restored patches, odd; where they overlap they are averaged.
    step : int
        Distance of the patches.
    alike : int
        Side of the patches of what groups of like patches say, odd; 0 for a stage without them.

    Examples
    --------
    >>> Layout(3, source=7, before=3, compared=3, out=3, step=1).sides
    (7, 9)
    """

    factor: int
    source: int
    before: int
    compared: int
    out: int
    step: int
    alike: int = 0

    def __post_init__(self) -> None:
        last = self.before or self.source
        sides = (self.source, last, self.compared, self.out, self.alike or 1)
        numbers = all(fits(n, int) for n in (*sides, self.before, self.step, self.alike))
        if not numbers or not all(n in range(1, MAX_SIDE, 2) for n in sides):
            raise ParameterError(
                f"restoration: patches of {self.source!r:.20}, {self.before!r:.20}, "
                f"{self.compared!r:.20}, {self.out!r:.20} and {self.alike!r:.20} spels; expected "
                f"odd sides below {MAX_SIDE}"
            )
        if self.compared > last or not 1 <= self.step <= self.out:
            raise ParameterError(
                f"restoration: compared parts of {self.compared} in patches of {last} spels, "
                f"patches of {self.out} at steps of {self.step}; expected smaller parts and steps"
            )
        if self.alike and (self.factor > 1 or not self.before):
            raise ParameterError(
                "restoration: groups of like patches in a first stage, or for enlarging; expected "
                "them only where the stage before restored a picture of the same size"
            )

    @property
    def sides(self) -> tuple[int, ...]:
        """Sides of the patches in spels of their own pictures."""
        sides = self.source, self.alike, self.before * self.factor
        return tuple(side for side in sides if side)

    @property
    def key_side(self) -> int:
        """Side of the compared patches, in spels of the last picture."""
        return self.compared * (self.factor if self.before else 1)

    @property
    def out_side(self) -> int:
        """Side of the restored patches in restored spels."""
        return self.out * self.factor

    @property
    def length(self) -> int:
        """Number of weights of a hyperplane."""
        return sum(side**2 for side in self.sides)

    def grid(self, shape: tuple[int, ...]) -> tuple[int, int]:
        """Number of patches along the axes of a degraded picture."""
        return -(-shape[0] // self.step), -(-shape[1] // self.step)

    def bands(self, shape: tuple[int, ...]) -> list[tuple[int, int]]:
        """First and last row of patches of each part that is computed at once."""
        rows, cols = self.grid(shape)
        height = max(1, BAND // max(cols, 1))
        return [(first, min(rows, first + height)) for first in range(0, rows, height)]

    @property
    def scales(self) -> tuple[int, ...]:
        """For the pictures of a stage, the number of their spels per degraded spel."""
        return (1,) * (len(self.sides) - 1) + (self.factor if self.before else 1,)

    @property
    def margins(self) -> tuple[int, ...]:
        """How far the patches of the first spel reach out of the pictures."""
        return tuple(side // scale // 2 * scale for side, scale in zip(self.sides, self.scales))

    def padded(self, planes: list[Plane]) -> list[Plane]:
        """The pictures that a stage sees, with the margins of their patches."""
        return [np.pad(p, m, mode="symmetric") for p, m in zip(planes, self.margins, strict=True)]

    def places(self, shape: tuple[int, ...], first: int, last: int) -> tuple[Numbers, Numbers]:
        """Rows and columns in the grid of all patches from one row of it to another."""
        cols = self.grid(shape)[1]
        return np.divmod(np.arange(first * cols, last * cols), cols)
