"""PNG: the chunks and their checksums are read here, the pixels by imagecodecs (libpng).

Common readers cut colours of 16 bits to 8, and accept files with a wrong checksum or without an
end. So the chunks are checked here first, and only complete and correct ones are given to libpng.
Source: Portable Network Graphics (PNG) Specification, third edition, W3C.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from spel.io.opening import DAMAGED, DecodeError

from .header import ImageInfo, check_size, read_exactly
from .pillow import COLORS, orientation

_SAMPLES = {0: 1, 2: 3, 3: 3, 4: 2, 6: 4}
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHECKED = (b"IHDR", b"PLTE", b"tRNS", b"IEND", b"IDAT")
_LENGTHS = {b"gAMA": 4, b"cHRM": 32, b"pHYs": 9, b"sRGB": 1, b"tIME": 7}
_MAX_OTHER = 82  # bytes of a chunk that is not used
_MAX_CHUNKS = 1_000_000


@dataclass
class _Chunks:
    """The contents of the chunks."""

    rows: int
    cols: int
    depth: int
    color: int
    header: bytes
    palette: bytes = b""
    transparency: bytes = b""
    orientation: int = 1
    frames: int = 0
    significant: int = 0
    pixels: list[bytes] = field(default_factory=list)

    @property
    def channels(self) -> int:
        """Channels of the decoded image."""
        return _SAMPLES[self.color] + bool(self.transparency)

    @property
    def dtype(self) -> str:
        """Type of the decoded image."""
        if self.color == 3:
            return "uint8"
        return {1: "bool", 16: "uint16"}.get(self.depth, "uint8")

    def file(self) -> bytes:
        """A PNG file of these chunks alone, so that the decoder reads nothing else."""
        parts = [(b"IHDR", self.header), (b"PLTE", self.palette), (b"tRNS", self.transparency)]
        parts = [part for part in parts if part[1]] + [(b"IDAT", one) for one in self.pixels]
        return _SIGNATURE + b"".join(_chunk(*part) for part in [*parts, (b"IEND", b"")])


def describe(file: BinaryIO, max_pixels: int) -> ImageInfo:
    """Read the chunks of a PNG file, but not its pixels."""
    return _info(_read_chunks(file, max_pixels, pixels=False))


def read(
    file: BinaryIO, max_pixels: int, page: int | None
) -> tuple[npt.NDArray[np.generic], ImageInfo]:
    """Decode a PNG file into (rows, cols, channels)."""
    import imagecodecs

    if page:
        raise DecodeError("only the first frame of an animated PNG is read", "leave page at 0")
    chunks = _read_chunks(file, max_pixels, pixels=True)
    info = _info(chunks)
    array = np.asarray(imagecodecs.png_decode(chunks.file()))
    array = array.reshape(info.rows, info.cols, -1)
    if info.dtype == "bool":
        array = array != 0
    if array.shape != info.shape or array.dtype != info.dtype:
        raise DecodeError("its pixels are not of the size or type announced", DAMAGED)
    return array, info


def read_indices(file: BinaryIO, max_pixels: int) -> tuple[npt.NDArray[Any], int] | None:
    """Indices (rows, cols) into the palette, and the orientation; None without a palette."""
    import imagecodecs

    chunks = _read_chunks(file, max_pixels, pixels=True)
    if chunks.color != 3:
        return None
    header = chunks.header[:9] + b"\0" + chunks.header[10:]  # as if the indices were grey values
    grey = replace(chunks, color=0, header=header, palette=b"", transparency=b"")
    array = np.asarray(imagecodecs.png_decode(grey.file())).reshape(chunks.rows, chunks.cols)
    stretch = {1: max(1, int(array.max(initial=0))), 2: 85, 4: 17, 8: 1}[chunks.depth]
    return array.astype(np.uint8) // np.uint8(stretch), chunks.orientation


def _info(chunks: _Chunks) -> ImageInfo:
    return ImageInfo(
        "PNG",
        chunks.rows,
        chunks.cols,
        chunks.channels,
        chunks.dtype,
        chunks.depth,
        COLORS[chunks.channels],
        chunks.orientation,
        max(1, chunks.frames),
        note="palette" if chunks.color == 3 else "",
        maximum=(1 << chunks.significant) - 1 if 8 < chunks.significant < chunks.depth else 0,
    )


def _read_chunks(file: BinaryIO, max_pixels: int, *, pixels: bool) -> _Chunks:
    used = (*_CHECKED, b"eXIf") if pixels else (*_CHECKED[:-1], b"eXIf")
    file.seek(len(_SIGNATURE))
    name, header = _next(file, used)
    if name != b"IHDR" or len(header) != 13:
        raise DecodeError("its first chunk is not a header of 13 bytes", DAMAGED)
    cols, rows, depth, color = struct.unpack_from(">IIBB", header)
    if color not in _SAMPLES or depth not in (1, 2, 4, 8, 16):
        raise DecodeError(f"its header gives {depth} bits for colour type {color}", DAMAGED)
    check_size(rows, cols, 4 if color == 3 else _SAMPLES[color], 1 + (depth == 16), max_pixels)
    chunks = _Chunks(rows, cols, depth, color, header)
    ended = False  # pixel data are in one piece
    for _ in range(_MAX_CHUNKS):
        name, data = _next(file, used)
        if name == b"IEND":
            break
        if name == b"IDAT" and ended:
            raise DecodeError("its pixel data are not in one piece", DAMAGED)
        ended = bool(chunks.pixels) and name != b"IDAT"
        _take(chunks, name, data)
    else:
        raise DecodeError(f"it has more than {_MAX_CHUNKS} chunks")
    if not chunks.pixels:
        raise DecodeError("it has no pixel data", DAMAGED)
    if color == 3 and not chunks.palette:
        raise DecodeError("its pixels are indices into a palette, but there is none", DAMAGED)
    if not _fits(chunks.transparency, color, chunks.palette):
        chunks.transparency = b""
    return chunks


def _take(chunks: _Chunks, name: bytes, data: bytes) -> None:
    """Store the content of a chunk between the header and the end."""
    if name == b"IDAT":
        chunks.pixels.append(data)
    elif name == b"PLTE":
        if chunks.palette or chunks.color in (0, 4) or len(data) % 3 or not 3 <= len(data) <= 768:
            raise DecodeError("its palette is misplaced or has a wrong size", DAMAGED)
        chunks.palette = data
    elif name == b"tRNS" and not chunks.pixels:
        chunks.transparency = data
    elif name == b"eXIf":
        chunks.orientation = orientation(data)
    elif name == b"sBIT":
        chunks.significant = max(data, default=0)
    elif name == b"fcTL":
        chunks.frames += 1
    elif name in _LENGTHS and len(data) != _LENGTHS[name]:
        raise DecodeError(f"its {name.decode()} chunk has a wrong length ({len(data)})", DAMAGED)
    elif name == b"iCCP" and data.partition(b"\0")[2][:1] != b"\0":
        raise DecodeError("its colour profile has no name or an unknown compression", DAMAGED)
    elif not name[0] & 0x20:
        raise DecodeError(f"unknown critical chunk {name.decode('latin-1')}", DAMAGED)


def _next(file: BinaryIO, used: tuple[bytes, ...]) -> tuple[bytes, bytes]:
    """Name and data of the next chunk; unused chunks are cut, and their checksums not checked."""
    head = file.read(8)
    if len(head) < 8:
        raise DecodeError("it is cut short: the end mark (IEND) is missing", DAMAGED)
    length, name = struct.unpack(">I4s", head)
    if length > 0x7FFFFFFF or not name.isalpha():
        raise DecodeError(f"no chunk begins at byte {file.tell() - 8}", DAMAGED)
    what = f"its {name.decode()} chunk"
    data = read_exactly(file, length if name in used else min(length, _MAX_OTHER), what)
    file.seek(length - len(data), 1)
    check = file.read(4)
    if (
        name in used
        and name in _CHECKED
        and check != struct.pack(">I", zlib.crc32(data, zlib.crc32(name)))
    ):
        raise DecodeError(f"the checksum of {what} is wrong or missing", DAMAGED)
    return name, data


def _chunk(name: bytes, data: bytes) -> bytes:
    check = zlib.crc32(data, zlib.crc32(name))
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", check)


def _fits(transparency: bytes, color: int, palette: bytes) -> bool:
    if color == 3:
        return 0 < 3 * len(transparency) <= len(palette)
    return len(transparency) == {0: 2, 2: 6}.get(color, -1)
