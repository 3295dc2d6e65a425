"""Arrays of several lengths, such as the boxes of each photo, that lie in one array."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


class Ragged(Sequence[Any]):
    """Arrays that lie one after the other in one array; each is a view of it.

    Ten thousand photos with a few boxes each take as much memory as the boxes, and not that of ten
    thousand arrays.

    Parameters
    ----------
    values : array
        The rows of all arrays.
    counts : sequence of int
        The number of rows of each.

    Examples
    --------
    >>> ragged = Ragged.of([[1, 2], [], [3]], np.float64)
    >>> ragged[0].tolist(), ragged[1].tolist(), ragged.counts.tolist(), ragged.owners.tolist()
    ([1.0, 2.0], [], [2, 0, 1], [0, 0, 2])
    >>> [one.tolist() for one in ragged.where(ragged.values > 1)]
    [[2.0], [], [3.0]]
    """

    def __init__(self, values: Array, counts: Sequence[int] | npt.NDArray[np.int64]) -> None:
        self.values, self.counts = values, np.asarray(counts, np.int64).reshape(-1)
        self._ends = np.cumsum(self.counts)

    @classmethod
    def of(cls, arrays: Iterable[npt.ArrayLike], dtype: npt.DTypeLike, *row: int) -> Ragged:
        """Arrays whose rows have the shape `row`."""
        own = [np.asarray(one, dtype).reshape(-1, *row) for one in arrays]
        none = np.zeros((0, *row), dtype)
        return cls(np.concatenate([none, *own]), [len(one) for one in own])

    def __len__(self) -> int:
        return len(self.counts)

    def __getitem__(self, index: Any) -> Any:
        """One array, or those of some indices."""
        if isinstance(index, slice):
            index = range(len(self))[index]
        if isinstance(index, Sequence):
            return Ragged.of((self[i] for i in index), self.values.dtype, *self.values.shape[1:])
        number = range(len(self))[index]
        end = self._ends[number]
        return self.values[end - self.counts[number] : end]

    @property
    def owners(self) -> npt.NDArray[np.int64]:
        """The number of the array that each row belongs to."""
        return np.repeat(np.arange(len(self)), self.counts)

    def where(self, keep: npt.NDArray[np.bool_]) -> Ragged:
        """The arrays with some of their rows."""
        return Ragged(self.values[keep], np.bincount(self.owners[keep], minlength=len(self)))
