"""Windows of images that are larger than memory: TIFF, OME-Zarr and NumPy, chunk by chunk.

The same checks and decoders as `spel.read`, on the chunks that a window needs; pyramids by level,
volumes by plane.
"""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from spel.errors import ParameterError
from spel.io.image.npy import _header as npy_header
from spel.io.image.reader import recognize
from spel.io.opening import DecodeError, open_binary, translating_errors

from .lazy_tiff import TiffImage
from .zarr import ZarrImage, is_zarr

__all__ = ["LargeImage"]

MAX_PIXELS = 1 << 38


class LargeImage:
    """An image of which windows are read; a context manager.

    Parameters
    ----------
    path : str or path
        TIFF or BigTIFF (any compression that `spel.read` reads), NumPy file, or folder of an
        OME-Zarr image.
    page : int, optional
        Page of a TIFF or point in time of a Zarr image, counted from 0. By default all pages that
        are alike, as planes, or the first.
    level : int
        Of a pyramid; 0 is the full size.
    max_pixels : int
        Of the level, all planes together.

    Attributes
    ----------
    shape : (rows, cols, channels)
        With planes before them for a volume.
    dtype : numpy.dtype
    pages : int
    levels : tuple of (rows, cols)
        Of all levels, largest first.

    Raises
    ------
    ImageReadError
        As `spel.read`; for a turned image (EXIF), and chunks of more than 256 MiB.

    Examples
    --------
    >>> import tempfile
    >>> from spel.io import write
    >>> name = tempfile.mkdtemp() + "/a.tif"
    >>> write(name, np.arange(12, dtype=np.uint8).reshape(3, 4))
    >>> with LargeImage(name) as image:
    ...     image.shape, image[1:3, 2:4][..., 0].tolist(), image.levels
    ((3, 4, 1), [[6, 7], [10, 11]], ((3, 4),))
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        page: int | None = None,
        level: int = 0,
        max_pixels: int = MAX_PIXELS,
    ) -> None:
        for name, value in (("page", page or 0), ("level", level)):
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                raise ParameterError(f"LargeImage: {name} {value!r}; expected a number from 0")
        self.path, self.level = Path(path), level
        self._file: BinaryIO | None = None
        self._reader: TiffImage | _Npy | ZarrImage
        with translating_errors(path) as context:
            if is_zarr(path):
                context.format = "ZARR"
                self._reader = ZarrImage(path, page, level, max_pixels)
            else:
                with open_binary(path) as file:
                    kind = recognize(file.read(32))
                    context.format = kind.upper()
                    reader = {"tiff": TiffImage, "npy": _Npy}.get(kind)
                    if reader is None:
                        raise DecodeError(
                            "windows are read from TIFF, OME-Zarr and NumPy only",
                            "convert it to a tiled TIFF",
                        )
                    self._reader = reader(file, page, level, max_pixels)
            self.format = context.format
        self.shape, self.dtype, self.pages, self.levels = (
            self._reader.shape,
            self._reader.dtype,
            self._reader.pages,
            self._reader.levels,
        )

    @property
    def scale(self) -> tuple[float, float]:
        """Spels of this level per spel of the full size (row, col)."""
        (rows, cols), (high, wide) = self.levels[0], self.levels[self.level]
        return high / rows, wide / cols

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of samples."""
        return int(np.prod([int(n) for n in self.shape], dtype=object))

    def __getitem__(self, window: Any) -> npt.NDArray[Any]:
        """The window ``[[planes,] rows, cols]``, slices without steps, with all channels."""
        axes = len(self.shape) - 1
        slices = window if isinstance(window, tuple) else (window,)
        spans: list[Span] = []
        for axis in range(axes):
            part = slices[axis] if axis < len(slices) else slice(None)
            if not isinstance(part, slice) or part.step not in (None, 1) or len(slices) > axes:
                raise ParameterError(f"LargeImage: window {window!r}; expected [a:b, c:d]")
            start, stop, _ = part.indices(self.shape[axis])
            spans.append((start, max(start, stop)))
        if any(start == stop for start, stop in spans):
            return np.zeros([b - a for a, b in spans] + [self.shape[-1]], self.dtype)
        with translating_errors(self.path) as context:
            context.format = self.format
            if isinstance(self._reader, ZarrImage):
                return self._reader.window(*spans)
            if self._file is None:
                self._file = self.path.open("rb")
            return self._reader.window(self._file, *spans)

    def close(self) -> None:
        """Close the file; a later window opens it again."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self) -> LargeImage:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_file": None}  # each process opens the file for itself


Span = tuple[int, int]


class _Npy:
    """Windows of an array in the order of C, read row by row."""

    levels: tuple[Span, ...]

    def __init__(self, file: BinaryIO, page: int | None, level: int, max_pixels: int) -> None:
        file.seek(0)
        dtype, shape, columns_first = npy_header(file, max_pixels)
        self.start, self.pages = file.tell(), 1
        if columns_first:
            raise DecodeError("windows need rows after one another", "save it in the order of C")
        if page or level:
            raise DecodeError("a NumPy file has one page and one level", "leave page and level out")
        self.shape = shape if len(shape) > 2 else (*shape, 1)
        self.levels = ((self.shape[-3], self.shape[-2]),)
        self.dtype = dtype.newbyteorder("=")
        self._stored = dtype

    def window(self, file: BinaryIO, *spans: Span) -> npt.NDArray[Any]:
        rows, cols = spans[-2:]
        spel = self.shape[-1] * self._stored.itemsize
        planes = range(*spans[0]) if len(spans) == 3 else range(1)
        size = (len(planes), rows[1] - rows[0], cols[1] - cols[0], self.shape[-1])
        out = np.empty(size, self._stored)
        for plane, number in zip(out, planes):
            for line, row in zip(plane, range(*rows)):
                place = (number * self.shape[-3] + row) * self.shape[-2] + cols[0]
                file.seek(self.start + place * spel)
                if file.readinto(line.view(np.uint8).data) != line.nbytes:  # type: ignore[attr-defined]
                    raise DecodeError("it is cut short", "copy or download it again")
        return (out if len(spans) == 3 else out[0]).astype(self.dtype, copy=False)
