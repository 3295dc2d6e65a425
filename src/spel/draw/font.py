"""Pillow's own font at any size; no font of the system is needed."""

from __future__ import annotations

from functools import cache
from typing import Any


@cache
def font(size: int) -> Any:
    """The font; a bitmap font where Pillow was built without FreeType."""
    from PIL import ImageFont

    return ImageFont.load_default(size)


def drawable(text: str) -> str:
    """`text` with a question mark for each character that the font cannot draw.

    Examples
    --------
    >>> drawable("a · b\u200b→c")
    'a · b??c'
    """
    return "".join(c if (c.isprintable() and ord(c) < 256) or c in "…“”" else "?" for c in text)


def width(text: str, size: int) -> int:
    """Width of `text` in pixels."""
    return int(font(size).getlength(drawable(text)))


def shortened(text: str, size: int, room: int) -> str:
    """`text`, cut with an ellipsis if it is wider than `room` pixels."""
    if width(text, size) <= room:
        return text
    while text and width(text + "…", size) > room:
        text = text[:-1]
    return text.rstrip() + "…"


def wrapped(text: str, size: int, room: int) -> list[str]:
    """`text` in lines no wider than `room` pixels, broken between words."""
    lines: list[str] = []
    for word in text.split():
        joined = f"{lines[-1]} {word}" if lines else word
        if lines and width(joined, size) <= room:
            lines[-1] = joined
        else:
            lines.append(shortened(word, size, room))
    return lines
