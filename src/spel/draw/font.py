"""Pillow's own font at any size; no font of the system is needed."""

from __future__ import annotations

from functools import cache
from typing import Any


@cache
def font(size: int) -> Any:
    """The font; a bitmap font where Pillow was built without FreeType."""
    from PIL import ImageFont

    return ImageFont.load_default(size)


def plain(text: str) -> str:
    """`text` with what the font cannot draw replaced by a question mark.

    Examples
    --------
    >>> plain("a · b\u200b→c")
    'a · b??c'
    """
    return "".join(c if (c.isprintable() and ord(c) < 256) or c in "…“”" else "?" for c in text)


def width(text: str, size: int) -> int:
    """Spels that `text` takes."""
    return int(font(size).getlength(plain(text)))


def fitted(text: str, size: int, room: int) -> str:
    """`text`, cut with an ellipsis if it is wider than `room` spels."""
    if width(text, size) <= room:
        return text
    while text and width(text + "…", size) > room:
        text = text[:-1]
    return text.rstrip() + "…"


def wrapped(text: str, size: int, room: int) -> list[str]:
    """`text` in lines no wider than `room` spels, broken between words."""
    lines: list[str] = []
    for word in text.split():
        joined = f"{lines[-1]} {word}" if lines else word
        if lines and width(joined, size) <= room:
            lines[-1] = joined
        else:
            lines.append(fitted(word, size, room))
    return lines
