"""JSON under limits: bytes, depth and duplicates are checked, and nothing but JSON is taken.

The standard parser accepts NaN, Infinity, 1e999 and duplicate keys, and a deep nesting ends it with
a RecursionError; here each is one clear error.
"""

from __future__ import annotations

import json
import math
import os
import re
import stat
from collections import Counter
from typing import Any, NoReturn

from spel.errors import FormatError, ParameterError, printable

__all__ = ["parse_json", "problems_error", "read_json", "read_limited"]

MIB = 1 << 20
# A string that is not closed is taken to the end, or looking for the next would be quadratic.
_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)|[\[{\]}]', re.DOTALL)
_MAX_DIGITS = 400


def read_limited(path: str | os.PathLike[str], max_bytes: int) -> bytes:
    """The bytes of a plain file of at most ``max_bytes``, else a FormatError."""
    if not isinstance(path, (str, os.PathLike)):
        raise ParameterError(f"{type(path).__name__} given as path; give a file name")
    name = printable(os.fsdecode(path)) or "''"
    try:
        with open(path, "rb", opener=_open_plain) as file:
            data = file.read(max_bytes + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise FormatError(f"{name}: cannot be read: {reason}; check the path") from None
    if len(data) > max_bytes:
        raise FormatError(f"{name}: it has more than {max_bytes} bytes; split it")
    return data


def _open_plain(path: str, flags: int) -> int:
    # Not to wait for ever for somebody to write into a pipe.
    handle = os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
    mode = os.fstat(handle).st_mode
    if not stat.S_ISREG(mode):
        os.close(handle)
        raise ValueError("it is a folder" if stat.S_ISDIR(mode) else "it is no plain file")
    return handle


def read_json(path: str | os.PathLike[str], *, max_bytes: int = MIB, max_depth: int = 64) -> Any:
    """Read a JSON file under limits (see :func:`parse_json`)."""
    data = read_limited(path, max_bytes)
    return parse_json(data, name=os.fsdecode(path), max_bytes=max_bytes, max_depth=max_depth)


def parse_json(
    data: bytes | str, *, name: str = "JSON", max_bytes: int = MIB, max_depth: int = 64
) -> Any:
    """Parse strict JSON (RFC 8259) in UTF-8.

    Raises
    ------
    FormatError
        Not JSON, not UTF-8, larger or deeper than the limits, a key twice in one object, a number
        that is not finite; the message names the file and, where known, the line.

    Examples
    --------
    >>> parse_json('{"a": [1, 2.5]}')
    {'a': [1, 2.5]}
    >>> parse_json('{"a": 1, "a": 2}', name="x.json")
    Traceback (most recent call last):
    ...
    spel.errors.FormatError: x.json: the key 'a' stands twice in one object; remove one
    """
    name = printable(name)

    def refuse(reason: str) -> NoReturn:
        raise FormatError(f"{name}: {reason}") from None

    if len(data) > max_bytes:
        refuse(f"it has more than {max_bytes} bytes; split it")
    if isinstance(data, bytes):
        try:
            data = data.decode("utf-8")
        except UnicodeDecodeError as error:
            refuse(f"it is not UTF-8 (byte {error.start}); save it again as UTF-8")
    _check_depth(data, max_depth, refuse)

    def integer(digits: str) -> int:
        if len(digits) > _MAX_DIGITS:
            refuse(f"a number has {len(digits)} digits; write a smaller one")
        return int(digits)

    def real(digits: str) -> float:
        value = float(digits)
        if not math.isfinite(value):
            refuse(f"the number {digits[:40]} is too large; write a smaller one")
        return value

    def constant(word: str) -> NoReturn:
        refuse(f"it has {word} where JSON wants a finite number")

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            twice = Counter(key for key, _ in pairs).most_common(1)[0][0]
            refuse(f"the key {printable(twice[:40])!r} stands twice in one object; remove one")
        return found

    try:
        return json.loads(
            data,
            parse_int=integer,
            parse_float=real,
            parse_constant=constant,
            object_pairs_hook=unique,
        )
    except json.JSONDecodeError as error:
        refuse(f"line {error.lineno}, column {error.colno}: {error.msg}; correct the JSON")
    except RecursionError:
        refuse(f"it is nested deeper than {max_depth}; flatten it")


def _check_depth(text: str, max_depth: int, refuse: Any) -> None:
    depth = 0
    for token in _TOKEN.finditer(text):
        mark = text[token.start()]
        if mark in "[{":
            depth += 1
            if depth > max_depth:
                refuse(f"it is nested deeper than {max_depth}; flatten it")
        elif mark in "]}":
            depth -= 1


def problems_error(name: str, problems: list[str], shown: int = 20) -> FormatError:
    """One error that lists what is wrong with a file, one line each."""
    name = printable(name)
    if len(problems) == 1:
        return FormatError(f"{name}: {problems[0]}")
    lines = [f"  {problem}" for problem in problems[:shown]]
    if len(problems) > shown:
        lines.append(f"  and {len(problems) - shown} more")
    return FormatError("\n".join([f"{name}: {len(problems)} problems:", *lines]))
