"""GIF: decoded by Pillow, frame by frame."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import numpy.typing as npt

from spel.io.opening import DecodeError

from . import pillow
from .header import ImageInfo, check_number, check_size

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

_MAX_FRAMES = 1_000_000


def describe(file: BinaryIO, max_pixels: int) -> ImageInfo:
    """Count the frames and tell whether the first has a transparent colour."""
    return _open(file, max_pixels)[1]


def read(
    file: BinaryIO, max_pixels: int, page: int | None
) -> tuple[npt.NDArray[np.generic], ImageInfo]:
    """Decode one frame, the first by default, into (rows, cols, channels) of uint8."""
    image, info = _open(file, max_pixels)
    check_number(page, info.pages, "frames")
    if page:
        pillow.seek(image, page)
        cols, rows = image.size
        check_size(rows, cols, 4, 1, max_pixels)
    array = pillow.pixels(image, "RGBA" if "transparency" in image.info else "RGB")
    return array, replace(info, channels=array.shape[2], color=pillow.COLORS[array.shape[2]])


def _open(file: BinaryIO, max_pixels: int) -> tuple[ImageFile, ImageInfo]:
    image = pillow.open_as("GIF", file)
    cols, rows = image.size
    check_size(rows, cols, 4, 1, max_pixels)
    frames = int(getattr(image, "n_frames", 1))
    channels = 4 if "transparency" in image.info else 3
    if frames > _MAX_FRAMES:
        raise DecodeError(f"it has more than {_MAX_FRAMES} frames")
    color = pillow.COLORS[channels]
    info = ImageInfo("GIF", rows, cols, channels, color=color, pages=frames, note="palette")
    return image, info
