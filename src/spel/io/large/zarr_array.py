"""One Zarr array (version 2 or 3) in a folder: its metadata checked, windows read chunk by chunk.

Source: https://zarr-specs.readthedocs.io, versions 2 and 3.0, with the codecs bytes, transpose,
gzip, blosc, zstd, crc32c and sharding_indexed.
"""

from __future__ import annotations

import math
import os
import re
import stat
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.errors import FormatError
from spel.io.json_files import parse_json
from spel.io.opening import DAMAGED, DecodeError

from .zarr_codecs import PACKED, check_crc, unpack

__all__ = ["Store", "ZarrArray", "open_array"]

_METADATA = 16 << 20
_CHUNK = 1 << 28
_MOST_CHUNKS = 1 << 18
_V3 = {"bool": "b1", **{f"{k}{8 * n}": f"{k[0]}{n}" for k in ("int", "uint") for n in (1, 2, 4, 8)}}
_V3 |= {f"float{8 * n}": f"f{n}" for n in (2, 4, 8)}
_ABSENT = (1 << 64) - 1
Span = tuple[int, int]


class Store:
    """The files of a folder, none of them outside of it, each with a limit."""

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.root = os.path.realpath(root)

    def get(self, name: str, most: int, *, start: int = 0, count: int | None = None) -> bytes:
        """The bytes of a file, or `count` of them from `start` (from the end if negative).

        Raises
        ------
        FileNotFoundError
            If it does not exist.
        DecodeError
            If it is larger than `most`, no plain file, or outside of the folder.
        """
        place = os.path.realpath(os.path.join(self.root, *name.split("/")))
        if os.path.commonpath([place, self.root]) != self.root:
            raise DecodeError("a link in it leads out of its folder", "copy the files themselves")
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0)
        with os.fdopen(os.open(place, flags), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise DecodeError("one of its files is a folder, device or pipe", DAMAGED)
            if count is None:
                if status.st_size > most:
                    raise DecodeError(
                        f"a file of it has {status.st_size} bytes; at most {most}", DAMAGED
                    )
                count = status.st_size
            begin = start if start >= 0 else status.st_size + start
            if begin < 0 or begin + count > status.st_size:
                raise DecodeError("a shard of it is cut short or lies about its chunks", DAMAGED)
            file.seek(begin)
            return file.read(count)

    def json(self, name: str) -> dict[str, Any] | None:
        """The object in a file; None if there is no such file."""
        try:
            data = self.get(name, _METADATA)
        except FileNotFoundError:
            return None
        try:
            content = parse_json(data, name=name.rsplit("/", 1)[-1], max_bytes=_METADATA)
        except FormatError as error:
            raise DecodeError(str(error), DAMAGED) from None
        if not isinstance(content, dict):
            raise DecodeError(f"its {name.rsplit('/', 1)[-1]} is no JSON object", DAMAGED)
        return content


@dataclass(frozen=True, eq=False)
class ZarrArray:
    """An array of which windows are read.

    Attributes
    ----------
    shape, chunks : tuple of int
        Chunks are the smallest parts that can be read, inside shards if there are any.
    dtype : numpy.dtype
        As stored.
    fill : number
        Of chunks that are missing.
    shards : tuple of int, optional
        Chunks along each axis of a shard.
    names : tuple of str, optional
        Of the axes.
    """

    store: Store
    path: str
    shape: tuple[int, ...]
    chunks: tuple[int, ...]
    dtype: np.dtype[Any]
    fill: Any
    separator: str
    prefix: bool
    order: tuple[int, ...]
    packing: tuple[str, ...]
    shards: tuple[int, ...] | None = None
    index_first: bool = False
    index_crc: bool = False
    names: tuple[str, ...] | None = None

    def read(self, spans: Sequence[Span]) -> npt.NDArray[Any]:
        """The window between the (start, stop) of each axis."""
        grid = [range(a // c, -(-b // c)) for (a, b), c in zip(spans, self.chunks)]
        if math.prod(len(steps) for steps in grid) > _MOST_CHUNKS:
            raise DecodeError(
                f"its chunks of {self.chunks} are too small for a window of "
                f"{tuple(b - a for a, b in spans)}",
                "write it again with larger chunks",
            )
        out = np.full([b - a for a, b in spans], self.fill, self.dtype)
        for at in product(*grid):
            found = self._chunk(at)
            if found is None:
                continue
            inner, outer = [], []
            for i, c, (a, b) in zip(at, self.chunks, spans):
                low, high = max(a, i * c), min(b, (i + 1) * c)
                inner.append(slice(low - i * c, high - i * c))
                outer.append(slice(low - a, high - a))
            out[tuple(outer)] = found[tuple(inner)]
        return out

    def _chunk(self, at: tuple[int, ...]) -> npt.NDArray[Any] | None:
        size = math.prod(self.chunks) * self.dtype.itemsize
        most = 2 * size + (1 << 16)
        try:
            if self.shards is None:
                data = self.store.get(self._name(at), most)
            else:
                placed = self._in_shard(at, most)
                if placed is None:
                    return None
                data = placed
        except FileNotFoundError:
            return None
        for kind in reversed(self.packing):
            data = check_crc(data) if kind == "crc32c" else unpack(kind, data, self._inside(kind))
        if len(data) != size:
            raise DecodeError(f"a chunk has {len(data)} bytes, not {size}", DAMAGED)
        stored = [self.chunks[axis] for axis in self.order]
        return np.frombuffer(data, self.dtype).reshape(stored).transpose(np.argsort(self.order))

    def _inside(self, kind: str) -> int:
        """Bytes that a packing holds: the chunk and the checksums that were added before."""
        before = self.packing[: self.packing.index(kind)]
        return math.prod(self.chunks) * self.dtype.itemsize + 4 * before.count("crc32c")

    def _name(self, at: Sequence[int]) -> str:
        words = [str(i) for i in at] or ["0"]
        words = (["c", *words] if at else ["c"]) if self.prefix else words
        return (
            f"{self.path}/{self.separator.join(words)}" if self.path else self.separator.join(words)
        )

    def _in_shard(self, at: tuple[int, ...], most: int) -> bytes | None:
        assert self.shards is not None
        name = self._name([i // n for i, n in zip(at, self.shards)])
        size = 16 * math.prod(self.shards)
        tail = size + 4 * self.index_crc
        index = self.store.get(name, most, start=0 if self.index_first else -tail, count=tail)
        if self.index_crc:
            index = check_crc(index)
        number = int(np.ravel_multi_index([i % n for i, n in zip(at, self.shards)], self.shards))
        start, count = struct.unpack_from("<QQ", index, 16 * number)
        if start == count == _ABSENT:
            return None
        if count > most or start > 1 << 60:
            raise DecodeError("a shard of it lies about its chunks", DAMAGED)
        return self.store.get(name, most, start=start, count=count)


def open_array(store: Store, path: str) -> ZarrArray | None:
    """The array at a path of the store; None if there is none."""
    new = store.json(f"{path}/zarr.json" if path else "zarr.json")
    if new is not None and new.get("node_type") == "array":
        return _version_3(store, path, new)
    old = store.json(f"{path}/.zarray" if path else ".zarray")
    return None if old is None else _version_2(store, path, old)


def _version_2(store: Store, path: str, said: dict[str, Any]) -> ZarrArray:
    if said.get("zarr_format") != 2:
        raise DecodeError("its .zarray is of another version", "convert it to version 2 or 3")
    kind = said.get("dtype")
    if not isinstance(kind, str) or not re.fullmatch(r"[<>|](b1|[iu][1248]|f[248])", kind):
        raise DecodeError(f"its type {str(kind)[:40]!r} is not read", "convert it to numbers")
    if said.get("filters"):
        raise DecodeError("its chunks are filtered, which is not read", "write it without filters")
    packed = said.get("compressor")
    packing = () if packed is None else (_packer(packed, "id"),)
    separator = said.get("dimension_separator", ".")
    shape, chunks = _sizes(said.get("shape"), "shape"), _sizes(said.get("chunks"), "chunks")
    if said.get("order", "C") not in ("C", "F") or separator not in (".", "/"):
        raise DecodeError("its order or separator is unknown", DAMAGED)
    axes = tuple(range(len(shape)))
    dtype = np.dtype(kind)
    return _checked(
        ZarrArray(
            store,
            path,
            shape,
            chunks,
            dtype,
            _fill(said.get("fill_value"), dtype),
            separator,
            False,
            axes[::-1] if said.get("order") == "F" else axes,
            packing,
        )
    )


def _version_3(store: Store, path: str, said: dict[str, Any]) -> ZarrArray:
    kind = said.get("data_type")
    if said.get("zarr_format") != 3 or not isinstance(kind, str) or kind not in _V3:
        raise DecodeError(f"its type {str(kind)[:40]!r} is not read", "convert it to numbers")
    grid, keys = _part(said.get("chunk_grid")), _part(said.get("chunk_key_encoding"))
    if grid[0] != "regular" or keys[0] not in ("default", "v2"):
        raise DecodeError("its chunks are laid out in a way that is not read", "write it again")
    separator = keys[1].get("separator", "/" if keys[0] == "default" else ".")
    if separator not in (".", "/"):
        raise DecodeError("its separator is unknown", DAMAGED)
    shape = _sizes(said.get("shape"), "shape")
    chunks = _sizes(grid[1].get("chunk_shape"), "chunks")
    codecs, shards, first, crc = said.get("codecs"), None, False, False
    if isinstance(codecs, list) and len(codecs) == 1 and _part(codecs[0])[0] == "sharding_indexed":
        shard = _part(codecs[0])[1]
        inner = _sizes(shard.get("chunk_shape"), "chunks")
        if len(inner) != len(chunks) or any(n % c for n, c in zip(chunks, inner)):
            raise DecodeError(f"its shards of {chunks} are no multiple of {inner}", DAMAGED)
        shards, chunks = tuple(n // c for n, c in zip(chunks, inner)), inner
        if math.prod(shards) > _MOST_CHUNKS:
            raise DecodeError(f"its shards hold {math.prod(shards)} chunks each", "write it again")
        first, crc = shard.get("index_location", "end") == "start", _index_crc(shard)
        codecs = shard.get("codecs")
    order, little, packing = _pipeline(codecs, len(shape))
    names = said.get("dimension_names")
    dtype = np.dtype(_V3[kind]).newbyteorder("<" if little else ">")
    return _checked(
        ZarrArray(
            store,
            path,
            shape,
            chunks,
            dtype,
            _fill(said.get("fill_value"), dtype),
            separator,
            keys[0] == "default",
            order,
            packing,
            shards,
            first,
            crc,
            tuple(map(str, names)) if isinstance(names, list) else None,
        )
    )


def _checked(array: ZarrArray) -> ZarrArray:
    if len(array.chunks) != len(array.shape):
        raise DecodeError(f"it has chunks of {array.chunks} for a shape of {array.shape}", DAMAGED)
    if math.prod(array.chunks) * array.dtype.itemsize > _CHUNK:
        raise DecodeError(
            f"one of its chunks has {array.chunks} values", "write it with smaller ones"
        )
    return array


def _pipeline(codecs: Any, ndim: int) -> tuple[tuple[int, ...], bool, tuple[str, ...]]:
    """Order of the axes, byte order, and what was done to the bytes, in turn."""
    if not isinstance(codecs, list) or len(codecs) > 8:
        raise DecodeError("its list of codecs is damaged", DAMAGED)
    order, little, packing, seen = tuple(range(ndim)), True, [], False
    for codec in codecs:
        name, how = _part(codec)
        if name == "transpose" and not seen:
            given = how.get("order")
            if not isinstance(given, list) or sorted(map(str, given)) != sorted(map(str, order)):
                raise DecodeError("its transpose codec is damaged", DAMAGED)
            order = tuple(order[int(i)] for i in given)
        elif name == "bytes" and not seen:
            seen, little = True, how.get("endian", "little") == "little"
        elif seen and name == "crc32c":
            packing.append(name)
        elif seen:
            packing.append(_packer(codec, "name"))
        else:
            raise DecodeError(f"its codec {name[:40]!r} is not read", "write it again")
    if not seen or len(set(packing)) < len(packing):
        raise DecodeError("its list of codecs is damaged", DAMAGED)
    return order, little, tuple(packing)


def _index_crc(shard: dict[str, Any]) -> bool:
    codecs = [_part(codec) for codec in shard.get("index_codecs") or [] if codec]
    names = [name for name, _ in codecs]
    if names not in (["bytes"], ["bytes", "crc32c"]) or codecs[0][1].get("endian") == "big":
        raise DecodeError("the index of its shards is written in a way that is not read", DAMAGED)
    return len(names) == 2


def _packer(codec: Any, key: str) -> str:
    name = codec.get(key) if isinstance(codec, dict) else None
    if not isinstance(name, str) or name not in PACKED:
        raise DecodeError(
            f"its codec {str(name)[:40]!r} is not read", f"read are {', '.join(PACKED)}"
        )
    return name


def _part(said: Any) -> tuple[str, dict[str, Any]]:
    """Name and configuration."""
    if not isinstance(said, dict) or not isinstance(said.get("name"), str):
        raise DecodeError("its zarr.json is damaged", DAMAGED)
    how = said.get("configuration") or {}
    if not isinstance(how, dict):
        raise DecodeError("its zarr.json is damaged", DAMAGED)
    return said["name"], how


def _sizes(said: Any, what: str) -> tuple[int, ...]:
    good = isinstance(said, list) and 1 <= len(said) <= 8
    if not good or not all(type(n) is int and 1 <= n < 1 << 40 for n in said):
        raise DecodeError(f"its {what} {str(said)[:60]} is impossible", DAMAGED)
    return tuple(said)


def _fill(said: Any, dtype: np.dtype[Any]) -> Any:
    """The value of what was never written."""
    value = 0 if said is None else said
    try:
        if isinstance(value, str) and dtype.kind == "f":
            if value.startswith("0x") and len(value) <= 18:
                raw = int(value, 16).to_bytes(dtype.itemsize, "little")
                return np.frombuffer(raw, dtype.newbyteorder("<"))[0]
            value = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}[value]
        if isinstance(value, (bool, int, float)):
            return np.array(value, dtype)[()]
    except (ValueError, OverflowError, KeyError):
        pass
    raise DecodeError(f"its fill value {str(said)[:40]!r} does not fit its type", DAMAGED)
