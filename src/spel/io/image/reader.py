"""Reading images: any of eight formats, every bit of them, or one clear refusal."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, TypeGuard

import numpy.typing as npt

from spel.core.intensity import white_of
from spel.errors import ParameterError, printable
from spel.io.large import LargeImage, is_zarr
from spel.io.opening import check_options, check_reduce, open_binary, translating_errors

from .colors import check_colors
from .decoding import decode, read_all_of_open, read_header
from .header import MAX_PIXELS, ImageInfo, check_size
from .isolate import shared_decoder

__all__ = ["describe", "read"]

ReadWithWhite = Callable[[Path], tuple[npt.NDArray[Any], float | None]]
"""What reads an image and its full intensity, as `read_with_white`."""

Source = str | os.PathLike[str] | BinaryIO


def read(
    path: Source,
    *,
    page: int | None = None,
    max_pixels: int = MAX_PIXELS,
    isolate: bool = False,
    reduce: int = 1,
) -> npt.NDArray[Any]:
    """Read an image file into an array of the file's own type.

    The EXIF orientation is applied and there is always a channel axis. No bit is lost: 16-bit
    colour stays 16-bit. 1 bit gives bool; 2 to 7 bits are stretched to 8, one to one; 9 to 15
    bits keep their numbers in uint16. A palette gives its colours; a transparent colour gives
    an alpha channel. Colour profiles and gamma are not applied.

    Formats, chosen by content and never by name: PNG, JPEG, TIFF, BMP, GIF, WebP, netpbm and NumPy
    (without pickle). Nothing else is tried and no other program is ever started.

    Parameters
    ----------
    path : str, path or open binary file
        What to read; the folder of an OME-Zarr image is one, too, and gives its full size.
    page : int, optional
        Page of a TIFF or frame of a GIF or WebP file, counted from 0. By default all pages of a
        TIFF file, if they are alike, and the first frame of an animation.
    max_pixels : int
        Largest number of pixels (of all planes); known from the header before pixels are
        decoded. The array may also not exceed 6 bytes for each of them.
    isolate : bool
        Decode in another process with limits on memory and time (see :class:`spel.io.Decoder`).
    reduce : {1, 2, 4, 8}
        Decode a JPEG file at this part of its rows and columns, rounded up: quicker, as its blocks
        of 8 x 8 coefficients are transformed to fewer pixels. Other formats are refused.

    Returns
    -------
    numpy.ndarray
        (rows, cols, channels), or (planes, rows, cols, channels) for a TIFF of several alike pages.

    Raises
    ------
    ImageReadError
        The file is missing, damaged, cut short, too large or of another format; the message names
        file, format, reason and remedy in at most 300 characters.

    Examples
    --------
    >>> import io
    >>> read(io.BytesIO(b"P2 2 1 255 7 200"))[:, :, 0]
    array([[  7, 200]], dtype=uint8)
    """
    check_options(page, max_pixels)
    check_reduce(reduce)
    if _is_folder(path):
        if reduce != 1:
            raise ParameterError(f"read: {path} is a pyramid; choose a level instead of reduce")
        return _read_folder(path, page, max_pixels, isolate)
    if isolate:
        return shared_decoder().read(path, page=page, max_pixels=max_pixels, reduce=reduce)
    with translating_errors(path) as reading, open_binary(path) as file:
        return decode(file, reading, page, max_pixels, reduce)


def read_with_info(
    path: Source,
    *,
    page: int | None = None,
    max_pixels: int = MAX_PIXELS,
    isolate: bool = False,
    reduce: int = 1,
    colors: bool = False,
) -> tuple[npt.NDArray[Any], ImageInfo]:
    """What `read` and `describe` give, from one opening of the file.

    Parameters
    ----------
    path, page, max_pixels, isolate, reduce
        As :func:`read` takes them.
    colors : bool
        Whether the channels must be colours: others are refused before pixels are decoded.

    Examples
    --------
    >>> import io
    >>> image, info = read_with_info(io.BytesIO(b"P2 2 1 4095 7 200"))
    >>> image.shape, info.format
    ((1, 2, 1), 'PNM')
    """
    check_options(page, max_pixels)
    check_reduce(reduce)
    how: dict[str, Any] = {"page": page, "max_pixels": max_pixels}
    if _is_folder(path):
        info = describe(path, max_pixels=max_pixels, isolate=isolate)
        if colors:
            check_colors(path, info)
        return read(path, **how, isolate=isolate, reduce=reduce), info
    how.update(reduce=reduce, colors=colors)
    if isolate:
        return shared_decoder().read_with_info(path, **how)
    with translating_errors(path), open_binary(path) as file:
        return read_all_of_open(file, path, **how)


def read_with_white(
    path: Source,
    *,
    page: int | None = None,
    max_pixels: int = MAX_PIXELS,
    isolate: bool = False,
    colors: bool = False,
) -> tuple[npt.NDArray[Any], float | None]:
    """An image and its full intensity, by its type and the metadata of its file.

    Full intensity is None for floating-point numbers above 2: nobody states it. With `colors` an
    image whose channels are no colours is refused, see `spel.io.image.colors.check_colors`.

    Parameters
    ----------
    path : path, or binary file
    page, max_pixels, isolate
        As :func:`read` takes them.
    colors : bool
        Whether the channels must be colours.

    Examples
    --------
    >>> import io
    >>> image, white = read_with_white(io.BytesIO(b"P2 2 1 4095 7 200"))
    >>> image.dtype.name, white
    ('uint16', 4095.0)
    """
    image, info = read_with_info(
        path, page=page, max_pixels=max_pixels, isolate=isolate, colors=colors
    )
    if page is None and info.unread_pages:
        warnings.warn(first_of_pages(path, info.unread_pages), stacklevel=2)
    return image, white_of(image, info.range[1])


def first_of_pages(path: Source, pages: int) -> str:
    """What is said of a file of which only the first page or frame is read."""
    name = os.fsdecode(path) if isinstance(path, (str, os.PathLike)) else "the file"
    return (
        f"{printable(name)}: the first of its {pages} pages or frames is read; another is taken by "
        "page= in Python, and by --page on the command line"
    )


def describe(path: Source, *, max_pixels: int = MAX_PIXELS, isolate: bool = False) -> ImageInfo:
    """Say what an image file holds, from its header, without decoding pixels.

    Parameters
    ----------
    path : path, or binary file
    max_pixels : int
        Largest number of pixels.
    isolate : bool
        Whether to read it in a worker with limits on memory and time.

    Raises
    ------
    ImageReadError
        As :func:`read`; damage among the pixels is not seen.

    Examples
    --------
    >>> import io
    >>> print(describe(io.BytesIO(b"P2 2 1 255 7 200")))
    PNM, 1 x 2 x 1 (rows x cols x channels), uint8, grey
    """
    check_options(None, max_pixels)
    if _is_folder(path):
        return _describe_folder(path, max_pixels, isolate)
    if isolate:
        return shared_decoder().describe(path, max_pixels=max_pixels)
    with translating_errors(path) as reading, open_binary(path) as file:
        return read_header(file, reading, max_pixels)


def _is_folder(path: Source) -> TypeGuard[str | os.PathLike[str]]:
    """Whether it is the folder of a Zarr image."""
    return isinstance(path, (str, os.PathLike)) and os.path.isdir(path) and is_zarr(path)


def _read_folder(
    path: str | os.PathLike[str], page: int | None, max_pixels: int, isolate: bool
) -> npt.NDArray[Any]:
    with (
        LargeImage(path, page=page, max_pixels=max_pixels, isolate=isolate) as image,
        translating_errors(path) as reading,
    ):
        reading.format = image.format
        *planes, rows, cols, channels = image.shape
        check_size(rows, cols, channels, image.dtype.itemsize, max_pixels, *planes)
        return image[:]


def _describe_folder(path: str | os.PathLike[str], max_pixels: int, isolate: bool) -> ImageInfo:
    with LargeImage(path, max_pixels=max_pixels, isolate=isolate) as image:
        *planes, rows, cols, channels = image.shape
        name, bits = image.dtype.name, 8 * image.dtype.itemsize
        color = {1: "grey", 3: "rgb"}.get(channels, "channels")
        levels = f"{len(image.levels)} levels" if len(image.levels) > 1 else ""
        depth = planes[0] if planes else 0
        return ImageInfo(
            "ZARR", rows, cols, channels, name, bits, color, 1, image.pages, depth, levels,
            spacing=image.spacing, unit=image.unit,
        )  # fmt: skip
