"""Files: images, markers, annotations and results, read with limits and written whole or not.

Public names are loaded when they are first used.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {
    "FORMATS": "spel.io.convert",
    "IMAGE_SUFFIXES": "spel.io.sources",
    "MAX_PIXELS": "spel.io.header",
    "Annotations": "spel.io.annotations",
    "Decoder": "spel.io.isolate",
    "ImageBoxes": "spel.io.annotations",
    "ImageInfo": "spel.io.header",
    "Result": "spel.io.results",
    "ResultsWriter": "spel.io.results",
    "describe": "spel.io.images",
    "expand": "spel.io.sources",
    "natural_key": "spel.io.sources",
    "parse_json": "spel.io.guarded",
    "parse_line": "spel.io.results",
    "read": "spel.io.images",
    "read_as": "spel.io.convert",
    "read_coco": "spel.io.annotations",
    "read_json": "spel.io.guarded",
    "read_results": "spel.io.results",
    "replacing": "spel.atomic",
    "write": "spel.io.writer",
    "write_as": "spel.io.convert",
    "write_bytes": "spel.atomic",
    "write_coco": "spel.io.annotations",
    "write_results": "spel.io.results",
    "write_text": "spel.atomic",
}

_MODULES = ("video",)

__all__ = sorted([*_HOMES, *_MODULES])  # noqa: PLE0605


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    if name in _MODULES:
        return importlib.import_module(f"spel.io.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES, *_MODULES])
