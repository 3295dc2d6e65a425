"""Netpbm: PBM, PGM, PPM in text and binary (P1 to P6), PAM (P7) and PFM (Pf, PF).

Sources: the netpbm format pages (pbm, pgm, ppm, pam) and the PFM page of P. Debevec.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np

from spel.io.opening import DAMAGED, DecodeError

from .header import ImageInfo, check_size, read_exactly

_COLORS = {1: "grey", 2: "grey+alpha", 3: "rgb", 4: "rgba"}
_BINARY = (b"P4", b"P5", b"P6", b"P7")
_CHANNELS = {b"P1": 1, b"P2": 1, b"P3": 3, b"P4": 1, b"P5": 1, b"P6": 3, b"Pf": 1, b"PF": 3}
_MAX_HEADER = 1 << 20
_PIECE = 1 << 20
_BLANKS = b" \t\n\r\v\f"


@dataclass(frozen=True)
class _Head:
    """The header of a file; `order` is the byte order of its numbers."""

    kind: bytes
    rows: int
    cols: int
    channels: int
    maximum: int
    order: str = ">"

    @property
    def dtype(self) -> np.dtype[Any]:
        if self.kind in (b"Pf", b"PF"):
            return np.dtype(np.float32)
        if self.maximum == 1 and self.kind in (b"P1", b"P4", b"P7"):
            return np.dtype(np.bool_)
        return np.dtype(np.uint8 if self.maximum < 256 else np.uint16)


def describe(file: BinaryIO, max_pixels: int) -> ImageInfo:
    """Read the header."""
    return _info(_head(file, max_pixels))


def read(file: BinaryIO, max_pixels: int, page: int | None) -> tuple[np.ndarray, ImageInfo]:
    """Decode the first image of a netpbm file into (rows, cols, channels)."""
    if page:
        raise DecodeError("only the first image of a netpbm file is read", "leave page at 0")
    head = _head(file, max_pixels)
    if head.kind in (b"Pf", b"PF"):
        return _floats(file, head), _info(head)
    if head.kind == b"P4":
        stored = _exactly(file, head.rows * -(-head.cols // 8))
        bits = np.unpackbits(stored.reshape(head.rows, -1), axis=1, count=head.cols)
        samples = bits ^ np.uint8(1)  # in PBM 1 is black
    elif head.kind == b"P1":
        samples = _digits(file, head) ^ np.uint8(1)
    elif head.kind in (b"P2", b"P3"):
        samples = _numbers(file, head)
    else:
        stored = _exactly(file, head.rows * head.cols * head.channels * (1 + (head.maximum > 255)))
        samples = stored if head.maximum < 256 else stored.view(">u2").astype(np.uint16)
    if head.kind in _BINARY and re.match(rb"\s*P[1-7][ \t\r\n#]", file.read(64)):
        raise DecodeError("several images stand in it, one behind the other", "split it")
    return _stretch(samples, head), _info(head)


def _info(head: _Head) -> ImageInfo:
    bits = 32 if head.dtype.kind == "f" else head.maximum.bit_length()
    return ImageInfo(
        "PNM",
        head.rows,
        head.cols,
        head.channels,
        head.dtype.name,
        bits,
        _COLORS.get(head.channels, "channels"),
        maximum=head.maximum if head.maximum > 255 else 0,
    )


def _head(file: BinaryIO, max_pixels: int) -> _Head:
    file.seek(0)
    kind = read_exactly(file, 2, "its header")
    if kind == b"P7":
        head = _pam(file)
    elif kind in (b"Pf", b"PF"):
        cols, rows = _number(file), _number(file)
        scale = _scale(_word(file))
        head = _Head(kind, rows, cols, _CHANNELS[kind], 1, "<" if scale < 0 else ">")
    else:
        cols, rows = _number(file), _number(file)
        maximum = 1 if kind in (b"P1", b"P4") else _number(file)
        head = _Head(kind, rows, cols, _CHANNELS[kind], maximum)
    if not 1 <= head.maximum <= 65535:
        raise DecodeError(f"its largest value is {head.maximum}; 1 to 65535 are possible", DAMAGED)
    check_size(head.rows, head.cols, head.channels, head.dtype.itemsize, max_pixels)
    return head


def _pam(file: BinaryIO) -> _Head:
    fields: dict[bytes, int] = {}
    read = 0
    while True:
        line = file.readline(4096)
        read += len(line)
        if not line.endswith(b"\n") or read > _MAX_HEADER:
            raise DecodeError("its header does not end", DAMAGED)
        words = line.split()
        if words == [b"ENDHDR"]:
            break
        if words and words[0] in (b"WIDTH", b"HEIGHT", b"DEPTH", b"MAXVAL"):
            if len(words) != 2 or words[0] in fields or not re.fullmatch(rb"\d{1,9}", words[1]):
                raise DecodeError("its header is damaged", DAMAGED)
            fields[words[0]] = int(words[1])
    if len(fields) != 4:
        raise DecodeError("its header lacks WIDTH, HEIGHT, DEPTH or MAXVAL", DAMAGED)
    return _Head(b"P7", fields[b"HEIGHT"], fields[b"WIDTH"], fields[b"DEPTH"], fields[b"MAXVAL"])


def _word(file: BinaryIO) -> bytes:
    """Read the next word of the header and the blank after it; comments are skipped."""
    word = b""
    while file.tell() < _MAX_HEADER and len(word) <= 32:
        byte = read_exactly(file, 1, "its header")
        if byte == b"#":
            _skip_comment(file)
        elif byte not in _BLANKS:
            word += byte
            continue
        if word:
            return word
    raise DecodeError("its header does not end", DAMAGED)


def _skip_comment(file: BinaryIO) -> None:
    """Read to the end of the line."""
    while file.tell() <= _MAX_HEADER:
        if read_exactly(file, 1, "its header") in b"\r\n":
            return


def _number(file: BinaryIO) -> int:
    word = _word(file)
    if not re.fullmatch(rb"\d{1,10}", word):
        raise DecodeError(
            f"its header has {word[:16].decode('latin-1')!r} in place of a number", DAMAGED
        )
    return int(word)


def _scale(word: bytes) -> float:
    try:
        scale = float(word)
    except ValueError:
        scale = 0.0
    if not math.isfinite(scale) or scale == 0:
        raise DecodeError("the scale in its header is not a number other than 0", DAMAGED)
    return scale


def _exactly(file: BinaryIO, count: int) -> np.ndarray:
    data = np.empty(count, np.uint8)
    got = file.readinto(data.data)  # type: ignore[attr-defined]
    if got != count:
        raise DecodeError(
            f"it is cut short: {count} bytes of pixels are announced, but there are {got}", DAMAGED
        )
    return data


def _floats(file: BinaryIO, head: _Head) -> np.ndarray:
    stored = _exactly(file, head.rows * head.cols * head.channels * 4).view(head.order + "f4")
    rows = stored.reshape(head.rows, head.cols, head.channels)
    return np.ascontiguousarray(rows[::-1], np.float32)  # PFM counts rows from the bottom


def _text(file: BinaryIO, allowed: bytes) -> Any:
    """Pieces of text without comments, cut at blanks."""
    rest = b""
    while piece := file.read(_PIECE):
        piece = rest + piece
        if b"#" in piece:
            piece += file.readline(_PIECE)
            piece = re.sub(rb"#[^\r\n]*", b" ", piece)
        cut = max(piece.rfind(blank) for blank in (b" ", b"\n", b"\t", b"\r")) + 1
        piece, rest = piece[:cut], piece[cut:]
        if len(rest) > 4096:
            raise DecodeError("a number of thousands of digits stands among its pixels", DAMAGED)
        if piece.translate(None, allowed):
            raise DecodeError("something else than numbers stands among its pixels", DAMAGED)
        yield piece
    if rest.translate(None, allowed):
        raise DecodeError("something else than numbers stands among its pixels", DAMAGED)
    yield rest


def _numbers(file: BinaryIO, head: _Head) -> np.ndarray:
    count, place = head.rows * head.cols * head.channels, 0
    out = np.empty(count, np.uint8 if head.maximum < 256 else np.uint16)
    for piece in _text(file, b"0123456789" + _BLANKS):
        words = piece.split()[: count - place]
        if not words:
            continue
        if len(max(words, key=len)) > 9:
            raise DecodeError("a number among its pixels is too long", DAMAGED)
        numbers = np.array(words).astype(np.int64)
        if numbers.max() > head.maximum:
            raise DecodeError(
                f"a pixel has {numbers.max()}, above its largest value {head.maximum}", DAMAGED
            )
        out[place : place + len(numbers)] = numbers
        place += len(numbers)
        if place == count:
            return out
    raise DecodeError(f"it is cut short: {count} numbers are announced, {place} are there", DAMAGED)


def _digits(file: BinaryIO, head: _Head) -> np.ndarray:
    count, place = head.rows * head.cols, 0
    out = np.empty(count, np.uint8)
    while piece := file.read(_PIECE):
        if b"#" in piece:
            piece = re.sub(rb"#[^\r\n]*", b"", piece + file.readline(_PIECE))
        bits = np.frombuffer(piece.translate(None, _BLANKS), np.uint8)[: count - place]
        if ((bits & 0xFE) != 0x30).any():
            raise DecodeError("something else than 0 and 1 stands among its pixels", DAMAGED)
        out[place : place + len(bits)] = bits & 1
        place += len(bits)
        if place == count:
            return out
    raise DecodeError(f"it is cut short: {count} digits are announced, {place} are there", DAMAGED)


def _stretch(samples: np.ndarray, head: _Head) -> np.ndarray:
    """Below 8 bits to 8 bits, one to one; above, the numbers of the file."""
    samples = samples.reshape(head.rows, head.cols, head.channels)
    largest = int(samples.max())
    if largest > head.maximum:
        raise DecodeError(f"a pixel has {largest}, above its largest value {head.maximum}", DAMAGED)
    if head.dtype == np.bool_:
        return samples.astype(np.bool_)
    if head.maximum < 255:
        table = np.rint(np.arange(head.maximum + 1) * (255 / head.maximum)).astype(np.uint8)
        return np.take(table, samples)
    return samples
