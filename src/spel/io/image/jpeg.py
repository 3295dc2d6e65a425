"""JPEG: the markers are walked here, the pixels decoded by Pillow (libjpeg-turbo).

libjpeg fills missing data with grey and only warns, which Pillow does not pass on. So the
entropy-coded data are checked before: an end mark must be there, and no scan may be shorter
than the least number of bits that its blocks can take. Metadata are not handed on to Pillow.
"""

from __future__ import annotations

import io
import re
import struct
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import numpy as np

from spel.io.opening import DAMAGED, DecodeError

from . import pillow
from .header import ImageInfo, check_size, exif_orientation, read_exactly

_COLORS = {1: "grey", 3: "rgb", 4: "cmyk"}
_FRAMES = (0xC0, 0xC1, 0xC2)  # baseline, extended, progressive: what libjpeg-turbo decodes
_METADATA = frozenset((*range(0xE1, 0xEE), 0xEF, 0xFE))  # all but JFIF and Adobe's colour mark
_UNLIKELY = {"L": 201, "RGB": (255, 2, 251), "CMYK": (255, 2, 251, 7)}
# The decoder looks ahead by eight bytes. In the usual codes these go on with a block, not end it.
_AHEAD = bytes.fromhex("6db6db6db6db6db6")
_PIECE = 1 << 20
_MAX_SCANS = 40  # of an image as large as the limit; a few seconds
_MAX_MARKERS = 200_000
_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]", re.DOTALL)


@dataclass
class _Walk:
    rows: int = 0
    cols: int = 0
    sampling: dict[int, tuple[int, int]] = field(default_factory=dict)
    progressive: bool = False
    arithmetic: bool = False
    orientation: int = 1
    scans: int = 0
    first_scan: int = 0  # where the pixel data begin
    end: int = 0  # and where the image ends; phones put films behind it
    head: bytearray = field(default_factory=lambda: bytearray(b"\xff\xd8"))


def describe(file: BinaryIO, max_pixels: int) -> ImageInfo:
    """Walk the markers up to the first scan."""
    return _info(_walk(file, max_pixels, whole=False))


def read(file: BinaryIO, max_pixels: int, page: int | None) -> tuple[np.ndarray, ImageInfo]:
    """Decode a JPEG file into (rows, cols, channels) of uint8."""
    if page:
        raise DecodeError("a JPEG file has one page", "leave page at 0")
    walk = _walk(file, max_pixels, whole=True)
    info = _info(walk)
    file.seek(walk.first_scan)
    image = pillow.open_as(
        "Jpeg", io.BytesIO(bytes(walk.head) + file.read(walk.end - walk.first_scan))
    )
    if image.size != (info.cols, info.rows):
        raise DecodeError("it holds more than one frame header", DAMAGED)
    if walk.scans == 1 and not walk.progressive and not walk.arithmetic:
        _decode_watched(image)
    return pillow.pixels(image), info


def _decode_watched(image: Any) -> None:
    """Decode, and refuse if the last row needs bits that only the end mark makes up.

    libjpeg takes zeros for what is missing before the end mark. So all but that mark is decoded
    first: then the last row must be there already.
    """
    from PIL import Image

    core = Image.core.fill(image.mode, image.size, _UNLIKELY[image.mode])
    decoder = Image._getdecoder(image.mode, "jpeg", image.tile[0].args, image.decoderconfig)
    decoder.setimage(core, (0, 0, *image.size))
    data = image.fp.getvalue()[:-2] + _AHEAD
    used, error = decoder.decode(data)
    image.im = core
    image.tile = []
    corner = (0, image.size[1] - 1, *image.size)
    before = image.crop(corner).tobytes()
    while used >= 0 and not error:
        data = data[used:] + b"\xff\xd9"
        size = len(data)
        used, error = decoder.decode(data)
        if used == 0 and len(data) == size:
            break
    if error:
        raise DecodeError(f"its pixel data are damaged (error {error} of the decoder)", DAMAGED)
    if image.crop(corner).tobytes() != before:
        raise DecodeError("it is cut short: the last pixels are missing", DAMAGED)


def _info(walk: _Walk) -> ImageInfo:
    channels = len(walk.sampling)
    return ImageInfo(
        "JPEG", walk.rows, walk.cols, channels, "uint8", 8, _COLORS[channels], walk.orientation
    )


def _walk(file: BinaryIO, max_pixels: int, whole: bool) -> _Walk:
    walk = _Walk()
    file.seek(2)
    for _ in range(_MAX_MARKERS):
        marker = _marker(file)
        walk.end = file.tell()
        if marker == 0xD9 or (marker == 0xDA and not whole):
            break
        if marker == 0x01 or 0xD0 <= marker <= 0xD7:
            continue
        if marker == 0xD8:
            raise DecodeError("a second image starts inside it", DAMAGED)
        (length,) = struct.unpack(">H", read_exactly(file, 2, "a marker"))
        if length < 2 and (marker == 0xFE or marker >> 4 == 0xE):
            continue  # an empty comment with a wrong length is no reason to lose the image
        if length < 2:
            raise DecodeError(f"the marker FF{marker:02X} has the length {length}", DAMAGED)
        data = read_exactly(file, length - 2, f"the marker FF{marker:02X}")
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            _frame(walk, marker, data, max_pixels)
        elif marker == 0xE1 and data.startswith(b"Exif\0\0") and walk.orientation == 1:
            walk.orientation = exif_orientation(data)
        elif marker == 0xDA:
            walk.first_scan = walk.first_scan or file.tell() - length - 2
            _scan(walk, data, file, max_pixels)
        if not walk.first_scan and marker not in _METADATA:
            walk.head += struct.pack(">BBH", 0xFF, marker, length) + data
    else:
        raise DecodeError(f"it has more than {_MAX_MARKERS} markers")
    if not walk.sampling:
        raise DecodeError("it has no frame header", DAMAGED)
    if whole and not walk.scans:
        raise DecodeError("it has no pixel data", DAMAGED)
    return walk


def _marker(file: BinaryIO) -> int:
    """The next marker; bytes between markers are tolerated, as libjpeg does, up to a limit."""
    before = b""
    for _ in range(4096):
        byte = read_exactly(file, 1, "its markers")
        if before == b"\xff" and byte not in (b"\xff", b"\0"):
            return byte[0]
        before = byte
    raise DecodeError(f"no marker is found near byte {file.tell()}", DAMAGED)


def _frame(walk: _Walk, marker: int, data: bytes, max_pixels: int) -> None:
    if walk.sampling:
        raise DecodeError("it holds more than one frame header", DAMAGED)
    if marker not in (*_FRAMES, 0xC9, 0xCA):
        raise DecodeError(
            f"it is of a kind (FF{marker:02X}: lossless or hierarchical) that is not read",
            "convert it to PNG",
        )
    if len(data) < 6 or len(data) < 6 + 3 * data[5]:
        raise DecodeError("its frame header is too short", DAMAGED)
    precision, rows, cols, channels = struct.unpack_from(">BHHB", data)
    if precision != 8:
        raise DecodeError(f"it has {precision} bits per sample; 8 are read", "convert it to PNG")
    if channels not in _COLORS:
        raise DecodeError(f"it has {channels} components; 1, 3 or 4 are read", "convert it to PNG")
    check_size(rows, cols, channels, 1, max_pixels)
    walk.rows, walk.cols = rows, cols
    walk.progressive, walk.arithmetic = marker in (0xC2, 0xCA), marker in (0xC9, 0xCA)
    for index in range(channels):
        name, factors, _ = data[6 + 3 * index : 9 + 3 * index]
        if not (1 <= factors >> 4 <= 4 and 1 <= factors & 15 <= 4) or name in walk.sampling:
            raise DecodeError("its frame header has wrong sampling factors", DAMAGED)
        walk.sampling[name] = (factors >> 4, factors & 15)


def _scan(walk: _Walk, data: bytes, file: BinaryIO, max_pixels: int) -> None:
    if not walk.sampling:
        raise DecodeError("its pixel data come before its frame header", DAMAGED)
    walk.scans += 1
    if walk.scans > 1000 or walk.scans * walk.rows * walk.cols > _MAX_SCANS * max_pixels:
        raise DecodeError(
            f"it has {walk.scans} or more scans of all its pixels, which takes too long"
        )
    names = data[1 : 1 + 2 * data[0] : 2] if data else b""
    if not names or len(data) < 4 + 2 * len(names) or any(n not in walk.sampling for n in names):
        raise DecodeError("a scan header does not fit the frame", DAMAGED)
    first, _, approximation = data[1 + 2 * len(names) : 4 + 2 * len(names)]
    size = _skip_entropy(file)
    if walk.arithmetic or (walk.progressive and first > 0):
        return  # a run of any length may stand for all blocks: nothing can be said
    bits = 1 if walk.progressive else 2  # of a block: DC, and without progression end-of-block
    if walk.progressive and approximation >> 4:
        bits = 1
    if size * 8 < bits * _blocks(walk, names):
        raise DecodeError(
            f"it is cut short: {size} bytes cannot hold its {_blocks(walk, names)} blocks", DAMAGED
        )


def _blocks(walk: _Walk, names: bytes) -> int:
    """Blocks of 8 x 8 samples in a scan: of one component as many as it has, else whole units."""
    widest = max(h for h, _ in walk.sampling.values())
    tallest = max(v for _, v in walk.sampling.values())
    if len(names) == 1:
        h, v = walk.sampling[names[0]]
        return _ceil(_ceil(walk.cols * h, widest), 8) * _ceil(_ceil(walk.rows * v, tallest), 8)
    units = _ceil(walk.cols, 8 * widest) * _ceil(walk.rows, 8 * tallest)
    return units * sum(h * v for h, v in (walk.sampling[n] for n in names))


def _ceil(amount: int, unit: int) -> int:
    return -(-amount // unit)


def _skip_entropy(file: BinaryIO) -> int:
    """Go to the marker that ends the entropy-coded data; its length in bytes."""
    start = file.tell()
    while piece := file.read(_PIECE):
        found = _MARKER.search(piece)
        if found:
            file.seek(file.tell() - len(piece) + found.start())
            return file.tell() - start
        if len(piece) == _PIECE:
            file.seek(-1, 1)  # a marker may lie across the cut
    raise DecodeError("it is cut short: the end mark is missing", DAMAGED)
