"""Windows of an image that a worker opens and decodes, for files that nobody vouches for."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.io.isolation import MIB, Isolation, Reply, reply
from spel.io.opening import image_error, translating_errors

from .windows import Span, Windows, open_windows

__all__ = ["IsolatedWindows"]

_FIELDS = {"format": str, "dtype": str, "pages": int, "bits": int, "size": list}
_FIELDS |= {"levels": list, "depths": list, "spacing": list, "unit": str}
_MEMORY = 1 << 30  # bytes for directories, and for the strips, tiles or chunks of a window


class IsolatedWindows:
    """One level of an image in a worker; attributes as of `LargeImage`."""

    def __init__(self, path: Path, page: int | None, level: int, max_pixels: int) -> None:
        self._path, self._image = path, (str(path), page, level, max_pixels)
        self._isolation = Isolation()
        header, _ = self._isolation.call(path, describe_in_worker, (self._image,), memory=_MEMORY)
        if any(type(header.get(name)) is not kind for name, kind in _FIELDS.items()):
            raise image_error(path, "", "the decoder sent no description", "leave the file out")
        self.format: str = header["format"]
        self.shape = tuple(int(n) for n in header["size"])
        self.dtype: np.dtype[Any] = np.dtype(header["dtype"])
        self.pages: int = header["pages"]
        self.bits: int = header["bits"]
        self.levels = tuple((int(rows), int(cols)) for rows, cols in header["levels"])
        self.depths = tuple(int(n) for n in header["depths"])
        self.spacing = tuple(float(n) for n in header["spacing"])
        self.unit: str = header["unit"]

    def window(self, *spans: Span) -> npt.NDArray[Any]:
        """([planes,] rows, cols, channels) between the (start, stop) of each axis but the last."""
        shape = [stop - start for start, stop in spans] + [self.shape[-1]]
        size = math.prod(shape) * self.dtype.itemsize
        _, array = self._isolation.call(
            self._path,
            read_in_worker,
            (self._image, spans),
            memory=_MEMORY + 4 * MIB * math.ceil(size / MIB),
            max_bytes=size,
        )
        if array is None or list(array.shape) != shape or array.dtype != self.dtype:
            raise image_error(self._path, self.format, "the decoder sent no image")
        return array

    def close(self) -> None:
        """End the worker."""
        self._isolation.worker.close()


# ------------------------------------------------------------------ inside the worker

Image = tuple[str, int | None, int, int]
_open: dict[tuple[Image, int], Windows] = {}


def describe_in_worker(image: Image) -> Reply:
    """What the image is."""

    def make() -> tuple[dict[str, Any], None]:
        windows = _opened(image)
        header = {"format": windows.format, "dtype": windows.dtype.name, "pages": windows.pages}
        return {
            **header,
            "bits": windows.bits,
            "size": windows.shape,
            "levels": windows.levels,
            "depths": windows.depths,
            "spacing": windows.spacing,
            "unit": windows.unit,
        }, None

    return reply(image[0], make)


def read_in_worker(image: Image, spans: tuple[Span, ...]) -> Reply:
    """One window of the image."""

    def make() -> tuple[dict[str, Any], npt.NDArray[Any]]:
        with translating_errors(image[0]) as reading:
            windows = _opened(image)
            reading.format = windows.format
            return {}, windows.window(*spans)

    return reply(image[0], make)


def _opened(image: Image) -> Windows:
    """The open image; the one before is closed."""
    path, page, level, max_pixels = image
    key = image, os.stat(path).st_mtime_ns if os.path.exists(path) else 0
    if key not in _open:
        for windows in _open.values():
            windows.close()
        _open.clear()
        _open[key] = open_windows(Path(path), page, level, max_pixels)
    return _open[key]
