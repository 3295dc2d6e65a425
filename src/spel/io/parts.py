"""Which images are read whole, and which in parts, by their format and their size."""

from __future__ import annotations

import os
from math import prod

from spel.io.image.formats import recognize
from spel.io.image.header import BYTES_PER_PIXEL, MAX_PIXELS, ImageInfo
from spel.io.image.reader import describe
from spel.io.large import LargeImage, is_zarr
from spel.io.opening import DecodeError, image_error

NO_LIMIT = 1 << 62
READ_IN_PARTS = ("TIFF", "NPY")
MAX_COMPRESSION = 100
"""Bytes of an image per byte of its file, up to which it is tiled without a request."""


def in_parts(path: str | os.PathLike[str]) -> bool | None:
    """Whether the format of a file allows to read a part of it; None if the format is unknown."""
    if is_zarr(path):
        return True
    try:
        with open(path, "rb") as file:
            return recognize(file.read(32)) in READ_IN_PARTS
    except (OSError, DecodeError):
        return None


def is_too_large(info: ImageInfo) -> bool:
    """Whether an image exceeds what is read whole, and its format can be read in parts."""
    pixels = info.rows * info.cols * max(1, info.planes)
    return info.format in READ_IN_PARTS and not _is_small(pixels, info.nbytes)


def fits(image: LargeImage) -> bool:
    """Whether an image may be read whole."""
    pixels = prod(int(n) for n in image.shape[:-1])
    return _is_small(pixels, image.size * image.dtype.itemsize)


def _is_small(pixels: int, nbytes: int) -> bool:
    return pixels <= MAX_PIXELS and nbytes <= BYTES_PER_PIXEL * MAX_PIXELS


def large_image(
    path: str | os.PathLike[str], tile: int | None, *, page: int | None, isolate: bool
) -> LargeImage | None:
    """An image that is read by windows: with a tile, or if it is too large; else None.

    Raises
    ------
    ImageReadError
        If the image cannot be read in parts, or is compressed beyond belief.
    """
    name = os.fspath(path)
    if tile is not None:
        return LargeImage(name, page=page, isolate=isolate)
    if is_zarr(name) or is_too_large(describe(name, max_pixels=NO_LIMIT, isolate=isolate)):
        image = LargeImage(name, page=page, isolate=isolate)
        if not fits(image):
            check_compression(name, image)
            return image
    return None


def check_compression(path: str, image: LargeImage) -> None:
    """Refuse a small file that claims to hold a huge image, unless tiles were asked for.

    Raises
    ------
    ImageReadError
    """
    claimed, stored = image.size * image.dtype.itemsize, _stored_bytes(path)
    if claimed > MAX_COMPRESSION * stored:
        rows, cols = image.shape[-3:-1]
        raise image_error(
            path,
            image.format,
            f"{rows} x {cols} pixels in {stored} bytes: compressed more than {MAX_COMPRESSION} "
            "times",
            "if you trust the file, give the size of tiles (--tile 2048)",
        )


def _stored_bytes(path: str) -> int:
    if not os.path.isdir(path):
        return os.path.getsize(path)
    return sum(
        os.lstat(os.path.join(folder, name)).st_size
        for folder, _, names in os.walk(path)
        for name in names
    )
