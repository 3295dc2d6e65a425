"""A part of an image on disk, written and read by windows: memory does not grow with its size."""

from __future__ import annotations

import errno
import math
import os
import tempfile
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


class StoredBand:
    """An array ([planes,] rows, cols, channels) in a file without a name, which ends with it.

    Windows are slices of step 1 of the axes before the channels; axes that are left out are whole.

    Parameters
    ----------
    shape : sequence of int
    dtype : dtype
    folder : path, optional
        A folder on the disk that is to hold it; by default that of temporary files.

    Examples
    --------
    >>> band = StoredBand((4, 5, 1), np.uint8)
    >>> band[1:3, 2:4] = np.full((2, 2, 1), 7)
    >>> band[2:4, 1:4][..., 0].tolist()
    [[0, 7, 7], [0, 0, 0]]
    """

    def __init__(
        self,
        shape: Sequence[int],
        dtype: npt.DTypeLike,
        folder: str | os.PathLike[str] | None = None,
    ) -> None:
        self.shape, self.dtype = tuple(map(int, shape)), np.dtype(dtype)
        self._file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115
        weakref.finalize(self, self._file.close)
        self._file.truncate(math.prod(self.shape) * self.dtype.itemsize)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, window: slice | tuple[slice, ...]) -> npt.NDArray[Any]:
        spans = self._spans(window)
        out = np.empty((*(stop - start for start, stop in spans), self.shape[-1]), self.dtype)
        for line, place in zip(_lines(out), self._places(spans), strict=True):
            self._file.seek(place)
            if self._file.readinto(line.data) != line.nbytes:
                raise OSError(errno.EIO, "a part of a line was read")
        return out

    def __setitem__(self, window: slice | tuple[slice, ...], values: npt.NDArray[Any]) -> None:
        spans = self._spans(window)
        lines = _lines(np.ascontiguousarray(values, self.dtype))
        for line, place in zip(lines, self._places(spans), strict=True):
            self._file.seek(place)
            if self._file.write(line.data) != line.nbytes:
                raise OSError(errno.ENOSPC, "a part of a line was written")

    def _spans(self, window: slice | tuple[slice, ...]) -> list[tuple[int, int]]:
        """Start and stop along each axis but the last."""
        slices = window if isinstance(window, tuple) else (window,)
        whole = [slice(None)] * (len(self.shape) - 1 - len(slices))
        return [one.indices(n)[:2] for one, n in zip([*slices, *whole], self.shape)]

    def _places(self, spans: Sequence[tuple[int, int]]) -> Iterator[int]:
        """Where each line of a window begins in the file."""
        *outer, (left, _) = spans
        starts = np.indices([stop - start for start, stop in outer]).reshape(len(outer), -1)
        lines = np.ravel_multi_index(
            tuple(starts + np.array([[start] for start, _ in outer])), self.shape[:-2]
        )
        step = self.shape[-1] * self.dtype.itemsize
        yield from ((lines * self.shape[-2] + left) * step).tolist()


@dataclass(frozen=True, eq=False)
class PictureOf:
    """What a function makes of each spel of a band of one channel, read by windows.

    Attributes
    ----------
    band : StoredBand
    picture : callable
        From ([planes,] rows, cols) to an array of the same size.
    """

    band: StoredBand
    picture: Callable[[npt.NDArray[Any]], npt.NDArray[Any]]

    @property
    def shape(self) -> tuple[int, ...]:
        return self.band.shape

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, window: slice | tuple[slice, ...]) -> npt.NDArray[Any]:
        return self.picture(self.band[window][..., 0])[..., None]


@dataclass(frozen=True, eq=False)
class PlaneOf:
    """A plane of a band of planes, read by windows.

    Attributes
    ----------
    band : (planes, rows, cols, channels) array or StoredBand
    number : int
    """

    band: npt.NDArray[Any] | StoredBand | PictureOf | PlaneOf
    number: int

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.band.shape[1:])

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, window: tuple[slice, ...]) -> npt.NDArray[Any]:
        part = self.band[(slice(self.number, self.number + 1), *window)]
        return np.asarray(part[0])


def _lines(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """A view: every line of columns with their channels."""
    return array.reshape(math.prod(array.shape[:-2]), -1)
