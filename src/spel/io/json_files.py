"""Strict JSON under limits: bytes, depth, digits and duplicate keys are checked.

The standard parser accepts NaN, Infinity, 1e999 and duplicate keys, and raises a RecursionError for
deep nesting. Here each of these is one clear error.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections import Counter
from typing import Any

from spel.errors import FormatError, printable
from spel.io.text_files import MIB, read_limited

__all__ = ["parse_json", "read_json"]

# A string without its closing quote extends to the end of the text. Otherwise the search for each
# next token would start again inside it, and the time would grow with the square of the length.
_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)|[\[{\]}]', re.DOTALL)
_MAX_DIGITS = 400


def read_json(
    path: str | os.PathLike[str], *, max_bytes: int = MIB, max_depth: int | None = 64
) -> Any:
    """Read a JSON file under limits (see :func:`parse_json`).

    Parameters
    ----------
    path : str or path
    max_bytes, max_depth : int
        As `parse_json` takes them.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "a.json"
    >>> _ = path.write_text('{"a": 1}')
    >>> read_json(path)
    {'a': 1}
    """
    data = read_limited(path, max_bytes)
    return parse_json(data, name=os.fsdecode(path), max_bytes=max_bytes, max_depth=max_depth)


def parse_json(
    data: bytes | str, *, name: str = "JSON", max_bytes: int = MIB, max_depth: int | None = 64
) -> Any:
    """Parse strict JSON (RFC 8259) in UTF-8; a leading byte order mark is skipped.

    Parameters
    ----------
    data : bytes or str
    name : str
        Name of the file, for messages.
    max_bytes : int
        Largest size.
    max_depth : int, optional
        Largest nesting of lists and objects. None leaves the check to the parser, which is quicker
        for large files of numbers.

    Raises
    ------
    FormatError
        If the text is not JSON or not UTF-8, exceeds a limit, has a key twice in one object, or a
        number that is not finite; the message names the file and, if possible, the line.

    Examples
    --------
    >>> parse_json('{"a": [1, 2.5]}')
    {'a': [1, 2.5]}
    >>> parse_json('{"a": 1, "a": 2}', name="x.json")
    Traceback (most recent call last):
    ...
    spel.errors.FormatError: x.json: the key 'a' stands twice in one object; remove one
    """
    try:
        text = _decoded(data, max_bytes)
        if max_depth is not None:
            _check_depth(text, max_depth)
        return json.loads(
            text,
            parse_int=_integer,
            parse_float=_finite,
            parse_constant=_no_constant,
            object_pairs_hook=_unique,
        )
    except json.JSONDecodeError as error:
        reason = _reason(error)
    except RecursionError:
        reason = "it is nested too deeply; flatten it"
    except _NotStrictError as error:
        reason = str(error)
    raise FormatError(f"{printable(name)}: {reason}") from None


class _NotStrictError(Exception):
    """Why a text is refused, without the name of its file."""


def _reason(error: json.JSONDecodeError) -> str:
    """Why a text is no JSON, and what to do."""
    start = error.doc.lstrip()
    if not start:
        return "it is empty; copy or download it again, or check that it is the right file"
    if error.pos == len(error.doc) - len(start):
        return (
            f"it is no JSON (it begins with {printable(start[:20])!r}); check that it is the right "
            "file, or correct the JSON"
        )
    return f"line {error.lineno}, column {error.colno}: {error.msg}; correct the JSON"


def _decoded(data: bytes | str, max_bytes: int) -> str:
    if len(data) > max_bytes:
        raise _NotStrictError(f"it has more than {max_bytes} bytes; split it")
    if isinstance(data, str):
        return data.removeprefix("\ufeff")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _NotStrictError(
            f"it is not UTF-8 text (byte {error.start}); check that it is the right file, or save "
            "it again as UTF-8"
        ) from None


def _check_depth(text: str, max_depth: int) -> None:
    depth = 0
    for token in _TOKEN.finditer(text):
        mark = text[token.start()]
        if mark in "[{":
            depth += 1
            if depth > max_depth:
                raise _NotStrictError(f"it is nested deeper than {max_depth}; flatten it")
        elif mark in "]}":
            depth -= 1


def _integer(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise _NotStrictError(f"a number has {len(digits)} digits; write a smaller one")
    return int(digits)


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise _NotStrictError(f"the number {digits[:40]} is too large; write a smaller one")
    return value


def _no_constant(word: str) -> float:
    raise _NotStrictError(f"it holds {word}, which JSON does not allow; write a finite number")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        repeated = Counter(key for key, _ in pairs).most_common(1)[0][0]
        raise _NotStrictError(
            f"the key {printable(repeated[:40])!r} stands twice in one object; remove one"
        )
    return content
