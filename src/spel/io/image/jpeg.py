"""JPEG: decoded by Pillow (libjpeg-turbo), and refused if its pixels end before its rows do.

libjpeg fills missing pixels with grey and only warns, and Pillow does not pass the warning on.
"""

from __future__ import annotations

import io
import re
import struct
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from spel.io.opening import DAMAGED, DecodeError

from . import pillow
from .header import ImageInfo, check_size

_PLAIN = (0xC0, 0xC1)  # baseline and extended: Huffman codes, each pixel in one scan
_FRAMES = (*_PLAIN, 0xC2, 0xC9, 0xCA)  # progressive and arithmetic ones: what libjpeg-turbo decodes
_HEAD = 1 << 20
_MAX_MARKERS = 200_000
_COLORS = {1: "grey", 3: "rgb", 4: "cmyk"}
_SCAN = b"\xff\xda"
_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]", re.DOTALL)
_END = b"\xff\xd9"
# The decoder looks ahead by eight bytes. In the usual codes, these continue a block and end none.
_AHEAD = bytes.fromhex("6db6db6db6db6db6")
_MAX_SCANS = 40  # of an image as large as the limit; a few seconds


@dataclass(frozen=True)
class Frame:
    """The frame header of a JPEG."""

    marker: int
    bits: int
    rows: int
    cols: int


def find_frame(data: bytes) -> Frame | None:
    """The first frame header, if the markers before it can be followed."""
    place = 2
    for _ in range(_MAX_MARKERS):
        if place + 9 > len(data) or data[place] != 0xFF:
            return None
        marker, length = struct.unpack_from(">xBH", data, place)
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return Frame(marker, *struct.unpack_from(">BHH", data, place + 4))
        alone = marker == 0x01 or 0xD0 <= marker <= 0xD7
        place += 1 if marker == 0xFF else 2 if alone else 2 + length
    raise DecodeError(f"it has more than {_MAX_MARKERS} markers", DAMAGED)


def describe(file: BinaryIO, max_pixels: int) -> ImageInfo:
    """Read the markers up to the first scan."""
    return _header(file, max_pixels)[0]


def read(
    file: BinaryIO, max_pixels: int, page: int | None, reduce: int = 1
) -> tuple[npt.NDArray[np.generic], ImageInfo]:
    """Decode a JPEG file into (rows, cols, channels) of uint8, at 1/reduce of its size."""
    if page:
        raise DecodeError("a JPEG file has one page", "leave page at 0")
    info, plain = _header(file, max_pixels)
    if reduce > min(info.rows, info.cols):
        raise DecodeError(f"{info.rows} x {info.cols} pixels have no 1/{reduce}", "read it whole")
    start = file.tell()  # Pillow stops after the header of the first scan
    file.seek(0)
    data = file.read()
    marker = _MARKER.search(data, start)
    if marker is None or data.find(_END, marker.start()) < 0:
        raise DecodeError("it is cut short: the end mark is missing", DAMAGED)
    if marker[0] == _END and plain:
        return _one_scan(data, marker.start(), reduce), info
    scans = 1 + data.count(_SCAN, marker.start())
    if scans > 1000 or scans * info.rows * info.cols > _MAX_SCANS * max_pixels:
        raise DecodeError(f"it has {scans} scans of all its pixels, which takes too long")
    return _decode(data, reduce), info


def _header(file: BinaryIO, max_pixels: int) -> tuple[ImageInfo, bool]:
    """The header, and whether missing data are missing rows, because there is one scan."""
    file.seek(0)
    frame = find_frame(file.read(_HEAD))
    if frame is not None and frame.marker not in _FRAMES:
        raise DecodeError("it is a lossless or hierarchical JPEG", "convert it to PNG")
    if frame is not None and frame.bits != 8:
        raise DecodeError(f"its samples have {frame.bits} bits; 8 are read", "convert it to PNG")
    image = pillow.open_as("JPEG", file)
    cols, rows = image.size
    channels = len(image.getbands())
    check_size(rows, cols, channels, 1, max_pixels)
    turned = pillow.orientation(image.info.get("exif", b""))
    info = ImageInfo("JPEG", rows, cols, channels, color=_COLORS[channels], orientation=turned)
    plain = "progressive" not in image.info and (frame is None or frame.marker in _PLAIN)
    return info, plain


def _one_scan(data: bytes, end: int, reduce: int) -> npt.NDArray[np.generic]:
    """Decode without the end mark, because libjpeg invents missing pixels when it reads one."""
    try:
        return _decode(data[:end] + _AHEAD, reduce)
    except OSError as error:
        if "truncated" in str(error):
            raise DecodeError("it is cut short: the last pixels are missing", DAMAGED) from None
    return _decode(data, reduce)


def _decode(data: bytes, reduce: int) -> npt.NDArray[np.generic]:
    image = pillow.open_as("JPEG", io.BytesIO(data))
    if reduce > 1:  # libjpeg transforms each block of 8 x 8 coefficients to fewer pixels
        cols, rows = image.size
        image.draft(None, (cols // reduce, rows // reduce))
    return pillow.pixels(image)
