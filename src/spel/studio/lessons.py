"""Lessons: prepared states of the studio with a question each, as data."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "lessons_data"


@cache
def lessons() -> list[dict[str, Any]]:
    """All lessons, in order.

    Examples
    --------
    >>> [lesson["id"] for lesson in lessons()]  # doctest: +NORMALIZE_WHITESPACE
    ['images', 'adjacency', 'patches', 'convolution', 'activation', 'perceptron', 'layer',
     'pooling', 'stride', 'normalization', 'batch', 'plate', 'flattening', 'strokes']
    """
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))]


def network_names() -> set[str]:
    """The names of networks that belong to lessons, and that no network of a user gets."""
    return {str(lesson.get("network", "lesson")) for lesson in lessons()}
