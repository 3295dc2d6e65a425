"""Text with its control characters as backslash escapes, and cells that no spreadsheet computes."""

from __future__ import annotations

import re

__all__ = ["escape_cell", "escape_controls", "unescape_cell", "unescape_controls"]

_FORMULA = "=+-@\t\r\n'"
_CODES = re.compile(r"\\(\\|[tnr]|x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8})")


def escape_controls(text: str) -> str:
    r"""The text without control characters: each becomes an escape, and a backslash is doubled.

    >>> escape_controls("a\x1b"), escape_controls("plain.png")
    ('a\\x1b', 'plain.png')
    """
    return "".join(
        "\\\\" if c == "\\" else c if c.isprintable() else c.encode("unicode_escape").decode()
        for c in text
    )


def unescape_controls(text: str) -> str:
    """Undo :func:`escape_controls`."""
    return _CODES.sub(lambda match: _character(match[1]), text)


def escape_cell(text: str) -> str:
    r"""A name as a cell: no control characters, and nothing that a spreadsheet takes for a formula.

    >>> escape_cell("=1+2"), escape_cell("a\x1b"), escape_cell("plain.png")
    ("'=1+2", 'a\\x1b', 'plain.png')
    """
    text = escape_controls(text)
    return "'" + text if text[:1] and text[0] in _FORMULA else text


def unescape_cell(text: str) -> str:
    """Undo :func:`escape_cell`."""
    if text[:1] == "'" and text[1:2] and text[1] in _FORMULA:
        text = text[1:]
    return unescape_controls(text)


def _character(code: str) -> str:
    if len(code) == 1:
        return {"\\": "\\", "t": "\t", "n": "\n", "r": "\r"}[code]
    number = int(code[1:], 16)
    return chr(number) if number < 0x110000 else ""
