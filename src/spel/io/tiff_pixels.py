"""Pixels of one TIFF page: strips or tiles, unpacked, undone from prediction, in order.

Packings are undone by zlib, lzma and a few lines here; LZW, Zstandard, fax and JPEG by the libtiff
inside Pillow, which gets a small clean file made of nothing but the checked strips. So a packed
16-bit image passes through it as bytes and keeps its bits.
"""

from __future__ import annotations

import io
import lzma
import struct
import zlib
from typing import Any, BinaryIO

import numpy as np

from . import pillow
from .header import Refusal
from .tiff import Page

_AGAIN = "copy or download it again"
_REVERSED = np.array([int(f"{n:08b}"[::-1], 2) for n in range(256)], np.uint8)
_LIBTIFF = {2: "fax", 3: "fax", 4: "fax", 5: "bytes", 7: "jpeg", 50000: "bytes"}
_BAND = 1 << 22


def decode(file: BinaryIO, page: Page) -> np.ndarray:
    """(rows, cols, channels) of one page, in its own type."""
    if page.compression == 7 or page.photometric == 6:
        samples = _pictures(file, page)
    else:
        samples = np.empty((page.rows, page.cols, page.samples), _stored(page).newbyteorder("="))
        planes = range(page.samples) if page.planar else (0,)
        for plane in planes:
            part = samples[:, :, plane : plane + 1] if page.planar else samples
            _fill(part, _unpacked(file, page, plane), page)
    return _meaning(samples, page)


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


def _unpacked(file: BinaryIO, page: Page, plane: int) -> np.ndarray:
    """Bytes of one plane: (rows, chunks across, bytes of a chunk's row); tiles may overhang."""
    down, across, chunk_rows, row_bytes = _grid(page)
    if page.compression in (2, 3, 4) and page.bits * (1 if page.planar else page.samples) != 1:
        raise Refusal("fax compression needs one bit per pixel", _AGAIN)
    rows = down * chunk_rows if page.tiled else page.rows
    if rows * across * row_bytes > 4 * page.rows * page.cols * page.samples * 8 + (64 << 20):
        raise Refusal("its tiles are far larger than its image", _AGAIN)
    if page.compression in _LIBTIFF:
        return _through_libtiff(file, page, plane, rows)
    unpack = _UNPACKERS.get(page.compression)
    if unpack is None:
        raise Refusal(
            f"its compression (number {page.compression}) is not read",
            "save it with deflate, LZW or no compression",
        )
    out = np.empty((rows, across, row_bytes), np.uint8)
    for index in range(down * across):
        row, column = index // across * chunk_rows, index % across
        count = min(chunk_rows, rows - row)
        raw = unpack(_chunk(file, page, plane * down * across + index), count * row_bytes)
        if len(raw) < count * row_bytes:
            raise Refusal(
                f"it is cut short: strip or tile {index} has {len(raw)} of "
                f"{count * row_bytes} bytes",
                _AGAIN,
            )
        got = np.frombuffer(raw, np.uint8, count * row_bytes).reshape(count, row_bytes)
        out[row : row + count, column] = got
    return out


def _chunk(file: BinaryIO, page: Page, index: int) -> bytes:
    offset, count = int(page.offsets[index]), int(page.counts[index])
    file.seek(offset)
    data = file.read(count)
    if len(data) != count and page.compression != 1:
        raise Refusal(f"it is cut short: strip or tile {index} reaches past its end", _AGAIN)
    if page.fill_order == 2 and page.compression != 7:
        data = _REVERSED[np.frombuffer(data, np.uint8)].tobytes()
    return data


def _plain(data: bytes, size: int) -> bytes:
    return data


def _deflate(data: bytes, size: int) -> bytes:
    inflater = zlib.decompressobj()
    try:
        return inflater.decompress(data, size)
    except zlib.error as error:
        raise Refusal(f"a strip or tile is damaged ({error})", _AGAIN) from None


def _lzma(data: bytes, size: int) -> bytes:
    try:
        return lzma.LZMADecompressor(memlimit=256 << 20).decompress(data, size)
    except lzma.LZMAError as error:
        raise Refusal(f"a strip or tile is damaged ({error})", _AGAIN) from None


def _packbits(data: bytes, size: int) -> bytes:
    out = bytearray()
    place, end = 0, len(data)
    while place < end and len(out) < size:
        code = data[place]
        if code < 128:
            out += data[place + 1 : place + 2 + code]
            place += 2 + code
        else:
            if code > 128:
                out += data[place + 1 : place + 2] * (257 - code)
            place += 2 if code > 128 else 1
    return bytes(out)


_UNPACKERS = {1: _plain, 8: _deflate, 32946: _deflate, 34925: _lzma, 32773: _packbits}


def _through_libtiff(file: BinaryIO, page: Page, plane: int, rows: int) -> np.ndarray:
    """Unpack all strips or tiles of a plane as rows of grey bytes (or of fax bits)."""
    _, across, chunk_rows, row_bytes = _grid(page)
    fax = _LIBTIFF[page.compression] == "fax"
    width = page.chunk_cols if fax else row_bytes
    tags = {258: (3, 1 if fax else 8), 262: (3, 1), 277: (3, 1)}
    if page.compression == 3:
        tags[292] = (4, page.t4_options)
    image = _as_file(file, page, plane, tags, (rows, width * across), (chunk_rows, width))
    image.load()
    if fax:
        bits = np.asarray(image).reshape(rows, across, width)
        return np.packbits(bits, axis=2)
    out = np.empty((rows, across * width), np.uint8)
    band = max(1, _BAND // (across * width))
    for row in range(0, rows, band):
        last = min(rows, row + band)
        out[row:last] = np.asarray(image.crop((0, row, across * width, last)))
    return out.reshape(rows, across, row_bytes)


def _pictures(file: BinaryIO, page: Page) -> np.ndarray:
    """JPEG strips and YCbCr, decoded to colours by libtiff."""
    if page.bits != 8 or page.kind != "u" or page.samples not in (1, 2, 3, 4):
        raise Refusal(
            "its JPEG or YCbCr pixels are not of 8 bits and 1 to 4 channels", "convert it to PNG"
        )
    if page.compression not in (1, 5, 7, 8, 32946):
        raise Refusal(f"its compression (number {page.compression}) is not read", "convert it")
    single = page.planar or page.samples == 1
    planes = []
    for plane in range(page.samples if page.planar else 1):
        samples = 1 if single else page.samples
        photometric = 1 if single else page.photometric
        tags = {258: (3, 8), 262: (3, photometric), 277: (3, samples)}
        if samples in (2, 4) and photometric in (1, 2, 6):
            tags[338] = (3, 0)
        if photometric == 6:
            tags[530] = (3, page.subsampling)
            if page.compression != 7:
                tags[317] = (3, page.predictor)
        image = _as_file(
            file, page, plane, tags, (page.rows, page.cols), (page.chunk_rows, page.chunk_cols)
        )
        array = pillow.pixels(image)
        if array.shape[2] != samples:
            raise Refusal(f"{samples} channels are announced, {array.shape[2]} are there", _AGAIN)
        planes.append(array)
    return planes[0] if len(planes) == 1 else np.concatenate(planes, axis=2)


def _as_file(
    file: BinaryIO,
    page: Page,
    plane: int,
    tags: dict[int, tuple[int, Any]],
    size: tuple[int, int],
    chunk: tuple[int, int],
) -> Any:
    """Open a TIFF file in memory that holds one plane and nothing else."""
    down, across, _, _ = _grid(page)
    data = [_chunk(file, page, plane * down * across + i) for i in range(down * across)]
    if not all(data):
        raise Refusal("it is cut short: a strip or tile is empty", _AGAIN)
    counts = [len(one) for one in data]
    offsets = (8 + np.cumsum([0, *counts[:-1]])).tolist()
    if 8 + sum(counts) > 0xFFFF0000:
        raise Refusal("its packed pixels exceed 4 GiB", "save it in several files")
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
        tags |= {278: (4, chunk[0]), 273: (4, offsets), 279: (4, counts)}
    if page.tables:
        tags[347] = (7, page.tables)
    return pillow.open_as("Tiff", io.BytesIO(_assemble(data, tags)))


def _assemble(data: list[bytes], tags: dict[int, tuple[int, Any]]) -> bytes:
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
    """Turn the bytes of a plane into samples, band by band."""
    rows, cols, samples = out.shape
    band = max(1, _BAND // max(1, raw.shape[1] * raw.shape[2]))
    for row in range(0, rows, band):
        last = min(rows, row + band)
        part = raw[row:last]
        if page.bits in (8, 16, 32, 64):
            values = _words(part, page, samples)
        else:
            values = _bit_fields(part, page, samples)
        out[row:last] = values.reshape(last - row, -1, samples)[:, :cols]


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
        raise Refusal(f"its prediction (number {page.predictor}) is unknown", _AGAIN)
    return words


def _undo_float(part: np.ndarray, page: Page, samples: int) -> np.ndarray:
    """Floating-point prediction: differences of bytes, the highest bytes of a row first."""
    if page.kind != "f":
        raise Refusal("its prediction goes with floating-point numbers only", _AGAIN)
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
        raise Refusal(f"its prediction does not go with {page.bits} bits", _AGAIN)
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
