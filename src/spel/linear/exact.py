"""Sums without rounding: the same bits in any order, and however the terms are shared out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

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

AT_ONCE = 1 << 16
"""About the most numbers of a large array that are added, or given, at once."""


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
        self.check(term)
        terms = np.asarray(term, dtype=np.float64)
        for rows in _slices(terms.shape):
            rest = terms[rows] / self.unit
            for index, exponent in enumerate(GRID):
                # Adding and subtracting this number rounds to a multiple of 2**exponent.
                magic = 1.5 * 2.0 ** (52 + exponent)
                rounded = (rest + magic) - magic
                self.parts[index, rows] += rounded
                rest = rest - rounded
        self._count(1)

    def check(self, term: npt.ArrayLike) -> None:
        """Refuse an array that cannot be added, before any of it is.

        Raises
        ------
        ParameterError
            If it holds NaN, infinity, or a number of `LIMIT` units or more.
        """
        terms, most = np.asarray(term, dtype=np.float64), LIMIT * self.unit
        if terms.size and not (terms.min() > -most and terms.max() < most):
            raise ParameterError(
                f"ExactSum: a term of {np.abs(terms).max():g}; expected finite numbers below "
                f"{most:g}, for a unit of {self.unit:g}"
            )

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
        total = np.empty(self.parts.shape[1:])
        for rows in _slices(total.shape):
            total[rows] = _joined(self.parts[:, rows].copy()) * self.unit
        return total

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


def _slices(shape: Sequence[int]) -> list[Any]:
    """Indices of some rows at a time, so that what is computed of them needs little memory."""
    if not shape:
        return [...]
    rows = max(1, AT_ONCE // max(1, math.prod(shape[1:])))
    return [slice(first, first + rows) for first in range(0, shape[0], rows)]


def _joined(parts: Real) -> Real:
    """The numbers that these parts are cut from, which are brought into order."""
    _bring_into_order(parts)
    total, lost = parts[0], np.zeros_like(parts[0])
    for part in parts[1:]:  # Knuth's sum of two numbers also gives the rounding error
        larger = total + part
        back = larger - total
        lost = lost + ((total - (larger - back)) + (part - back))
        total = larger
    return np.asarray(total + lost)


def _bring_into_order(parts: Real) -> None:
    """Carry from each part to the next larger one, so that a number has one form only."""
    for index in range(len(GRID) - 1, 0, -1):
        step = 2.0 ** GRID[index - 1]
        carry = np.floor(parts[index] / step) * step
        parts[index] -= carry
        parts[index - 1] += carry
