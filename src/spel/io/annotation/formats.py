"""The formats of boxes in images: one line each, from which all other modules read them.

What is read in a format is written in it again, for files of spel and of other programs:

============= ========== ================================= =======================================
format        writes     one place per                     lost on the way back
============= ========== ================================= =======================================
jsonl         a file     image                             crowds, fields without a meaning here
csv           a file     box (an empty row without boxes)  crowds, ms, model
coco          a file     all                               orientation, ms, model
voc           a folder   image (``.xml``)                  orientation, ms, model
geojson       a file     all, or a folder: image           crowds, ms, model
yolo          a folder   image (``.txt``)                  crowds, orientation, ms, model, areas
label-studio  a file     all                               crowds, orientation, ms
============= ========== ================================= =======================================

Boxes of volumes are written by jsonl and csv; the others have no place for planes.
`spel.io.annotation.convert` reads and writes them; nothing heavy is loaded for the names alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from spel.errors import FormatError, printable

__all__ = ["FORMATS", "Format", "check_volume", "format_by_suffix"]


class Format(NamedTuple):
    """A format of boxes.

    Attributes
    ----------
    name : str
    title : str
        Its name in messages.
    ending : str
        Ending of the file or folder that is written, as in ``results.coco.json``.
    suffixes : tuple of str
        Files with such a suffix are of this format, whatever they hold.
    inside : tuple of str
        Patterns of files; a folder that has one of them is of this format.
    volumes : bool
        Whether its boxes may have planes: ``x0 y0 z0 x1 y1 z1``.
    label : str
        Suffix of the files that a folder of this format has for its images.
    """

    name: str
    title: str
    ending: str
    suffixes: tuple[str, ...] = ()
    inside: tuple[str, ...] = ()
    volumes: bool = False
    label: str = ""


FORMATS = {
    one.name: one
    for one in (
        Format("jsonl", "results", ".jsonl", (".jsonl",), volumes=True),
        Format("csv", "CSV", ".csv", (".csv",), volumes=True),
        Format("coco", "COCO", ".coco.json"),
        Format(
            "voc", "Pascal VOC", ".voc", (".xml",), ("*.xml", "Annotations/*.xml"), label=".xml"
        ),
        Format("geojson", "GeoJSON", ".geojson", (".geojson",), ("*.geojson",)),
        Format(
            "yolo",
            "YOLO",
            ".yolo",
            (".yaml", ".yml"),
            ("data.y*ml", "*.txt", "labels/**/*.txt", "*/labels/*.txt"),
            label=".txt",
        ),
        Format("label-studio", "Label Studio", ".label-studio.json"),
    )
}


def check_volume(form: str, image: str) -> None:
    """Refuse to write the boxes of a volume in a format that has no place for planes.

    Raises
    ------
    FormatError
        The message names the formats that can.
    """
    if not FORMATS[form].volumes:
        able = " or ".join(one.name for one in FORMATS.values() if one.volumes)
        raise FormatError(
            f"{printable(image)} is a volume, and {FORMATS[form].title} has no place for the "
            f"planes of a box; write {able}"
        )


def format_by_suffix(path: Path) -> str:
    """The format that the name of a file implies; empty if it implies none.

    Examples
    --------
    >>> [format_by_suffix(Path(name)) for name in ("a.csv", "a.json", "a")]
    ['csv', 'coco', '']
    """
    name = path.name.lower()
    whole = [one.name for one in FORMATS.values() if name.endswith(one.ending)]
    return (whole or ["coco" if name.endswith(".json") else ""])[0]
