"""A module for each format of boxes (`spel.io.annotation.formats`), which reads and writes it."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from spel.errors import ParameterError
from spel.io.annotation.annotations import Annotations
from spel.io.annotation.formats import FORMATS

from . import coco, csv, geojson, jsonl, label_studio, voc, yolo
from .collector import Collector

__all__ = ["Codec", "codec"]


class Codec(Protocol):
    """The functions of each module."""

    def read(self, path: Path, collector: Collector) -> None:
        """Give images and boxes to the collector."""

    def write(self, path: Path, annotations: Annotations) -> None:
        """Write a file or folder, whole or not at all."""


_MODULES: tuple[Codec, ...] = (jsonl, csv, coco, voc, geojson, yolo, label_studio)
_CODECS = dict(zip(FORMATS, _MODULES, strict=True))


def codec(name: str) -> Codec:
    """The module that reads and writes the format of this name."""
    if name not in FORMATS:
        raise ParameterError(f"unknown format {name!r}; give one of {', '.join(FORMATS)}")
    return _CODECS[name]
