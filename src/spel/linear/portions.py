"""Moments of portions of the rows, added up without rounding, so that their order is free."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from spel.linear.exact import ExactSum
from spel.linear.ridge import ClassMoments

Arrays = dict[str, npt.NDArray[np.float64]]


class ExactMoments:
    """The sum of `ClassMoments` of portions of the rows about one origin.

    Parameters
    ----------
    origin : (d,) array
        The origin of all portions.
    classes : int
    unit : float
        About the size of the centred rows.

    Examples
    --------
    >>> whole = ExactMoments(np.zeros(1), classes=2, unit=1.0)
    >>> for row, label in ((0.1, 0), (0.2, 1), (0.3, 0)):
    ...     portion = ClassMoments(np.zeros(1), 2)
    ...     portion.add(np.array([[row]]), np.array([label]))
    ...     whole.add(portion)
    >>> whole.moments().count, whole.moments().total.tolist()
    (3.0, [0.6])
    """

    def __init__(self, origin: npt.NDArray[np.float64], classes: int, unit: float) -> None:
        length = len(origin)
        self.origin = origin
        self._sums = {
            "count": ExactSum(()),
            "products": ExactSum((length, length), unit * unit),
            "total": ExactSum((length,), unit),
            "target_total": ExactSum((classes,)),
            "cross": ExactSum((length, classes), unit),
        }

    def add(self, portion: ClassMoments) -> None:
        """Add the moments of a portion.

        Raises
        ------
        ParameterError
            If they hold NaN, infinity, or numbers far above the unit.
        """
        for name, one in self._sums.items():
            one.check(getattr(portion, name))  # all of them first: a portion is added whole
        for name, one in self._sums.items():
            one.add(getattr(portion, name))

    def merge(self, other: ExactMoments) -> None:
        """Add the portions of another sum."""
        for name, one in self._sums.items():
            one.merge(other._sums[name])

    def moments(self) -> ClassMoments:
        """The moments of all rows."""
        moments = ClassMoments(self.origin, len(self._sums["target_total"].total()))
        for name, one in self._sums.items():
            setattr(moments, name, one.total())
        moments.count = float(self._sums["count"].total())
        return moments

    def arrays(self) -> Arrays:
        """The numbers that a file must hold for `restore`."""
        return {name: one.parts for name, one in self._sums.items()}

    def restore(self, arrays: Mapping[str, npt.NDArray[np.float64]]) -> None:
        """Continue from the numbers that `arrays` gave."""
        for name, one in self._sums.items():
            one.restore(arrays[name])
