"""Label Studio: one task per image; true boxes are annotations, answers are predictions.

Boxes are in percent of the image, whose size every box states.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from spel.errors import FormatError, printable
from spel.io.annotation.annotations import ONE_CLASS, UNKNOWN_SIZE, Annotations, ImageBoxes
from spel.io.json_files import read_json

from .collector import Collector, Entry, whole
from .file_names import LARGE, dump

__all__ = ["image_name", "read", "write"]

_SHAPES = (
    "labels",
    "rectanglelabels",
    "rectangle",
    "polygonlabels",
    "polygon",
    "ellipselabels",
    "ellipse",
)
_BARE = ("rectangle", "polygon", "ellipse")
_UPLOAD = re.compile(r"[0-9a-f]{8}-")


def read(path: Path, collector: Collector) -> None:
    """Read an export (JSON or JSON-MIN)."""
    content = read_json(path, max_bytes=LARGE, max_depth=32)
    tasks = content if isinstance(content, list) else [content]
    for number, task in enumerate(tasks):
        with collector.at(f"task {number}"):
            _task(task, f"task {number}", collector)
    if tasks and not collector.entries:
        reason = f" ({collector.problems[0]})" if collector.problems else ""
        raise FormatError(f"{printable(str(path))}: it holds no task of Label Studio{reason}")


def _task(task: Any, place: str, collector: Collector) -> None:
    about = task.get("data", task)
    results = _results(task, place, collector)
    name, size = image_name(_address(about)), _size(about, results)
    orientation = 1
    if collector.files is not None:
        file = collector.files.find(name) or collector.files.find(_UPLOAD.sub("", name, count=1))
        if file is not None:
            name, orientation = file.name, file.orientation
            size = file.size if size == UNKNOWN_SIZE else size
    entry = collector.image(name, size, orientation)
    entry.details = {k: v for k, v in task.items() if k not in ("annotations", "predictions")}
    for index, result in enumerate(results):
        with collector.at(f"{place}, result {index}"):
            _shape(result, entry, collector)


def _address(about: Mapping[str, Any]) -> str:
    """The text that names the image: under "image", or the one text there is."""
    for key in ("image", "img", "image_url", "url"):
        if isinstance(about.get(key), str):
            return str(about[key])
    texts = [value for value in about.values() if isinstance(value, str)]
    if len(texts) != 1:
        raise ValueError("data names no image")
    return texts[0]


def image_name(address: str) -> str:
    """The file name in an address of Label Studio.

    Examples
    --------
    >>> image_name("/data/upload/1/0123abcd-street.jpg")
    '0123abcd-street.jpg'
    >>> image_name("/data/local-files/?d=photos/street.jpg")
    'photos/street.jpg'
    >>> image_name("photos/street.jpg"), image_name("s3://bucket/a%20b.jpg")
    ('photos/street.jpg', 'a b.jpg')
    """
    if address.startswith("/data/local-files/"):
        return parse_qs(urlsplit(address).query).get("d", [address])[0]
    if address.startswith("/data/") or "://" in address[:12]:
        return unquote(urlsplit(address).path).rsplit("/", 1)[-1] or address
    return address


def _results(task: Mapping[str, Any], place: str, collector: Collector) -> list[Any]:
    """The shapes of a task: of its last annotation, else of its last prediction."""
    if isinstance(task.get("label"), list):  # JSON-MIN
        return list(task["label"])
    drawn = task.get("annotations") or task.get("completions") or []  # before version 1.0
    made = [one for one in drawn if not one.get("was_cancelled")] or task.get("predictions") or []
    if not made:
        raise ValueError("nobody has annotated it")
    if len(made) > 1:
        collector.note(f"{place}: it has {len(made)} annotations; the last one is taken")
    shapes = list(made[-1]["result"])
    named = {one.get("id") for one in shapes if one.get("type") == "labels"}
    # A region without a label stands a second time, with it, where labels are a control of its own.
    return [one for one in shapes if one.get("type") not in _BARE or one.get("id") not in named]


def _size(about: Mapping[str, Any], results: list[Any]) -> tuple[int, int]:
    for one in results:
        if isinstance(one, dict) and one.get("original_width") and one.get("original_height"):
            return whole(one["original_height"]), whole(one["original_width"])
    if about.get("height") is not None and about.get("width") is not None:
        return whole(about["height"]), whole(about["width"])
    return UNKNOWN_SIZE


def _shape(result: Any, entry: Entry, collector: Collector) -> None:
    value = result.get("value", result)
    kind = result.get("type", "rectanglelabels")
    if kind not in (*_SHAPES, "choices"):
        raise ValueError(f"a result of type {kind!r:.40} is no box")
    if entry.size == UNKNOWN_SIZE:
        raise ValueError("the size of its image is unknown; give the folder of images")
    rows, cols = entry.size
    if len(value.get(kind) or []) > 1:
        collector.note("regions with several labels are there; the first label of each is taken")
    if kind == "choices":  # a class of the whole image
        entry.add([0, 0, cols, rows], str(value["choices"][0]), details=dict(result))
        return
    labels = value.get(kind) or next(
        (value[key] for key in _SHAPES if isinstance(value.get(key), list)), None
    )
    xs, ys = zip(*((x * cols / 100, y * rows / 100) for x, y in _outline(value, rows / cols)))
    score, area = result.get("score"), (result.get("meta") or {}).get("area")
    entry.add(
        [min(xs), min(ys), max(xs), max(ys)],
        str(labels[0]) if labels else ONE_CLASS,
        score=None if score is None else float(score),
        area=None if not isinstance(area, (int, float)) else float(area),
        details={key: v for key, v in result.items() if key not in ("score", "meta")},
    )


def _outline(value: Mapping[str, Any], aspect: float) -> Iterator[tuple[float, float]]:
    """Corners in percent of columns and rows; rotation is about the first corner, in degrees."""
    if "points" in value:
        yield from ((float(x), float(y)) for x, y in value["points"])
        return
    x, y = float(value["x"]), float(value["y"])
    if "radiusX" in value:
        rx, ry = float(value["radiusX"]), float(value["radiusY"])
        yield from ((x - rx, y - ry), (x + rx, y + ry))
        return
    width, height = float(value["width"]), float(value["height"])
    angle = math.radians(float(value.get("rotation", 0) or 0))
    if not angle:
        yield from ((x, y), (x + width, y + height))
        return
    c, s = math.cos(angle), math.sin(angle)
    for u, v in ((0.0, 0.0), (width, 0.0), (0.0, height), (width, height)):
        yield x + u * c - v * s * aspect, y + u * s / aspect + v * c


def write(path: Path, annotations: Annotations) -> None:
    """Write tasks: true boxes as annotations, answers as predictions."""
    own = annotations.form == "label-studio"
    dump(path, [_written(one, own) for one in annotations])


def _written(one: ImageBoxes, own: bool) -> dict[str, Any]:
    if 0 in one.size:
        raise FormatError(
            f"{printable(one.image)}: its size is unknown, and Label Studio's numbers are percent "
            "of it; give the folder of images"
        )
    rows, cols = one.size
    shapes = [_result(one, index, own) for index in range(len(one))]
    task: dict[str, Any] = {"data": {"image": one.image, "width": cols, "height": rows}}
    if own:
        task.update(one.details)
    if one.scores is None:
        task["annotations"] = [{"result": shapes}]
    else:
        model = str(one.details.get("model") or "spel")
        task["predictions"] = [{"model_version": model, "result": shapes}]
    return task


def _result(one: ImageBoxes, index: int, own: bool) -> dict[str, Any]:
    (rows, cols), (x0, y0, x1, y1) = one.size, one.boxes[index].tolist()
    if one.scores is None and (x0 == x1 or y0 == y1):
        raise FormatError(f"{printable(one.image)}: box {index} has no area; leave it out")
    result: dict[str, Any] = {
        "id": f"box{index}",
        "type": "rectanglelabels",
        "from_name": "label",
        "to_name": "image",
        "original_width": cols,
        "original_height": rows,
        "image_rotation": 0,
        "value": {
            "x": 100 * x0 / cols,
            "y": 100 * y0 / rows,
            "width": 100 * (x1 - x0) / cols,
            "height": 100 * (y1 - y0) / rows,
            "rotation": 0,
            "rectanglelabels": [one.classes[index]],
        },
    }
    if own and one.box_details:
        details = dict(one.box_details[index])
        result = details if "value" in details else {**result, **details}
    if one.scores is not None:
        result["score"] = float(one.scores[index])
    if one.areas is not None:
        result["meta"] = {"area": float(one.areas[index])}
    return result
