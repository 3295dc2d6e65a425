"""YOLO: a text file per image with a line ``class x y width height [score]`` per box.

All but the class number and the score are shares of the image's size, so that sizes must be known:
from the images themselves, or from ``images.json``, which spel writes beside the labels. Names of
classes come from ``data.yaml``, ``classes.txt`` or ``obj.names``. Lines of segmentation data sets
(``class x1 y1 x2 y2 x3 y3 ...``) give the box around their polygon.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from spel.atomic import write_text
from spel.errors import FormatError, plural, printable
from spel.io.annotation.annotations import ONE_CLASS, Annotations, ImageBoxes
from spel.io.annotation.image_folder import ImageFile, ImageFolder
from spel.io.json_files import read_json
from spel.io.text_files import MIB, read_text

from .collector import Collector, real
from .file_names import LARGE, dump, named_files, safe_stem, stems

__all__ = ["class_names", "read", "write"]

_CLASS_FILES = ("data.yaml", "data.yml", "dataset.yaml", "classes.txt", "obj.names", "names.txt")
_PARTS = ("labels", "train", "val", "valid", "test", "obj_train_data")
"""Folders inside a data set, whose class file stands above them."""

_YAML = (".yaml", ".yml")
_NOT_LABELS = ("classes.txt", "names.txt", "train.txt", "val.txt", "test.txt", "readme.txt")


def read(path: Path, collector: Collector) -> None:
    """Read a folder of label files, a data set's root, or its ``data.yaml``."""
    root = path if path.is_dir() else _root_of(path)
    names = class_names(path)
    collector.keypoints = _keypoints(_class_file(path))
    if collector.keypoints:
        collector.note("keypoints are left out; the boxes are read")
    sizes = _own_sizes(root)
    if sizes is not None:
        _read_own(root, sizes, names, collector)
    else:
        _read_labels(root, names, collector)
    collector.classes = [names[key] for key in sorted(names)]


def class_names(path: Path) -> dict[int, str]:
    """Names by number from the class file of a data set; empty if there is none."""
    file = _class_file(path)
    return {} if file is None else _names_of(file)


def _class_file(path: Path) -> Path | None:
    """The class file of a data set, beside its labels or above them."""
    if path.is_file():
        return path
    folder = path
    while True:
        for name in _CLASS_FILES:
            if (folder / name).is_file():
                return folder / name
        if folder.name not in _PARTS:
            return None
        folder = folder.parent


def _keypoints(path: Path | None) -> int:
    """How many numbers of keypoints stand behind each box, by the ``kpt_shape`` of a YAML file."""
    shape = _yaml(path).get("kpt_shape") if path is not None and path.suffix in _YAML else None
    if not isinstance(shape, list) or not all(type(n) is int and 0 < n < 1000 for n in shape):
        return 0
    return math.prod(shape)


def _names_of(path: Path) -> dict[int, str]:
    if path.suffix not in _YAML:
        lines = [line.rstrip("\r") for line in read_text(path).split("\n")]
        return dict(enumerate(lines[:-1] if lines and not lines[-1] else lines))
    names = _yaml(path).get("names")
    if isinstance(names, list):
        return {number: str(name) for number, name in enumerate(names)}
    if isinstance(names, dict) and all(str(key).isdecimal() for key in names):
        return {int(key): str(name) for key, name in names.items()}
    raise FormatError(f"{printable(str(path))}: names is missing, or neither a list nor a mapping")


def _yaml(path: Path) -> dict[Any, Any]:
    import yaml

    try:
        content = yaml.safe_load(read_text(path, MIB))
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise FormatError(f"{printable(str(path))}: it is not YAML ({error!s:.200})") from None
    return content if isinstance(content, dict) else {}


def _root_of(path: Path) -> Path:
    """The folder of a data set: its YAML file may stand elsewhere and name it as ``path``."""
    stated = _yaml(path).get("path") if path.suffix in _YAML else None
    if isinstance(stated, str):
        for place in (path.parent / stated, path.parent.parent / stated):
            if place.is_dir():
                return place
    return path.parent


def _own_sizes(root: Path) -> dict[str, Any] | None:
    path = root / "images.json"
    if not path.is_file():
        return None
    sizes = read_json(path, max_bytes=LARGE, max_depth=4)
    if not isinstance(sizes, dict):
        raise FormatError(f"{printable(str(path))}: expected an object of names and sizes")
    return sizes


def _read_own(
    root: Path, sizes: dict[str, Any], names: dict[int, str], collector: Collector
) -> None:
    """A folder that spel wrote: every image stands in images.json with its full name."""
    files = _own_files(root, list(sizes))
    for image, size in sizes.items():
        with collector.at("images.json"):
            rows, cols = size
            entry = collector.image(image, (int(rows), int(cols)))
            _read_file(files[image], entry, names, collector)
    others = {file.name for file in _label_files(root)} - {file.name for file in files.values()}
    if others:
        collector.note(
            f"left out: {plural(len(others), 'label file')} of images that images.json does not "
            f"name, for example {printable(min(others))}"
        )


def _own_files(root: Path, images: list[str]) -> dict[str, Path]:
    """The label files of the images of a folder that spel wrote."""
    files = {}
    for image, stem in zip(images, stems(images)):
        file = root / f"{stem}.txt"
        if not file.exists():  # as version 0.1 named it
            file = root / f"{safe_stem(image)}.txt"
        files[image] = file
    return files


def _read_labels(root: Path, names: dict[int, str], collector: Collector) -> None:
    labels = sorted(_label_files(root))
    if not labels:
        raise FormatError(f"{printable(str(root))}: no label file (.txt) is there or in labels/")
    files = collector.files if collector.files is not None else _images_beside(root)
    unknown = []
    for label in labels:
        image = _image_of(label, root, files)
        if image is None:
            unknown.append(label.name)
            continue
        with collector.at(label.name):
            entry = collector.image(image.name, image.size, image.orientation)
            _read_file(label, entry, names, collector)
    if unknown and not collector.entries:
        raise FormatError(f"{printable(str(root))}: {_no_image(unknown[0], files)}")
    if files is not None:
        unlabelled = [name for name in files.names if name not in collector.entries]
        if unlabelled:
            collector.note(
                f"left out: {plural(len(unlabelled), 'image')} without a label file, for example "
                f"{printable(unlabelled[0])}; an empty file marks an image without objects"
            )
    collector.problems += [
        f"{printable(name)}: there is no image of this name, or several" for name in unknown
    ]
    if not names:
        collector.note(
            "no data.yaml, classes.txt or obj.names is there; classes are named by their numbers"
        )


def _no_image(label: str, files: ImageFolder | None) -> str:
    if files is None:
        return (
            "the sizes of the images are unknown, and YOLO's numbers are shares of them; give the "
            "folder of images (--images, or images=)"
        )
    return (
        f"no label file has an image of its name among the {plural(len(files.names), 'image')}, or "
        f"each has several, for example {printable(label)}; name the folder that they belong to"
    )


def _label_files(root: Path) -> Iterator[Path]:
    folder = root / "labels" if (root / "labels").is_dir() else root
    for file in folder.rglob("*.txt"):
        name = file.name.lower()
        if name not in _NOT_LABELS and not name.startswith((".", "readme")):
            yield file


def _images_beside(root: Path) -> ImageFolder | None:
    """The images of a data set: in ``images`` beside ``labels``, or among the labels."""
    places = [root / "images", root]
    parts = root.parts
    if "labels" in parts:  # .../labels/train -> .../images/train
        at = len(parts) - 1 - parts[::-1].index("labels")
        places.insert(0, Path(*parts[:at], "images", *parts[at + 1 :]))
    for place in places:
        if place.is_dir():
            try:
                return ImageFolder(place)
            except ValueError:  # no image in it
                continue
    return None


def _image_of(label: Path, root: Path, files: ImageFolder | None) -> ImageFile | None:
    if files is None:
        return None
    folder = root / "labels" if (root / "labels").is_dir() else root
    parts = label.relative_to(folder).with_suffix("").parts
    if "labels" in parts:  # train/labels/a -> train/images/a
        at = len(parts) - 1 - parts[::-1].index("labels")
        twin = files.find("/".join((*parts[:at], "images", *parts[at + 1 :])))
        if twin is not None:
            return twin
    return files.find("/".join(parts)) or files.find(label.stem)


def _read_file(file: Path, entry: Any, names: dict[int, str], collector: Collector) -> None:
    rows, cols = entry.size
    for number, line in enumerate(read_text(file).splitlines(), 1):
        if not line.strip():
            continue
        with collector.at(f"{file.name}, line {number}"):
            kind, *words = line.split()
            values = [real(word) for word in words]
            if collector.keypoints and len(values) == 4 + collector.keypoints:
                values = values[:4]
            key = int(real(kind)) if real(kind) == int(real(kind)) else -1
            if key < 0 or (names and key not in names):
                raise ValueError(f"class {kind} is not among the {len(names)} names")
            x0, y0, x1, y1, score = _corners(values)
            box = [x0 * cols, y0 * rows, x1 * cols, y1 * rows]
            entry.add(box, names.get(key, str(key)) if names else str(key), score=score)


def _corners(values: list[float]) -> tuple[float, float, float, float, float | None]:
    if len(values) in (4, 5):
        x, y, width, height = values[:4]
        corners = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
        return (*corners, values[4] if len(values) == 5 else None)
    if len(values) >= 6 and len(values) % 2 == 0:  # a polygon
        xs, ys = values[::2], values[1::2]
        return min(xs), min(ys), max(xs), max(ys), None
    raise ValueError(
        f"{len(values)} numbers behind the class; expected 4 (x y width height), 5 with a score, "
        "or the corners of a polygon"
    )


def write(folder: Path, annotations: Annotations) -> None:
    """Write labels, ``classes.txt`` and ``images.json``.

    A class file that is in the folder already keeps its numbers; new names are added behind them.
    Images that were written there before stay, and the folder is as if all were written at once.
    """
    names = _numbering(folder, annotations)
    numbers = {name: number for number, name in enumerate(names)}
    sizes = _own_sizes(folder) or {}
    files = _own_files(folder, list(sizes))
    written = {one.image: list(one.size) for one in annotations}
    earlier = [image for image in sizes if image not in written]
    targets = named_files(folder, annotations.images, ".txt", earlier)
    now = zip([*earlier, *written], stems([*earlier, *written]))
    _move({files[image]: folder / f"{stem}.txt" for image, stem in now if image in files})
    for target, one in targets:
        write_text(target, "".join(_line(one, index, numbers) for index in range(len(one))))
    write_text(folder / "classes.txt", "".join(name + "\n" for name in names))
    dump(folder / "images.json", {image: sizes[image] for image in earlier} | written)


def _move(places: dict[Path, Path]) -> None:
    """Rename files, of which some may take the names that others have."""
    moved = {old: new for old, new in places.items() if old != new and old.exists()}
    for old in moved:
        old.replace(old.with_suffix(".moving"))
    for old, new in moved.items():
        old.with_suffix(".moving").replace(new)


def _numbering(folder: Path, annotations: Annotations) -> list[str]:
    names = list(annotations.all_classes)
    files = [folder / name for name in _CLASS_FILES if (folder / name).is_file()]
    earlier = _names_of(files[0]) if files else {}
    if earlier:
        present = [earlier[number] for number in sorted(earlier)]
        names = present + [name for name in names if name not in present and name != ONE_CLASS]
        if any(ONE_CLASS in one.classes for one in annotations) and ONE_CLASS not in present:
            names.append(ONE_CLASS)
    for name in names:
        if "\n" in name or "\r" in name or not name:
            raise FormatError(
                f"class {name!r:.60}: classes.txt holds one name a line; rename the class"
            )
    return names


def _line(one: ImageBoxes, index: int, numbers: dict[str, int]) -> str:
    rows, cols = one.size
    if not rows or not cols:
        raise FormatError(
            f"{printable(one.image)}: its size is unknown, and YOLO's numbers are shares of it; "
            "give the folder of images"
        )
    x0, y0, x1, y1 = one.boxes[index].tolist()
    if one.scores is None and (x0 == x1 or y0 == y1):
        raise FormatError(f"{printable(one.image)}: box {index} has no area; leave it out")
    shares = [(x0 + x1) / 2 / cols, (y0 + y1) / 2 / rows, (x1 - x0) / cols, (y1 - y0) / rows]
    if one.scores is not None:
        shares.append(float(one.scores[index]))
    return f"{numbers[one.classes[index]]} {' '.join(map(repr, shares))}\n"
