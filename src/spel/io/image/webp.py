"""WebP: container checked here, pixels decoded by Pillow (libwebp)."""

from __future__ import annotations

import struct
from typing import Any, BinaryIO

import numpy as np

from spel.io.opening import DAMAGED, DecodeError

from . import pillow
from .header import ImageInfo, check_size, exif_orientation, file_size, read_exactly

_MAX_CHUNKS = 1_000_000


def describe(file: BinaryIO, max_pixels: int) -> ImageInfo:
    """Walk the chunks of the container."""
    file.seek(4)
    (size,) = struct.unpack("<I", read_exactly(file, 4, "its header"))
    read_exactly(file, 4, "its header")
    length = file_size(file)
    end = 8 + size
    if end > length:
        raise DecodeError(
            f"it is cut short: {end} bytes are announced, {length} are there", DAMAGED
        )
    rows = cols = frames = 0
    alpha, orientation, extended = False, 1, False
    for _ in range(_MAX_CHUNKS):
        here = file.tell()
        if here + 8 > end:
            break
        name, count = struct.unpack("<4sI", read_exactly(file, 8, "a chunk"))
        if here + 8 + count > end:
            raise DecodeError("it is cut short: a chunk reaches past its end", DAMAGED)
        if name == b"VP8X" and here == 12:
            flags, low_w, high_w, low_h, high_h = struct.unpack(
                "<B3xHBHB", read_exactly(file, 10, "VP8X")
            )
            cols, rows = 1 + low_w + (high_w << 16), 1 + low_h + (high_h << 16)
            alpha, extended = bool(flags & 0x10), True
        elif name in (b"VP8 ", b"VP8L"):
            head = file.read(min(count, 10))
            shape = _lossy(head) if name == b"VP8 " else _lossless(head)
            if extended and not frames and shape[:2] != (rows, cols):
                raise DecodeError("its image does not fit its canvas", DAMAGED)
            rows, cols = shape[:2]
            alpha, frames = alpha or (not extended and shape[2]), frames + 1
        elif name == b"ANMF":
            frames += 1
        elif name == b"EXIF" and count <= 1 << 20:
            orientation = exif_orientation(read_exactly(file, count, "its EXIF"))
        file.seek(here + 8 + count + (count & 1))
    check_size(rows, cols, 4, 1, max_pixels)
    if not frames:
        raise DecodeError("it has no frame", DAMAGED)
    if 3 * rows * cols > 2 * max_pixels:
        raise DecodeError(
            f"{rows} x {cols} pixels exceed two thirds of the limit of {max_pixels}: WebP takes 16 "
            "bytes of memory for each",
            "if you trust the file, raise max_pixels",
        )
    if length > (64 << 20) + 8 * rows * cols * frames:
        raise DecodeError("it holds far more bytes than its frames need", "save the image again")
    channels = 4 if alpha else 3
    return ImageInfo(
        "WebP", rows, cols, channels, "uint8", 8, pillow.COLORS[channels], orientation, frames
    )


def read(file: BinaryIO, max_pixels: int, page: int | None) -> tuple[np.ndarray, ImageInfo]:
    """Decode one frame, the first by default, into (rows, cols, channels) of uint8."""
    info = describe(file, max_pixels)
    if page is not None and page >= info.pages:
        raise DecodeError(f"it has {info.pages} frames, no number {page}", "count from 0")
    image = pillow.open_as("WebP", file)
    if image.size != (info.cols, info.rows):
        raise DecodeError("its header contradicts itself", DAMAGED)
    if page:
        pillow.seek(image, page)
        return pillow.pixels(image), info
    return _first_frame(image, info), info


def _first_frame(image: Any, info: ImageInfo) -> np.ndarray:
    """The canvas of the first frame, straight from libwebp: Pillow would copy it once more."""
    frame = image._decoder.get_next()
    size = 4 * info.rows * info.cols
    if frame is None or len(frame[0]) != size:
        raise DecodeError("its first frame is damaged", DAMAGED)
    image._decoder = None
    canvas = np.frombuffer(frame[0], np.uint8).reshape(info.rows, info.cols, 4)
    return canvas[:, :, : info.channels].copy()


def _lossy(head: bytes) -> tuple[int, int, bool]:
    if len(head) < 10 or head[3:6] != b"\x9d\x01\x2a":
        raise DecodeError("its frame header is damaged", DAMAGED)
    cols, rows = struct.unpack_from("<HH", head, 6)
    return rows & 0x3FFF, cols & 0x3FFF, False


def _lossless(head: bytes) -> tuple[int, int, bool]:
    if len(head) < 5 or head[0] != 0x2F:
        raise DecodeError("its frame header is damaged", DAMAGED)
    (bits,) = struct.unpack_from("<I", head, 1)
    return (bits >> 14 & 0x3FFF) + 1, (bits & 0x3FFF) + 1, bool(bits >> 28 & 1)
