"""Unpacking of Zarr chunks, each bounded by the size that its array's metadata say.

Blosc, Zstandard and LZ4 come from numcodecs, which gets a buffer only after the packed data have
been seen to promise what is expected.
"""

from __future__ import annotations

import bz2
import struct
import zlib
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from spel.errors import BackendMissingError
from spel.io.opening import DAMAGED, DecodeError

__all__ = ["PACKED", "check_crc", "unpack"]

_UNKNOWN = -1


def unpack(kind: str, data: bytes, size: int) -> bytes:
    """The `size` bytes that were packed.

    Raises
    ------
    DecodeError
        If they are more or fewer, or the data are damaged.
    BackendMissingError
        If numcodecs is needed and not installed.

    Examples
    --------
    >>> unpack("zlib", zlib.compress(b"abc"), 3)
    b'abc'
    """
    try:
        found = PACKED[kind](data, size)
    except (DecodeError, BackendMissingError):
        raise
    except Exception as error:  # each library has its own
        raise DecodeError(f"a chunk cannot be unpacked ({kind}: {error})", DAMAGED) from None
    if len(found) != size:
        raise DecodeError(f"a chunk unpacks to {len(found)} bytes, not {size}", DAMAGED)
    return found


def check_crc(data: bytes) -> bytes:
    """The data without the CRC-32C that ends them, once it was found right."""
    if len(data) < 4:
        raise DecodeError("a chunk is cut short", DAMAGED)
    body, wanted = data[:-4], struct.unpack("<I", data[-4:])[0]
    if _crc32c()(body) != wanted:
        raise DecodeError("the checksum of a chunk is wrong", DAMAGED)
    return body


def _zlib(data: bytes, size: int) -> bytes:
    unpacker = zlib.decompressobj(47)  # either header
    found = unpacker.decompress(data, size + 1)
    if len(found) <= size and not unpacker.eof:
        raise DecodeError("a chunk is cut short", DAMAGED)
    return found


def _bz2(data: bytes, size: int) -> bytes:
    return bz2.BZ2Decompressor().decompress(data, size + 1)


def _blosc(data: bytes, size: int) -> bytes:
    if len(data) < 16:
        raise DecodeError("a chunk is cut short", DAMAGED)
    bytes_, _, packed = struct.unpack_from("<III", data, 4)
    _promised(bytes_, size)
    if packed != len(data):
        raise DecodeError(f"a chunk has {len(data)} bytes and is said to have {packed}", DAMAGED)
    return bytes(_numcodecs("blosc").decompress(data))


def _zstd(data: bytes, size: int) -> bytes:
    _promised(_zstd_size(data), size)
    room = np.empty(size, np.uint8)
    _numcodecs("zstd").decompress(data, room)
    return room.tobytes()


def _zstd_size(data: bytes) -> int:
    """The size that the frame promises (RFC 8878, 3.1.1)."""
    if len(data) < 6 or data[:4] != b"(\xb5/\xfd":
        raise DecodeError("a chunk is no Zstandard frame", DAMAGED)
    flags = data[4]
    single = flags >> 5 & 1
    place = 5 + (not single) + (0, 1, 2, 4)[flags & 3]
    width = (single, 2, 4, 8)[flags >> 6]
    field = data[place : place + width]
    if not width or len(field) < width:
        return _UNKNOWN
    return int.from_bytes(field, "little") + (256 if width == 2 else 0)


def _lz4(data: bytes, size: int) -> bytes:
    if len(data) < 4:
        raise DecodeError("a chunk is cut short", DAMAGED)
    _promised(struct.unpack_from("<I", data)[0], size)
    room = np.empty(size, np.uint8)
    _numcodecs("lz4").decompress(data, room)
    return room.tobytes()


PACKED: dict[str, Callable[[bytes, int], bytes]] = {
    "zlib": _zlib,
    "gzip": _zlib,
    "bz2": _bz2,
    "blosc": _blosc,
    "zstd": _zstd,
    "lz4": _lz4,
}


def _promised(said: int, size: int) -> None:
    if said == _UNKNOWN:
        raise DecodeError("a chunk does not say how large it is", "write it again with zarr-python")
    if said != size:
        raise DecodeError(f"a chunk says that it unpacks to {said} bytes, not {size}", DAMAGED)


def _numcodecs(name: str) -> Any:
    try:
        if name == "blosc":
            from numcodecs import blosc as module
        elif name == "zstd":
            from numcodecs import zstd as module
        else:
            from numcodecs import lz4 as module
    except ImportError:
        raise BackendMissingError(
            f"the chunks of this Zarr image are packed with {name}, for which numcodecs is "
            'missing; pip install "spel[zarr]"'
        ) from None
    return module


@cache
def _crc32c() -> Callable[[bytes], int]:
    """Castagnoli's CRC; slowly, where no library is installed."""
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)

    def crc(data: bytes) -> int:
        found = 0xFFFFFFFF
        for byte in data:
            found = table[(found ^ byte) & 255] ^ found >> 8
        return found ^ 0xFFFFFFFF

    try:
        import google_crc32c
    except ImportError:
        return crc
    return google_crc32c.value  # type: ignore[no-any-return]
