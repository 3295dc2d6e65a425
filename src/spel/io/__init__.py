"""Files: images, markers, annotations and results, read with limits and written whole or not.

Public names are loaded when they are first used.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {
    "FORMATS": "spel.io.annotation.convert",
    "IMAGE_SUFFIXES": "spel.io.sources",
    "MAX_PIXELS": "spel.io.image.header",
    "Annotations": "spel.io.annotation.annotations",
    "Decoder": "spel.io.image.isolate",
    "ImageBoxes": "spel.io.annotation.annotations",
    "ImageInfo": "spel.io.image.header",
    "Result": "spel.io.annotation.results",
    "ResultsWriter": "spel.io.annotation.results",
    "describe": "spel.io.image.reader",
    "expand": "spel.io.sources",
    "natural_key": "spel.io.sources",
    "parse_json": "spel.io.json_files",
    "parse_line": "spel.io.annotation.results",
    "read": "spel.io.image.reader",
    "read_as": "spel.io.annotation.convert",
    "read_coco": "spel.io.annotation.annotations",
    "read_json": "spel.io.json_files",
    "read_results": "spel.io.annotation.results",
    "replacing": "spel.atomic",
    "write": "spel.io.image.writer",
    "write_as": "spel.io.annotation.convert",
    "write_bytes": "spel.atomic",
    "write_coco": "spel.io.annotation.annotations",
    "write_results": "spel.io.annotation.results",
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
