"""Masks of COCO as run lengths: the box around one (pycocotools' ``maskApi.c`` has the format).

Runs go down the columns, one column after the other, background first. They are a list of numbers,
or a text with 5 bits per character, in which each run from the fourth on is stored as its
difference from the run two before it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["rle_box"]

_MAX_PIXELS = 1 << 31


def rle_box(mask: Mapping[str, Any]) -> list[float]:
    """The box ``x0 y0 x1 y1`` around a mask; if the mask is wrong, a ValueError says in what way.

    Examples
    --------
    >>> rle_box({"size": [3, 4], "counts": [4, 2, 6]})  # rows 1 and 2 of column 1
    [1.0, 1.0, 2.0, 3.0]
    >>> rle_box({"size": [3, 4], "counts": "426"})
    [1.0, 1.0, 2.0, 3.0]
    """
    size, counts = mask.get("size"), mask.get("counts")
    sides = size if isinstance(size, list) and len(size) == 2 else [0, 0]
    if not all(type(n) is int and 0 < n < _MAX_PIXELS for n in sides):
        raise ValueError(f"size {size!r:.40} is not [rows, cols]")
    rows, cols = sides
    runs = _from_text(counts) if isinstance(counts, str) else _from_list(counts)
    ends = np.cumsum(runs)
    if not len(runs) or runs.min() < 0 or ends[-1] != rows * cols:
        raise ValueError(f"the run lengths do not make {rows} x {cols} pixels")
    first, last = ends[0:-1:2], ends[1::2]  # of the object's runs: from, and up to
    filled = last > first
    if not filled.any():
        raise ValueError("the mask is empty")
    first, last = first[filled], last[filled] - 1
    top, bottom = first % rows, last % rows
    several = bool((first // rows != last // rows).any())  # a run over the end of a column
    y0, y1 = (0, rows) if several else (int(top.min()), int(bottom.max()) + 1)
    return [float(first[0] // rows), float(y0), float(last[-1] // rows + 1), float(y1)]


def _from_list(counts: Any) -> npt.NDArray[np.int64]:
    if not isinstance(counts, list) or not all(
        type(n) is int and abs(n) < _MAX_PIXELS for n in counts
    ):
        raise ValueError(f"counts {counts!r:.40} are neither whole numbers nor a text")
    return np.array(counts, np.int64)


def _from_text(text: str) -> npt.NDArray[np.int64]:
    runs: list[int] = []
    value, shift = 0, 0
    for character in text:
        bits = ord(character) - 48
        if not 0 <= bits < 64 or shift > 60:
            raise ValueError("counts are no run lengths of COCO")
        value |= (bits & 31) << shift
        shift += 5
        if not bits & 32:
            if bits & 16:  # the sign
                value -= 1 << shift
            runs.append(value + (runs[-2] if len(runs) > 2 else 0))
            if abs(runs[-1]) >= _MAX_PIXELS:
                raise ValueError("counts are no run lengths of COCO")
            value, shift = 0, 0
    if shift:
        raise ValueError("counts are cut short")
    return np.array(runs, np.int64)
