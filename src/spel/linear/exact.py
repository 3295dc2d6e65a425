"""Sums without rounding: the same bits in any order, and however the terms are shared out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from spel.errors import ParameterError

Real = npt.NDArray[np.float64]

GRID = (20, -20, -60, -100)
"""Exponents of the steps of the four parts of a number, in units of the sum."""

LIMIT = 2.0**59
"""Every term must be smaller than this, in units of the sum."""

TERMS = 1 << 13
"""Number of terms after which carries are moved between the parts; fewer terms do not round."""


class ExactSum:
    """The sum of arrays of one shape, exact to a fixed step.

    A term is cut into four parts, each a multiple of a power of two (Demmel & Nguyen 2015). Sums of
    such parts do not round, so neither the order of the terms nor the way in which they are shared
    out among several sums changes a bit. What lies below ``2**-101`` units is dropped from each
    term.

    Parameters
    ----------
    shape : tuple of int
    unit : float
        About the size of the terms; it is rounded to a power of two. Terms may be up to ``2**59``
        times as large, and the sum up to ``2**72`` times. Sums that will be merged need the same
        unit.

    Examples
    --------
    >>> forth, back = ExactSum(()), ExactSum(())
    >>> for number in (1e16, 1.0, -1e16, 0.1):
    ...     forth.add(number)
    >>> for number in (0.1, -1e16, 1.0, 1e16):
    ...     back.add(number)
    >>> float(forth.total()), float(back.total())
    (1.1, 1.1)
    """

    def __init__(self, shape: Sequence[int], unit: float = 1.0) -> None:
        self.unit = float(2.0 ** np.round(np.log2(unit)))
        self.parts: Real = np.zeros((len(GRID), *shape))
        self.terms = 0

    def add(self, term: npt.ArrayLike) -> None:
        """Add one array.

        Raises
        ------
        ParameterError
            If it holds NaN, infinity, or a number of `LIMIT` units or more.
        """
        rest = np.asarray(term, dtype=np.float64) / self.unit
        if not (np.abs(rest) < LIMIT).all():
            raise ParameterError(
                f"ExactSum: a term of {np.abs(rest).max() * self.unit:g}; expected finite numbers "
                f"below {LIMIT * self.unit:g}, for a unit of {self.unit:g}"
            )
        for index, exponent in enumerate(GRID):
            # Adding and subtracting this number rounds to a multiple of 2**exponent.
            magic = 1.5 * 2.0 ** (52 + exponent)
            rounded = (rest + magic) - magic
            self.parts[index] += rounded
            rest = rest - rounded
        self._count(1)

    def merge(self, other: ExactSum) -> None:
        """Add the terms of another sum of the same shape and unit.

        Raises
        ------
        ParameterError
            If its unit differs.
        """
        if other.unit != self.unit:
            raise ParameterError(
                f"ExactSum: sums in units of {self.unit:g} and {other.unit:g} cannot be merged; "
                "give both the same unit"
            )
        self.parts += other.parts
        self._count(other.terms)

    def total(self) -> Real:
        """The sum as float64."""
        parts = self.parts.copy()
        _bring_into_order(parts)
        total, lost = parts[0], np.zeros_like(parts[0])
        for part in parts[1:]:  # Knuth's sum of two numbers also gives the rounding error
            larger = total + part
            back = larger - total
            lost = lost + ((total - (larger - back)) + (part - back))
            total = larger
        return np.asarray((total + lost) * self.unit)

    def restore(self, parts: Real) -> None:
        """Continue from the `parts` of another sum of the same shape and unit."""
        self.parts[...] = parts
        _bring_into_order(self.parts)
        self.terms = 1

    def _count(self, terms: int) -> None:
        self.terms += terms
        if self.terms >= TERMS:
            _bring_into_order(self.parts)
            self.terms = 1


def _bring_into_order(parts: Real) -> None:
    """Carry from each part to the next larger one, so that a number has one form only."""
    for index in range(len(GRID) - 1, 0, -1):
        step = 2.0 ** GRID[index - 1]
        carry = np.floor(parts[index] / step) * step
        parts[index] -= carry
        parts[index - 1] += carry
