"""Files of instances: a table (CSV), COCO with run lengths or polygons, and GeoJSON."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spel import atomic
from spel.core.instances import ObjectTable, boxes_of, rows_of
from spel.errors import ParameterError, ShapeError
from spel.ops.outline import outlines

__all__ = ["FORMATS", "run_lengths", "write_instances"]

ByImage = Mapping[str, ObjectTable]


def write_instances(path: str | os.PathLike[str], instances: ByImage, format: str = "") -> None:
    """Write the instances of one or more images, whole or not at all.

    Parameters
    ----------
    path : str or path
    instances : mapping of str to Instances
        The instances of each image, by its name.
    format : str
        - "csv": a row per object: image, number, class, score, area, box, centroid; any axes.
        - "coco": a COCO data set with scores; masks are run lengths, exactly.
        - "coco-polygons": the same with polygons, as some programs expect; holes are filled.
        - "geojson": a feature per object, as QuPath draws it, holes included.

        By default the suffix decides: ``.csv``, ``.geojson``, and ``.json`` for "coco".

    Raises
    ------
    ParameterError
        If the format is unknown.
    ShapeError
        If the format has no place for volumes; CSV has.
    """
    by_suffix = {".csv": "csv", ".json": "coco", ".geojson": "geojson"}
    chosen = format or by_suffix.get(Path(path).suffix.lower(), "")
    if chosen not in FORMATS:
        raise ParameterError(
            f"write_instances: {path}: format {chosen!r}; expected one of {', '.join(FORMATS)}"
        )
    if chosen != "csv" and any(len(one.size) != 2 for one in instances.values()):
        raise ShapeError(f"write_instances: {path}: {chosen} has no place for volumes; write csv")
    atomic.write_text(path, FORMATS[chosen](instances))


def run_lengths(
    mask: npt.ArrayLike, origin: Sequence[int] = (0, 0), size: Sequence[int] | None = None
) -> str:
    """The run lengths of a mask as COCO packs them (pycocotools' ``maskApi.c`` has the format).

    Runs go down the columns, background first. From the fourth on, each is written as its
    difference from the run two before it, with 5 bits per character.

    Parameters
    ----------
    mask : (rows, cols) array
    origin : (row, col)
        Where the first spel of the mask lies in its image.
    size : (rows, cols), optional
        Of the image; by default that of the mask.

    Examples
    --------
    >>> run_lengths([[0, 0, 0, 0], [0, 1, 0, 0], [0, 1, 0, 0]])
    '426'
    >>> run_lengths([[1], [1]], (1, 1), (3, 4))
    '426'
    """
    part = np.asarray(mask) != 0
    rows, cols = part.shape if size is None else map(int, size)
    col, row = np.nonzero(part.T)
    spels = (col.astype(np.int64) + origin[1]) * rows + row + origin[0]
    breaks = np.flatnonzero(np.diff(spels) != 1) + 1
    starts = spels[np.concatenate([[0], breaks])] if len(spels) else spels
    stops = spels[np.concatenate([breaks - 1, [-1]])] + 1 if len(spels) else spels
    ends = np.stack([starts, stops], axis=1).ravel()
    last = [] if len(ends) and ends[-1] == rows * cols else [rows * cols]
    runs = np.diff(np.concatenate([[0], ends, last])).astype(np.int64)
    runs[3:] -= runs[1:-2].copy()
    return "".join(_packed(int(run)) for run in runs)


def _packed(value: int) -> str:
    text = ""
    while True:
        bits, value = value & 31, value >> 5
        more = value != (-1 if bits & 16 else 0)
        text += chr(48 + bits + 32 * more)
        if not more:
            return text


def _csv(instances: ByImage) -> str:
    rows = [{"image": name, **row} for name, one in instances.items() for row in rows_of(one)]
    columns: dict[str, None] = {}
    for row in rows:
        columns.update(dict.fromkeys(row))
    text = io.StringIO()
    writer = csv.DictWriter(text, list(columns) or ["image"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _coco(instances: ByImage, *, polygons: bool = False) -> str:
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    names: dict[int, str] = {}
    for image, (name, one) in enumerate(instances.items(), 1):
        (rows, cols), boxes = one.size, boxes_of(one)
        images.append({"id": image, "file_name": name, "height": rows, "width": cols})
        for number in range(len(one.scores)):
            x0, y0, x1, y1 = boxes[number].tolist()
            kind = int(one.classes[number])
            names[kind] = one.names[number] if one.names else str(kind)
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image,
                    "category_id": kind,
                    "bbox": [x0, y0, x1 - x0, y1 - y0],
                    "area": int(one.areas[number]),
                    "score": float(one.scores[number]),
                    "iscrowd": 0,
                    "segmentation": _polygons(one, number)
                    if polygons
                    else {"size": [rows, cols], "counts": _counts(one, number)},
                }
            )
    categories = [{"id": kind, "name": name} for kind, name in sorted(names.items())]
    content = {"images": images, "annotations": annotations, "categories": categories}
    return json.dumps(content, allow_nan=False) + "\n"


def _coco_polygons(instances: ByImage) -> str:
    return _coco(instances, polygons=True)


def _counts(one: ObjectTable, number: int) -> str:
    """The run lengths of one object in its image."""
    return run_lengths(one.part(number), one.bounds[number, 0], one.size)


def _polygons(one: ObjectTable, number: int) -> list[list[int]]:
    return [[int(v) for v in rings[0].ravel()] for rings in _rings(one, number)]


def _rings(one: ObjectTable, number: int) -> list[list[npt.NDArray[np.int64]]]:
    top, left = one.bounds[number, 0].tolist()
    return [[ring + [left, top] for ring in rings] for rings in outlines(one.part(number))]


def _geojson(instances: ByImage) -> str:
    features = []
    for name, one in instances.items():
        for number in range(len(one.scores)):
            polygons = [
                [[*ring.tolist(), ring[0].tolist()] for ring in rings]
                for rings in _rings(one, number)
            ]
            single = len(polygons) == 1
            geometry = {
                "type": "Polygon" if single else "MultiPolygon",
                "coordinates": polygons[0] if single else polygons,
            }
            title = one.names[number] if one.names else str(int(one.classes[number]))
            about = {
                "objectType": "annotation",
                "image": name,
                "classification": {"name": title},
                "score": float(one.scores[number]),
                "area": int(one.areas[number]),
            }
            features.append({"type": "Feature", "geometry": geometry, "properties": about})
    sizes = [{"image": name, "size": list(one.size)} for name, one in instances.items()]
    content = {"type": "FeatureCollection", "images": sizes, "features": features}
    return json.dumps(content, allow_nan=False) + "\n"


FORMATS: dict[str, Callable[[ByImage], str]] = {
    "csv": _csv,
    "coco": _coco,
    "coco-polygons": _coco_polygons,
    "geojson": _geojson,
}
"""The function that writes each format of `write_instances`."""
