"""The fields of a line of results: each read, or its fault added to a list of problems."""

from __future__ import annotations

import math
from typing import Any

from spel.core.box_arrays import CORNERS

__all__ = [
    "MAX_NUMBER",
    "read_about",
    "read_boxes",
    "read_count",
    "read_moment",
    "read_positive",
    "read_size",
]

_MAX_SIDE = 1 << 31
_NUMBERS = {2: "four", 3: "six"}

MAX_NUMBER = 1e15
"""Coordinates, scores and areas must be smaller, so that all that is written can be read."""


def read_size(content: dict[str, Any], problems: list[str]) -> list[int] | None:
    """The size of the image; None if it is not stated."""
    size: Any = content.get("size")
    if isinstance(size, list) and len(size) in CORNERS and all(_side(n) for n in size):
        return size
    problems.append("size: not [rows, cols] or [planes, rows, cols]")
    return None


def read_boxes(
    content: dict[str, Any], axes: int, problems: list[str]
) -> list[tuple[list[float], float, float, str]]:
    """Corners, score, area and class of each box."""
    boxes: Any = content.get("boxes")
    if not isinstance(boxes, list):
        problems.append("boxes: not a list")
        return []
    entries = [_box(entry, axes, f"boxes[{i}]", problems) for i, entry in enumerate(boxes)]
    whole = [entry for entry in entries if entry is not None]
    classes = [entry[3] for entry in whole]
    if any(classes) and not all(classes):
        problems.append("boxes: some have a class and some not")
    return whole


def read_about(content: dict[str, Any], problems: list[str]) -> tuple[int, float, str]:
    """Orientation, milliseconds and model."""
    orientation, ms = content.get("orientation", 1), content.get("ms", 0.0)
    model = content.get("model", "")
    if orientation not in range(1, 9) or isinstance(orientation, (bool, float)):
        problems.append("orientation: not a whole number from 1 to 8")
    if not _real(ms):
        problems.append("ms: not a number")
    if not isinstance(model, str):
        problems.append("model: not a string")
    return orientation, float(ms) if _real(ms) else 0.0, model


def read_moment(content: dict[str, Any], problems: list[str]) -> tuple[int | None, float | None]:
    """The number of a frame and its time."""
    frame = None if content.get("frame") is None else read_count(content, "frame", problems)
    seconds: Any = content.get("seconds")
    if seconds is not None and not _real(seconds):
        problems.append("seconds: not a number")
        return frame, None
    return frame, None if seconds is None else float(seconds)


def read_positive(content: dict[str, Any], name: str, problems: list[str]) -> float | None:
    """A positive number of the line, such as the assumed full intensity."""
    number = content.get(name)
    if number is None or (_real(number) and number > 0):
        return None if number is None else float(number)
    problems.append(f"{name}: not a positive number")
    return None


def read_count(content: dict[str, Any], name: str, problems: list[str]) -> int:
    """A whole number of the line; 0 if it is not stated."""
    count: Any = content.get(name, 0)
    if type(count) is int and 0 <= count < 1 << 62:
        return int(count)
    problems.append(f"{name}: not a whole number of at least 0")
    return 0


def _box(
    entry: Any, axes: int, place: str, problems: list[str]
) -> tuple[list[float], float, float, str] | None:
    """Corners, score, area and class of one box; None after problems."""
    if not isinstance(entry, dict):
        problems.append(f"{place}: not an object")
        return None
    key = CORNERS[axes]
    box: Any = entry.get(key)
    score: Any = entry.get("score")
    area, name = entry.get("area"), entry.get("class", "")
    before = len(problems)
    if not isinstance(box, list) or len(box) != 2 * axes or not all(_real(n) for n in box):
        problems.append(f"{place}.{key}: not {_NUMBERS[axes]} numbers")
    elif any(low > high for low, high in zip(box[:axes], box[axes:])):
        problems.append(f"{place}.{key}: {box} has its corners in the wrong order")
    if not _real(score):
        problems.append(f"{place}.score: not a number")
    if not isinstance(name, str):
        problems.append(f"{place}.class: not a string")
    if area is not None and not _real(area):
        problems.append(f"{place}.area: not a number")
    if len(problems) > before:
        return None
    if area is None:
        area = math.prod(high - low for low, high in zip(box[:axes], box[axes:]))
    return [float(n) for n in box], float(score), float(area), name


def _side(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _MAX_SIDE


def _real(value: Any) -> bool:
    return (
        isinstance(value, (int, float))
        and not isinstance(value, bool)
        and abs(value) < MAX_NUMBER
        and math.isfinite(value)
    )
