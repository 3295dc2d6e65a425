"""Windows of NumPy files, through a memory map."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.io.image.header import MAX_CHANNELS
from spel.io.opening import RAISE_LIMIT, DecodeError

Span = tuple[int, int]


class NpyImage:
    """An array of 2 to 4 axes in the order of C.

    Parameters
    ----------
    path : Path
    page, level : int
        None or 0.
    max_pixels : int
        Largest number of pixels, all planes together.

    Attributes
    ----------
    shape, dtype, pages, levels, depths
        As for `LargeImage`.
    """

    format = "NPY"

    def __init__(self, path: Path, page: int | None, level: int, max_pixels: int) -> None:
        if page or level:
            raise DecodeError("a NumPy file has one page and one level", "leave page and level out")
        array = np.load(path, mmap_mode="r", allow_pickle=False)
        if array.ndim not in (2, 3, 4) or array.dtype.kind not in "buif" or array.itemsize > 8:
            raise DecodeError(
                f"it holds {array.ndim} axes of {array.dtype}",
                "save 2 to 4 axes of real numbers of up to 64 bits",
            )
        if not array.flags.c_contiguous:
            raise DecodeError("windows need an array in C order", "save it in C order")
        self._array = array[..., None] if array.ndim == 2 else array
        self.shape: tuple[int, ...] = self._array.shape
        *planes, rows, cols, channels = self.shape
        pixels = rows * cols * (planes[0] if planes else 1)
        if not 1 <= pixels <= max_pixels or not 1 <= channels <= MAX_CHANNELS:
            raise DecodeError(
                f"it has {pixels} pixels of {channels} channels; at least one and at most "
                f"{max_pixels} of {MAX_CHANNELS} are read",
                RAISE_LIMIT,
            )
        self.dtype: np.dtype[Any] = array.dtype.newbyteorder("=")
        self.pages, self.bits = 1, 8 * array.dtype.itemsize
        self.spacing: tuple[float, ...] = ()
        self.unit = ""
        self.levels: tuple[Span, ...] = ((rows, cols),)
        self.depths: tuple[int, ...] = (planes[0] if planes else 1,)

    def window(self, *spans: Span) -> npt.NDArray[Any]:
        """([planes,] rows, cols, channels) between the (start, stop) of each axis but the last."""
        return np.array(self._array[tuple(slice(*span) for span in spans)], self.dtype)

    def close(self) -> None:
        """Do nothing: the memory map is closed with the object."""
