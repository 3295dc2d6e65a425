"""The folder of a Zarr image: files and metadata, checked before zarr-python sees them.

zarr-python uses any codec that the metadata name (pickle is one), allocates any size that they
state, and follows links. A chunk that is larger than its metadata state is refused only after it
was unpacked; the worker process limits the memory for that (see `LargeImage`).
"""

from __future__ import annotations

import math
import os
import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from spel.errors import FormatError
from spel.io.json_files import parse_json
from spel.io.opening import DAMAGED, DecodeError

__all__ = ["MAX_CHUNKS", "MAX_METADATA", "Folder", "Layout", "check_v2", "check_v3"]

MAX_METADATA = 16 << 20
MAX_CHUNK_BYTES = 1 << 28
MAX_CHUNKS = 1 << 18
V2_TYPE = re.compile(r"[<>|](b1|[iu][1248]|f[248])")
V2_COMPRESSORS = ("zlib", "gzip", "bz2", "blosc", "zstd", "lz4")
V3_TYPES = {"bool": 1, "float16": 2, "float32": 4, "float64": 8} | {
    f"{sign}int{8 * size}": size for sign in ("", "u") for size in (1, 2, 4, 8)
}
V3_CODECS = ("bytes", "transpose", "gzip", "zstd", "blosc", "crc32c", "sharding_indexed")


@dataclass(frozen=True)
class Folder:
    """The files of one folder: only plain files, none outside of it, none above a limit.

    Attributes
    ----------
    root : str
        Path of the folder, with links resolved.
    max_bytes : int
        Largest number of bytes that are read at once.
    """

    root: str
    max_bytes: int = MAX_METADATA

    @classmethod
    def at(cls, path: str | os.PathLike[str]) -> Folder:
        """The folder at a path, which may be a link."""
        return cls(os.path.realpath(path))

    def read(self, name: str, start: int = 0, stop: int | None = None) -> bytes | None:
        """The bytes of a file from `start` (counted from the end if negative) to `stop`.

        None if the file does not exist.

        Raises
        ------
        DecodeError
            If it is too large, no plain file, outside of the folder, or ends before the part does.
        """
        place = os.path.realpath(os.path.join(self.root, *name.split("/")))
        if os.path.commonpath([place, self.root]) != self.root:
            raise DecodeError("a link in it leads out of its folder", "copy the files themselves")
        flags = os.O_RDONLY
        for flag in ("O_NONBLOCK", "O_NOFOLLOW", "O_BINARY"):  # those that the system has
            flags |= getattr(os, flag, 0)
        try:
            handle = os.open(place, flags)
        except FileNotFoundError:
            return None
        with os.fdopen(handle, "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise DecodeError("one of its files is a folder, device or pipe", DAMAGED)
            start = start if start >= 0 else start + status.st_size
            stop = status.st_size if stop is None else stop
            if not 0 <= start <= stop <= status.st_size:
                raise DecodeError("a shard of it is cut short or its index is wrong", DAMAGED)
            if stop - start > self.max_bytes:
                raise DecodeError(
                    f"a file has {stop - start} bytes; at most {self.max_bytes}", DAMAGED
                )
            file.seek(start)
            return file.read(stop - start)

    def read_json(self, name: str) -> dict[str, Any] | None:
        """The JSON object in a file; None if the file does not exist."""
        data = self.read(name)
        if data is None:
            return None
        short = name.rsplit("/", 1)[-1]
        try:
            content = parse_json(data, name=short, max_bytes=MAX_METADATA)
        except FormatError as error:
            raise DecodeError(str(error), DAMAGED) from None
        if not isinstance(content, dict):
            raise DecodeError(f"its {short} is no JSON object", DAMAGED)
        return content


@dataclass(frozen=True)
class Layout:
    """Sizes that the metadata of an array state.

    Attributes
    ----------
    chunks : tuple of int
        The smallest parts that can be read, inside shards if there are any.
    file_bytes : int
        Bytes of a chunk or shard, unpacked.
    """

    chunks: tuple[int, ...]
    file_bytes: int


def check_v2(metadata: dict[str, Any]) -> Layout:
    """Refuse metadata of Zarr 2 that are not read."""
    if metadata.get("zarr_format") != 2:
        raise DecodeError("its .zarray is of another version", "convert it to version 2 or 3")
    kind = metadata.get("dtype")
    if not isinstance(kind, str) or not V2_TYPE.fullmatch(kind):
        raise DecodeError(f"its type {str(kind)[:40]!r} is not read", "convert it to numbers")
    if metadata.get("filters"):
        raise DecodeError("its chunks are filtered, which is not read", "write it without filters")
    packed = metadata.get("compressor")
    if packed is not None:
        _check_codec(packed, "id", V2_COMPRESSORS)
    if metadata.get("order", "C") not in ("C", "F"):
        raise DecodeError("its order is neither C nor F", DAMAGED)
    if metadata.get("dimension_separator", ".") not in (".", "/"):
        raise DecodeError("its separator is neither . nor /", DAMAGED)
    shape, chunks = _sizes(metadata.get("shape"), "shape"), _sizes(metadata.get("chunks"), "chunks")
    return Layout(chunks, _check_chunks(shape, chunks, int(kind[-1])))


def check_v3(metadata: dict[str, Any]) -> Layout:
    """Refuse metadata of Zarr 3 that are not read."""
    kind = metadata.get("data_type")
    if metadata.get("zarr_format") != 3 or not isinstance(kind, str) or kind not in V3_TYPES:
        raise DecodeError(f"its type {str(kind)[:40]!r} is not read", "convert it to numbers")
    name, grid = _named(metadata.get("chunk_grid"))
    if name != "regular":
        raise DecodeError("its chunks are laid out in a way that is not read", "write it again")
    shape = _sizes(metadata.get("shape"), "shape")
    outer = chunks = _sizes(grid.get("chunk_shape"), "chunks")
    codecs = metadata.get("codecs")
    for codec in _check_codecs(codecs):
        if codec[0] != "sharding_indexed":
            continue
        chunks = _sizes(codec[1].get("chunk_shape"), "chunks")
        inner = _check_codecs(codec[1].get("codecs")) + _check_codecs(codec[1].get("index_codecs"))
        if any(name == "sharding_indexed" for name, _ in inner):
            raise DecodeError("its shards hold shards, which is not read", "write it again")
        if len(chunks) != len(outer) or any(n % c for n, c in zip(outer, chunks)):
            raise DecodeError(f"its shards of {outer} are no multiple of {chunks}", DAMAGED)
        count = math.prod(n // c for n, c in zip(outer, chunks))
        if count > MAX_CHUNKS:
            raise DecodeError(f"its shards hold {count} chunks each", "write it again")
    _check_chunks(shape, chunks, V3_TYPES[kind])
    return Layout(chunks, math.prod(outer) * V3_TYPES[kind])


def _check_chunks(shape: tuple[int, ...], chunks: tuple[int, ...], itemsize: int) -> int:
    if len(chunks) != len(shape):
        raise DecodeError(f"it has chunks of {chunks} for a shape of {shape}", DAMAGED)
    size = math.prod(chunks) * itemsize
    if size > MAX_CHUNK_BYTES:
        raise DecodeError(f"one of its chunks has {chunks} values", "write it with smaller ones")
    return size


def _check_codecs(codecs: Any) -> list[tuple[str, dict[str, Any]]]:
    if not isinstance(codecs, list) or not 1 <= len(codecs) <= 8:
        raise DecodeError("its list of codecs is damaged", DAMAGED)
    for codec in codecs:
        _check_codec(codec, "name", V3_CODECS)
    return [_named(codec) for codec in codecs]


def _check_codec(codec: Any, key: str, readable: Sequence[str]) -> None:
    """zarr-python knows codecs that run code, such as pickle: only listed ones reach it."""
    name = codec.get(key) if isinstance(codec, dict) else None
    if name not in readable:
        raise DecodeError(
            f"its codec {str(name)[:40]!r} is not read", f"read are {', '.join(readable)}"
        )


def _named(part: Any) -> tuple[str, dict[str, Any]]:
    """Name and configuration of a part of the metadata."""
    if not isinstance(part, dict) or not isinstance(part.get("name"), str):
        raise DecodeError("its zarr.json is damaged", DAMAGED)
    configuration = part.get("configuration") or {}
    if not isinstance(configuration, dict):
        raise DecodeError("its zarr.json is damaged", DAMAGED)
    return part["name"], configuration


def _sizes(value: Any, what: str) -> tuple[int, ...]:
    good = isinstance(value, list) and 1 <= len(value) <= 8
    if not good or not all(type(n) is int and 1 <= n < 1 << 40 for n in value):
        raise DecodeError(f"its {what} {str(value)[:60]} is impossible", DAMAGED)
    return tuple(value)
