"""Files: images, markers, annotations and results, read with limits and written whole or not.

Public names are loaded when they are first used.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {
    "ImageInfo": "spel.io.header",
    "MAX_PIXELS": "spel.io.header",
    "describe": "spel.io.images",
    "read": "spel.io.images",
    "replacing": "spel.atomic",
    "write": "spel.io.writer",
    "write_bytes": "spel.atomic",
    "write_text": "spel.atomic",
}

__all__ = sorted(_HOMES)  # noqa: PLE0605


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
