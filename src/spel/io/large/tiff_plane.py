"""Windows of one plane of a TIFF file: only the strips and tiles that they need are decoded."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.io.image.colors import CONVERTED, check_convertible, to_rgb
from spel.io.image.tiff_checks import check_page
from spel.io.image.tiff_page import YCBCR, Plane
from spel.io.opening import DAMAGED, RAISE_LIMIT, DecodeError

__all__ = ["check_limits", "window"]

MAX_CHUNK_BYTES = 1 << 28
UNCOMPRESSED, OLD_JPEG = 1, 6
JPEG = (7, 34892, 33007)

Span = tuple[int, int]


def window(plane: Plane, rows: Span, cols: Span) -> npt.NDArray[Any]:
    """(rows, cols, channels) of a part of the plane, CMYK and Lab as RGB."""
    page = plane.page
    if page.is_memmappable:
        samples = np.array(_mapped(plane)[rows[0] : rows[1], cols[0] : cols[1]], page.dtype)
    else:
        samples = np.empty((rows[1] - rows[0], cols[1] - cols[0], plane.samples), page.dtype)
        for number, top, left in _chunks(plane, rows, cols):
            _decode_into(samples, plane, number, top - rows[0], left - cols[0])
    pixels = plane.pixels(samples)
    return to_rgb(pixels, plane.color) if plane.color in CONVERTED else pixels


def _mapped(plane: Plane) -> npt.NDArray[Any]:
    """A memory map of a page without compression, of which only the used part is read."""
    page, size = plane.page, (plane.rows, plane.cols, plane.samples)
    stored = np.dtype(page.dtype).newbyteorder(page.parent.byteorder)
    planar = page.planarconfig == 2 and plane.samples > 1
    if planar:
        size = (plane.samples, plane.rows, plane.cols)
    start = int(page.dataoffsets[0]) + plane.offset
    if start + math.prod(size) * stored.itemsize > page.parent.filehandle.size:
        raise DecodeError("it is cut short: rows are missing", DAMAGED)
    array: npt.NDArray[Any] = np.memmap(page.parent.filehandle.path, stored, "r", start, size)
    return np.moveaxis(array, 0, -1) if planar else array


def _chunk(plane: Plane) -> tuple[int, int]:
    """Rows and columns of a strip or tile."""
    if plane.page.is_tiled:
        return int(plane.page.tilelength), int(plane.page.tilewidth)
    return min(plane.rows, int(plane.page.rowsperstrip)), plane.cols


def _chunks(plane: Plane, rows: Span, cols: Span) -> list[tuple[int, int, int]]:
    """Number, first row and first column of the strips or tiles that a window needs."""
    high, wide = _chunk(plane)
    down, across = -(-plane.rows // high), -(-plane.cols // wide)
    parts = plane.samples if plane.page.planarconfig == 2 else 1
    return [
        ((part * down + y) * across + x, y * high, x * wide)
        for part in range(parts)
        for y in range(rows[0] // high, -(-rows[1] // high))
        for x in range(cols[0] // wide, -(-cols[1] // wide))
    ]


def _decode_into(out: npt.NDArray[Any], plane: Plane, number: int, top: int, left: int) -> None:
    """Decode a strip or tile and copy what lies in the window; (top, left) is its corner."""
    page = plane.page
    if number >= len(page.dataoffsets) or number >= len(page.databytecounts):
        raise DecodeError("the places of its strips or tiles are missing", DAMAGED)
    file, count = page.parent.filehandle, int(page.databytecounts[number])
    file.seek(int(page.dataoffsets[number]))
    data = file.read(min(count, file.size))
    if not data or (len(data) < count and page.compression != UNCOMPRESSED):
        raise DecodeError("it is cut short: a strip or tile is missing", DAMAGED)
    tables = {"jpegtables": page.jpegtables} if page.compression in JPEG else {}
    decoded, (sample, *_), _ = page.decode(data, number, **tables)
    if decoded is None or decoded.shape[0] != 1:
        raise DecodeError("a strip or tile is empty", DAMAGED)
    tile = decoded[0, max(0, -top) :, max(0, -left) :]
    top, left = max(0, top), max(0, left)
    tile = tile[: out.shape[0] - top, : out.shape[1] - left]
    samples = slice(sample, sample + tile.shape[2])
    out[top : top + tile.shape[0], left : left + tile.shape[1], samples] = tile


def check_limits(planes: Sequence[Plane], max_pixels: int, file_bytes: int, count: int) -> None:
    """Refuse planes that are too large or of a kind that is not read, before any is decoded.

    `count` is the number of planes of the volume; further ones are channels of the same pixels.
    """
    for plane in planes:
        if not 1 <= plane.rows * plane.cols * count <= max_pixels:
            raise DecodeError(
                f"{count} x {plane.rows} x {plane.cols} pixels; at least one and at most "
                f"{max_pixels} are read",
                RAISE_LIMIT,
            )
        _check_kind(plane)
        _check_chunk(plane)
    pages = {one.page for one in planes if one.page.compression != UNCOMPRESSED}
    if sum(sum(map(int, page.databytecounts)) for page in pages) > 4 * file_bytes + (1 << 20):
        raise DecodeError("its strips or tiles overlap again and again", DAMAGED)


def _check_kind(plane: Plane) -> None:
    page = plane.page
    check_page(page)
    if plane.orientation != 1:
        raise DecodeError("it is turned by its EXIF orientation", "save it upright")
    if page.compression == OLD_JPEG:
        raise DecodeError("its old kind of JPEG is not read", "save it with another compression")
    if page.photometric == YCBCR and page.compression not in JPEG:
        raise DecodeError("its colours are YCbCr without JPEG", "convert it to RGB")
    if plane.offset and not page.is_memmappable:
        raise DecodeError("its stack of planes is not stored plane by plane", "save it again")
    if plane.color in CONVERTED:
        check_convertible(plane.dtype, plane.color)


def _check_chunk(plane: Plane) -> None:
    rows, cols = _chunk(plane)
    samples = rows * cols * plane.samples
    if samples < 1:
        raise DecodeError("its strips or tiles have no size", DAMAGED)
    if samples * plane.dtype.itemsize > MAX_CHUNK_BYTES and not plane.page.is_memmappable:
        raise DecodeError(
            f"one of its strips or tiles has {rows} x {cols} pixels",
            "save it in tiles, e.g. of 512 x 512",
        )
