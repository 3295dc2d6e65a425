"""Decoding an open image file by the decoder of its format, which its content decides."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from spel.io.opening import DecodeError, Reading, translating_errors

from . import bmp, gif, jpeg, npy, png, pnm, tiff, webp
from .colors import CONVERTED, check_colors, to_rgb
from .formats import HEAD, recognize
from .header import ImageInfo

__all__ = [
    "apply_orientation",
    "decode",
    "describe_open",
    "read_all_of_open",
    "read_header",
    "read_open",
]

_DECODERS = {
    "PNG": png,
    "JPEG": jpeg,
    "TIFF": tiff,
    "BMP": bmp,
    "GIF": gif,
    "WebP": webp,
    "PNM": pnm,
    "NPY": npy,
}


def read_open(
    file: BinaryIO, name: str, *, page: int | None, max_pixels: int, reduce: int = 1
) -> npt.NDArray[Any]:
    """Read an open file that is called ``name`` in messages."""
    with translating_errors(name) as reading:
        return decode(file, reading, page, max_pixels, reduce)


def read_all_of_open(
    file: BinaryIO,
    name: Any,
    *,
    page: int | None,
    max_pixels: int,
    reduce: int = 1,
    colors: bool = False,
) -> tuple[npt.NDArray[Any], ImageInfo]:
    """The pixels and the header of an open file, called ``name`` in messages.

    With `colors`, channels that are no colours are refused before pixels are decoded.
    """
    with translating_errors(name) as reading:
        info = read_header(file, reading, max_pixels)
        if colors:
            check_colors(name, info)
        return decode(file, reading, page, max_pixels, reduce), info


def describe_open(file: BinaryIO, name: str, *, max_pixels: int) -> ImageInfo:
    """Read the header of an open file that is called ``name`` in messages."""
    with translating_errors(name) as reading:
        return read_header(file, reading, max_pixels)


def decode(
    file: BinaryIO, reading: Reading, page: int | None, max_pixels: int, reduce: int = 1
) -> npt.NDArray[Any]:
    """The pixels as displayed: ([planes,] rows, cols, channels)."""
    decoder = _decoder(file, reading)
    if reduce == 1:
        array, info = decoder.read(file, max_pixels, page)
    elif decoder is jpeg:
        array, info = jpeg.read(file, max_pixels, page, reduce)
    else:
        raise DecodeError(
            f"only JPEG files are decoded at 1/{reduce} of their size",
            "leave out reduce, or choose a level of a pyramid",
        )
    if info.color in CONVERTED:
        array = to_rgb(array, info.color)
    return apply_orientation(array, info.orientation)


def read_header(file: BinaryIO, reading: Reading, max_pixels: int) -> ImageInfo:
    """The header, with rows and columns as displayed."""
    info: ImageInfo = _decoder(file, reading).describe(file, max_pixels)
    if info.color in CONVERTED:
        note = f"{info.note + '; ' if info.note else ''}{info.color} in the file"
        info = replace(info, channels=3, color="rgb", note=note)
    if info.orientation in (5, 6, 7, 8):
        return replace(info, rows=info.cols, cols=info.rows)
    return info


def _decoder(file: BinaryIO, reading: Reading) -> ModuleType:
    """The module that reads the format of an open file."""
    file.seek(0)
    reading.format = recognize(file.read(HEAD))
    return _DECODERS[reading.format]


def apply_orientation(array: npt.NDArray[Any], orientation: int) -> npt.NDArray[Any]:
    """Turn a stored image (..., rows, cols, channels) into the displayed frame (EXIF 1 to 8)."""
    if orientation in (5, 6, 7, 8):
        array = array.swapaxes(-3, -2)
    if orientation in (2, 3, 6, 7):
        array = array[..., :, ::-1, :]
    if orientation in (3, 4, 7, 8):
        array = array[..., ::-1, :, :]
    return np.ascontiguousarray(array)
