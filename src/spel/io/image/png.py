"""PNG: every depth at its own depth, every critical checksum verified.

The chunks, the checksums, the inflating and its length are ours; only the row filters run in
Pillow's decoder, on bands of rows that are already known to be complete. Common readers cut
RGB of 16 bits to 8 and return images whose checksum is wrong or whose rows are missing.
Source: Portable Network Graphics (PNG) Specification, third edition, W3C.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np

from spel.io.opening import DAMAGED, DecodeError

from .header import ImageInfo, check_size, exif_orientation, read_exactly

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
_COLORS = {1: "grey", 2: "grey+alpha", 3: "rgb", 4: "rgba"}
_LENGTHS = {b"gAMA": 4, b"cHRM": 32, b"pHYs": 9, b"sRGB": 1, b"tIME": 7}  # of some lesser chunks
_ADAM7 = (
    (0, 0, 8, 8),
    (0, 4, 8, 8),
    (4, 0, 8, 4),
    (0, 2, 4, 4),
    (2, 0, 4, 2),
    (0, 1, 2, 2),
    (1, 0, 2, 1),
)  # first row, first column, row step, column step
_BAND = 1 << 20  # bytes of filtered rows decoded at once
_CHUNK = 1 << 18
_MAX_CHUNKS = 1_000_000


@dataclass(frozen=True)
class Layout:
    """The header of a PNG file and where its pixel data lie."""

    rows: int
    cols: int
    depth: int
    color: int
    interlaced: bool
    palette: np.ndarray | None
    transparency: bytes
    orientation: int
    frames: int
    data: tuple[tuple[int, int], ...]  # (offset, length) of every IDAT chunk

    @property
    def channels(self) -> int:
        samples = 3 if self.color == 3 else _SAMPLES[self.color]
        return samples + bool(self.transparency)

    @property
    def dtype(self) -> np.dtype[Any]:
        if self.color == 3:
            return np.dtype(np.uint8)
        return np.dtype({1: np.bool_, 16: np.uint16}.get(self.depth, np.uint8))


def describe(file: BinaryIO, max_pixels: int) -> ImageInfo:
    """Read the chunks of a PNG file, not its pixels."""
    return _info(_layout(file, max_pixels))


def read(file: BinaryIO, max_pixels: int, page: int | None) -> tuple[np.ndarray, ImageInfo]:
    """Decode a PNG file into (rows, cols, channels)."""
    if page:
        raise DecodeError("only the first frame of an animated PNG is read", "leave page at 0")
    layout = _layout(file, max_pixels)
    stream = _Inflater(file, layout)
    samples = np.empty((layout.rows, layout.cols, _SAMPLES[layout.color]), _stored_type(layout))
    if layout.interlaced:
        for row, col, row_step, col_step in _ADAM7:
            part = samples[row::row_step, col::col_step]
            if part.size:
                _decode(part, stream, layout.depth)
    else:
        _decode(samples, stream, layout.depth)
    stream.finish()
    return _finish(samples, layout), _info(layout)


def _info(layout: Layout) -> ImageInfo:
    return ImageInfo(
        "PNG",
        layout.rows,
        layout.cols,
        layout.channels,
        layout.dtype.name,
        layout.depth,
        _COLORS[layout.channels],
        layout.orientation,
        max(1, layout.frames),
        note="palette" if layout.color == 3 else "",
    )


def _layout(file: BinaryIO, max_pixels: int) -> Layout:
    file.seek(len(SIGNATURE))
    name, offset, length = _next_chunk(file)
    if name != b"IHDR" or length != 13:
        raise DecodeError("its first chunk is not a header of 13 bytes", DAMAGED)
    header = _checked(file, name, offset, length)
    cols, rows, depth, color, method, filtering, interlace = struct.unpack(">IIBBBBB", header)
    if depth not in _DEPTHS.get(color, ()):
        raise DecodeError(
            f"its header gives {depth} bits for colour type {color}, which PNG has not"
        )
    if method or filtering or interlace > 1:
        raise DecodeError(
            f"unknown compression {method}, filter {filtering} or interlace {interlace}"
        )
    check_size(rows, cols, 4 if color == 3 else _SAMPLES[color], 1 + (depth == 16), max_pixels)
    palette, transparency, orientation, frames = None, b"", 1, 0
    data: list[tuple[int, int]] = []
    closed = False  # the IDAT chunks follow one another
    for _ in range(_MAX_CHUNKS):
        name, offset, length = _next_chunk(file)
        if name == b"IDAT":
            if closed:
                raise DecodeError("its pixel data are not in one piece", DAMAGED)
            data.append((offset, length))
            file.seek(offset + length + 4)
            continue
        closed = bool(data)
        if name == b"IEND":
            _checked(file, name, offset, length)
            break
        if name == b"PLTE":
            palette = _palette(_checked(file, name, offset, length), color, depth, palette)
        elif name == b"tRNS" and not data and length <= 256:
            transparency = _checked(file, name, offset, length)
        elif name == b"eXIf" and length <= 1 << 20:
            orientation = exif_orientation(read_exactly(file, length, "its EXIF"))
        elif name == b"fcTL":
            frames += 1
        elif name in _LENGTHS and length != _LENGTHS[name]:
            raise DecodeError(f"its {name.decode()} chunk has a wrong length ({length})", DAMAGED)
        elif name == b"iCCP":
            _check_profile(read_exactly(file, min(length, 82), "its colour profile"))
        elif not name[0] & 0x20:
            raise DecodeError(f"unknown critical chunk {name.decode('latin-1')}", DAMAGED)
        file.seek(offset + length + 4)
    else:
        raise DecodeError(f"it has more than {_MAX_CHUNKS} chunks")
    if not data:
        raise DecodeError("it has no pixel data", DAMAGED)
    if color == 3 and palette is None:
        raise DecodeError("its pixels point into a palette that is not there", DAMAGED)
    if not _fits(transparency, color, palette):
        transparency = b""
    return Layout(
        rows,
        cols,
        depth,
        color,
        bool(interlace),
        palette,
        transparency,
        orientation,
        frames,
        tuple(data),
    )


def _next_chunk(file: BinaryIO) -> tuple[bytes, int, int]:
    head = file.read(8)
    if len(head) < 8:
        raise DecodeError("it is cut short: the end mark (IEND) is missing", DAMAGED)
    length, name = struct.unpack(">I4s", head)
    if length > 0x7FFFFFFF or not name.isalpha():
        raise DecodeError(f"no chunk begins at byte {file.tell() - 8}", DAMAGED)
    return name, file.tell(), length


def _checked(file: BinaryIO, name: bytes, offset: int, length: int) -> bytes:
    """The data of a small chunk whose checksum is right."""
    if length > 1 << 16:
        raise DecodeError(f"its {name.decode()} chunk has {length} bytes", DAMAGED)
    file.seek(offset)
    data = read_exactly(file, length, f"its {name.decode()} chunk")
    (stated,) = struct.unpack(">I", read_exactly(file, 4, f"its {name.decode()} chunk"))
    if zlib.crc32(data, zlib.crc32(name)) != stated:
        raise DecodeError(f"the checksum of its {name.decode()} chunk is wrong", DAMAGED)
    file.seek(offset + length + 4)
    return data


def _palette(data: bytes, color: int, depth: int, old: np.ndarray | None) -> np.ndarray | None:
    if old is not None or color in (0, 4) or len(data) % 3 or not 3 <= len(data) <= 768:
        raise DecodeError("its palette is misplaced or has a wrong size", DAMAGED)
    return np.frombuffer(data, np.uint8).reshape(-1, 3) if color == 3 else None


def _check_profile(start: bytes) -> None:
    name, mark, rest = start.partition(b"\0")
    if not name or not mark or rest[:1] != b"\0":
        raise DecodeError("its colour profile has no name or an unknown compression", DAMAGED)


def _fits(transparency: bytes, color: int, palette: np.ndarray | None) -> bool:
    if color == 3:
        return palette is not None and 0 < len(transparency) <= len(palette)
    return len(transparency) == {0: 2, 2: 6}.get(color, -1)


class _Inflater:
    """The filtered bytes of the image, checked chunk by chunk, a piece at a time."""

    def __init__(self, file: BinaryIO, layout: Layout) -> None:
        self._pieces = self._compressed(file, layout.data)
        self._inflater = zlib.decompressobj()

    def _compressed(self, file: BinaryIO, data: tuple[tuple[int, int], ...]) -> Iterator[bytes]:
        for offset, length in data:
            file.seek(offset)
            check = zlib.crc32(b"IDAT")
            while length:
                piece = read_exactly(file, min(length, _CHUNK), "its pixel data")
                check = zlib.crc32(piece, check)
                length -= len(piece)
                yield piece
            (stated,) = struct.unpack(">I", read_exactly(file, 4, "its pixel data"))
            if check != stated:
                raise DecodeError(
                    f"the checksum of its pixel data at byte {offset} is wrong", DAMAGED
                )

    def take(self, count: int) -> bytearray:
        out = bytearray()
        try:
            while len(out) < count:
                pending = self._inflater.unconsumed_tail
                if not pending:
                    if self._inflater.eof:
                        break
                    pending = next(self._pieces, b"")
                    if not pending and not self._inflater.unconsumed_tail:
                        out += self._inflater.decompress(b"", count - len(out))
                        break
                out += self._inflater.decompress(pending, count - len(out))
        except zlib.error as error:
            raise DecodeError(f"its pixel data are damaged ({error})", DAMAGED) from None
        if len(out) < count:
            raise DecodeError("it is cut short: rows are missing", DAMAGED)
        return out

    def finish(self) -> None:
        """Verify the rest: the checksum over all pixel data and that of every chunk."""
        try:
            spare = 0
            while not self._inflater.eof and spare <= _CHUNK:
                pending = self._inflater.unconsumed_tail or next(self._pieces, b"")
                got = self._inflater.decompress(pending, _CHUNK)
                spare += len(got)
                if not pending and not got:
                    raise DecodeError("it is cut short: its compressed data do not end", DAMAGED)
        except zlib.error as error:
            raise DecodeError(f"its pixel data are damaged ({error})", DAMAGED) from None
        for _ in self._pieces:
            pass


def _stored_type(layout: Layout) -> np.dtype[Any]:
    return np.dtype(np.uint16 if layout.depth == 16 else np.uint8)


def _decode(out: np.ndarray, stream: _Inflater, depth: int) -> None:
    """Fill ``out`` (rows, cols, samples; any strides) with the samples of one pass."""
    rows, cols, samples = out.shape
    row_bytes = (cols * samples * depth + 7) // 8
    pixel_bytes = max(1, samples * depth // 8)
    band = max(1, _BAND // (row_bytes + 1))
    above = np.zeros((1, row_bytes), np.uint8)
    for start in range(0, rows, band):
        count = min(band, rows - start)
        filtered = np.frombuffer(stream.take(count * (row_bytes + 1)), np.uint8)
        plain = _unfilter(filtered.reshape(count, row_bytes + 1), above, pixel_bytes)
        out[start : start + count] = _unpack(plain, cols, samples, depth)
        above = plain[-1:]


def _unfilter(filtered: np.ndarray, above: np.ndarray, pixel_bytes: int) -> np.ndarray:
    """Undo the row filters; ``above`` is the plain row before the first."""
    from PIL import Image

    kinds = filtered[:, 0]
    if kinds.max() > 4:
        raise DecodeError(f"a row has the unknown filter {kinds.max()}", DAMAGED)
    if not kinds.any():
        return filtered[:, 1:]
    count, row_bytes = filtered.shape[0], filtered.shape[1] - 1
    first = np.concatenate([np.zeros((1, 1), np.uint8), above], 1).tobytes()
    packed = zlib.compress(first + filtered.tobytes(), 0)  # stored, not compressed: a copy
    size = (row_bytes // pixel_bytes, count + 1)

    def decode(mode: str, raw: str) -> np.ndarray:
        image = Image.frombytes(mode, size, packed, "zip", raw, 0)
        return np.asarray(image)[1:].reshape(count, -1)

    if pixel_bytes in (6, 8):  # Pillow keeps one byte of two: ask for either
        mode = {6: "RGB", 8: "RGBA"}[pixel_bytes]
        plain = np.empty((count, row_bytes), np.uint8)
        plain[:, 0::2] = decode(mode, f"{mode};16B")
        plain[:, 1::2] = decode(mode, f"{mode};16L")
        return plain
    mode = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}[pixel_bytes]
    return decode(mode, mode)


def _unpack(plain: np.ndarray, cols: int, samples: int, depth: int) -> np.ndarray:
    if depth == 16:
        return np.ascontiguousarray(plain).view(">u2").reshape(-1, cols, samples)
    if depth == 8:
        return plain.reshape(-1, cols, samples)
    return unpack_bits(plain, depth)[:, :cols, None]


def unpack_bits(rows: np.ndarray, depth: int) -> np.ndarray:
    """Samples of 1, 2 or 4 bits, the first in the highest bits of each byte."""
    if depth == 1:
        return np.unpackbits(rows, axis=1)
    shifts = np.arange(8 - depth, -1, -depth, dtype=np.uint8)
    spread = (rows[:, :, None] >> shifts) & np.uint8((1 << depth) - 1)
    return spread.reshape(len(rows), -1)


def _finish(samples: np.ndarray, layout: Layout) -> np.ndarray:
    """Look up the palette, stretch 2 and 4 bits to 8, turn a transparent colour into alpha."""
    if layout.color == 3:
        return _look_up(samples[:, :, 0], layout)
    alpha = None
    if layout.transparency:
        key = np.frombuffer(layout.transparency, ">u2") & np.uint16((1 << layout.depth) - 1)
        alpha = (samples != key).any(axis=2, keepdims=True)
    if layout.depth == 1:
        samples = samples.view(np.bool_)
    elif layout.depth < 8:
        samples *= np.uint8(255 // ((1 << layout.depth) - 1))
    if alpha is None:
        return samples
    full = samples.dtype.type(1 if layout.depth == 1 else np.iinfo(samples.dtype).max)
    return np.concatenate([samples, alpha * full], axis=2)


def _look_up(indices: np.ndarray, layout: Layout) -> np.ndarray:
    palette = layout.palette
    assert palette is not None
    if layout.transparency:
        alpha = np.full((len(palette), 1), 255, np.uint8)
        alpha[: len(layout.transparency), 0] = np.frombuffer(layout.transparency, np.uint8)
        palette = np.concatenate([palette, alpha], axis=1)
    table = np.zeros((256, palette.shape[1]), np.uint8)
    table[:, 3:] = 255  # an index past the palette is black, as other decoders show it
    table[: len(palette)] = palette
    return table[indices]
