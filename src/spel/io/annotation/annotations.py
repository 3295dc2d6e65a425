"""Ground truth: boxes of classes in images, from and to COCO files.

Boxes are ``x0 y0 x1 y1``, half-open, in spels of the displayed image; COCO's
``[x, y, width, height]`` is converted. Source of the format: https://cocodataset.org/#format-data
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.atomic import write_text
from spel.errors import FormatError, ShapeError, printable
from spel.io.json_files import read_json
from spel.io.text_files import MIB, problems_error

__all__ = ["Annotations", "ImageBoxes", "read_coco", "write_coco"]

_MAX_SIDE = 1 << 31
_MAX_COUNT = 10_000_000


@dataclass(frozen=True, eq=False)
class ImageBoxes:
    """The boxes of one image.

    Attributes
    ----------
    image : str
        File name as the annotation file gives it.
    size : (rows, cols)
    boxes : (n, 4) array of float64
        ``x0 y0 x1 y1``, half-open.
    classes : tuple of str
        One name per box.
    crowd : (n,) array of bool
        Boxes round a crowd: neither to be found nor to be counted as wrong.
    """

    image: str
    size: tuple[int, int]
    boxes: npt.NDArray[np.float64]
    classes: tuple[str, ...] = ()
    crowd: npt.NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        boxes = np.array(self.boxes, np.float64).reshape(-1, 4)
        classes = tuple(self.classes) or ("object",) * len(boxes)
        crowd = np.zeros(len(boxes), np.bool_) if self.crowd is None else np.array(self.crowd, bool)
        if not len(boxes) == len(classes) == len(crowd):
            raise ShapeError(
                f"ImageBoxes: {len(boxes)} boxes, {len(classes)} classes, {len(crowd)} marks; "
                "expected as many of each"
            )
        for name, value in (("boxes", boxes), ("crowd", crowd)):
            value.setflags(write=False)
            object.__setattr__(self, name, value)
        object.__setattr__(self, "classes", classes)

    def __len__(self) -> int:
        return len(self.boxes)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ImageBoxes):
            return NotImplemented
        assert self.crowd is not None
        assert other.crowd is not None
        return (
            (self.image, self.size, self.classes) == (other.image, other.size, other.classes)
            and np.array_equal(self.boxes, other.boxes)
            and np.array_equal(self.crowd, other.crowd)
        )

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True)
class Annotations:
    """The boxes of many images.

    Attributes
    ----------
    images : tuple of ImageBoxes
        In the order of the file, images without boxes too.
    classes : tuple of str
        Names of all classes, in the order of their numbers.
    """

    images: tuple[ImageBoxes, ...]
    classes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.images)

    def __iter__(self) -> Iterator[ImageBoxes]:
        return iter(self.images)

    def of(self, image: str) -> ImageBoxes:
        """The boxes of one image, by its full name or, if only one fits, the end of its path."""
        image = image.replace(os.sep, "/")
        exact = [one for one in self.images if one.image == image]
        if exact:
            return exact[0]
        near = [
            one
            for one in self.images
            if image.endswith("/" + one.image) or one.image.endswith("/" + image)
        ]
        if len(near) != 1:
            reason = "no annotation" if not near else f"{len(near)} annotations"
            raise KeyError(f"{reason} for the image {printable(image)!r}")
        return near[0]


def read_coco(path: str | os.PathLike[str], *, max_bytes: int = 512 * MIB) -> Annotations:
    """Read a COCO annotation file and check all of it.

    Raises
    ------
    FormatError
        The file is not COCO; every problem is listed with its place in the file, e.g.
        ``annotations[3].bbox: [1, 2, -3, 4] has no area``.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "truth.json"
    >>> _ = path.write_text('''{"images": [
    ...     {"id": 7, "file_name": "a.png", "width": 9, "height": 5}],
    ...     "categories": [{"id": 1, "name": "plate"}],
    ...     "annotations": [{"id": 1, "image_id": 7, "category_id": 1, "bbox": [1, 2, 3, 2]}]}''')
    >>> truth = read_coco(path)
    >>> truth.images[0].boxes.tolist(), truth.images[0].classes
    ([[1.0, 2.0, 4.0, 4.0]], ('plate',))
    """
    content = read_json(path, max_bytes=max_bytes, max_depth=16)
    problems: list[str] = []
    annotations = _Coco(content, problems).annotations()
    if problems:
        raise problems_error(os.fsdecode(path), problems)
    return annotations


class _Coco:
    """Walks a parsed file; what is wrong goes to ``problems``, with its place."""

    def __init__(self, content: Any, problems: list[str]) -> None:
        self.content, self.problems = content, problems

    def annotations(self) -> Annotations:
        if not isinstance(self.content, dict):
            kind = "a list, perhaps of results" if isinstance(self.content, list) else "no object"
            self.problems.append(
                f"the top is {kind}; COCO has an object with images, annotations and categories"
            )
            return Annotations((), ())
        names = self._categories()
        images = self._images()
        boxes: dict[int, list[tuple[list[float], str, bool]]] = {key: [] for key in images}
        for index, entry in enumerate(self._list("annotations")):
            place = f"annotations[{index}]"
            if not isinstance(entry, dict):
                self._say(place, f"{_show(entry)} is not an object")
                continue
            image = entry.get("image_id")
            if not _whole(image) or image not in images:
                self._say(place + ".image_id", f"{_show(image)} is no image of this file")
                continue
            name = self._category(entry, names, place)
            box = self._box(entry.get("bbox"), images[image][1], place + ".bbox")
            crowd = entry.get("iscrowd", 0)
            if crowd not in (0, 1):
                self._say(place + ".iscrowd", f"{_show(crowd)} is neither 0 nor 1")
            if box and name is not None:
                boxes[image].append((box, name, crowd == 1))
        return Annotations(
            tuple(
                ImageBoxes(
                    name,
                    size,
                    np.array([b for b, _, _ in boxes[key]], np.float64).reshape(-1, 4),
                    tuple(c for _, c, _ in boxes[key]),
                    np.array([k for _, _, k in boxes[key]], np.bool_),
                )
                for key, (name, size) in images.items()
            ),
            tuple(names[key] for key in sorted(names)) or ("object",),
        )

    def _say(self, place: str, reason: str) -> None:
        self.problems.append(f"{place}: {reason}")

    def _list(self, key: str, needed: bool = True) -> list[Any]:
        value = self.content.get(key)
        if value is None and not needed:
            return []
        if not isinstance(value, list) or len(value) > _MAX_COUNT:
            self._say(
                key,
                "the list is missing"
                if value is None
                else f"{_show(value)} is not a list of at most {_MAX_COUNT}",
            )
            return []
        return value

    def _categories(self) -> dict[int, str]:
        names: dict[int, str] = {}
        for index, entry in enumerate(self._list("categories", needed=False)):
            place = f"categories[{index}]"
            if not isinstance(entry, dict):
                self._say(place, f"{_show(entry)} is not an object")
                continue
            key, name = entry.get("id"), entry.get("name")
            if not _whole(key) or key in names:
                self._say(place + ".id", f"{_show(key)} is not a whole number of its own")
            elif not isinstance(name, str) or not name:
                self._say(place + ".name", f"{_show(name)} is not a name")
            else:
                names[key] = name
        return names

    def _category(self, entry: dict[str, Any], names: dict[int, str], place: str) -> str | None:
        key: Any = entry.get("category_id")
        if not names:  # class-agnostic files leave the categories out
            return "object"
        if not _whole(key) or key not in names:
            self._say(place + ".category_id", f"{_show(key)} is no category of this file")
            return None
        return names[key]

    def _images(self) -> dict[int, tuple[str, tuple[int, int]]]:
        images: dict[int, tuple[str, tuple[int, int]]] = {}
        seen: set[str] = set()
        for index, entry in enumerate(self._list("images")):
            place = f"images[{index}]"
            if not isinstance(entry, dict):
                self._say(place, f"{_show(entry)} is not an object")
                continue
            key: Any = entry.get("id")
            name: Any = entry.get("file_name")
            rows: Any = entry.get("height")
            cols: Any = entry.get("width")
            good = True
            if not _whole(key) or key in images:
                self._say(place + ".id", f"{_show(key)} is not a whole number of its own")
                good = False
            if not isinstance(name, str) or not name or name in seen:
                twice = " (it stands twice)" if isinstance(name, str) and name in seen else ""
                self._say(place + ".file_name", f"{_show(name)} is not a name of its own{twice}")
                good = False
            for field, value in (("height", rows), ("width", cols)):
                if not _whole(value) or not 1 <= value < _MAX_SIDE:
                    self._say(f"{place}.{field}", f"{_show(value)} is not a positive whole number")
                    good = False
            if good:
                seen.add(name)
                images[key] = (name, (rows, cols))
        return images

    def _box(self, value: Any, size: tuple[int, int], place: str) -> list[float] | None:
        if not isinstance(value, list) or len(value) != 4 or not all(_real(n) for n in value):
            self._say(place, f"{_show(value)} is not [x, y, width, height]")
            return None
        x, y, width, height = (float(n) for n in value)
        if width <= 0 or height <= 0:
            self._say(place, f"{_show(value)} has no area")
            return None
        if x >= size[1] or y >= size[0] or x + width <= 0 or y + height <= 0:
            self._say(
                place,
                f"{_show(value)} lies outside of its image of {size[1]} x {size[0]} "
                "(width x height)",
            )
            return None
        return [x, y, x + width, y + height]


def write_coco(
    path: str | os.PathLike[str], annotations: Annotations | Sequence[ImageBoxes]
) -> None:
    """Write annotations as a COCO file, atomically; :func:`read_coco` gives them back.

    Raises
    ------
    FormatError
        Two images have the same name, or a box is not finite.
    """
    images = list(annotations)
    classes = list(annotations.classes) if isinstance(annotations, Annotations) else []
    for one in images:
        classes.extend(name for name in dict.fromkeys(one.classes) if name not in classes)
    numbers = {name: index for index, name in enumerate(classes, 1)}
    if len({one.image for one in images}) < len(images):
        raise FormatError("write_coco: two images have the same name; give each its own")
    entries: list[dict[str, Any]] = []
    for index, one in enumerate(images, 1):
        if not np.isfinite(one.boxes).all():
            raise FormatError(f"write_coco: {printable(one.image)}: a box is not finite")
        assert one.crowd is not None
        for box, name, crowd in zip(one.boxes.tolist(), one.classes, one.crowd.tolist()):
            x0, y0, x1, y1 = box
            entries.append(
                {
                    "id": len(entries) + 1,
                    "image_id": index,
                    "category_id": numbers[name],
                    "bbox": [x0, y0, x1 - x0, y1 - y0],
                    "area": (x1 - x0) * (y1 - y0),
                    "iscrowd": int(crowd),
                }
            )
    content = {
        "info": {"description": "written by spel"},
        "images": [
            {"id": i, "file_name": one.image, "width": one.size[1], "height": one.size[0]}
            for i, one in enumerate(images, 1)
        ],
        "categories": [{"id": number, "name": name} for name, number in numbers.items()],
        "annotations": entries,
    }
    write_text(path, json.dumps(content, indent=1, allow_nan=False) + "\n")


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 63


def _real(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return abs(value) < 1e15 and math.isfinite(value)


def _show(value: Any) -> str:
    if value is None:
        return "nothing"
    text = printable(json.dumps(value) if not isinstance(value, str) else repr(value))
    return text if len(text) <= 60 else text[:59] + "…"
