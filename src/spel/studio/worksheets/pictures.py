"""Pictures and tables of numbers for worksheets."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.draw import as_rgb

WIDE = 360
MARK = (255, 0, 200)

Array = npt.NDArray[Any]


def picture(values: Array, at: tuple[int, int] | None) -> str:
    """An image as base64 JPEG, 360 pixels wide, with a cross at the marked spel."""
    from PIL import Image, ImageDraw

    drawn = Image.fromarray(as_rgb(values))
    scale = WIDE / drawn.width
    size = (WIDE, max(1, round(drawn.height * scale)))
    method = Image.Resampling.NEAREST if scale > 1 else Image.Resampling.LANCZOS
    drawn = drawn.resize(size, method)
    if at is not None:
        row, col = ((n + 0.5) * scale for n in at)
        pen = ImageDraw.Draw(drawn)
        pen.line((col - 9, row, col + 9, row), fill=MARK, width=2)
        pen.line((col, row - 9, col, row + 9), fill=MARK, width=2)
    file = io.BytesIO()
    drawn.save(file, "JPEG", quality=85)
    return base64.b64encode(file.getvalue()).decode()


def planes(array: Array) -> list[Array]:
    """The matrices of an image, channel by channel, or of a batch, image by image."""
    if array.ndim == 4:
        return [plane for image in array for plane in np.moveaxis(image, -1, 0)]
    return list(np.moveaxis(array, -1, 0))


def literal(array: Array) -> str:
    """An array as Python code, one row on a line."""
    short = array[..., 0] if array.shape[-1] == 1 else array
    text = np.array2string(short, separator=", ", threshold=1 << 20, max_line_width=1 << 20)
    return f"np.array({text.replace('.,', ',').replace('.]', ']')}, dtype=np.float32)"
