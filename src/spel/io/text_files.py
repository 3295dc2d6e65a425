"""Reading text files under limits, as bytes, text or numbers, with one clear `FormatError`."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from spel.errors import FormatError, ParameterError, printable

__all__ = ["MAX_TEXT", "MIB", "problems_error", "read_limited", "read_text", "table"]

MIB = 1 << 20
MAX_TEXT = 256 * MIB
"""Largest text file that is read, in bytes: ten million marker pixels."""


def read_limited(path: str | os.PathLike[str], max_bytes: int = MAX_TEXT) -> bytes:
    """The bytes of a plain file of at most `max_bytes`; any other file is a `FormatError`."""
    if not isinstance(path, (str, os.PathLike)):
        raise ParameterError(f"path of type {type(path).__name__}; expected a file name")
    name = printable(os.fsdecode(path)) or "''"
    try:
        with open(path, "rb", opener=_open_plain) as file:
            data = file.read(max_bytes + 1)
    except FileNotFoundError:
        raise FormatError(f"{name}: there is no such file; check the path") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise FormatError(f"{name}: cannot be read: {reason}; check the path") from None
    if len(data) > max_bytes:
        raise FormatError(f"{name}: it has more than {max_bytes} bytes; split it")
    return data


def _open_plain(path: str, flags: int) -> int:
    # Without O_NONBLOCK, opening a pipe would wait until another program writes to it.
    handle = os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
    mode = os.fstat(handle).st_mode
    if not stat.S_ISREG(mode):
        os.close(handle)
        raise ValueError(
            "it is a folder, and a file is expected here"
            if stat.S_ISDIR(mode)
            else "it is not a plain file"
        )
    return handle


def read_text(path: str | os.PathLike[str], max_bytes: int = MAX_TEXT) -> str:
    """The text of a file in UTF-8, without a leading byte order mark."""
    data = read_limited(path, max_bytes)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FormatError(
            f"{printable(os.fsdecode(path))}: it is not UTF-8 text (byte {error.start}); check "
            "that it is the right file, or save it again as UTF-8"
        ) from None


def table(
    path: str | os.PathLike[str], lines: Sequence[str], first: int, columns: range, expected: str
) -> npt.NDArray[np.float64]:
    """Numbers of lines of text, one row per line, all of one length within `columns`.

    Parameters
    ----------
    first : int
        Number of the first line in its file, from 1, for messages.
    columns : range
        The allowed numbers of columns.
    expected : str
        The expected columns, for messages, such as "x y marker label".
    """
    name = printable(os.fsdecode(path))
    rows: list[list[float]] = []
    for number, line in enumerate(lines, first):
        words = line.split()
        if len(words) not in columns or (rows and len(words) != len(rows[0])):
            raise FormatError(
                f"{name}: line {number} holds {len(words)} words ({line[:40]!r}); expected "
                f"{expected}"
            )
        try:
            rows.append([float(word) for word in words])
        except ValueError:
            raise FormatError(
                f"{name}: line {number} holds text instead of numbers ({line[:40]!r}); expected "
                f"{expected}"
            ) from None
    values = np.asarray(rows, dtype=np.float64).reshape(
        len(rows), len(rows[0]) if rows else columns.start
    )
    finite = np.isfinite(values).all(axis=1)
    if not finite.all():
        bad = first + int(np.flatnonzero(~finite)[0])
        raise FormatError(
            f"{name}: line {bad} holds a number that is not finite; expected {expected}"
        )
    return values


def problems_error(name: str, problems: Sequence[str], shown: int = 20) -> FormatError:
    """One error that lists the problems of a file, one line each."""
    name = printable(name)
    if len(problems) == 1:
        return FormatError(f"{name}: {problems[0]}")
    lines = [f"  {problem}" for problem in problems[:shown]]
    if len(problems) > shown:
        lines.append(f"  and {len(problems) - shown} more")
    return FormatError("\n".join([f"{name}: {len(problems)} problems:", *lines]))
