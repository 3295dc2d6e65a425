"""Arrays and folders in an HTTP body: the length of a JSON header, the header, then the bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.errors import FormatError
from spel.io.json_files import parse_json
from spel.studio.views.packing import finite_json

MAX_FILES = 20_000
MAX_PARTS = 6
ANNOTATIONS = (".xml", ".txt", ".yaml", ".yml", ".json", ".names", ".csv", ".jsonl", ".geojson")
"""Suffixes of files of a folder that are taken; images stay where they are."""


def pack(header: Mapping[str, Any], arrays: Sequence[npt.NDArray[Any]]) -> bytes:
    """Four bytes of length (little-endian), JSON padded with blanks to 8 bytes, padded arrays.

    Examples
    --------
    >>> data = pack({"a": 1}, [np.array([1.0], dtype=np.float32)])
    >>> int.from_bytes(data[:4], "little"), data[4:12], len(data)
    (12, b'{"a": 1}', 24)
    """
    text = json.dumps(finite_json(header), allow_nan=False).encode()
    text += b" " * (-(4 + len(text)) % 8)
    parts = [len(text).to_bytes(4, "little"), text]
    for array in arrays:
        data = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).tobytes()
        parts += [data, b"\0" * (-len(data) % 8)]
    return b"".join(parts)


def unpack_folder(packed: Path, folder: Path) -> int:
    """Write the files that a page has packed below a folder, and return how many there are.

    The header is a list of names and sizes. Only annotations are taken, and no name leads out of
    the folder.

    Raises
    ------
    FormatError
        If the body is no packed folder.
    """
    with packed.open("rb") as file:
        length = int.from_bytes(file.read(4), "little")
        if length > MAX_FILES * 400:
            raise FormatError("the folder: its list of files is too long")
        header = parse_json(file.read(length), name="the folder")
        entries = header if isinstance(header, list) else []
        if not entries or len(entries) > MAX_FILES:
            raise FormatError(f"the folder: {len(entries)} files; expected 1 to {MAX_FILES:,}")
        written = 0
        for entry in entries:
            data = file.read(max(0, int(entry["size"])))
            place = folder.joinpath(*_safe_parts(str(entry["name"])))
            if place == folder or place.suffix.lower() not in ANNOTATIONS:
                continue
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
            written += 1
    return written


def _safe_parts(name: str) -> list[str]:
    """The parts of a relative path; none if it could lead elsewhere."""
    parts = name.replace("\\", "/").split("/")
    strange = any(p in ("", ".", "..") or len(p) > 200 or not p.isprintable() for p in parts)
    return [] if strange or len(parts) > MAX_PARTS else parts
