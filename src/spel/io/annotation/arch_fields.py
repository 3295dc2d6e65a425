"""Fields that the architecture files of libift and LIDS have in common: sizes and numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from spel.core.adjacency import Adjacency
from spel.errors import FormatError, SpelError

__all__ = ["box_adjacency", "whole_number"]

MAX_SIZE = 1001
"""Largest side of a kernel, and largest dilation."""


def box_adjacency(size: Any, dilation: Any, place: str) -> Adjacency:
    """The box of a size ``[x, y, z]``, z = 0 in images; libift reads an even size n as n + 1."""
    sizes = size if isinstance(size, list) else [size, size, 0]
    steps = dilation if isinstance(dilation, list) else [dilation] * 3
    whole = all(isinstance(n, int) and not isinstance(n, bool) for n in [*sizes, *steps])
    if not whole or len(sizes) not in (2, 3) or len(steps) not in (2, 3):
        raise FormatError(
            f"{place}: size {size!r:.40}, dilation {dilation!r:.40}; expected [x, y, z], z = 0 for "
            "images"
        )
    axes = 3 if len(sizes) == 3 and sizes[2] > 0 else 2
    sizes, steps = sizes[:axes], [max(step, 1) for step in (*steps, 1)[:axes]]
    if any(not 1 <= n <= MAX_SIZE for n in sizes) or any(n > MAX_SIZE for n in steps):
        raise FormatError(f"{place}: size {size!r:.40}; expected numbers from 1 to {MAX_SIZE}")
    try:
        box = Adjacency.box([2 * (n // 2) + 1 for n in sizes[::-1]])
        return box.dilated(steps[::-1])
    except SpelError as error:
        raise FormatError(f"{place}: {error}") from None


def whole_number(
    values: Mapping[str, Any], name: str, place: str, default: int | None = None
) -> int:
    """A whole number of at least 1 from a JSON object."""
    value = values.get(name, default)
    value = value[0] if isinstance(value, list) and value else value
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 10_000_000:
        raise FormatError(f"{place}.{name} {value!r:.40}; expected a whole number of at least 1")
    return value
