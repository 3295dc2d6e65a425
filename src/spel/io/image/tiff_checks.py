"""Checks of a TIFF page before any pixel is decoded.

tifffile trusts the stated sizes and places, and decoders of JPEG and its relatives trust the size
inside each strip or tile. Here both are compared with the page and with the length of the file.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING, BinaryIO

from spel.io.opening import DAMAGED, DecodeError

from .header import check_size
from .jpeg import find_frame

if TYPE_CHECKING:
    from tifffile import TiffPage

_FAX = (2, 3, 4)
_OLD_JPEG, _JPEG = 6, 7
_JPEG_2000 = (33003, 33004, 33005, 34712)
_JPEG_XL = (50002, 52546)
_BYTES = (
    1,
    5,
    8,
    32946,
    32773,
    34925,
    34926,
    50000,
)  # none, LZW, deflate, PackBits, LZMA, Zstandard
_COMPRESSIONS = (*_FAX, _OLD_JPEG, _JPEG, *_JPEG_2000, *_JPEG_XL, *_BYTES)
_HEAD = 1 << 16  # a strip or tile must state its own size within this number of bytes
_SPARE = 64 << 20


def check_page(page: TiffPage) -> None:
    """Refuse a page of a kind that is not read."""
    check_size(page.imagelength, page.imagewidth, page.samplesperpixel, 1, 1 << 62)
    if page.is_tiled:
        check_size(page.tilelength, page.tilewidth, page.samplesperpixel, 1, 1 << 62)
    if page.imagedepth != 1:
        raise DecodeError("its pages are volumes, which are not read", "save planes as pages")
    if isinstance(page.bitspersample, tuple):
        raise DecodeError(f"its channels have different bits: {page.bitspersample}", "convert it")
    if page.sampleformat in (5, 6):
        raise DecodeError("its samples are complex numbers", "convert it to real numbers")
    if page.dtype is None or page.dtype.kind not in "buif" or page.dtype.itemsize > 8:
        raise DecodeError(
            f"its samples have {page.bitspersample} bits of kind {page.sampleformat}",
            "convert it to 8, 16 or 32 bits",
        )
    if page.dtype.kind == "f" and page.bitspersample not in (16, 32, 64):
        raise DecodeError(
            f"its floating-point samples have {page.bitspersample} bits", "convert it"
        )
    colors_of_32_bits = page.photometric in (2, 5, 6) and page.bitspersample == 32
    if colors_of_32_bits and page.dtype.kind == "u" and page.tags.get(339) is None:
        raise DecodeError(
            "its colours have 32 bits, and it does not say of which kind",
            "save it with a sample format, or with 8 or 16 bits",
        )
    if page.compression not in _COMPRESSIONS:
        raise DecodeError(
            f"its compression (number {int(page.compression)}) is not read",
            "save it with deflate, LZW or no compression",
        )
    if page.predictor not in (1, 2, 3):
        raise DecodeError(f"its prediction (number {int(page.predictor)}) is unknown", DAMAGED)
    if page.predictor == 3 and page.dtype.kind != "f":
        raise DecodeError("its prediction goes with floating-point numbers only", DAMAGED)
    if page.compression in _FAX and page.bitspersample * page.samplesperpixel != 1:
        raise DecodeError("fax compression needs one bit per pixel", DAMAGED)
    if page.photometric == 6 and page.bitspersample != 8:
        raise DecodeError("its YCbCr pixels are not of 8 bits", "convert it to PNG")


def check_segments(pages: Sequence[TiffPage], length: int) -> None:
    """Refuse pages whose strips or tiles are missing, empty, outside of the file or too many."""
    total = 0
    for page in pages:
        count = math.prod(page.chunked)
        offsets, counts = page.dataoffsets[:count], page.databytecounts[:count]
        if len(offsets) < count or len(counts) < count:
            raise DecodeError(
                f"it is cut short or damaged: it has {len(offsets)} of {count} strips or tiles",
                DAMAGED,
            )
        if page.compression == 1 and count == 1:  # some writers state nonsense; pixels are checked
            counts = (min(counts[0], length - offsets[0]),)
        plain = page.compression == 1 and count == 1 and page.bitspersample in (8, 16, 32, 64)
        if min(counts) < 1 or (min(offsets) < 1 and not plain):
            raise DecodeError("it is cut short or damaged: a strip or tile is empty", DAMAGED)
        if any(place + size > length for place, size in zip(offsets, counts)):
            raise DecodeError("it is cut short: a strip or tile ends outside of the file", DAMAGED)
        if page.is_tiled and math.prod(page.chunks) * count > _SPARE + 4 * math.prod(page.shaped):
            raise DecodeError("its tiles are far larger than its image", DAMAGED)
        total += sum(counts)
    if total > 4 * length + (1 << 20):
        raise DecodeError("its strips or tiles overlap again and again", DAMAGED)


def check_embedded(file: BinaryIO, page: TiffPage) -> None:
    """Refuse a strip or tile whose own header announces more than the page does."""
    measure = _MEASURES.get(int(page.compression))
    if measure is None:
        return
    rows, cols = page.chunks[:2] if page.planarconfig == 1 else page.chunks[-2:]
    for place, count in zip(page.dataoffsets, page.databytecounts):
        file.seek(place)
        high, wide = measure(file.read(min(count, _HEAD)))
        if high > rows or wide > cols:
            raise DecodeError("a strip or tile is larger than announced", DAMAGED)


def _jpeg_size(start: bytes) -> tuple[int, int]:
    frame = find_frame(start)
    if frame is None:
        raise DecodeError("a strip or tile is no JPEG", DAMAGED)
    return frame.rows, frame.cols


def _jpeg_2000_size(start: bytes) -> tuple[int, int]:
    place = start.find(b"\xff\x4f\xff\x51")
    if place < 0 or len(start) < place + 24:
        raise DecodeError("a strip or tile is no JPEG 2000", DAMAGED)
    cols, rows, left, top = struct.unpack_from(">4I", start, place + 8)
    return rows - top, cols - left


def _jpeg_xl_size(start: bytes) -> tuple[int, int]:
    """The size header of a codestream: bit fields, the lowest bit first."""
    box = start.find(b"jxlc") + 4 if start[4:8] == b"JXL " else 0
    if start[box : box + 2] != b"\xff\x0a":
        raise DecodeError("a strip or tile is no JPEG XL", DAMAGED)
    bits = int.from_bytes(start[box + 2 : box + 14], "little")

    def take(count: int) -> int:
        nonlocal bits
        value = bits & ((1 << count) - 1)
        bits >>= count
        return value

    small = take(1)

    def side() -> int:
        return 8 * (1 + take(5)) if small else 1 + take((9, 13, 18, 30)[take(2)])

    rows = side()
    ratio = take(3)
    if ratio:
        over, under = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))[ratio - 1]
        return rows, rows * over // under
    return rows, side()


_MEASURES = {_JPEG: _jpeg_size}
_MEASURES |= dict.fromkeys(_JPEG_2000, _jpeg_2000_size) | dict.fromkeys(_JPEG_XL, _jpeg_xl_size)
