"""COCO: data sets, with or without scores, and result lists (https://cocodataset.org/#format-data).

``bbox`` is ``[x, y, width, height]``. If the far corner cannot be computed from it to the last bit,
``xyxy`` states the corners as well.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from spel.errors import FormatError, printable
from spel.io.annotation.annotations import ONE_CLASS, Annotations, ImageBoxes
from spel.io.json_files import read_json

from .coco_rle import rle_box
from .collector import Collector, Entry, is_whole
from .file_names import LARGE, dump

__all__ = ["read", "write"]

_MAX_SIDE = 1 << 31
_IMAGE = {"file_name", "width", "height"}
_ANNOTATION = {"image_id", "category_id", "bbox", "xyxy", "score", "area", "iscrowd"}

Ids = dict[str, Entry]


def read(path: Path, collector: Collector, max_bytes: int = LARGE) -> None:
    """Read a data set, or a list of results."""
    content = read_json(path, max_bytes=max_bytes, max_depth=16)
    if isinstance(content, list):
        return _results(content, collector, path)
    if not isinstance(content, dict):
        raise FormatError(
            f"{printable(str(path))}: the top is no object; COCO has an object with images, "
            "annotations and categories, or a list of results"
        )
    names = _categories(content, collector)
    images = _images(content, collector)
    for index, entry in enumerate(_list(content, "annotations", collector)):
        with collector.at(f"annotations[{index}]"):
            _annotation(entry, f"annotations[{index}]", images, names, collector)
    collector.details = {
        key: value
        for key, value in content.items()
        if key not in ("images", "annotations", "categories")
    }
    return None


def _list(content: Mapping[str, Any], key: str, collector: Collector) -> list[Any]:
    value = content.get(key)
    if isinstance(value, list):
        return value
    if key == "categories" and value is None:  # files of one class leave the categories out
        return []
    problem = "the list is missing" if value is None else f"{_quote(value)} is not a list"
    raise FormatError(f"{key}: {problem}; COCO has images, annotations and categories")


def _key(value: Any) -> str:
    """An id, which is a number or a text, as a key; 7, 7.0 and "7" are the same."""
    if is_whole(value):
        return str(int(value))
    if isinstance(value, str) and value:
        return value
    raise ValueError(f"{_quote(value)} is neither a whole number nor a text")


def _categories(content: Mapping[str, Any], collector: Collector) -> dict[str, str]:
    names: dict[str, str] = {}
    order: list[tuple[float, int, str]] = []
    for index, entry in enumerate(_list(content, "categories", collector)):
        with collector.at(f"categories[{index}]"):
            if not isinstance(entry, dict):
                raise ValueError(f"{_quote(entry)} is not an object")
            key, name = _field(entry, "id"), entry.get("name")
            if key in names:
                raise ValueError(f".id: {_quote(entry['id'])} stands twice")
            if not isinstance(name, str) or not name:
                raise ValueError(f".name: {_quote(name)} is not a name")
            names[key] = name
            order.append((float(key) if key.isdecimal() else math.inf, index, name))
            collector.class_details.setdefault(
                name, {k: v for k, v in entry.items() if k != "name"}
            )
    collector.classes = list(dict.fromkeys(name for _, _, name in sorted(order)))
    return names


def _images(content: Mapping[str, Any], collector: Collector) -> Ids:
    images: Ids = {}
    for index, entry in enumerate(_list(content, "images", collector)):
        with collector.at(f"images[{index}]"):
            if not isinstance(entry, dict):
                raise ValueError(f"{_quote(entry)} is not an object")
            key, name = _field(entry, "id"), entry.get("file_name")
            if key in images:
                raise ValueError(f".id: {_quote(entry['id'])} is not an id of its own")
            if not isinstance(name, str) or not name:
                raise ValueError(f".file_name: {_quote(name)} is not a name")
            if name in collector.entries:
                raise ValueError(f".file_name: {_quote(name)} is not a name of its own (it stands "
                                 "twice)")  # fmt: skip
            size = _size(entry, f"images[{index}]", collector)
            images[key] = collector.image(name, size)
            images[key].details = {k: v for k, v in entry.items() if k not in _IMAGE}
    return images


def _size(entry: Mapping[str, Any], place: str, collector: Collector) -> tuple[int, int]:
    """The size that an entry states, or else that of its file."""
    try:
        return _side(entry, "height"), _side(entry, "width")
    except ValueError:
        file = None if collector.files is None else collector.files.find(entry["file_name"])
        if file is None:
            raise
        collector.note(f"{place}: it states no size; that of its file is taken")
        return file.size


def _side(entry: Mapping[str, Any], name: str) -> int:
    value = entry.get(name)
    if isinstance(value, str) and value.isdecimal():
        value = int(value)
    if not is_whole(value) or not 1 <= value < _MAX_SIDE:  # type: ignore[operator]
        problem = "it is missing" if value is None else _quote(value)
        raise ValueError(f".{name}: {problem}; expected a whole number of at least 1")
    return int(value)  # type: ignore[arg-type]


def _field(entry: Mapping[str, Any], name: str) -> str:
    if entry.get(name) is None:
        raise ValueError(f".{name}: it is missing")
    try:
        return _key(entry.get(name))
    except ValueError as error:
        raise ValueError(f".{name}: {error}") from None


def _annotation(
    entry: Any, place: str, images: Ids, names: dict[str, str], collector: Collector
) -> None:
    if not isinstance(entry, dict):
        raise ValueError(f"{_quote(entry)} is not an object")
    image = _field(entry, "image_id")
    if image not in images:
        raise ValueError(f".image_id: {_quote(entry['image_id'])} is no image of this file")
    name = ONE_CLASS
    if names:
        key = _field(entry, "category_id")
        if key not in names:
            raise ValueError(f".category_id: {_quote(entry['category_id'])} is no category of this "
                             "file")  # fmt: skip
        name = names[key]
    crowd = entry.get("iscrowd", 0)
    if crowd not in (0, 1):
        raise ValueError(f".iscrowd: {_quote(crowd)} is neither 0 nor 1")
    box = _box(entry, place, collector)
    area: Any = entry.get("area")
    try:
        images[image].add(
            box,
            name,
            score=_number(entry, "score"),
            area=float(area) if _real(area) else None,
            crowd=crowd == 1,
            details={k: v for k, v in entry.items() if k not in _ANNOTATION},
        )
    except ValueError as error:
        raise ValueError(f".bbox: {error}") from None


def _box(entry: Mapping[str, Any], place: str, collector: Collector) -> list[float]:
    value: Any = entry.get("bbox")
    if value is None and isinstance(entry.get("segmentation"), list):
        points = [n for part in entry["segmentation"] if isinstance(part, list) for n in part]
        if len(points) >= 6 and len(points) % 2 == 0 and all(map(_real, points)):
            collector.note(f"{place}: no bbox; the box around its segmentation is taken")
            xs, ys = points[::2], points[1::2]
            return [float(n) for n in (min(xs), min(ys), max(xs), max(ys))]
    if value is None and isinstance(entry.get("segmentation"), dict):
        try:
            box = rle_box(entry["segmentation"])
        except ValueError as error:
            raise ValueError(f".segmentation: {error}") from None
        collector.note(f"{place}: no bbox; the box around its segmentation is taken")
        return box
    if value is None:
        raise ValueError(".bbox: it is missing")
    if not isinstance(value, list) or len(value) != 4 or not all(map(_real, value)):
        raise ValueError(f".bbox: {_quote(value)} is not [x, y, width, height] in numbers")
    x, y, width, height = (float(n) for n in value)
    corners: Any = entry.get("xyxy")
    if corners is None:
        return [x, y, x + width, y + height]
    if not isinstance(corners, list) or len(corners) != 4 or not all(map(_real, corners)):
        raise ValueError(f".xyxy: {_quote(corners)} is not [x0, y0, x1, y1]")
    if abs(corners[0] - x) + abs(corners[3] - y - height) > 1e-3:
        raise ValueError(".xyxy: xyxy and bbox contradict each other")
    return [float(n) for n in corners]


def _results(content: list[Any], collector: Collector, path: Path) -> None:
    """A list of results, whose ids are those of the data set `collector.like`."""
    images: Ids = {}
    names: dict[str, str] = {}
    if collector.like is not None:
        for one in collector.like:
            entry = collector.image(one.image, one.size, one.orientation)
            images[_key(one.details.get("id", one.image))] = entry
        stems = Counter(PurePosixPath(one.image).stem for one in collector.like)
        for one in collector.like:  # some programs name images by their files, without suffix
            stem = PurePosixPath(one.image).stem
            if stems[stem] == 1:
                images.setdefault(stem, collector.image(one.image, one.size, one.orientation))
        names = {
            _key(collector.like.class_details.get(name, {}).get("id", number)): name
            for number, name in enumerate(collector.like.classes, 1)
        }
    elif not content:
        raise FormatError(
            f"{printable(str(path))}: the top is a list without entries; expected a data set with "
            "images, annotations and categories, or a list of results"
        )
    else:
        collector.note(
            "a list of results names images and classes only by their ids; give the data set, "
            "which states their names"
        )
    for index, result in enumerate(content):
        with collector.at(f"[{index}]"):
            if not isinstance(result, dict):
                raise ValueError(f"{_quote(result)} is not an object")
            key, kind = _field(result, "image_id"), _field(result, "category_id")
            if collector.like is not None and (key not in images or kind not in names):
                raise ValueError(f"image {key} or category {kind} is not in the data set")
            score = _number(result, "score")
            if score is None:
                raise ValueError(".score: it is missing; is this a list of true boxes?")
            entry = images.get(key) or _image_of_id(key, collector)
            images[key] = entry
            box = _box(result, f"[{index}]", collector)
            entry.add(box, names.get(kind, kind), score=score)
    if content and not collector.entries:
        raise FormatError(
            f"{printable(str(path))}: the top is a list without COCO results (image_id, "
            f"category_id, bbox, score); {'; '.join(collector.problems[:1])}"
        )


def _image_of_id(key: str, collector: Collector) -> Entry:
    file = None
    if collector.files is not None:
        file = collector.files.by_number(int(key)) if key.isdecimal() else collector.files.find(key)
    if file is None:
        return collector.image(key)
    return collector.image(file.name, file.size, file.orientation)


def write(path: Path, annotations: Annotations) -> None:
    """Write a data set; answers carry their scores."""
    if len({one.image for one in annotations}) < len(annotations):
        raise FormatError("write_coco: two images have the same name; give each its own")
    own = annotations.form == "coco"  # fields without a meaning here are written back
    images: list[Mapping[str, Any]] = [one.details if own else {} for one in annotations]
    boxes = [
        details if own else {}
        for one in annotations
        for details in one.box_details or [{}] * len(one)
    ]
    names = annotations.all_classes
    classes = [annotations.class_details.get(name, {}) if own else {} for name in names]
    ids, kinds = _ids(images), dict(zip(names, _ids(classes)))
    numbers = iter(_ids(boxes))
    content = {
        "info": {"description": "written by spel"},
        **(annotations.details if own else {}),
        "images": [
            {
                "id": key,
                "file_name": one.image,
                "width": one.size[1],
                "height": one.size[0],
                **_without_id(details),
            }
            for key, one, details in zip(ids, annotations, images)
        ],
        "categories": [
            {"id": kinds[name], "name": name, **_without_id(details)}
            for name, details in zip(names, classes)
        ],
        "annotations": [
            entry
            for key, one in zip(ids, annotations)
            for entry in _entries(one, key, kinds, numbers, own)
        ],
    }
    dump(path, content)


def _entries(one: ImageBoxes, image: Any, kinds: dict[str, Any], numbers: Any, own: bool) -> Any:
    if 0 in one.size:
        raise FormatError(
            f"{printable(one.image)}: its size is unknown, and COCO states sizes; give the folder "
            "of images"
        )
    for index, (box, name) in enumerate(zip(one.boxes.tolist(), one.classes)):
        x0, y0, x1, y1 = box
        width, height = x1 - x0, y1 - y0
        if one.scores is None and (width == 0 or height == 0):
            raise FormatError(
                f"{printable(one.image)}: box {index}, {box}, has no area; leave it out"
            )
        details = one.box_details[index] if own and one.box_details else {}
        yield {
            "id": next(numbers),
            "image_id": image,
            "category_id": kinds[name],
            "bbox": [x0, y0, width, height],
            **({} if [x0 + width, y0 + height] == [x1, y1] else {"xyxy": box}),
            **({} if one.scores is None else {"score": float(one.scores[index])}),
            "area": width * height if one.areas is None else float(one.areas[index]),
            "iscrowd": int(one.crowd[index]),
            **_without_id(details),
        }


def _ids(details: Sequence[Mapping[str, Any]]) -> list[Any]:
    """The ids that details state, and numbers for those without; numbers alone if an id repeats."""
    stated = [one.get("id") for one in details]
    taken = [key for key in stated if key is not None]
    if len({str(key) for key in taken}) < len(taken):
        return list(range(1, len(stated) + 1))
    following = max([0, *(key for key in taken if isinstance(key, int))])
    ids = []
    for key in stated:
        if key is None:
            following += 1
        ids.append(following if key is None else key)
    return ids


def _without_id(details: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in details.items() if key != "id"}


def _number(entry: Mapping[str, Any], name: str) -> float | None:
    value: Any = entry.get(name)
    if value is None:
        return None
    if not _real(value):
        raise ValueError(f".{name}: {_quote(value)} is not a number")
    return float(value)


def _real(value: Any) -> bool:
    return (
        isinstance(value, (int, float))
        and not isinstance(value, bool)
        and abs(value) < 1e15
        and math.isfinite(value)
    )


def _quote(value: Any) -> str:
    text = printable(repr(value))
    return text if len(text) <= 60 else text[:59] + "…"
