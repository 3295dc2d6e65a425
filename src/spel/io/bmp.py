"""BMP: sizes checked here, pixels decoded by Pillow."""

from __future__ import annotations

import struct
from typing import BinaryIO

import numpy as np

from . import pillow
from .header import ImageInfo, Refusal, check_size, file_size, take

_AGAIN = "copy or download it again"


def describe(file: BinaryIO, max_pixels: int) -> ImageInfo:
    """Read the header."""
    rows, cols, bits = _header(file, max_pixels)
    image = pillow.open_as("Bmp", file)
    if image.size != (cols, rows):
        raise Refusal("its header contradicts itself", _AGAIN)
    channels = {"1": 1, "L": 1, "P": 3, "RGB": 3, "RGBA": 4}[image.mode]
    dtype = "bool" if image.mode == "1" else "uint8"
    return ImageInfo(
        "BMP",
        rows,
        cols,
        channels,
        dtype,
        bits,
        pillow.COLORS[channels],
        note="palette" if image.mode == "P" else "",
    )


def read(file: BinaryIO, max_pixels: int, page: int | None) -> tuple[np.ndarray, ImageInfo]:
    """Decode a BMP file into (rows, cols, channels)."""
    if page:
        raise Refusal("a BMP file has one page", "leave page at 0")
    info = describe(file, max_pixels)
    return pillow.pixels(pillow.open_as("Bmp", file)), info


def _header(file: BinaryIO, max_pixels: int) -> tuple[int, int, int]:
    file.seek(10)
    offset, size = struct.unpack("<II", take(file, 8, "its header"))
    if size == 12:
        cols, rows, _, bits = struct.unpack("<HHHH", take(file, 8, "its header"))
        compression, colors = 0, 0
    elif size in (16, 40, 52, 56, 64, 108, 124):
        cols, rows, _, bits = struct.unpack("<iiHH", take(file, 12, "its header"))
        compression, colors = 0, 0
        if size >= 40:
            compression, *_, colors, _ = struct.unpack("<IIiiII", take(file, 24, "its header"))
    else:
        raise Refusal(f"its header has the unknown length {size}", _AGAIN)
    check_size(abs(rows), cols, 4, 1, max_pixels)
    length = file_size(file)
    if offset >= length:
        raise Refusal("its pixel data start past its end", _AGAIN)
    if colors > (1 << min(bits, 16)) and bits <= 8:
        raise Refusal(f"its palette has {colors} colours for {bits} bits", _AGAIN)
    stride = (cols * bits + 31) // 32 * 4
    if compression in (0, 3, 6) and length - offset < stride * abs(rows) - 3:
        raise Refusal(
            f"it is cut short: {stride * abs(rows)} bytes of pixels are announced, "
            f"{length - offset} are there",
            _AGAIN,
        )
    return abs(rows), cols, bits
