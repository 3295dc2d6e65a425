"""BMP: sizes and run lengths are read here, plain pixels decoded by Pillow.

Pillow's own run lengths go byte by byte: a small file with wide rows takes it many seconds.
"""

from __future__ import annotations

import io
import struct
from typing import BinaryIO

import numpy as np

from spel.io.opening import DAMAGED, DecodeError

from . import pillow
from .header import ImageInfo, check_size, file_size, read_exactly

_HEX = bytes.maketrans(b"0123456789abcdef", bytes(range(16)))


def describe(file: BinaryIO, max_pixels: int) -> ImageInfo:
    """Read the header."""
    rows, cols, bits = _header(file, max_pixels)
    image = pillow.open_as("Bmp", file)
    if image.size != (cols, rows):
        raise DecodeError("its header contradicts itself", DAMAGED)
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
    from PIL import ImageFile

    if page:
        raise DecodeError("a BMP file has one page", "leave page at 0")
    info = describe(file, max_pixels)
    image = pillow.open_as("Bmp", file)
    if image.tile and image.tile[0][0] == "bmp_rle":
        _, extents, offset, (_, four_bits, upward) = image.tile[0]
        data = _run_lengths(file, offset, info.rows * info.cols, info.cols, four_bits)
        mode = "P" if image.mode == "P" else "L"
        image.tile = [ImageFile._Tile("raw", extents, 0, (mode, 0, upward))]
        image.fp = io.BytesIO(data)
    return pillow.pixels(image), info


def _header(file: BinaryIO, max_pixels: int) -> tuple[int, int, int]:
    file.seek(10)
    offset, size = struct.unpack("<II", read_exactly(file, 8, "its header"))
    if size == 12:
        cols, rows, _, bits = struct.unpack("<HHHH", read_exactly(file, 8, "its header"))
        compression, colors = 0, 0
    elif size in (16, 40, 52, 56, 64, 108, 124):
        cols, rows, _, bits = struct.unpack("<iiHH", read_exactly(file, 12, "its header"))
        compression, colors = 0, 0
        if size >= 40:
            compression, *_, colors, _ = struct.unpack(
                "<IIiiII", read_exactly(file, 24, "its header")
            )
    else:
        raise DecodeError(f"its header has the unknown length {size}", DAMAGED)
    check_size(abs(rows), cols, 4, 1, max_pixels)
    length = file_size(file)
    if offset >= length:
        raise DecodeError("its pixel data start past its end", DAMAGED)
    if colors > 1 << 16:
        raise DecodeError(f"its palette has {colors} colours", DAMAGED)
    stride = (cols * bits + 31) // 32 * 4
    if compression in (0, 3, 6) and length - offset < stride * abs(rows) - 3:
        raise DecodeError(
            f"it is cut short: {stride * abs(rows)} bytes of pixels are announced, "
            f"{length - offset} are there",
            DAMAGED,
        )
    return abs(rows), cols, bits


def _run_lengths(file: BinaryIO, offset: int, wanted: int, cols: int, four_bits: bool) -> bytes:
    """Palette indices, a byte each; rows that end early are filled with index 0."""
    file.seek(offset)
    packed, out, place = file.read(), bytearray(), 0
    col = 0  # what runs past the end of a row is dropped until the row is ended
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
