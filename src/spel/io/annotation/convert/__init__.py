"""Boxes in the formats of other programs: CSV, COCO, YOLO, Pascal VOC, GeoJSON, Label Studio.

What a format carries comes back, from files of spel and of others:

============= ========== ================================= =======================================
format        writes     one place per                     lost on the way back
============= ========== ================================= =======================================
jsonl         a file     image                             crowds, fields without a meaning here
csv           a file     box (an empty row without boxes)  crowds, ms, model
coco          a file     all                               orientation, ms, model
yolo          a folder   image (``.txt``)                  crowds, orientation, ms, model, areas
voc           a folder   image (``.xml``)                  crowds, orientation, ms, model
geojson       a file     all                               crowds, ms, model
label-studio  a file     all                               crowds, orientation, ms
============= ========== ================================= =======================================
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from spel.errors import ParameterError
from spel.io.annotation.annotations import Annotations
from spel.io.annotation.image_folder import ImageFolder
from spel.io.annotation.results import Result
from spel.io.text_files import problems_error

from . import coco, csv_, geojson, jsonl, label_studio, voc, yolo
from .collector import Collector
from .jsonl import annotations_of, results_of

__all__ = ["FORMATS", "Format", "format_named", "read_as", "write_as"]


class Format(NamedTuple):
    """How one format is read and written."""

    read: Callable[[Path, Collector], None]
    write: Callable[[Path, Annotations], None]


FORMATS = {
    "jsonl": Format(jsonl.read, jsonl.write),
    "csv": Format(csv_.read, csv_.write),
    "coco": Format(coco.read, coco.write),
    "yolo": Format(yolo.read, yolo.write),
    "voc": Format(voc.read, voc.write),
    "geojson": Format(geojson.read, geojson.write),
    "label-studio": Format(label_studio.read, label_studio.write),
}


def write_as(
    form: str,
    path: str | os.PathLike[str],
    results: Iterable[Result],
    *,
    classes: Sequence[str] = (),
) -> None:
    """Write results in one of ``FORMATS``; files appear whole or not at all.

    Parameters
    ----------
    form : str
    path : str or path
        A file, or a folder where the format takes one.
    results : iterable of Result
    classes : sequence of str, optional
        Names of the classes in the order of their numbers; by default sorted. Give all of them
        for files that are written apart and belong together.

    Raises
    ------
    ParameterError
        Unknown format, or a place that cannot be written.
    FormatError
        Two images would get the same file, or the format cannot hold a name or a size.
    """
    format_named(form).write(Path(path), annotations_of(list(results), classes))


def read_as(
    form: str,
    path: str | os.PathLike[str],
    *,
    images: str | os.PathLike[str] | None = None,
) -> list[Result]:
    """Read results in one of ``FORMATS``; a box without a score gets the score 1.

    Parameters
    ----------
    form : str
    path : str or path
    images : path, optional
        The images, where the files do not state their sizes.

    Raises
    ------
    FormatError
        The file is not of that format, or an entry is malformed; all problems are listed with
        their places. `spel.io.read_labels` leaves such entries out with a warning.
    """
    collector = Collector(ImageFolder(images) if images is not None else None)
    format_named(form).read(Path(path), collector)
    if collector.problems:
        raise problems_error(os.fsdecode(path), collector.problems)
    return results_of(collector.annotations(form))


def format_named(form: str) -> Format:
    """The format of this name."""
    if form not in FORMATS:
        raise ParameterError(f"unknown format {form!r}; give one of {', '.join(FORMATS)}")
    return FORMATS[form]
