"""TIFF and BigTIFF: the directories, checked against the file; pixels are in ``tiff_pixels``.

Source: TIFF Revision 6.0, Aldus, 1992; BigTIFF as libtiff writes it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import numpy as np

from .header import ImageInfo, Refusal, check_size, file_size

_AGAIN = "copy or download it again"
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
    338: "extra",
    339: "sample_format",
    347: "jpeg_tables",
    530: "subsampling",
}


@dataclass(frozen=True)
class Page:
    """One image of a TIFF file: what its directory says, checked."""

    order: str
    rows: int
    cols: int
    samples: int
    bits: int
    kind: str  # "u", "i" or "f"
    photometric: int
    compression: int
    planar: bool
    predictor: int
    fill_order: int
    orientation: int
    reduced: bool
    chunk_rows: int
    chunk_cols: int
    tiled: bool
    offsets: np.ndarray = field(repr=False)
    counts: np.ndarray = field(repr=False)
    palette: np.ndarray | None = field(repr=False)
    tables: bytes = field(repr=False)
    t4_options: int
    subsampling: tuple[int, ...]
    alpha: bool
    index: int  # of the page in the file

    @property
    def channels(self) -> int:
        """Channels of the decoded page."""
        return 3 + (self.samples - 1) if self.photometric == 3 else self.samples

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the decoded page."""
        if self.photometric == 3:
            assert self.palette is not None
            return np.dtype(self.palette.dtype)
        if self.kind == "f":
            return np.dtype(f"f{self.bits // 8}")
        if self.bits == 1 and self.kind == "u":
            return np.dtype(np.bool_)
        width = next(w for w in (8, 16, 32, 64) if self.bits <= w)
        return np.dtype(f"{self.kind}{width // 8}")

    @property
    def nbytes(self) -> int:
        """Bytes of the decoded page."""
        return self.rows * self.cols * self.channels * self.dtype.itemsize

    @property
    def alike(self) -> tuple[Any, ...]:
        """Equal for pages that may be planes of one volume."""
        return (
            self.rows,
            self.cols,
            self.channels,
            self.dtype,
            self.bits,
            self.photometric == 3,
            self.orientation,
        )


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
        raise Refusal("its strips or tiles overlap again and again", _AGAIN)
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
            raise Refusal(f"it has {len(pages)} pages, no number {page}", "count from 0")
        return [pages[page]]
    full = [one for one in pages if not one.reduced] or pages[:1]
    if all(one.alike == full[0].alike for one in full):
        return full
    return pages[:1]


def read_pages(file: BinaryIO) -> list[Page]:
    """All directories of the main chain, each once even if the chain runs in a circle."""
    file.seek(0)
    start = file.read(16)
    order = "<" if start[:1] == b"I" else ">"
    big = start[2:3] == b"+" or start[3:4] == b"+"
    if len(start) < (16 if big else 8):
        raise Refusal("it is cut short: it ends inside its header", _AGAIN)
    if big:
        width, zero, offset = struct.unpack_from(order + "HHQ", start, 4)
        if (width, zero) != (8, 0):
            raise Refusal("its BigTIFF header is damaged", _AGAIN)
    else:
        (offset,) = struct.unpack_from(order + "I", start, 4)
    walk = _Directories(file, order, big)
    pages: list[Page] = []
    seen: set[int] = set()
    while offset and offset not in seen:
        if len(seen) >= _MAX_PAGES:
            raise Refusal(f"it has more than {_MAX_PAGES} pages")
        seen.add(offset)
        tags, offset = walk.read(offset)
        pages.append(_page(tags, order, walk.size, len(pages)))
    if not pages:
        raise Refusal("it has no page", _AGAIN)
    return pages


class _Directories:
    """Reads directories, every count and offset compared with the length of the file."""

    def __init__(self, file: BinaryIO, order: str, big: bool) -> None:
        self.file, self.order, self.size = file, order, file_size(file)
        self.budget = 2 * self.size + (1 << 16)  # directories may share bytes, but not all of them
        self.count_code, self.entry, self.word = ("Q", 20, 8) if big else ("H", 12, 4)
        self.next_code = "Q" if big else "I"

    def read(self, offset: int) -> tuple[dict[str, Any], int]:
        """The wanted tags of the directory at ``offset`` and the offset of the next."""
        width = struct.calcsize(self.count_code)
        (entries,) = struct.unpack(self.order + self.count_code, self._bytes(offset, width))
        if not 1 <= entries <= _MAX_ENTRIES:
            raise Refusal(f"the directory at byte {offset} has {entries} entries", _AGAIN)
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
            raise Refusal(
                f"it is cut short or damaged: bytes {offset} to {offset + count} are "
                f"wanted, it has {self.size}",
                _AGAIN,
            )
        self.budget -= count
        if self.budget < 0:
            raise Refusal("its directories overlap again and again", _AGAIN)
        self.file.seek(offset)
        return self.file.read(count)


def _page(tags: dict[str, Any], order: str, size: int, index: int) -> Page:
    def number(name: str, default: int) -> int:
        value = tags.get(name)
        if value is None:
            return default
        if not isinstance(value, np.ndarray) or not len(value):
            raise Refusal(f"its tag for {name.replace('_', ' ')} is damaged", _AGAIN)
        return int(value[0])

    rows, cols, samples = number("rows", 0), number("cols", 0), number("samples", 1)
    check_size(rows, cols, samples, 1, 1 << 62)
    photometric = number("photometric", 1)
    if photometric == 2 and "samples" not in tags:
        samples = len(tags.get("bits", (8,)))
    bits = _same(tags.get("bits"), samples, 1, "bits per sample")
    kind = {1: "u", 2: "i", 3: "f", 4: "u"}.get(
        _same(tags.get("sample_format"), samples, 1, "sample formats"), ""
    )
    if not kind:
        raise Refusal(
            "its samples are complex numbers or of an unknown kind", "convert it to real numbers"
        )
    if (
        not (1 <= bits <= 64)
        or (kind == "f" and bits not in (16, 32, 64))
        or (bits > 32 and bits != 64)
    ):
        raise Refusal(
            f"its samples have {bits} bits ({kind}), which is not read",
            "convert it to 8, 16 or 32 bits",
        )
    if bits == 32 and photometric in (2, 5, 6) and kind == "u" and "sample_format" not in tags:
        raise Refusal(
            "its colours are said to be whole numbers of 32 bits, without their kind",
            "save it with a sample format, or with 8 or 16 bits",
        )
    tiled = bool(tags.get("tiled"))
    chunk_cols = number("tile_cols", 0) if tiled else cols
    chunk_rows = number("tile_rows", 0) if tiled else min(number("rows_per_strip", rows), rows)
    if chunk_rows == 0 and not tiled:
        chunk_rows = rows
    check_size(chunk_rows, chunk_cols, samples, 1, 1 << 40)
    planar = number("planar", 1) == 2 and samples > 1
    chunks = -(-rows // chunk_rows) * -(-cols // chunk_cols) * (samples if planar else 1)
    compression = number("compression", 1)
    offsets, counts = _places(tags, chunks, size, compression)
    subsampling = tags.get("subsampling")
    extra = tags.get("extra")
    return Page(
        order=order,
        rows=rows,
        cols=cols,
        samples=samples,
        bits=bits,
        kind=kind,
        photometric=photometric,
        compression=compression,
        planar=planar,
        predictor=number("predictor", 1),
        fill_order=number("fill_order", 1),
        orientation=number("orientation", 1) if 1 <= number("orientation", 1) <= 8 else 1,
        reduced=bool(number("subfile", 0) & 5),
        chunk_rows=chunk_rows,
        chunk_cols=chunk_cols,
        tiled=tiled,
        offsets=offsets,
        counts=counts,
        palette=_palette(tags, photometric, bits),
        tables=bytes(tags.get("jpeg_tables", b"")),
        t4_options=number("t4_options", 0),
        subsampling=tuple(int(n) for n in subsampling)
        if isinstance(subsampling, np.ndarray)
        else (2, 2),
        alpha=isinstance(extra, np.ndarray) and len(extra) > 0 and int(extra[0]) in (1, 2),
        index=index,
    )


def _same(values: Any, samples: int, default: int, what: str) -> int:
    if values is None:
        return default
    if not isinstance(values, np.ndarray) or not len(values):
        raise Refusal(f"its tag for {what} is damaged", _AGAIN)
    if len(set(values[:samples].tolist())) > 1:
        raise Refusal(
            f"its samples have different {what}: {values[:samples].tolist()[:8]}",
            "convert it to one type",
        )
    return int(values[0])


def _places(
    tags: dict[str, Any], chunks: int, size: int, compression: int
) -> tuple[np.ndarray, np.ndarray]:
    offsets, counts = tags.get("offsets"), tags.get("counts")
    if not isinstance(offsets, np.ndarray) or len(offsets) < chunks:
        there = len(offsets) if isinstance(offsets, np.ndarray) else 0
        raise Refusal(f"it has the places of {there} of its {chunks} strips or tiles", _AGAIN)
    if offsets.dtype.kind != "u":
        raise Refusal("the places of its strips or tiles are damaged", _AGAIN)
    offsets = offsets[:chunks].astype(np.uint64)
    if not isinstance(counts, np.ndarray) or len(counts) < chunks or counts.dtype.kind != "u":
        if compression != 1 and chunks > 1:
            raise Refusal("the lengths of its strips or tiles are missing", _AGAIN)
        counts = np.uint64(size) - np.minimum(offsets, np.uint64(size))
    counts = counts[:chunks].astype(np.uint64)
    if compression == 1 and chunks == 1:  # some writers give nonsense; the pixels say how many
        counts = np.minimum(counts, np.uint64(size) - np.minimum(offsets, np.uint64(size)))
    if (offsets >= size).any() or (counts > size).any():
        raise Refusal(
            "a strip or tile lies outside of the file: it is cut short or damaged", _AGAIN
        )
    return offsets.astype(np.int64), counts.astype(np.int64)


def _palette(tags: dict[str, Any], photometric: int, bits: int) -> np.ndarray | None:
    """(2^bits, 3) colours, 8-bit where that loses nothing."""
    if photometric != 3:
        return None
    values = tags.get("palette")
    if not isinstance(values, np.ndarray) or bits > 16 or len(values) < 3 << bits:
        raise Refusal("its palette is missing or too short", _AGAIN)
    table = values[: 3 << bits].reshape(3, -1).T.astype(np.uint16)
    low, high = table & 255, table >> 8
    if (low == high).all() or not low.any():
        return high.astype(np.uint8)
    return low.astype(np.uint8) if not high.any() else table
