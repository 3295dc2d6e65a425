"""Decoding with Pillow: one named decoder at a time, never its search by content or name."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import numpy.typing as npt

from spel.io.opening import DecodeError

from .header import check_number, check_size

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile

__all__ = ["COLORS", "frame_count", "go_to_frame", "open_as", "orientation", "pixels", "seek"]

COLORS = {1: "grey", 2: "grey+alpha", 3: "rgb", 4: "rgba"}
_ORIENTATION_TAG = 0x0112
_MODES = {"1", "L", "I;16", "LA", "RGB", "RGBA", "CMYK"}
_BAND = 1 << 20  # number of pixels copied out of Pillow at once
_MAX_FRAMES = 1_000_000


def open_as(format: str, file: BinaryIO) -> ImageFile:
    """Open ``file`` with the decoder of one format, such as ``"JPEG"``; no pixel is decoded."""
    from PIL.BmpImagePlugin import BmpImageFile
    from PIL.GifImagePlugin import GifImageFile
    from PIL.JpegImagePlugin import JpegImageFile
    from PIL.TiffImagePlugin import TiffImageFile
    from PIL.WebPImagePlugin import WebPImageFile

    decoders: dict[str, type[ImageFile]] = {
        "BMP": BmpImageFile,
        "GIF": GifImageFile,
        "JPEG": JpegImageFile,
        "TIFF": TiffImageFile,
        "WebP": WebPImageFile,
    }
    file.seek(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about metadata, which do not concern the pixels
        return decoders[format](file)


def frame_count(image: ImageFile) -> int:
    """Number of the frames of an animation; 1 for other images."""
    frames = int(getattr(image, "n_frames", 1))
    if frames > _MAX_FRAMES:
        raise DecodeError(f"it has more than {_MAX_FRAMES} frames")
    return frames


def go_to_frame(image: ImageFile, page: int | None, max_pixels: int) -> None:
    """Go to a frame, the first by default, which may have another size than the first."""
    check_number(page, frame_count(image), "frames")
    if page:
        seek(image, page)
    cols, rows = image.size
    check_size(rows, cols, 4, 1, max_pixels)


def seek(image: ImageFile, page: int) -> None:
    """Go to a frame, counted from 0."""
    try:
        image.seek(page)
    except EOFError:
        raise DecodeError(f"it has no page {page}", "count pages from 0") from None


def orientation(exif: bytes) -> int:
    """The orientation in an EXIF block, 1 to 8; damaged metadata never stop a read."""
    from PIL.Image import Exif

    block = Exif()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            block.load(exif)
            value = block.get(_ORIENTATION_TAG)
    except Exception:
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def pixels(image: Image, mode: str = "") -> npt.NDArray[np.generic]:
    """Decode ``image`` into (rows, cols, channels) of its own mode, a palette into its colours."""
    image.load()
    mode = mode or image.mode
    if mode in ("P", "PA"):
        mode = "RGBA" if mode == "PA" or "transparency" in image.info else "RGB"
    if mode not in _MODES:
        raise DecodeError(f"its pixels have the mode {mode}, which is not read")
    cols, rows = image.size
    if rows < 1 or cols < 1:
        raise DecodeError("it has no pixels")
    out: npt.NDArray[np.generic] | None = None
    band = max(1, _BAND // cols)
    for row in range(0, rows, band):  # a copy in one piece would need three times the memory
        last = min(rows, row + band)
        piece = image if band >= rows else image.crop((0, row, cols, last))
        part = np.asarray(piece if piece.mode == mode else piece.convert(mode))
        part = part.reshape(last - row, cols, -1)
        if out is None:
            out = np.empty((rows, *part.shape[1:]), part.dtype)
        out[row:last] = part
    assert out is not None
    return out
