"""TIFF and BigTIFF: the chain of directories. Pages: ``tiff_page``; pixels: ``tiff_pixels``.

Source: TIFF Revision 6.0, Aldus, 1992; BigTIFF as libtiff writes it.
"""

from __future__ import annotations

import re
import struct
from dataclasses import replace
from typing import Any, BinaryIO

import numpy as np

from spel.io.opening import DAMAGED, DecodeError

from .header import ImageInfo, check_size, file_size
from .tiff_page import Page, page_from

_SIZES = {
    1: 1,
    2: 1,
    3: 2,
    4: 4,
    5: 8,
    6: 1,
    7: 1,
    8: 2,
    9: 4,
    10: 8,
    11: 4,
    12: 8,
    13: 4,
    16: 8,
    17: 8,
    18: 8,
}
_CODES = {
    1: "u1",
    3: "u2",
    4: "u4",
    6: "i1",
    8: "i2",
    9: "i4",
    13: "u4",
    16: "u8",
    17: "i8",
    18: "u8",
}
_MAX_PAGES = 1_000_000
_MAX_ENTRIES = 4096
_WANTED = {
    254: "subfile",
    256: "cols",
    257: "rows",
    258: "bits",
    259: "compression",
    262: "photometric",
    266: "fill_order",
    270: "description",
    273: "offsets",
    274: "orientation",
    277: "samples",
    278: "rows_per_strip",
    279: "counts",
    284: "planar",
    292: "t4_options",
    317: "predictor",
    320: "palette",
    322: "tile_cols",
    323: "tile_rows",
    324: "offsets",
    325: "counts",
    330: "children",
    338: "extra",
    339: "sample_format",
    347: "jpeg_tables",
    530: "subsampling",
}


def describe(file: BinaryIO, max_pixels: int) -> ImageInfo:
    """Walk the directories."""
    pages = read_pages(file)
    return _info(pages, _chosen(pages, None), max_pixels)


def read(file: BinaryIO, max_pixels: int, page: int | None) -> tuple[np.ndarray, ImageInfo]:
    """Decode all pages, if alike, or one, into ([planes,] rows, cols, channels)."""
    from .tiff_pixels import decode

    pages = read_pages(file)
    chosen = _chosen(pages, page)
    info = _info(pages, chosen, max_pixels)
    if sum(int(one.counts.sum()) for one in chosen) > 4 * file_size(file) + (1 << 20):
        raise DecodeError("its strips or tiles overlap again and again", DAMAGED)
    if not info.planes:
        return decode(file, chosen[0]), info
    out = np.empty((len(chosen), chosen[0].rows, chosen[0].cols, info.channels), info.dtype)
    for plane, one in zip(out, chosen):
        plane[...] = decode(file, one)
    return out, info


def _info(pages: list[Page], chosen: list[Page], max_pixels: int) -> ImageInfo:
    first, planes = chosen[0], len(chosen)
    check_size(first.rows, first.cols, first.channels, first.dtype.itemsize, max_pixels, planes)
    note = "" if planes == len(pages) or planes > 1 else "the first of pages that differ"
    return ImageInfo(
        "TIFF",
        first.rows,
        first.cols,
        first.channels,
        first.dtype.name,
        first.bits,
        _color(first),
        first.orientation,
        len(pages),
        planes if planes > 1 else 0,
        note,
    )


def _color(page: Page) -> str:
    base = {0: "grey", 1: "grey", 2: "rgb", 3: "rgb", 5: "cmyk", 6: "rgb", 8: "lab"}.get(
        page.photometric, "channels"
    )
    spare = page.channels - {"grey": 1, "rgb": 3, "cmyk": 4, "lab": 3}.get(base, page.channels)
    if not spare:
        return base
    return (
        {"grey": "grey+alpha", "rgb": "rgba"}.get(base, "channels")
        if (spare == 1 and page.alpha)
        else "channels"
    )


def _chosen(pages: list[Page], page: int | None) -> list[Page]:
    if page is not None:
        if page >= len(pages):
            raise DecodeError(f"it has {len(pages)} pages, no number {page}", "count from 0")
        return [pages[page]]
    full = [one for one in pages if not one.reduced] or pages[:1]
    if all(one.alike == full[0].alike for one in full):
        return full
    return pages[:1]


def read_pages(file: BinaryIO) -> list[Page]:
    """All directories of the main chain, each once even if the chain runs in a circle."""
    return read_chain(file)[0]


def read_chain(file: BinaryIO) -> tuple[list[Page], Directories]:
    """The pages of the main chain, and what reads the directories that hang from them."""
    file.seek(0)
    start = file.read(16)
    order = "<" if start[:1] == b"I" else ">"
    big = start[2:3] == b"+" or start[3:4] == b"+"
    if len(start) < (16 if big else 8):
        raise DecodeError("it is cut short: it ends inside its header", DAMAGED)
    if big:
        width, zero, offset = struct.unpack_from(order + "HHQ", start, 4)
        if (width, zero) != (8, 0):
            raise DecodeError("its BigTIFF header is damaged", DAMAGED)
    else:
        (offset,) = struct.unpack_from(order + "I", start, 4)
    walk = Directories(file, order, big)
    pages: list[Page] = []
    seen: set[int] = set()
    while offset and offset not in seen:
        if len(seen) >= _MAX_PAGES:
            raise DecodeError(f"it has more than {_MAX_PAGES} pages")
        seen.add(offset)
        tags, offset = walk.read(offset)
        pages.append(page_from(tags, order, walk.size, len(pages)))
        if len(pages) == 1:
            description = bytes(tags.get("description", b""))
    if not pages:
        raise DecodeError("it has no page", DAMAGED)
    if len(pages) == 1 and description.startswith(b"ImageJ="):
        return _stack(pages[0], description, walk.size), walk
    return pages, walk


def _stack(page: Page, description: bytes, size: int) -> list[Page]:
    """ImageJ gives a stack of more than 4 GiB one directory: the other planes follow the first."""
    found = re.search(rb"^images=(\d{1,9})\s*$", description, re.MULTILINE)
    planes = int(found[1]) if found else 1
    if planes < 2:
        return [page]
    length = page.rows * page.cols * page.samples * page.bits // 8
    start = int(page.offsets[0])
    if page.compression != 1 or page.tiled or page.planar or start + planes * length > size:
        raise DecodeError(f"it is said to have {planes} planes that are not there", DAMAGED)
    places = [start + plane * length for plane in range(planes)]
    return [
        replace(page, chunk_rows=page.rows, offsets=np.array([place]), counts=np.array([length]))
        for place in places
    ]


class Directories:
    """Reads directories, every count and offset compared with the length of the file."""

    def __init__(self, file: BinaryIO, order: str, big: bool) -> None:
        self.file, self.order, self.size = file, order, file_size(file)
        self.budget = 2 * self.size + (1 << 16)  # directories may share bytes, but not all of them
        self.count_code, self.entry, self.word = ("Q", 20, 8) if big else ("H", 12, 4)
        self.next_code = "Q" if big else "I"

    def page(self, offset: int, index: int) -> Page:
        """The page whose directory is at ``offset``."""
        return page_from(self.read(offset)[0], self.order, self.size, index)

    def read(self, offset: int) -> tuple[dict[str, Any], int]:
        """The wanted tags of the directory at ``offset`` and the offset of the next."""
        width = struct.calcsize(self.count_code)
        (entries,) = struct.unpack(self.order + self.count_code, self._bytes(offset, width))
        if not 1 <= entries <= _MAX_ENTRIES:
            raise DecodeError(f"the directory at byte {offset} has {entries} entries", DAMAGED)
        table = self._bytes(offset + width, entries * self.entry)
        tags: dict[str, Any] = {}
        for index in range(entries):
            tag, kind = struct.unpack_from(self.order + "HH", table, index * self.entry)
            if tag in _WANTED and kind in _SIZES and _WANTED[tag] not in tags:
                place = index * self.entry + 4
                (count,) = struct.unpack_from(self.order + self.next_code, table, place)
                tags[_WANTED[tag]] = self._value(tag, kind, count, table, place + self.word)
                if tag in (324, 325):
                    tags["tiled"] = True
        after = offset + width + entries * self.entry
        if after + self.word > self.size:
            return tags, 0  # some writers leave the last link out
        (link,) = struct.unpack(self.order + self.next_code, self._bytes(after, self.word))
        return tags, link

    def _value(self, tag: int, kind: int, count: int, table: bytes, place: int) -> Any:
        size = _SIZES[kind] * count
        if size <= self.word:
            raw = table[place : place + size]
        else:
            (offset,) = struct.unpack_from(self.order + self.next_code, table, place)
            raw = self._bytes(offset, size)
        if kind in _CODES and tag != 347:
            return np.frombuffer(raw, self.order + _CODES[kind])
        return raw

    def _bytes(self, offset: int, count: int) -> bytes:
        if offset + count > self.size:
            raise DecodeError(
                f"it is cut short or damaged: bytes {offset} to {offset + count} are "
                f"wanted, it has {self.size}",
                DAMAGED,
            )
        self.budget -= count
        if self.budget < 0:
            raise DecodeError("its directories overlap again and again", DAMAGED)
        self.file.seek(offset)
        return self.file.read(count)
