"""WebP: the container is checked here, the pixels are decoded by Pillow (libwebp)."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import numpy.typing as npt

from spel.io.opening import DAMAGED, RAISE_LIMIT, DecodeError

from . import pillow
from .header import ImageInfo, check_size, file_size, read_exactly

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile


def describe(file: BinaryIO, max_pixels: int) -> ImageInfo:
    """Read the header and count the frames."""
    return _open(file, max_pixels)[1]


def read(
    file: BinaryIO, max_pixels: int, page: int | None
) -> tuple[npt.NDArray[np.generic], ImageInfo]:
    """Decode one frame, the first by default, into (rows, cols, channels) of uint8."""
    import imagecodecs

    image, info = _open(file, max_pixels)
    pillow.go_to_frame(image, page, max_pixels)
    if info.pages > 1:
        return pillow.pixels(image), info
    del image  # and the memory of its canvas
    file.seek(0)
    array = imagecodecs.webp_decode(file.read(), hasalpha=info.channels == 4)
    return np.asarray(array).reshape(info.shape), info


def _open(file: BinaryIO, max_pixels: int) -> tuple[ImageFile, ImageInfo]:
    """The image at its first frame, and its description."""
    rows, cols = _size(file)
    check_size(rows, cols, 4, 1, max_pixels)
    if 3 * rows * cols > 2 * max_pixels:
        raise DecodeError(
            f"{rows} x {cols} pixels exceed two thirds of the limit of {max_pixels}, because each "
            "pixel of WebP takes 16 bytes of memory",
            RAISE_LIMIT,
        )
    image = pillow.open_as("WebP", file)
    if image.size != (cols, rows):
        raise DecodeError("its header contradicts itself", DAMAGED)
    frames = pillow.frame_count(image)
    if file_size(file) > (64 << 20) + 8 * rows * cols * frames:
        raise DecodeError("it has far more bytes than its frames need", "save the image again")
    channels = len(image.getbands())
    color = pillow.COLORS[channels]
    turned = pillow.orientation(image.info.get("exif", b""))
    return image, ImageInfo(
        "WebP", rows, cols, channels, color=color, orientation=turned, pages=frames
    )


def _size(file: BinaryIO) -> tuple[int, int]:
    """Rows and columns of the canvas, before Pillow allocates it."""
    file.seek(4)
    end = 8 + int(struct.unpack("<I", read_exactly(file, 4, "its header"))[0])
    length = file_size(file)
    if end > length:
        raise DecodeError(f"it is cut short: it announces {end} bytes, but has {length}", DAMAGED)
    start = file.read(22).ljust(22, b"\0")
    kind, head = start[4:8], start[12:]
    if kind == b"VP8X":
        low_cols, high_cols, low_rows, high_rows = struct.unpack_from("<HBHB", head, 4)
        return 1 + low_rows + (high_rows << 16), 1 + low_cols + (high_cols << 16)
    if kind == b"VP8L" and head[0] == 0x2F:
        (bits,) = struct.unpack_from("<I", head, 1)
        return (bits >> 14 & 0x3FFF) + 1, (bits & 0x3FFF) + 1
    if kind == b"VP8 " and head[3:6] == b"\x9d\x01\x2a":
        cols, rows = struct.unpack_from("<HH", head, 6)
        return rows & 0x3FFF, cols & 0x3FFF
    raise DecodeError("its first chunk is no image", DAMAGED)
