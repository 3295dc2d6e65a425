"""Pixels of one TIFF page: strips or tiles, unpacked, undone from prediction, in order.

Packings are undone by zlib, lzma and a few lines here; LZW, Zstandard, fax and JPEG by the libtiff
inside Pillow, which gets a small clean file made of nothing but the checked strips. So a packed
16-bit image passes through it as bytes and keeps its bits.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np

from spel.io.opening import DAMAGED, DecodeError

from . import pillow
from .header import MAX_PIXELS
from .tiff_page import Page
from .tiff_streams import STREAMS, Stream, chunk

_LIBTIFF = {2: "fax", 3: "fax", 4: "fax", 5: "bytes", 7: "jpeg", 50000: "bytes"}
_JPEG_2000 = (33003, 33005, 34712)
_BAND = 1 << 22
_Tags = dict[int, tuple[int, Any]]


def decode(file: BinaryIO, page: Page) -> np.ndarray:
    """(rows, cols, channels) of one page, in its own type."""
    if page.compression == 6:
        return _old_jpeg(file, page)
    if page.compression in _JPEG_2000:
        return _meaning(_jpeg_2000(file, page), page)
    pictures = page.compression == 7 or page.photometric == 6
    dtype = np.dtype(np.uint8) if pictures else _stored(page).newbyteorder("=")
    samples = np.empty((page.rows, page.cols, page.samples), dtype)
    for plane in range(page.samples) if page.planar else (0,):
        part = samples[:, :, plane : plane + 1] if page.planar else samples
        if pictures:
            _pictures(part, file, page, plane)
        else:
            for row, raw in _unpacked(file, page, plane):
                band = part[row : row + len(raw)]
                _fill(band, raw[: len(band)], page)
    return _meaning(samples, page)


def _old_jpeg(file: BinaryIO, page: Page) -> np.ndarray:
    """JPEG as TIFF 6.0 had it, with tables all over the file: left to libtiff as a whole."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about tags that do not concern the pixels
        image = pillow.open_as("Tiff", file)
        if page.index:
            pillow.seek(image, page.index)
        if page.orientation != 1 or page.photometric not in (1, 2, 6) or page.bits != 8:
            raise DecodeError(
                "its old kind of JPEG is not read", "save it with another compression"
            )
        if image.size != (page.cols, page.rows):
            raise DecodeError("its header contradicts itself", DAMAGED)
        array = pillow.pixels(image)
    if array.shape != (page.rows, page.cols, page.samples) or array.dtype != np.uint8:
        raise DecodeError("its pixels are not of the size or type announced", DAMAGED)
    return array


def _jpeg_2000(file: BinaryIO, page: Page) -> np.ndarray:
    """Whole-slide images: decoded by imagecodecs, if installed, when all sizes are right."""
    for index in range(len(page.offsets)):
        _check_siz(chunk(file, page, index)[:4096], page)
    try:
        import imagecodecs  # noqa: F401
    except ImportError:
        raise DecodeError(
            "it is compressed with JPEG 2000, for which imagecodecs is missing",
            'install it: pip install "spel[tiff]"',
        ) from None
    import tifffile

    file.seek(0)
    with tifffile.TiffFile(file, name="image.tif") as whole:
        array = np.asarray(whole.pages[page.index].asarray())
    if page.planar:
        array = np.moveaxis(array, 0, -1)
    if array.size != page.rows * page.cols * page.samples or array.dtype != _stored(page):
        raise DecodeError("its pixels are not of the size or type announced", DAMAGED)
    return array.reshape(page.rows, page.cols, page.samples).copy()


def _check_siz(start: bytes, page: Page) -> None:
    """Refuse a codestream that is larger than its tile: the decoder would allocate it."""
    place = start.find(b"\xff\x4f\xff\x51")
    if place < 0 or len(start) < place + 42:
        raise DecodeError("a strip or tile is no JPEG 2000", DAMAGED)
    cols, rows, left, top = struct.unpack_from(">4I", start, place + 8)
    (samples,) = struct.unpack_from(">H", start, place + 40)
    wanted = 1 if page.planar else page.samples
    if cols - left > page.chunk_cols or rows - top > page.chunk_rows or samples > wanted:
        raise DecodeError("a strip or tile is larger than announced", DAMAGED)


def _stored(page: Page) -> np.dtype[Any]:
    width = (
        max(8, page.bits)
        if page.kind == "f"
        else next(w for w in (8, 16, 32, 64) if page.bits <= w)
    )
    return np.dtype(f"{page.order}{page.kind}{width // 8}")


def _grid(page: Page) -> tuple[int, int, int, int]:
    """Chunks down and across, rows of a chunk and bytes of one of its rows."""
    samples = 1 if page.planar else page.samples
    row_bytes = (page.chunk_cols * samples * page.bits + 7) // 8
    return (
        -(-page.rows // page.chunk_rows),
        -(-page.cols // page.chunk_cols),
        page.chunk_rows,
        row_bytes,
    )


def _unpacked(file: BinaryIO, page: Page, plane: int) -> Iterator[tuple[int, np.ndarray]]:
    """Bands of one plane from the top: first row, bytes (rows, chunks across, bytes of a row)."""
    _, across, chunk_rows, row_bytes = _grid(page)
    if page.compression in (2, 3, 4) and page.bits * (1 if page.planar else page.samples) != 1:
        raise DecodeError("fax compression needs one bit per pixel", DAMAGED)
    if page.tiled and chunk_rows * across * row_bytes > (64 << 20) + 4 * page.nbytes:
        raise DecodeError("its tiles are far larger than its image", DAMAGED)
    if page.compression in _LIBTIFF:
        return _through_libtiff(file, page, plane)
    if page.compression not in STREAMS:
        raise DecodeError(
            f"its compression (number {page.compression}) is not read",
            "save it with deflate, LZW or no compression",
        )
    return _tiles(file, page, plane) if page.tiled else _strips(file, page, plane)


def _strips(file: BinaryIO, page: Page, plane: int) -> Iterator[tuple[int, np.ndarray]]:
    down, _, chunk_rows, row_bytes = _grid(page)
    band = max(1, _BAND // row_bytes)
    for index in range(down):
        stream = STREAMS[page.compression](file, page, plane * down + index)
        first, last = index * chunk_rows, min(page.rows, (index + 1) * chunk_rows)
        for row in range(first, last, band):
            yield row, _rows(stream, min(band, last - row), row_bytes, index)[:, None]


def _tiles(file: BinaryIO, page: Page, plane: int) -> Iterator[tuple[int, np.ndarray]]:
    down, across, chunk_rows, row_bytes = _grid(page)
    for line in range(down):
        out = np.empty((chunk_rows, across, row_bytes), np.uint8)
        for column in range(across):
            index = (plane * down + line) * across + column
            stream = STREAMS[page.compression](file, page, index)
            out[:, column] = _rows(stream, chunk_rows, row_bytes, index)
        yield line * chunk_rows, out


def _rows(stream: Stream, rows: int, row_bytes: int, index: int) -> np.ndarray:
    raw = stream(rows * row_bytes)
    if len(raw) < rows * row_bytes:
        raise DecodeError(f"it is cut short: rows are missing in strip or tile {index}", DAMAGED)
    return np.frombuffer(raw, np.uint8, rows * row_bytes).reshape(rows, row_bytes)


def _through_libtiff(file: BinaryIO, page: Page, plane: int) -> Iterator[tuple[int, np.ndarray]]:
    """Unpack some strips, or rows of tiles, at a time as grey bytes (or as fax bits)."""
    _, across, _, row_bytes = _grid(page)
    fax = _LIBTIFF[page.compression] == "fax"
    # A pixel of four bytes holds four bytes of a row: large strips pass Pillow's limit of pixels.
    pack = 1 if fax or page.tiled or row_bytes % 4 else 4
    width = page.chunk_cols if fax else row_bytes // pack
    tags: _Tags = {258: (3, 1 if fax else (8,) * pack), 262: (3, 5 if pack == 4 else 1)}
    tags[277] = (3, pack)
    if page.compression == 3:
        tags[292] = (4, page.t4_options)
    for row, image in _pieces(file, page, plane, tags, width):
        array = np.asarray(image)
        if fax:
            yield row, np.packbits(array.reshape(len(array), across, width), axis=2)
        else:
            yield row, array.reshape(len(array), across, row_bytes)


def _pictures(out: np.ndarray, file: BinaryIO, page: Page, plane: int) -> None:
    """JPEG strips and YCbCr, decoded to colours by libtiff."""
    if page.bits != 8 or page.kind != "u" or page.samples not in (1, 2, 3, 4):
        raise DecodeError(
            "its JPEG or YCbCr pixels are not of 8 bits and 1 to 4 channels", "convert it to PNG"
        )
    if page.compression not in (1, 5, 7, 8, 32946):
        raise DecodeError(f"its compression (number {page.compression}) is not read", "convert it")
    samples = out.shape[2]
    photometric = 1 if samples == 1 else page.photometric
    tags: _Tags = {258: (3, (8,) * samples), 262: (3, photometric), 277: (3, samples)}
    if samples in (2, 4) and photometric in (1, 2, 6):
        tags[338] = (3, 0)
    if photometric == 6:
        tags[530] = (3, page.subsampling)
        if page.compression != 7:
            tags[317] = (3, page.predictor)
    for row, image in _pieces(file, page, plane, tags, page.chunk_cols):
        if len(image.getbands()) != samples:
            raise DecodeError(
                f"{samples} channels are announced, {len(image.getbands())} are there", DAMAGED
            )
        band = out[row : row + image.size[1]]
        array = np.asarray(image).reshape(image.size[1], -1, samples)
        band[...] = array[: len(band), : page.cols]


def _pieces(
    file: BinaryIO, page: Page, plane: int, tags: _Tags, width: int
) -> Iterator[tuple[int, Any]]:
    """Decoded images of some strips, or rows of tiles, each: first row, Pillow image."""
    down, across, chunk_rows, row_bytes = _grid(page)
    some = max(1, 4 * _BAND // (chunk_rows * row_bytes * across))
    for line in range(0, down, some):
        count = min(some, down - line)
        rows = count * chunk_rows
        if not page.tiled:
            rows = min(rows, page.rows - line * chunk_rows)
        if rows * width * across > MAX_PIXELS:
            raise DecodeError(
                f"one strip or row of tiles has {rows} x {width * across} pixels, which is not "
                "read in this compression",
                "save it in smaller strips or tiles",
            )
        first = (plane * down + line) * across
        data = [chunk(file, page, first + index) for index in range(count * across)]
        image = _as_file(page, data, tags, (rows, width * across), (chunk_rows, width))
        image.load()
        if image.size != (width * across, rows):
            raise DecodeError("a strip or tile has another size than announced", DAMAGED)
        start = line * chunk_rows
        if rows * width * across <= 4 * _BAND:
            yield start, image
            continue
        band = max(1, _BAND // (width * across))  # copied out bit by bit, not to hold two
        for row in range(0, rows, band):
            last = min(rows, row + band)
            yield start + row, image.crop((0, row, width * across, last))


def _as_file(
    page: Page, data: list[bytes], tags: _Tags, size: tuple[int, int], chunk: tuple[int, int]
) -> Any:
    """Open a TIFF file in memory that holds some chunks and nothing else."""
    if not all(data):
        raise DecodeError("it is cut short: a strip or tile is empty", DAMAGED)
    counts = [len(one) for one in data]
    offsets = (8 + np.cumsum([0, *counts[:-1]])).tolist()
    if 8 + sum(counts) > 0xFFFF0000:
        raise DecodeError("its packed pixels exceed 4 GiB", "save it in several files")
    tags = {
        **tags,
        256: (4, size[1]),
        257: (4, size[0]),
        259: (3, page.compression),
        284: (3, 1),
        317: tags.get(317, (3, 1)),
    }
    if page.tiled:
        tags |= {322: (4, chunk[1]), 323: (4, chunk[0]), 324: (4, offsets), 325: (4, counts)}
    else:
        tags |= {278: (4, min(chunk[0], size[0])), 273: (4, offsets), 279: (4, counts)}
    if page.tables:
        tags[347] = (7, page.tables)
    return pillow.open_as("Tiff", io.BytesIO(_assemble(data, tags)))


def _assemble(data: list[bytes], tags: _Tags) -> bytes:
    """A little-endian TIFF file: header, pixels, long values, directory."""
    body = bytearray(b"".join([b"\0" * 8, *data]))
    entries = []
    for tag, (kind, value) in sorted(tags.items()):
        if isinstance(value, bytes):
            raw, count = value, len(value)
        else:
            values = list(value) if isinstance(value, (list, tuple)) else [value]
            raw, count = struct.pack(f"<{len(values)}{'HI'[kind - 3]}", *values), len(values)
        if len(raw) > 4:
            body += b"\0" * (len(body) & 1)
            place = struct.pack("<I", len(body))
            body += raw
        else:
            place = raw.ljust(4, b"\0")
        entries.append(struct.pack("<HHI", tag, kind, count) + place)
    body += b"\0" * (len(body) & 1)
    body[:8] = b"II*\0" + struct.pack("<I", len(body))
    return bytes(body) + struct.pack("<H", len(entries)) + b"".join(entries) + b"\0" * 4


def _fill(out: np.ndarray, raw: np.ndarray, page: Page) -> None:
    """Turn the bytes of some rows into samples."""
    rows, cols, samples = out.shape
    values = (_words if page.bits in (8, 16, 32, 64) else _bit_fields)(raw, page, samples)
    out[...] = values.reshape(rows, -1, samples)[:, :cols]


def _words(part: np.ndarray, page: Page, samples: int) -> np.ndarray:
    stored = _stored(page)
    if page.predictor == 3:
        return _undo_float(part, page, samples)
    words = np.ascontiguousarray(part).view(stored).astype(stored.newbyteorder("="))
    words = words.reshape(*part.shape[:2], -1, samples)
    if page.predictor == 2:
        unsigned = words.view(f"u{stored.itemsize}")
        np.add.accumulate(unsigned, axis=2, out=unsigned)
    elif page.predictor != 1:
        raise DecodeError(f"its prediction (number {page.predictor}) is unknown", DAMAGED)
    return words


def _undo_float(part: np.ndarray, page: Page, samples: int) -> np.ndarray:
    """Floating-point prediction: differences of bytes, the highest bytes of a row first."""
    if page.kind != "f":
        raise DecodeError("its prediction goes with floating-point numbers only", DAMAGED)
    rows, across, row_bytes = part.shape
    summed = np.add.accumulate(part.reshape(rows, across, -1, samples), axis=2, dtype=np.uint8)
    size = page.bits // 8
    planes = summed.reshape(rows, across, size, row_bytes // size)
    big = np.ascontiguousarray(planes.swapaxes(2, 3)).view(f">f{size}")
    return big.astype(f"f{size}").reshape(rows, across, -1, samples)


def _bit_fields(part: np.ndarray, page: Page, samples: int) -> np.ndarray:
    """Samples of any number of bits up to 32, the first in the highest bits; rows byte-aligned."""
    count = page.chunk_cols * samples
    bits = np.unpackbits(part, axis=2, count=count * page.bits)
    bits = bits.reshape(*part.shape[:2], count, page.bits)
    values = np.zeros(bits.shape[:3], np.uint32)
    for place in range(page.bits):
        values <<= np.uint32(1)
        values |= bits[..., place]
    if page.predictor == 2:
        values = values.reshape(*part.shape[:2], -1, samples)
        np.add.accumulate(values, axis=2, out=values)
        values &= np.uint32((1 << page.bits) - 1)
    elif page.predictor != 1:
        raise DecodeError(f"its prediction does not go with {page.bits} bits", DAMAGED)
    if page.kind == "i":
        sign = np.int64(1) << np.int64(page.bits - 1)
        return ((values.astype(np.int64) ^ sign) - sign).astype(_stored(page).newbyteorder("="))
    return values.astype(_stored(page).newbyteorder("="))


def _meaning(samples: np.ndarray, page: Page) -> np.ndarray:
    """Palette to colours, white-is-zero to black-is-zero, below 8 bits to 8."""
    if page.photometric == 3:
        assert page.palette is not None
        colors = page.palette[samples[:, :, 0]]
        if page.samples == 1:
            return colors
        return np.concatenate([colors, samples[:, :, 1:].astype(colors.dtype)], axis=2)
    if page.kind != "u" or page.bits > 32:
        return samples
    full = (1 << page.bits) - 1
    if page.photometric == 0:
        samples[:, :, :1] ^= samples.dtype.type(full)
    if page.bits == 1:
        return samples.astype(np.bool_)
    if page.bits < 8:
        table = np.rint(np.arange(full + 1) * (255 / full)).astype(np.uint8)
        return table[samples]
    return samples
