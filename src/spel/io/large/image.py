"""Windows of images that are larger than memory: TIFF, OME-Zarr and NumPy, chunk by chunk."""

from __future__ import annotations

import contextlib
import os
import threading
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.core.intensity import white_of_type
from spel.errors import ParameterError
from spel.io.opening import translating_errors

from .isolated import IsolatedWindows
from .windows import MAX_PIXELS, Span, Windows, open_windows

__all__ = ["MAX_PIXELS", "LargeImage"]


class LargeImage:
    """An image of which windows are read; a context manager.

    Parameters
    ----------
    path : str or path
        TIFF or BigTIFF, NumPy file, or folder of an OME-Zarr image.
    page : int, optional
        Page of a TIFF or point in time, counted from 0. By default all pages that are alike are
        planes or channels, else the first is read. A TIFF of several points in time needs it.
    level : int
        Level of a pyramid; 0 is the full size.
    max_pixels : int
        Largest number of pixels of the level, all planes together.
    isolate : bool
        Open and decode in a worker with limits on memory and time; see `spel.read`.

    Attributes
    ----------
    shape : (rows, cols, channels)
        With planes before them for a volume.
    dtype : numpy.dtype
    pages : int
        Pages of a TIFF, or points in time of a Zarr image.
    bits : int
        Number of bits per sample that are used, as the file states.
    levels : tuple of (rows, cols)
        Sizes of all levels, largest first.
    depths : tuple of int
        Number of planes of each level; 1 for images.
    spacing, unit : tuple of float, str
        Sides of a voxel of this level, see `spel.io.ImageInfo`.
    format : str
        "TIFF", "NPY" or "ZARR".

    Raises
    ------
    ImageReadError
        As `spel.read`; also for an image that is turned by its EXIF orientation, and for strips,
        tiles or chunks of more than 256 MiB.

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
        isolate: bool = False,
    ) -> None:
        for name, value in (("page", page or 0), ("level", level)):
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                raise ParameterError(f"LargeImage: {name} {value!r}; expected a number from 0")
        self.path, self.page, self.level, self.max_pixels = Path(path), page, level, max_pixels
        self.isolate = isolate
        self._windows: Windows | None = None
        self._lock = threading.Lock()  # of threads that read windows of one file
        windows = self._opened()
        self.format, self.shape, self.dtype = windows.format, windows.shape, windows.dtype
        self.pages, self.bits = windows.pages, windows.bits
        self.levels, self.depths = windows.levels, windows.depths
        self.spacing, self.unit = windows.spacing, windows.unit

    @property
    def full_size(self) -> tuple[int, ...]:
        """([planes,] rows, cols) of the full size."""
        return (self.depths[0], *self.levels[0])[-len(self.shape) + 1 :]

    @property
    def scale(self) -> tuple[float, ...]:
        """Size of this level relative to the full size, along ([planes,] rows, cols)."""
        return tuple(n / whole for n, whole in zip(self.shape, self.full_size))

    def smaller(self) -> list[LargeImage]:
        """The smaller levels of its pyramid, largest first."""
        options: dict[str, Any] = {"page": self.page, "max_pixels": self.max_pixels}
        return [
            LargeImage(self.path, level=level, isolate=self.isolate, **options)
            for level in range(self.level + 1, len(self.levels))
        ]

    @property
    def white(self) -> float | None:
        """Full intensity, by type and bits; None for types whose values tell (`white_of`)."""
        white = white_of_type(self.dtype, self.bits)
        wide = self.dtype.itemsize > 2 and white == white_of_type(self.dtype)
        return None if wide or self.dtype.kind == "f" else white

    @property
    def ndim(self) -> int:
        """Number of axes, channels included."""
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
        with self._lock, translating_errors(self.path) as reading:
            reading.format = self.format
            return self._opened().window(*spans)

    def _opened(self) -> Windows:
        if self._windows is None:
            opener = IsolatedWindows if self.isolate else open_windows
            self._windows = opener(self.path, self.page, self.level, self.max_pixels)
        return self._windows

    def close(self) -> None:
        """Close the file; a later window opens it again."""
        if self._windows is not None:
            self._windows.close()
            self._windows = None

    def __enter__(self) -> LargeImage:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __del__(self) -> None:
        with contextlib.suppress(Exception):
            self.close()

    def __reduce__(self) -> Any:
        options = self.page, self.level, self.max_pixels, self.isolate
        return _opened_here, (os.fspath(self.path), *options, os.stat(self.path).st_mtime_ns)


@lru_cache(maxsize=4)
def _opened_here(
    path: str, page: int | None, level: int, max_pixels: int, isolate: bool, changed: int
) -> LargeImage:
    """The image in a process that received it, which opens it once for all its windows."""
    return LargeImage(path, page=page, level=level, max_pixels=max_pixels, isolate=isolate)
