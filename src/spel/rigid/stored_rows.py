"""Rows of samples in a temporary file: memory does not grow with the number of photos."""

from __future__ import annotations

import tempfile
import weakref
from array import array
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.atomic import write_error

Array = npt.NDArray[Any]

IN_MEMORY = 1 << 23
"""Bytes up to which a `Scratch` stays in memory."""

PORTION_BYTES = 1 << 24
"""About the bytes of rows that are in memory at once."""


class Scratch:
    """Arrays in a file without a name, which ends with it; few of them stay in memory.

    Examples
    --------
    >>> scratch = Scratch()
    >>> place = scratch.append(np.arange(3))
    >>> scratch.read(place, (3,), np.int64).tolist()
    [0, 1, 2]
    """

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115
        weakref.finalize(self, self._file.close)
        self._end = 0

    def append(self, values: Array) -> int:
        """Store an array, and give its place."""
        place = self._end
        try:
            self._file.seek(place)
            self._file.write(np.ascontiguousarray(values).tobytes())
        except OSError as error:
            raise write_error(tempfile.gettempdir(), error) from error
        self._end = place + values.nbytes
        return place

    def read(self, place: int, shape: Sequence[int], dtype: npt.DTypeLike) -> Array:
        """The array at a place."""
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        try:
            self._file.seek(place)
            stored = self._file.read(size)
        except OSError as error:  # what was buffered is written first
            raise write_error(tempfile.gettempdir(), error) from error
        return np.frombuffer(stored, dtype).reshape(shape)


class StoredRows:
    """Rows of one length and type, which arrive photo by photo.

    Parameters
    ----------
    scratch : Scratch
        Where the rows are stored.

    Attributes
    ----------
    counts : array of int
        Number of rows of each photo.

    Examples
    --------
    >>> rows = StoredRows(Scratch())
    >>> for photo in ([[1, 2]], [[3, 4], [5, 6]]):
    ...     rows.add(np.array(photo))
    >>> rows.of(range(1, 2)).tolist(), rows.photos_of(range(2)).tolist(), rows.length
    ([[3, 4], [5, 6]], [0, 1, 1], 2)
    """

    def __init__(self, scratch: Scratch) -> None:
        self.counts = array("q")
        self._scratch = scratch
        self._places = array("q")
        self._empty: Array = np.zeros((0, 0))

    @property
    def length(self) -> int:
        """Length of a row."""
        return int(self._empty.shape[1])

    def __len__(self) -> int:
        return sum(self.counts)

    def add(self, rows: Array) -> None:
        """The rows (n, d) of the next photo."""
        if not self.counts or len(rows):
            self._empty = rows[:0].copy()
        self.counts.append(len(rows))
        self._places.append(self._scratch.append(rows))

    def of(self, photos: range) -> Array:
        """The rows of some photos, in their order."""
        counts = self.counts[photos.start : photos.stop]
        rows = np.empty((sum(counts), self.length), self._empty.dtype)
        end = 0
        for photo, count in zip(photos, counts):
            if count:
                shape = count, self.length
                rows[end : end + count] = self._scratch.read(self._places[photo], shape, rows.dtype)
                end += count
        return rows

    def photos_of(self, photos: range) -> npt.NDArray[np.int64]:
        """The photo of each row of some photos."""
        return np.repeat(np.asarray(photos, np.int64), self.counts[photos.start : photos.stop])

    def portions(self) -> list[range]:
        """The photos, in portions whose rows fit in memory."""
        return portions_of(self.counts, self.length)


def portions_of(counts: Sequence[int] | npt.NDArray[np.int64], length: int) -> list[range]:
    """Photos in portions of at most `PORTION_BYTES` of single-precision rows, or of one photo.

    Examples
    --------
    >>> portions_of([250, 125, 500, 2250], length=8000)
    [range(0, 2), range(2, 3), range(3, 4)]
    >>> portions_of([], length=8)
    [range(0, 0)]
    """
    most = PORTION_BYTES // max(4 * length, 1)
    starts, total = [0], 0
    for photo, count in enumerate(counts):
        total += int(count)
        if total > most and photo > starts[-1]:
            starts.append(photo)
            total = int(count)
    return [range(a, b) for a, b in zip(starts, [*starts[1:], len(counts)])]
