"""One image of a TIFF file: what its directory says, checked before any pixel is touched."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from spel.io.opening import DAMAGED, DecodeError

from .header import check_size

_MOST_CHILDREN = 64


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
    mask: bool = False
    children: tuple[int, ...] = ()  # places of directories that hang from this one

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


def page_from(tags: dict[str, Any], order: str, size: int, index: int) -> Page:
    def number(name: str, default: int) -> int:
        value = tags.get(name)
        if value is None:
            return default
        if not isinstance(value, np.ndarray) or not len(value):
            raise DecodeError(f"its tag for {name.replace('_', ' ')} is damaged", DAMAGED)
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
        raise DecodeError(
            "its samples are complex numbers or of an unknown kind", "convert it to real numbers"
        )
    if (
        not (1 <= bits <= 64)
        or (kind == "f" and bits not in (16, 32, 64))
        or (bits > 32 and bits != 64)
    ):
        raise DecodeError(
            f"its samples have {bits} bits ({kind}), which is not read",
            "convert it to 8, 16 or 32 bits",
        )
    if bits == 32 and photometric in (2, 5, 6) and kind == "u" and "sample_format" not in tags:
        raise DecodeError(
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
        mask=bool(number("subfile", 0) & 4),
        children=_children(tags),
    )


def _children(tags: dict[str, Any]) -> tuple[int, ...]:
    places = tags.get("children")
    if not isinstance(places, np.ndarray) or places.dtype.kind != "u":
        return ()
    return tuple(int(n) for n in places[:_MOST_CHILDREN])


def _same(values: Any, samples: int, default: int, what: str) -> int:
    if values is None:
        return default
    if not isinstance(values, np.ndarray) or not len(values):
        raise DecodeError(f"its tag for {what} is damaged", DAMAGED)
    if len(set(values[:samples].tolist())) > 1:
        raise DecodeError(
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
        raise DecodeError(f"it has the places of {there} of its {chunks} strips or tiles", DAMAGED)
    if offsets.dtype.kind != "u":
        raise DecodeError("the places of its strips or tiles are damaged", DAMAGED)
    offsets = offsets[:chunks].astype(np.uint64)
    if not isinstance(counts, np.ndarray) or len(counts) < chunks or counts.dtype.kind != "u":
        if compression != 1 and chunks > 1:
            raise DecodeError("the lengths of its strips or tiles are missing", DAMAGED)
        counts = np.uint64(size) - np.minimum(offsets, np.uint64(size))
    counts = counts[:chunks].astype(np.uint64)
    if compression == 1 and chunks == 1:  # some writers give nonsense; the pixels say how many
        counts = np.minimum(counts, np.uint64(size) - np.minimum(offsets, np.uint64(size)))
    if (offsets >= size).any() or (counts > size).any():
        raise DecodeError(
            "a strip or tile lies outside of the file: it is cut short or damaged", DAMAGED
        )
    return offsets.astype(np.int64), counts.astype(np.int64)


def _palette(tags: dict[str, Any], photometric: int, bits: int) -> np.ndarray | None:
    """(2^bits, 3) colours, 8-bit where that loses nothing."""
    if photometric != 3:
        return None
    values = tags.get("palette")
    if not isinstance(values, np.ndarray) or bits > 16 or len(values) < 3 << bits:
        raise DecodeError("its palette is missing or too short", DAMAGED)
    table = values[: 3 << bits].reshape(3, -1).T.astype(np.uint16)
    low, high = table & 255, table >> 8
    if (low == high).all() or not low.any():
        return high.astype(np.uint8)
    return low.astype(np.uint8) if not high.any() else table
