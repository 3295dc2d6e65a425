"""One image of a TIFF file: what tifffile says about it, checked, and windows of its pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from spel.io.opening import DAMAGED, RAISE_LIMIT, DecodeError

if TYPE_CHECKING:
    from tifffile import TiffPage

__all__ = ["Plane", "check_limits"]

MAX_CHUNK_BYTES = 1 << 28
ORIENTATION, SUBFILE, SAMPLE_FORMAT = 274, 254, 339
WHITE_IS_ZERO, PALETTE, YCBCR = 0, 3, 6
COLORS = (2, 5, YCBCR)
CMYK_OR_LAB = (5, 8, 9)
UNCOMPRESSED, OLD_JPEG = 1, 6
JPEG = (7, 34892, 33007)

Span = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Plane:
    """One image of the file.

    Attributes
    ----------
    page : tifffile.TiffPage
    offset : int
        Bytes between the page's own pixels and those of the plane (ImageJ stacks).
    """

    page: TiffPage
    offset: int = 0

    @property
    def rows(self) -> int:
        return int(self.page.imagelength)

    @property
    def cols(self) -> int:
        return int(self.page.imagewidth)

    @property
    def channels(self) -> int:
        more = 2 if self.page.photometric == PALETTE else 0
        return int(self.page.samplesperpixel) + more

    @property
    def bits(self) -> int:
        """Bits per sample as stored."""
        bits = self.page.bitspersample
        if not isinstance(bits, int):
            raise DecodeError(
                f"its samples have different depths: {bits}", "convert it to one type"
            )
        return bits

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the decoded pixels."""
        stored = self.page.dtype
        if stored is None or stored.kind not in "buif" or (stored.kind == "f" and self.bits == 24):
            raise DecodeError(
                "its samples are complex numbers or of an unknown kind",
                "convert it to real numbers",
            )
        if self.page.photometric == PALETTE:
            return np.dtype(_palette(self.page).dtype)
        return np.dtype(stored)

    @property
    def orientation(self) -> int:
        tag = self.page.tags.get(ORIENTATION)
        return int(tag.value) if tag is not None and tag.value in range(1, 9) else 1

    @property
    def subfile(self) -> int:
        tag = self.page.tags.get(SUBFILE)
        return int(tag.value) if tag is not None and isinstance(tag.value, int) else 0

    @property
    def kind(self) -> tuple[Any, ...]:
        """Equal for planes that may be the same image in several sizes."""
        palette = self.page.photometric == PALETTE
        return self.channels, self.dtype, self.bits, palette, self.orientation

    @property
    def alike(self) -> tuple[Any, ...]:
        """Equal for planes of one volume."""
        return (self.rows, self.cols, *self.kind)

    @property
    def chunk(self) -> tuple[int, int]:
        """Rows and columns of a strip or tile."""
        if self.page.is_tiled:
            return int(self.page.tilelength), int(self.page.tilewidth)
        return min(self.rows, int(self.page.rowsperstrip)), self.cols

    def window(self, rows: Span, cols: Span) -> npt.NDArray[Any]:
        """(rows, cols, channels) of a part of the plane."""
        page = self.page
        if page.is_memmappable:
            samples = self._mapped()[rows[0] : rows[1], cols[0] : cols[1]]
        else:
            size = (rows[1] - rows[0], cols[1] - cols[0], int(page.samplesperpixel))
            samples = np.empty(size, page.dtype)
            for number, top, left in self._chunks(rows, cols):
                self._decode_into(samples, number, top - rows[0], left - cols[0])
        return _to_pixels(samples, self)

    def _mapped(self) -> npt.NDArray[Any]:
        """All samples of a page that is stored as it is: only what is used is read."""
        page = self.page
        stored = np.dtype(page.dtype).newbyteorder(page.parent.byteorder)
        samples = int(page.samplesperpixel)
        planar = page.planarconfig == 2 and samples > 1
        size = (samples, self.rows, self.cols) if planar else (self.rows, self.cols, samples)
        start = int(page.dataoffsets[0]) + self.offset
        if start + math.prod(size) * stored.itemsize > page.parent.filehandle.size:
            raise DecodeError("it is cut short: rows are missing", DAMAGED)
        array: npt.NDArray[Any] = np.memmap(page.parent.filehandle.path, stored, "r", start, size)
        return np.moveaxis(array, 0, -1) if planar else array

    def _chunks(self, rows: Span, cols: Span) -> list[tuple[int, int, int]]:
        """Number, first row and first column of the strips or tiles that a window needs."""
        high, wide = self.chunk
        down, across = -(-self.rows // high), -(-self.cols // wide)
        parts = int(self.page.samplesperpixel) if self.page.planarconfig == 2 else 1
        return [
            ((part * down + y) * across + x, y * high, x * wide)
            for part in range(parts)
            for y in range(rows[0] // high, -(-rows[1] // high))
            for x in range(cols[0] // wide, -(-cols[1] // wide))
        ]

    def _decode_into(self, out: npt.NDArray[Any], number: int, top: int, left: int) -> None:
        """Decode a strip or tile and copy what lies in the window; (top, left) is its corner."""
        page = self.page
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


def _to_pixels(samples: npt.NDArray[Any], plane: Plane) -> npt.NDArray[Any]:
    """Palettes become colours, white-is-zero becomes black-is-zero, 2 to 7 bits become 8."""
    page, bits = plane.page, plane.bits
    if page.photometric == PALETTE:
        colors = _palette(page)[samples[..., 0].astype(np.uint16)]
        return np.concatenate([colors, samples[..., 1:].astype(colors.dtype)], axis=-1)
    samples = np.array(samples, samples.dtype.newbyteorder("="))
    if samples.dtype.kind not in "bu" or bits > 32:
        return samples
    full = (1 << bits) - 1
    if page.photometric == WHITE_IS_ZERO:
        samples[..., :1] ^= samples.dtype.type(full)
    if 1 < bits < 8:
        table: npt.NDArray[np.uint8] = np.rint(np.arange(full + 1) * (255 / full)).astype(np.uint8)
        return np.take(table, samples)
    return samples


def _palette(page: TiffPage) -> npt.NDArray[np.unsignedinteger[Any]]:
    """(2^bits, 3) colours, 8-bit where that loses nothing."""
    table = page.colormap
    if table is None or table.ndim != 2 or table.shape[1] < 1 << int(page.bitspersample):
        raise DecodeError("its palette is missing or too short", DAMAGED)
    table = table.T.astype(np.uint16)
    low, high = table & 255, table >> 8
    if (low == high).all() or not low.any():
        return high.astype(np.uint8)
    return low.astype(np.uint8) if not high.any() else table


def check_limits(planes: list[Plane], max_pixels: int, file_bytes: int) -> None:
    """Refuse what is too large or of a kind that is not read, before anything is decoded."""
    for plane in planes:
        if not 1 <= plane.rows * plane.cols * len(planes) <= max_pixels:
            raise DecodeError(
                f"{len(planes)} x {plane.rows} x {plane.cols} pixels; at least one and at most "
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
    if page.imagedepth != 1:
        raise DecodeError("its pages are volumes themselves", "save one plane per page")
    if plane.orientation != 1:
        raise DecodeError("it is turned by its EXIF orientation", "save it upright")
    if page.compression == OLD_JPEG:
        raise DecodeError("its old kind of JPEG is not read", "save it with another compression")
    if page.photometric == YCBCR and page.compression not in JPEG:
        raise DecodeError("its colours are YCbCr without JPEG", "convert it to RGB")
    if page.photometric in CMYK_OR_LAB:
        raise DecodeError("its colours are CMYK or Lab", "convert it to RGB")
    if plane.bits == 32 and page.photometric in COLORS and SAMPLE_FORMAT not in page.tags:
        raise DecodeError(
            "its colours are whole numbers of 32 bits, but it does not state so",
            "save it with a sample format, or with 8 or 16 bits",
        )


def _check_chunk(plane: Plane) -> None:
    rows, cols = plane.chunk
    samples = rows * cols * int(plane.page.samplesperpixel)
    if samples < 1:
        raise DecodeError("its strips or tiles have no size", DAMAGED)
    if samples * plane.dtype.itemsize > MAX_CHUNK_BYTES and not plane.page.is_memmappable:
        raise DecodeError(
            f"one of its strips or tiles has {rows} x {cols} pixels",
            "save it in tiles, e.g. of 512 x 512",
        )
