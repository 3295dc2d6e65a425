"""Results in the formats of other programs: CSV, COCO, YOLO, Pascal VOC, GeoJSON, Label Studio.

What the format carries comes back: :func:`read_as` undoes :func:`write_as` for boxes, scores, areas
and classes where the table says so.

============= ========== ================================= =======================================
format        writes     one place per                     lost on the way back
============= ========== ================================= =======================================
csv           a file     box (an empty row without boxes)  ms, model
coco          a file     all                               orientation, ms, model
yolo          a folder   image (``.txt``)                  orientation, ms, model, areas
voc           a folder   image (``.xml``)                  orientation, ms, model
geojson       a file     all                               ms, model
label-studio  a file     all                               orientation, ms
============= ========== ================================= =======================================
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from spel.errors import ParameterError
from spel.io.annotation.results import Result, read_results, write_results

from . import coco, csv_, geojson, label_studio, voc, yolo

__all__ = ["FORMATS", "read_as", "write_as"]

FORMATS: dict[str, tuple[Callable[[Path, list[Result]], None], Callable[[Path], list[Result]]]] = {
    "jsonl": (write_results, read_results),
    "csv": (csv_.write, csv_.read),
    "coco": (coco.write, coco.read),
    "yolo": (yolo.write, yolo.read),
    "voc": (voc.write, voc.read),
    "geojson": (geojson.write, geojson.read),
    "label-studio": (label_studio.write, label_studio.read),
}


def write_as(form: str, path: str | os.PathLike[str], results: Iterable[Result]) -> None:
    """Write results in one of ``FORMATS``; files appear whole or not at all.

    Raises
    ------
    ParameterError
        Unknown format, or a place that cannot be written.
    FormatError
        Two images would get the same file.
    """
    _of(form)[0](Path(path), list(results))


def read_as(form: str, path: str | os.PathLike[str]) -> list[Result]:
    """Read results that :func:`write_as` wrote.

    Raises
    ------
    FormatError
        The file is not of that format; all problems are listed with their places.
    """
    return _of(form)[1](Path(path))


def _of(form: str) -> tuple[Callable[[Path, list[Result]], None], Callable[[Path], list[Result]]]:
    if form not in FORMATS:
        raise ParameterError(f"unknown format {form!r}; give one of {', '.join(FORMATS)}")
    return FORMATS[form]
