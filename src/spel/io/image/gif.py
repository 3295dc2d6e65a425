"""GIF: the blocks are walked here, the pixels decoded by Pillow."""

from __future__ import annotations

import struct
from typing import BinaryIO

import numpy as np

from spel.io.opening import DAMAGED, DecodeError

from . import pillow
from .header import ImageInfo, check_size, read_exactly

MAX_FRAMES = 1_000_000


def describe(file: BinaryIO, max_pixels: int) -> ImageInfo:
    """Count the frames and tell whether the first has a transparent colour."""
    rows, cols, frames, transparent = _walk(file, max_pixels)
    channels = 4 if transparent else 3
    return ImageInfo(
        "GIF",
        rows,
        cols,
        channels,
        "uint8",
        8,
        pillow.COLORS[channels],
        pages=frames,
        note="palette",
    )


def read(file: BinaryIO, max_pixels: int, page: int | None) -> tuple[np.ndarray, ImageInfo]:
    """Decode one frame, the first by default, into (rows, cols, channels) of uint8."""
    info = describe(file, max_pixels)
    if page is not None and page >= info.pages:
        raise DecodeError(f"it has {info.pages} frames, no number {page}", "count from 0")
    image = pillow.open_as("Gif", file)
    if page:
        pillow.seek(image, page)
    if image.size[0] * image.size[1] > max_pixels:
        raise DecodeError("a frame reaches past the limit of pixels")
    found = image.info.get("transparency") is not None if page else info.channels == 4
    if image.mode in ("P", "L"):  # a grey palette comes as L: keep to what describe says
        image.load()
        image = image.convert("RGBA" if found else "RGB")
    array = pillow.pixels(image)
    rows, cols, channels = array.shape
    return array, ImageInfo(
        "GIF",
        rows,
        cols,
        channels,
        "uint8",
        8,
        pillow.COLORS[channels],
        pages=info.pages,
        note="palette",
    )


def _walk(file: BinaryIO, max_pixels: int) -> tuple[int, int, int, bool]:
    file.seek(6)
    cols, rows, flags = struct.unpack("<HHB2x", read_exactly(file, 7, "its header"))
    check_size(rows, cols, 4, 1, max_pixels)
    _skip_palette(file, flags)
    frames, transparent, first_transparent = 0, False, False
    while True:
        kind = file.read(1)
        if kind == b";":
            break
        if kind == b"" and frames:  # without the end mark, but with a whole frame
            break
        if kind == b"!":
            label = read_exactly(file, 1, "an extension")
            block = _skip_blocks(file)
            if label == b"\xf9" and len(block) >= 1:
                transparent = bool(block[0] & 1)
        elif kind == b",":
            left, top, width, height, flags = struct.unpack(
                "<HHHHB", read_exactly(file, 9, "a frame")
            )
            if not frames:  # a first frame that overhangs makes the canvas larger
                rows, cols = max(rows, top + height), max(cols, left + width)
                check_size(rows, cols, 4, 1, max_pixels)
                first_transparent = transparent
            _skip_palette(file, flags)
            read_exactly(file, 1, "a frame")
            _skip_blocks(file)
            frames, transparent = frames + 1, False
            if frames > MAX_FRAMES:
                raise DecodeError(f"it has more than {MAX_FRAMES} frames")
        elif kind == b"\0" and frames:
            continue  # some writers leave an empty block behind a frame
        elif kind == b"":
            raise DecodeError("it is cut short: it has no whole frame", DAMAGED)
        else:
            raise DecodeError(f"no block begins at byte {file.tell() - 1}", DAMAGED)
    if not frames:
        raise DecodeError("it has no frame", DAMAGED)
    return rows, cols, frames, first_transparent


def _skip_palette(file: BinaryIO, flags: int) -> None:
    if flags & 0x80:
        read_exactly(file, 3 << ((flags & 7) + 1), "a palette")


def _skip_blocks(file: BinaryIO) -> bytes:
    """Go past a chain of blocks; the first of them."""
    first = None
    while True:
        size = read_exactly(file, 1, "a block")[0]
        if not size:
            return first or b""
        block = read_exactly(file, size, "a block")
        first = block if first is None else first
