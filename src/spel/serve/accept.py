"""The header ``Accept``: which of several media types a client prefers (RFC 9110, 12.5.1)."""

from __future__ import annotations

from collections.abc import Sequence


def choose(accept: str | None, offered: Sequence[str]) -> str | None:
    """The offered type that the client prefers, the first of several; None if it takes none.

    Examples
    --------
    >>> choose("image/png;q=0.5, application/json", ["image/png", "application/json"])
    'application/json'
    >>> choose("image/*", ["application/json", "image/png"]), choose("text/html", ["image/png"])
    ('image/png', None)
    >>> choose(None, ["image/png", "application/json"])
    'image/png'
    """
    if accept is None or not accept.strip():
        return offered[0] if offered else None
    ranges = [_range(part) for part in accept.split(",") if part.strip()]
    best, chosen = 0.0, None
    for one in offered:
        quality = _quality(one, ranges)
        if quality > best:
            best, chosen = quality, one
    return chosen


def _range(text: str) -> tuple[str, float]:
    """A range of types and its quality; a malformed quality is 0."""
    name, *parameters = (part.strip().lower() for part in text.split(";"))
    quality = 1.0
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.strip() == "q":
            try:
                quality = min(1.0, max(0.0, float(value)))
            except ValueError:
                quality = 0.0
    return name, quality


def _quality(media_type: str, ranges: Sequence[tuple[str, float]]) -> float:
    """The quality that the most specific range gives to a type."""
    for name in (media_type, media_type.partition("/")[0] + "/*", "*/*"):
        for candidate, quality in ranges:
            if candidate == name:
                return quality
    return 0.0
