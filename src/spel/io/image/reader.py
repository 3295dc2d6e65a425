"""Reading images: any of eight formats, every bit of them, or one clear refusal."""

from __future__ import annotations

import os
from types import ModuleType
from typing import Any, BinaryIO

import numpy as np

from spel.io.large import LargeImage, is_zarr
from spel.io.opening import Reading, check_options, open_binary, translating_errors

from . import bmp, gif, jpeg, npy, png, pnm, tiff, webp
from .formats import recognize
from .header import MAX_PIXELS, ImageInfo, check_size

__all__ = ["describe", "read"]

_DECODERS = {
    "PNG": png,
    "JPEG": jpeg,
    "TIFF": tiff,
    "BMP": bmp,
    "GIF": gif,
    "WebP": webp,
    "PNM": pnm,
    "NPY": npy,
}


def read(
    path: str | os.PathLike[str] | BinaryIO,
    *,
    page: int | None = None,
    max_pixels: int = MAX_PIXELS,
    isolate: bool = False,
) -> np.ndarray:
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
    if isolate:
        from .isolate import shared_decoder

        return shared_decoder().read(path, page=page, max_pixels=max_pixels)
    if _is_folder(path):
        return _read_folder(path, page, max_pixels)
    with translating_errors(path) as context, open_binary(path) as file:
        return _decode(file, context, page, max_pixels)


def _read_folder(path: str | os.PathLike[str], page: int | None, max_pixels: int) -> np.ndarray:
    with (
        LargeImage(path, page=page, max_pixels=max_pixels) as image,
        translating_errors(path) as context,
    ):
        context.format = image.format
        *planes, rows, cols, channels = image.shape
        check_size(rows, cols, channels, image.dtype.itemsize, max_pixels, *planes)
        return image[:]


def read_open(file: BinaryIO, name: str, *, page: int | None, max_pixels: int) -> np.ndarray:
    """Read an open file that is called ``name`` in messages."""
    with translating_errors(name) as context:
        return _decode(file, context, page, max_pixels)


def _decode(file: BinaryIO, context: Reading, page: int | None, max_pixels: int) -> np.ndarray:
    module = _decoder(file, context)
    array, info = module.read(file, max_pixels, page)
    return apply_orientation(array, info.orientation)


def describe(path: str | os.PathLike[str] | BinaryIO, *, max_pixels: int = MAX_PIXELS) -> ImageInfo:
    """Say what an image file holds, from its header, without decoding pixels.

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
        return _describe_folder(path, max_pixels)
    with translating_errors(path) as context, open_binary(path) as file:
        info: ImageInfo = _decoder(file, context).describe(file, max_pixels)
        return displayed(info)


def _describe_folder(path: str | os.PathLike[str], max_pixels: int) -> ImageInfo:
    with LargeImage(path, max_pixels=max_pixels) as image:
        *planes, rows, cols, channels = image.shape
        name, bits = image.dtype.name, 8 * image.dtype.itemsize
        color = {1: "grey", 3: "rgb"}.get(channels, "channels")
        levels = f"{len(image.levels)} levels" if len(image.levels) > 1 else ""
        depth = planes[0] if planes else 0
        return ImageInfo(
            "ZARR", rows, cols, channels, name, bits, color, 1, image.pages, depth, levels
        )


def _is_folder(path: Any) -> bool:
    """Whether it is the folder of a Zarr image."""
    if not isinstance(path, (str, os.PathLike)) or not os.path.isdir(path):
        return False
    return is_zarr(path)


def apply_orientation(array: np.ndarray, orientation: int) -> np.ndarray:
    """Turn a stored image (..., rows, cols, channels) into the displayed frame (EXIF 1 to 8)."""
    if orientation in (5, 6, 7, 8):
        array = array.swapaxes(-3, -2)
    if orientation in (2, 3, 6, 7):
        array = array[..., :, ::-1, :]
    if orientation in (3, 4, 7, 8):
        array = array[..., ::-1, :, :]
    return np.ascontiguousarray(array)


def displayed(info: ImageInfo) -> ImageInfo:
    """The same header with rows and columns as displayed."""
    from dataclasses import replace

    if info.orientation in (5, 6, 7, 8):
        return replace(info, rows=info.cols, cols=info.rows)
    return info


def _decoder(file: BinaryIO, reading: Reading) -> ModuleType:
    """The module that reads the format of an open file."""
    file.seek(0)
    reading.format = recognize(file.read(32))
    return _DECODERS[reading.format]
