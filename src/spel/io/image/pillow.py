"""The door to Pillow: one named decoder at a time, never its search by content or name."""

from __future__ import annotations

from typing import Any, BinaryIO

import numpy as np

from spel.io.opening import DecodeError

_BAND = 1 << 20  # pixels copied out of Pillow at once
_CHANNELS = {
    "1": "grey",
    "L": "grey",
    "I;16": "grey",
    "LA": "grey+alpha",
    "RGB": "rgb",
    "RGBA": "rgba",
    "CMYK": "cmyk",
    "P": "rgb",
}
COLORS = {1: "grey", 2: "grey+alpha", 3: "rgb", 4: "rgba"}


def open_as(plugin: str, file: BinaryIO) -> Any:
    """Open ``file`` with the decoder of one format, e.g. ``"Jpeg"``."""
    import importlib

    module = importlib.import_module(f"PIL.{plugin}ImagePlugin")
    file.seek(0)
    return getattr(module, f"{plugin}ImageFile")(file)


def pixels(image: Any) -> np.ndarray:
    """Decode ``image`` wholly and return (rows, cols, channels) of a type that keeps its bits."""
    image.load()
    if image.mode in ("P", "PA"):
        transparent = "transparency" in image.info or image.mode == "PA"
        image = image.convert("RGBA" if transparent else "RGB")
    if image.mode in ("RGBX", "RGBa", "La", "HSV", "YCbCr") or image.mode not in _CHANNELS:
        raise DecodeError(f"its pixels have the mode {image.mode}, which is not read")
    cols, rows = image.size
    if rows < 1 or cols < 1:
        raise DecodeError("it has no pixels")
    if rows * cols <= _BAND:
        array = np.array(image)
        return array[:, :, None] if array.ndim == 2 else array
    first = np.asarray(image.crop((0, 0, 1, 1)))
    channels = first.shape[2] if first.ndim == 3 else 1
    out = np.empty((rows, cols, channels), first.dtype)
    band = max(1, _BAND // cols)
    for row in range(0, rows, band):  # a copy in one piece would need three times the memory
        last = min(rows, row + band)
        out[row:last] = np.asarray(image.crop((0, row, cols, last))).reshape(-1, cols, channels)
    return out


def seek(image: Any, page: int) -> None:
    """Go to a frame; walking past the last is a refusal."""
    try:
        image.seek(page)
    except EOFError:
        raise DecodeError(f"it has no page {page}", "count pages from 0") from None
