"""Windows of images that are larger than memory: TIFF, tile by tile or strip by strip, and NumPy.

The same checks and decoders as `spel.read`, on the chunks that a window needs.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from spel.errors import ParameterError

from .header import Refusal
from .images import opened, recognize, refusing
from .npy import _header as npy_header
from .tiff import Page, read_pages
from .tiff_pixels import decode

__all__ = ["LargeImage"]

MAX_PIXELS = 1 << 40
_STRIP = 1 << 18
_CHUNK = 1 << 28


class LargeImage:
    """An image file of which windows are read; a context manager.

    Parameters
    ----------
    path : str or path
        TIFF or BigTIFF (any compression that `spel.read` reads) or NumPy file.
    page : int
        Page of a TIFF, counted from 0: the levels of a pyramid, for instance.
    max_pixels : int

    Attributes
    ----------
    shape : (rows, cols, channels)
    dtype : numpy.dtype
    pages : int

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
    ...     image.shape, image[1:3, 2:4][..., 0].tolist()
    ((3, 4, 1), [[6, 7], [10, 11]])
    """

    def __init__(
        self, path: str | os.PathLike[str], *, page: int = 0, max_pixels: int = MAX_PIXELS
    ) -> None:
        self.path = Path(path)
        with refusing(path) as context, opened(path) as file:
            kind = recognize(file.read(32))
            context.format = kind.upper()
            reader = {"tiff": _Tiff, "npy": _Npy}.get(kind)
            if reader is None:
                raise Refusal(
                    "windows are read from TIFF and NumPy files only", "convert it to a tiled TIFF"
                )
            self._reader: _Tiff | _Npy = reader(file, page, max_pixels)
        self._format = kind.upper()
        self._file: BinaryIO | None = None
        self.shape, self.dtype, self.pages = (
            self._reader.shape,
            self._reader.dtype,
            self._reader.pages,
        )

    @property
    def ndim(self) -> int:
        return 3

    @property
    def size(self) -> int:
        """Number of samples."""
        return int(np.prod([int(n) for n in self.shape], dtype=object))

    def __getitem__(self, window: Any) -> npt.NDArray[Any]:
        """The window ``[rows, cols]``, both slices without steps, with all channels."""
        slices = window if isinstance(window, tuple) else (window,)
        full: list[tuple[int, int]] = []
        for axis in range(2):
            part = slices[axis] if axis < len(slices) else slice(None)
            if not isinstance(part, slice) or part.step not in (None, 1) or len(slices) > 2:
                raise ParameterError(f"LargeImage: window {window!r}; expected [a:b, c:d]")
            start, stop, _ = part.indices(self.shape[axis])
            full.append((start, max(start, stop)))
        (top, bottom), (left, right) = full
        if top == bottom or left == right:
            return np.zeros((bottom - top, right - left, self.shape[2]), self.dtype)
        if self._file is None:
            self._file = self.path.open("rb")
        with refusing(self.path) as context:
            context.format = self._format
            return self._reader.window(self._file, (top, bottom), (left, right))

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


class _Tiff:
    """Windows of one page, through pages that hold only the chunks needed."""

    def __init__(self, file: BinaryIO, page: int, max_pixels: int) -> None:
        pages = read_pages(file)
        self.pages = len(pages)
        if page >= len(pages):
            raise Refusal(f"it has {len(pages)} pages, no number {page}", "count from 0")
        self.page = _striped(pages[page])
        _check(self.page.rows, self.page.cols, max_pixels)
        if self.page.orientation != 1:
            raise Refusal("it is turned by its EXIF orientation", "save it upright")
        if self.page.photometric == 6 or self.page.compression == 7:
            across = self.page.cols if not self.page.tiled else self.page.chunk_cols
        else:
            across = self.page.chunk_cols
        if self.page.chunk_rows * across * self.page.samples * self.page.bits // 8 > _CHUNK:
            raise Refusal(
                f"one of its chunks has {self.page.chunk_rows} x {across} pixels",
                "save it in tiles, e.g. of 512 x 512",
            )
        self.shape = (self.page.rows, self.page.cols, self.page.channels)
        self.dtype = self.page.dtype

    def window(self, file: BinaryIO, rows: Span, cols: Span) -> npt.NDArray[Any]:
        page, (top, bottom), (left, right) = self.page, rows, cols
        high, wide = page.chunk_rows, page.chunk_cols
        down, across = -(-page.rows // high), -(-page.cols // wide)
        first, last = top // high, -(-bottom // high)
        begin, end = (left // wide, -(-right // wide)) if page.tiled else (0, across)
        planes = page.samples if page.planar else 1
        grid = np.arange(planes * down * across).reshape(planes, down, across)
        chosen = grid[:, first:last, begin:end].ravel()
        part = replace(
            page,
            rows=min(page.rows, last * high) - first * high,
            cols=min(page.cols, end * wide) - begin * wide if page.tiled else page.cols,
            offsets=page.offsets[chosen],
            counts=page.counts[chosen],
        )
        if not page.tiled:
            begin = 0
        image = decode(file, part)
        y, x = top - first * high, left - begin * wide
        return image[y : y + bottom - top, x : x + right - left]


class _Npy:
    """Windows of an array in the order of C, read row by row."""

    def __init__(self, file: BinaryIO, page: int, max_pixels: int) -> None:
        file.seek(0)
        dtype, shape, columns_first = npy_header(file, max_pixels)
        self.start, self.pages = file.tell(), 1
        if columns_first or len(shape) == 4:
            raise Refusal("windows need rows after one another", "save it in the order of C")
        if page:
            raise Refusal("a NumPy file has one page", "leave page at 0")
        self.shape = (shape[0], shape[1], shape[2] if len(shape) == 3 else 1)
        self.dtype = dtype.newbyteorder("=")
        self._stored = dtype

    def window(self, file: BinaryIO, rows: Span, cols: Span) -> npt.NDArray[Any]:
        spel = self.shape[2] * self._stored.itemsize
        out = np.empty((rows[1] - rows[0], cols[1] - cols[0], self.shape[2]), self._stored)
        for line, row in zip(out, range(*rows)):
            file.seek(self.start + (row * self.shape[1] + cols[0]) * spel)
            if file.readinto(line.view(np.uint8).data) != line.nbytes:  # type: ignore[attr-defined]
                raise Refusal("it is cut short", "copy or download it again")
        return out.astype(self.dtype, copy=False)


def _check(rows: int, cols: int, max_pixels: int) -> None:
    if rows < 1 or cols < 1 or rows * cols > max_pixels:
        raise Refusal(
            f"{rows} x {cols} pixels; at least one and at most {max_pixels} are read",
            "if you trust the file, raise max_pixels",
        )


def _striped(page: Page) -> Page:
    """Uncompressed strips cut into smaller ones, so that a window reads only its rows."""
    samples = 1 if page.planar else page.samples
    row_bytes = (page.cols * samples * page.bits + 7) // 8
    rows = max(1, _STRIP // max(1, row_bytes))
    whole = page.compression == 1 and not page.tiled and page.chunk_rows > rows
    if not whole or page.photometric == 6:
        return page
    offsets, counts = [], []
    planes = page.samples if page.planar else 1
    old = -(-page.rows // page.chunk_rows)
    if old != 1 and page.chunk_rows % rows:
        rows = next(n for n in range(rows, 0, -1) if page.chunk_rows % n == 0)
    for plane in range(planes):
        for row in range(0, page.rows, rows):
            strip, inside = divmod(row, page.chunk_rows)
            high = min(rows, page.rows - row)
            offsets.append(int(page.offsets[plane * old + strip]) + inside * row_bytes)
            counts.append(high * row_bytes)
    return replace(page, chunk_rows=rows, offsets=np.array(offsets), counts=np.array(counts))
