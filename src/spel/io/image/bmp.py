"""BMP: decoded by Pillow, except for run lengths, which are unpacked here under limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import numpy.typing as npt

from spel.io.opening import DAMAGED, DecodeError

from . import pillow
from .header import ImageInfo, check_size

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile

_HEX = bytes.maketrans(b"0123456789abcdef", bytes(range(16)))
_MODES = {"1": ("bool", 1), "L": ("uint8", 1), "P": ("uint8", 3), "RGB": ("uint8", 3)}


def describe(file: BinaryIO, max_pixels: int) -> ImageInfo:
    """Read the header."""
    image = pillow.open_as("BMP", file)
    cols, rows = image.size
    check_size(rows, cols, 4, 1, max_pixels)
    dtype, channels = _MODES.get(image.mode, ("uint8", 4))
    note = "palette" if image.mode == "P" else ""
    color = pillow.COLORS[channels]
    return ImageInfo("BMP", rows, cols, channels, dtype, 8, color, note=note)


def read(
    file: BinaryIO, max_pixels: int, page: int | None
) -> tuple[npt.NDArray[np.generic], ImageInfo]:
    """Decode into (rows, cols, channels)."""
    if page:
        raise DecodeError("a BMP file has one page", "leave page at 0")
    info = describe(file, max_pixels)
    image = pillow.open_as("BMP", file)
    packed = image.tile[0][0] == "bmp_rle"
    array = pillow.pixels(_unpacked(file, image) if packed else image)
    return (array != 0 if info.dtype == "bool" else array), info


def _unpacked(file: BinaryIO, image: ImageFile) -> Image:
    """The image without run lengths. (Pillow refuses files with empty rows, and takes seconds.)"""
    from PIL import Image

    cols, rows = image.size
    _, _, offset, options = image.tile[0]
    assert isinstance(options, tuple)
    _, four_bits, upward = options
    data = _run_lengths(file, offset, rows * cols, cols, bool(four_bits))
    plain = Image.frombytes("P" if image.mode == "P" else "L", image.size, data)
    if upward < 0:
        plain = plain.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    if image.palette and image.mode == "P":
        mode, colors = image.palette.getdata()
        plain.putpalette(colors, mode)
    return plain


def _run_lengths(file: BinaryIO, offset: int, wanted: int, cols: int, four_bits: bool) -> bytes:
    """Palette indices, a byte each; rows that end early are filled with index 0."""
    file.seek(offset)
    packed, out, place = file.read(), bytearray(), 0
    col = 0  # pixels beyond the end of a row are dropped until the row ends
    while len(out) < wanted and place + 1 < len(packed):
        count, value = packed[place], packed[place + 1]
        place += 2
        if count:
            count = min(count, max(0, cols - col))
            col += count
            run = bytes((value >> 4, value & 15)) if four_bits else bytes((value,))
            out += (run * count)[:count]
        elif value == 0:  # end of the row
            if col < cols:
                out += bytes(min(wanted - len(out), cols - len(out) % cols))
            col = 0
        elif value == 1:  # end of the image
            break
        elif value == 2:  # move right and up
            move = packed[place : place + 2]
            place += 2
            if len(move) == 2:
                out += bytes(min(wanted - len(out), move[0] + move[1] * cols))
                col = len(out) % cols
        else:
            col += value
            if col > cols:
                raise DecodeError(f"pixels pass the end of row {len(out) // cols}", DAMAGED)
            size = (value + 1) // 2 if four_bits else value
            plain = packed[place : place + size]
            place += size
            place += (offset + place) % 2
            out += (plain.hex().encode().translate(_HEX) if four_bits else plain)[:value]
    if len(out) < wanted:
        raise DecodeError(f"it is cut short: {len(out)} of {wanted} pixels are there", DAMAGED)
    return bytes(out[:wanted])
