"""Which format a file or folder of annotations has, and where its images lie."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from spel.errors import FormatError, printable
from spel.io.annotation.convert.file_names import LARGE
from spel.io.annotation.formats import FORMATS
from spel.io.annotation.marker_folder import is_marker_folder
from spel.io.json_files import read_json

__all__ = ["format_of", "images_beside", "is_label_folder"]


def format_of(path: str | os.PathLike[str]) -> str:
    """The format of a file or folder of annotations, by its names and content.

    Parameters
    ----------
    path : str or path

    Returns
    -------
    str
        One of `spel.io.FORMATS`.

    Raises
    ------
    FormatError
        If it is none of them.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.json"
    >>> _ = path.write_text('{"images": [], "annotations": [], "categories": []}')
    >>> format_of(path)
    'coco'
    """
    source = Path(path)
    if source.is_dir():
        for form in FORMATS.values():
            if any(next(source.glob(pattern), None) is not None for pattern in form.inside):
                return form.name
        raise FormatError(
            f"{printable(str(source))}: the folder holds no annotations of VOC (.xml), YOLO (.txt) "
            "or QuPath (.geojson); for COCO or Label Studio, name the .json file"
        )
    for form in FORMATS.values():
        if source.suffix.lower() in form.suffixes:
            return form.name
    name = _of_json(read_json(source, max_bytes=LARGE, max_depth=32))
    if not name:
        raise FormatError(
            f"{printable(str(source))}: this JSON is not of COCO, Label Studio or GeoJSON; "
            "expected images and annotations, tasks, or features; LabelMe and VIA files are "
            "converted to COCO first"
        )
    return name


def is_label_folder(path: str | os.PathLike[str]) -> bool:
    """Whether a folder holds annotations of VOC, YOLO or QuPath, and no marker files."""
    try:
        form = format_of(path)
    except FormatError:
        return False
    return not (form == "yolo" and is_marker_folder(path))


def images_beside(path: str | os.PathLike[str]) -> Path:
    """The folder in which the images of an annotation file or folder are expected.

    It is ``images`` or ``JPEGImages`` in it or beside it; if there is neither, the folder itself.
    """
    source = Path(path)
    folder = source if source.is_dir() else source.parent
    parts = folder.parts
    if "labels" in parts:
        at = len(parts) - 1 - parts[::-1].index("labels")
        twin = Path(*parts[:at], "images", *parts[at + 1 :])
        if twin.is_dir():
            return twin
    for place in (folder, folder.parent) if source.is_dir() else (folder,):
        for name in ("JPEGImages", "images"):
            if (place / name).is_dir():
                return place / name
    return folder


def _of_json(content: Any) -> str:
    if isinstance(content, dict):
        if content.get("type") in ("FeatureCollection", "Feature"):
            return "geojson"
        if "images" in content or ("annotations" in content and "data" not in content):
            return "coco"
        return "label-studio" if "data" in content else ""
    if isinstance(content, list):
        first = next((one for one in content if isinstance(one, dict)), {})
        if first.get("type") == "Feature":
            return "geojson"
        if "image_id" in first or not content:
            return "coco"
        return "label-studio" if "data" in first or "label" in first else ""
    return ""
