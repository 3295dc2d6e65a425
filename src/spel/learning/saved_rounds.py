"""Hard negatives in a file: what was mined when learning from boxes was stopped or killed."""

from __future__ import annotations

import hashlib
import json
import os
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from spel.atomic import write_error
from spel.lines import lock
from spel.rigid.mining import Mined

DIGEST = 16
FRAME = struct.Struct(f">Q{DIGEST}s")
"""Before each record: its length and its hash."""


class SavedRounds:
    """What was mined of each photo in each round, in the order of mining.

    Learning is a function of the photos and of what is mined, so that a second call with the same
    key takes the rows of the file, and goes on where the first one was stopped: the same network,
    bit for bit. A record that was cut short is mined again. The file is locked until it is closed:
    a second process that learns the same is refused.

    Parameters
    ----------
    path : path
    key : str
        What the rows depend on; a file of another key is discarded.
    """

    def __init__(self, path: str | os.PathLike[str], key: str) -> None:
        self.path, self.key = Path(path), key.encode()
        self._file = _opened(self.path)
        self._read_to = 0
        if self._record() != self.key:
            self._read_to = 0
            self._append(self.key)

    def __enter__(self) -> SavedRounds:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def __call__(self, photos: int, mine: Callable[[int], Iterator[Mined]]) -> Iterator[Mined]:
        """What is mined of all photos of a round; of the first ones it may be in the file."""
        first = 0
        while first < photos and (record := self._record()) is not None:
            yield _from_bytes(record)
            first += 1
        if first < photos:
            for mined in mine(first):
                self._append(_to_bytes(mined))
                yield mined

    def remove(self) -> None:
        """Close and remove the file."""
        self._file.close()
        self.path.unlink(missing_ok=True)

    def _record(self) -> bytes | None:
        """The next record, if there is a whole one."""
        self._file.seek(self._read_to)
        frame = self._file.read(FRAME.size)
        if len(frame) < FRAME.size:
            return None
        length, digest = FRAME.unpack(frame)
        record = self._file.read(min(length, os.fstat(self._file.fileno()).st_size))
        if len(record) != length or _digest(record) != digest:
            return None
        self._read_to += FRAME.size + length
        return record

    def _append(self, record: bytes) -> None:
        """Write a record behind those that were read or written; what follows is discarded."""
        try:
            self._file.truncate(self._read_to)
            self._file.seek(self._read_to)
            self._file.write(FRAME.pack(len(record), _digest(record)) + record)
            self._file.flush()
        except OSError as error:
            raise write_error(self.path, error) from error
        self._read_to += FRAME.size + len(record)


def _opened(path: Path) -> BinaryIO:
    """The file, which is created if it is absent, and locked."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
    except OSError as error:
        raise write_error(path, error) from error
    file = os.fdopen(handle, "r+b")
    try:
        lock(handle, os.fspath(path))
    except BaseException:
        file.close()
        raise
    return file


def key_of_boxes(
    settings: Mapping[str, Any],
    paths: Sequence[Path],
    boxes: Sequence[npt.NDArray[Any]],
    classes: Sequence[Sequence[str]],
    crowd: Sequence[npt.NDArray[Any]],
) -> str:
    """A hash of settings, and of photos by name, size, time of change and boxes."""
    digest = hashlib.blake2b(json.dumps(settings, sort_keys=True).encode(), digest_size=16)
    for path, own, names, crowds in zip(paths, boxes, classes, crowd, strict=True):
        status = os.stat(path)
        about = [str(path), status.st_size, status.st_mtime_ns, list(names), crowds.tolist()]
        digest.update(json.dumps([*about, own.tolist()]).encode())
    return digest.hexdigest()


def _digest(record: bytes) -> bytes:
    return hashlib.blake2b(record, digest_size=DIGEST).digest()


def _to_bytes(mined: Mined) -> bytes:
    from safetensors.numpy import save

    rows, cells = mined
    arrays = {f"rows_{k}": np.ascontiguousarray(one) for k, one in enumerate(rows)}
    return bytes(save({"cells": np.array([cells], np.int64), **arrays}))


def _from_bytes(record: bytes) -> Mined:
    from safetensors.numpy import load

    arrays = load(record)
    return [arrays[f"rows_{k}"] for k in range(len(arrays) - 1)], int(arrays["cells"][0])
