"""GeoJSON as QuPath draws it: one feature per box; x to the right, y down, in pixels.

QuPath exports one file per image and names no image in it: the file's name stands for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from spel.errors import FormatError, printable
from spel.io.annotation.annotations import ONE_CLASS, UNKNOWN_SIZE, Annotations, ImageBoxes
from spel.io.json_files import read_json

from .collector import Collector, Entry
from .file_names import LARGE, dump, named_files

__all__ = ["read", "write"]

_USED = ("classification", "image", "score", "area")


def read(path: Path, collector: Collector) -> None:
    """Read a file, or all ``.geojson`` files of a folder."""
    files = sorted(path.glob("*.geojson")) if path.is_dir() else [path]
    if not files:
        raise FormatError(f"{printable(str(path))}: no .geojson file is there")
    for file in files:
        _file(file, f"{file.name}: " if len(files) > 1 else "", collector)


def _file(path: Path, prefix: str, collector: Collector) -> None:
    content = read_json(path, max_bytes=LARGE, max_depth=32)
    features: Any = content
    if isinstance(content, dict):
        features = [content] if content.get("type") == "Feature" else content.get("features")
    if not isinstance(features, list):
        raise FormatError(
            f"{printable(str(path))}: expected a FeatureCollection, or a list of features"
        )
    stated = content.get("images") if isinstance(content, dict) else None
    alone = None
    if isinstance(stated, list):
        with collector.at(f"{prefix}images"):
            for one in stated:
                rows, cols = one["size"]
                turn = int(one.get("orientation", 1))
                collector.image(str(one["image"]), (int(rows), int(cols)), turn)
    elif features or isinstance(content, dict):
        alone = _entry_of(path, collector)
    for index, feature in enumerate(features):
        with collector.at(f"{prefix}features[{index}]"):
            _feature(feature, alone, collector)


def _entry_of(path: Path, collector: Collector) -> Entry:
    name = path.name.removesuffix(".geojson").removesuffix(".json")
    file = collector.files.find(name) if collector.files is not None else None
    if file is None:
        return collector.image(name, UNKNOWN_SIZE)
    return collector.image(file.name, file.size, file.orientation)


def _feature(feature: Any, alone: Entry | None, collector: Collector) -> None:
    geometry = feature.get("geometry") or {"type": "feature without geometry"}
    if geometry["type"] not in ("Polygon", "MultiPolygon") or not geometry["coordinates"]:
        raise ValueError(f"a {geometry['type']!r:.40} is no area; expected a Polygon")
    points = np.array(list(_points(geometry["coordinates"])), np.float64).reshape(-1, 2)
    about = feature.get("properties") or {}
    entry = collector.existing(about.get("image")) if alone is None else alone
    kind = about.get("classification") or {}
    kind = {"name": kind} if isinstance(kind, str) else kind
    score, area = about.get("score"), about.get("area")
    entry.add(
        [*points.min(0).tolist(), *points.max(0).tolist()],
        str(kind.get("name") or ONE_CLASS),
        score=None if score is None else float(score),
        area=None if area is None else float(area),
        details={
            **{key: value for key, value in feature.items() if key not in ("type", "properties")},
            "properties": {key: value for key, value in about.items() if key not in _USED},
            "classification": {key: value for key, value in kind.items() if key != "name"},
        },
    )


def _points(coordinates: Any) -> Iterator[list[float]]:
    """The places of nested rings, in order."""
    if coordinates and not isinstance(coordinates[0], list):
        x, y = coordinates[:2]
        yield [float(x), float(y)]
        return
    for part in coordinates:
        yield from _points(part)


def write(path: Path, annotations: Annotations) -> None:
    """Write one file, or a file for each image into a folder, which is a name without a suffix.

    A polygon that was read keeps its shape.
    """
    own = annotations.form == "geojson"
    if path.suffix and not path.is_dir():
        dump(path, _collection(annotations.images, own))
        return
    for file, one in named_files(path, annotations.images, ".geojson"):
        dump(file, _collection([one], own))


def _collection(images: Sequence[ImageBoxes], own: bool) -> dict[str, Any]:
    """The boxes of images; if they are `own`, with what GeoJSON said of them besides."""
    stated = [
        {"image": one.image, "size": list(one.size), "orientation": one.orientation}
        for one in images
    ]
    features = [_written(one, index, own) for one in images for index in range(len(one))]
    return {"type": "FeatureCollection", "images": stated, "features": features}


def _written(one: ImageBoxes, index: int, own: bool) -> dict[str, Any]:
    details: dict[str, Any] = dict(one.box_details[index]) if own and one.box_details else {}
    x0, y0, x1, y1 = one.boxes[index].tolist()
    ring = [[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]]
    properties: dict[str, Any] = {
        "objectType": "annotation",
        **details.pop("properties", {}),
        "classification": {"name": one.classes[index], **details.pop("classification", {})},
        "image": one.image,
    }
    if one.scores is not None:
        properties["score"] = float(one.scores[index])
    if one.areas is not None:
        properties["area"] = float(one.areas[index])
    return {
        "type": "Feature",
        **details,
        "geometry": details.get("geometry") or {"type": "Polygon", "coordinates": [ring]},
        "properties": properties,
    }
