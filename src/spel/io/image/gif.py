"""GIF: decoded by Pillow, frame by frame."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import numpy.typing as npt

from . import pillow
from .header import ImageInfo

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile


def describe(file: BinaryIO, max_pixels: int) -> ImageInfo:
    """Count the frames, and see whether the first has a transparent colour."""
    return _open(file, None, max_pixels)[1]


def read(
    file: BinaryIO, max_pixels: int, page: int | None
) -> tuple[npt.NDArray[np.generic], ImageInfo]:
    """Decode one frame, the first by default, into (rows, cols, channels) of uint8."""
    image, info = _open(file, page, max_pixels)
    array = pillow.pixels(image, "RGBA" if "transparency" in image.info else "RGB")
    return array, replace(info, channels=array.shape[2], color=pillow.COLORS[array.shape[2]])


def _open(file: BinaryIO, page: int | None, max_pixels: int) -> tuple[ImageFile, ImageInfo]:
    """The image at a frame, and the description of the first frame."""
    image = pillow.open_as("GIF", file)
    pillow.go_to_frame(image, None, max_pixels)
    cols, rows = image.size
    channels = 4 if "transparency" in image.info else 3
    color, frames = pillow.COLORS[channels], pillow.frame_count(image)
    info = ImageInfo("GIF", rows, cols, channels, color=color, pages=frames, note="palette")
    pillow.go_to_frame(image, page, max_pixels)
    return image, info
