"""Readers of windows, one for each format, and the choice of a reader by the content of a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from spel.io.image.formats import HEAD, recognize
from spel.io.opening import DecodeError, open_binary, translating_errors

from .npy import NpyImage
from .ome_zarr import OmeZarr, is_zarr
from .tiff import TiffImage

__all__ = ["MAX_PIXELS", "Span", "Windows", "open_windows"]

MAX_PIXELS = 1 << 38

Span = tuple[int, int]


class Windows(Protocol):
    """A reader of windows of one format; attributes as for `LargeImage`."""

    format: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    pages: int
    bits: int
    levels: tuple[tuple[int, int], ...]
    depths: tuple[int, ...]
    spacing: tuple[float, ...]
    unit: str

    def window(self, *spans: Span) -> npt.NDArray[Any]:
        """([planes,] rows, cols, channels) between the (start, stop) of each axis but the last."""

    def close(self) -> None:
        """Close what is open."""


def open_windows(path: Path, page: int | None, level: int, max_pixels: int) -> Windows:
    """Open an image of one of the three formats, which its content decides."""
    with translating_errors(path) as reading:
        if is_zarr(path):
            reading.format = "ZARR"
            return OmeZarr(path, page, level, max_pixels)
        with open_binary(path) as file:
            kind = recognize(file.read(HEAD))
        reading.format = kind
        if kind == "TIFF":
            return TiffImage(path, page, level, max_pixels)
        if kind == "NPY":
            return NpyImage(path, page, level, max_pixels)
        raise DecodeError(
            "windows are read from TIFF, OME-Zarr and NumPy only", "convert it to a tiled TIFF"
        )
