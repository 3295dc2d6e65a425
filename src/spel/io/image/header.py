"""The description of an image that its file gives before any pixel is decoded, and its limits."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from spel.core.intensity import white_of_type
from spel.io.opening import DAMAGED, RAISE_LIMIT, DecodeError

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["MAX_PIXELS", "ImageInfo", "image_range", "value_range"]

MAX_PIXELS = 89_478_485
"""Default limit of pixels, the same as Pillow's: 256 MiB of RGB."""

BYTES_PER_PIXEL = 6
"""Bytes for each pixel of the limit (RGB of 16 bits), so that an image takes less than 1 GiB."""

MAX_CHANNELS = 4096
"""Largest number of channels."""


@dataclass(frozen=True)
class ImageInfo:
    """The header of an image file, in the displayed frame.

    Attributes
    ----------
    format : str
        ``"PNG"``, ``"JPEG"``, ``"TIFF"``, ``"BMP"``, ``"GIF"``, ``"WebP"``, ``"PNM"`` or ``"NPY"``.
    rows, cols, channels : int
        Size of the array that ``spel.read`` returns, after the orientation.
    dtype : str
        Name of the NumPy type that ``spel.read`` returns.
    bits : int
        Bits per sample in the file.
    color : str
        Meaning of the channels: ``"grey"``, ``"grey+alpha"``, ``"rgb"``, ``"rgba"`` or
        ``"channels"``. CMYK and Lab files are read as RGB; the note says so.
    orientation : int
        EXIF orientation of the stored image, 1 to 8; 1 if the file states none.
    pages : int
        Pages, frames or planes in the file.
    planes : int
        Planes of the array that ``spel.read`` returns; 0 for a plain image.
    note : str
        Further remarks.
    maximum : int
        Largest value that the metadata state, such as 4095 for 12 bits in 16; 0 if they state none.
    times : int
        Points in time; if there are several, one is read at a time, with ``page=``.
    spacing : tuple of float
        Sides of a voxel along (planes, rows, cols); empty if the metadata state none.
    unit : str
        The unit of `spacing`, "µm", or empty if the metadata state no unit of length.

    Examples
    --------
    >>> info = ImageInfo("TIFF", 20, 30, 3, "uint16", 16, "rgb", pages=5, planes=5)
    >>> info.shape, info.nbytes
    ((5, 20, 30, 3), 18000)
    """

    format: str
    rows: int
    cols: int
    channels: int
    dtype: str = "uint8"
    bits: int = 8
    color: str = "channels"
    orientation: int = 1
    pages: int = 1
    planes: int = 0
    note: str = ""
    maximum: int = 0
    times: int = 1
    spacing: tuple[float, ...] = ()
    unit: str = ""

    @property
    def unread_pages(self) -> int:
        """Number of pages or frames if only the first of them is read by default; else 0.

        Examples
        --------
        >>> ImageInfo("GIF", 2, 2, 3, pages=5).unread_pages
        5
        >>> ImageInfo("TIFF", 2, 2, 3, pages=5, planes=5).unread_pages
        0
        """
        return self.pages if self.pages > 1 and not self.planes and self.times == 1 else 0

    @property
    def range(self) -> tuple[float, float]:
        """Values of black and white: those that the metadata state, else those of the type.

        Examples
        --------
        >>> ImageInfo("PNG", 1, 1, 1, "uint16", 16).range
        (0.0, 65535.0)
        >>> ImageInfo("TIFF", 1, 1, 1, "uint16", 12).range
        (0.0, 4095.0)
        """
        return (0.0, float(self.maximum)) if self.maximum else value_range(self.dtype, self.bits)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array that ``spel.read`` returns."""
        plane = (self.rows, self.cols, self.channels)
        return (self.planes, *plane) if self.planes else plane

    @property
    def nbytes(self) -> int:
        """Bytes of the array that ``spel.read`` returns."""
        count = np.dtype(self.dtype).itemsize
        for size in self.shape:
            count *= size
        return count

    def __str__(self) -> str:
        size = " x ".join(str(n) for n in self.shape)
        axes = "planes x rows x cols x channels" if self.planes else "rows x cols x channels"
        more = f", {self.pages} pages" if self.pages > 1 else ""
        turned = f", EXIF orientation {self.orientation}" if self.orientation != 1 else ""
        notes = [self.note] if self.note else []
        if self.spacing:
            sides = " x ".join(f"{n:g}" for n in self.spacing)
            notes.append(f"voxels of {sides} {self.unit}".rstrip())
        note = f" ({'; '.join(notes)})" if notes else ""
        return f"{self.format}, {size} ({axes}), {self.dtype}, {self.color}{turned}{more}{note}"


def value_range(dtype: npt.DTypeLike, bits: int = 0) -> tuple[float, float]:
    """Values of black and white of a type: 0, and 1 for bool and floats or else the largest number.

    Parameters
    ----------
    dtype : data type
    bits : int
        Bits per sample in the file, if they are fewer than those of the type.

    Examples
    --------
    >>> value_range("uint8"), value_range("uint16", 12), value_range("float32")
    ((0.0, 255.0), (0.0, 4095.0), (0.0, 1.0))
    """
    kind = np.dtype(dtype)
    return 0.0, white_of_type(kind, bits) if kind.kind in "iu" else 1.0


def image_range(image: npt.NDArray[Any], info: ImageInfo | None = None) -> tuple[float, float]:
    """Values of black and white of an image, by its header if there is one.

    The largest value that the metadata state is taken, unless the image exceeds it: some programs
    spread 12 bits over 16, others do not.

    Parameters
    ----------
    image : array
    info : ImageInfo, optional
        Its header.

    Examples
    --------
    >>> import numpy as np
    >>> info = ImageInfo("PNG", 1, 2, 1, "uint16", 16, maximum=4095)
    >>> image_range(np.array([[[7], [4000]]], np.uint16), info)
    (0.0, 4095.0)
    >>> image_range(np.array([[[7], [65520]]], np.uint16), info)
    (0.0, 65535.0)
    """
    if info is None or (info.maximum and image.size and image.max() > info.maximum):
        return value_range(image.dtype)
    return info.range


def check_size(
    rows: int, cols: int, channels: int, itemsize: int, max_pixels: int, planes: int = 1
) -> None:
    """Refuse an image without pixels or above the limits, before anything is allocated."""
    if rows < 1 or cols < 1 or channels < 1 or planes < 1:
        raise DecodeError(
            f"its header says {rows} rows x {cols} columns x {channels} channels",
            "an image needs at least one of each; create the file again",
        )
    if channels > MAX_CHANNELS:
        raise DecodeError(f"its header says {channels} channels; at most {MAX_CHANNELS} are read")
    pixels = rows * cols * planes
    volume = f"{planes} x " if planes > 1 else ""
    if pixels > max_pixels:
        raise DecodeError(
            f"{volume}{rows} x {cols} = {pixels} pixels exceed the limit of {max_pixels}",
            RAISE_LIMIT,
        )
    size, limit = pixels * channels * itemsize, BYTES_PER_PIXEL * max_pixels
    if size > limit:
        raise DecodeError(
            f"{volume}{rows} x {cols} x {channels} samples of {itemsize} bytes are {size} bytes; "
            f"the limit is {limit} ({BYTES_PER_PIXEL} for each of max_pixels)",
            RAISE_LIMIT,
        )


def check_number(page: int | None, pages: int, what: str = "pages") -> None:
    """Refuse a page, counted from 0, that the file does not have."""
    if page is not None and page >= pages:
        raise DecodeError(f"it has {pages} {what}, but none with the number {page}", "count from 0")


def read_exactly(file: BinaryIO, count: int, what: str) -> bytes:
    """Read exactly ``count`` bytes; ``what`` says where a shorter file is cut."""
    data = file.read(count)
    if len(data) != count:
        raise DecodeError(f"it is cut short: it ends inside {what}", DAMAGED)
    return data


def file_size(file: BinaryIO) -> int:
    """Length of the file in bytes; its position does not change."""
    here = file.tell()
    end = file.seek(0, os.SEEK_END)
    file.seek(here)
    return end
