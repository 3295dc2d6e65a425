"""Text files of numbers, read with limits: one clear `FormatError` or the numbers."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.errors import FormatError

__all__ = ["MAX_TEXT", "read_bytes", "read_json", "read_text", "table"]

MAX_TEXT = 256 << 20
"""Largest text file that is read, in bytes: ten million marker spels."""


def read_bytes(path: str | os.PathLike[str], limit: int = MAX_TEXT) -> bytes:
    """The bytes of a regular file of at most `limit` bytes."""
    place = Path(path)
    try:
        if not place.is_file():
            kind = "a folder" if place.is_dir() else "not there, or not a file"
            raise FormatError(f"{place}: it is {kind}; give the path of a file")
        size = place.stat().st_size
        if size > limit:
            raise FormatError(f"{place}: it has {size} bytes; at most {limit} are read")
        return place.read_bytes()
    except (OSError, ValueError) as error:
        if isinstance(error, FormatError):
            raise
        raise FormatError(f"{place}: it cannot be read ({error}); check the path") from error


def read_text(path: str | os.PathLike[str], limit: int = MAX_TEXT) -> str:
    """The text of a file in UTF-8 (a leading byte order mark is dropped)."""
    data = read_bytes(path, limit)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FormatError(
            f"{path}: byte {error.start} is no text in UTF-8; is it another kind of file?"
        ) from None


def read_json(path: str | os.PathLike[str], limit: int = 64 << 20) -> Any:
    """The value of a JSON file; numbers that are not finite are refused."""

    def refuse(name: str) -> Any:
        raise FormatError(f"{path}: it holds {name}, which is no number of JSON")

    text = read_text(path, limit)
    try:
        return json.loads(text, parse_constant=refuse)
    except json.JSONDecodeError as error:
        raise FormatError(
            f"{path}: line {error.lineno}, column {error.colno}: {error.msg}; it is no valid JSON"
        ) from None
    except (RecursionError, ValueError) as error:
        if isinstance(error, FormatError):
            raise
        raise FormatError(f"{path}: its JSON cannot be read ({error})") from None


def table(
    path: str | os.PathLike[str], lines: list[str], first: int, columns: range, what: str
) -> npt.NDArray[np.float64]:
    """Numbers of lines of text, one row per line, all of one length within `columns`.

    Parameters
    ----------
    first : int
        Number of the first line in its file, from 1, for messages.
    columns : range
        How many numbers a line may hold.
    what : str
        What a line should hold, for messages: "x y marker label".
    """
    rows = []
    width = None
    for number, line in enumerate(lines, first):
        words = line.split()
        if len(words) not in columns or (width is not None and len(words) != width):
            raise FormatError(
                f"{path}: line {number} holds {len(words)} words ({line[:40]!r}); expected {what}"
            )
        width = len(words)
        try:
            rows.append([float(word) for word in words])
        except ValueError:
            raise FormatError(
                f"{path}: line {number} holds text where numbers belong ({line[:40]!r}); expected "
                f"{what}"
            ) from None
    values = np.asarray(rows, dtype=np.float64).reshape(len(rows), width or columns.start)
    if not np.isfinite(values).all():
        bad = first + int(np.flatnonzero(~np.isfinite(values).all(axis=1))[0])
        raise FormatError(f"{path}: line {bad} holds a number that is not finite; expected {what}")
    return values
