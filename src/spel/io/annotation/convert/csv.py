"""Comma-separated values: one row per box, and a row without a box for an image that has none.

Tables of other programs are read by their column names: an image, four corners (``x0 y0 x1 y1``,
``xmin ymin xmax ymax``, ``left top right bottom``) or a corner and a size (``x y w h``), and
optionally a class, a score and the size of the image.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from spel.atomic import write_text
from spel.errors import FormatError, printable
from spel.io.annotation.annotations import UNKNOWN_SIZE, Annotations, ImageBoxes
from spel.io.text_files import read_text

from .collector import Collector, Entry, real, whole
from .escapes import escape_cell, unescape_cell
from .file_names import LARGE

__all__ = ["read", "write"]

_FIELDS = ("image", "rows", "cols", "orientation", "x0", "y0", "x1", "y1", "score", "area", "class")
_MOMENT = ("frame", "seconds")
_VOLUME = ("planes", "z0", "z1")
_ALIASES = {
    "image": ("filename", "file_name", "file", "image_path", "path", "image_name", "imageid",
              "image_id", "img", "img_path"),
    "rows": ("height", "image_height", "img_height"),
    "cols": ("width", "image_width", "img_width"),
    "x0": ("xmin", "x_min", "x1", "left", "xtl", "bbox_x0", "bbox_xmin"),
    "y0": ("ymin", "y_min", "y1", "top", "ytl", "bbox_y0", "bbox_ymin"),
    "x1": ("xmax", "x_max", "x2", "right", "xbr", "bbox_x1", "bbox_xmax"),
    "y1": ("ymax", "y_max", "y2", "bottom", "ybr", "bbox_y1", "bbox_ymax"),
    "x": ("bbox_x",),
    "y": ("bbox_y",),
    "w": ("bbox_width", "bbox_w", "box_width"),
    "h": ("bbox_height", "bbox_h", "box_height"),
    "planes": ("image_depth", "slices"),
    "z0": ("zmin", "z_min", "bbox_zmin"),
    "z1": ("zmax", "z_max", "bbox_zmax"),
    "class": ("label", "class_name", "label_name", "labelname", "name", "category"),
    "score": ("confidence", "conf", "probability"),
}  # fmt: skip


def read(path: Path, collector: Collector) -> None:
    """Read a table with a line of column names."""
    text = read_text(path, LARGE)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text))
    cells: dict[int, dict[str, str]] = {}
    own = False
    try:
        head = next(rows, None) or []
        columns, own = _columns(head, path), tuple(head[: len(_FIELDS)]) == _FIELDS
        for row in filter(None, rows):
            with collector.at(f"line {rows.line_num}"):
                if len(row) != len(head):
                    raise ValueError(f"{len(row)} cells; expected {len(head)}")
                cells[rows.line_num] = _cells(row, columns, own)
    except csv.Error as error:
        collector.problems.append(f"line {rows.line_num}: {error}")
    shares = not own and _are_shares(cells.values())
    if shares:
        collector.note("no corner is above 1; corners are taken for shares of the image's size")
    for line, one in cells.items():
        with collector.at(f"line {line}"):
            _row(one, collector, shares)


def _delimiter(text: str) -> str:
    """What stands between the names of the first line: a comma, semicolon or tab."""
    head = text.split("\n", 1)[0]
    return max(",;\t", key=head.count)


def _are_shares(rows: Iterable[Mapping[str, str]]) -> bool:
    """Whether all corners of a table are from 0 to 1, as OpenImages has them."""
    words = [row.get(name, "") for row in rows for name in ("x0", "y0", "x1", "y1", *"xywh")]
    words = [word for word in words if word]
    try:
        return bool(words) and all(0 <= float(word) <= 1 for word in words)
    except ValueError:  # a word that is no number is named with its line
        return False


def _cells(row: list[str], columns: Mapping[str, int], own: bool) -> dict[str, str]:
    """The cells of a row by their fields; names keep their blanks, and spel's escapes end here."""
    names = {name: row[columns[name]] for name in ("image", "class") if name in columns}
    if own:
        names = {name: unescape_cell(cell) for name, cell in names.items()}
    return {name: row[index].strip() for name, index in columns.items()} | names


def _columns(head: list[str], path: Path) -> dict[str, int]:
    """Index of each field that the table has."""
    exact = [name.strip() for name in head]
    if exact[: len(_FIELDS)] == list(_FIELDS):
        return {name: index for index, name in enumerate(exact)}
    lower = [name.lower().replace(" ", "_") for name in exact]
    corners = {"xmin", "x_min", "left", "xtl", "x0"} & set(lower)
    columns: dict[str, int] = {}
    for field in (*_FIELDS, *_MOMENT, *_VOLUME, *("x", "y", "w", "h")):
        for name in (field, *_ALIASES.get(field, ())):
            # x1 is the far corner beside x0 or xmin, and the near one beside x2.
            if field in ("x1", "y1") and name == field and not corners:
                continue
            if name in lower and lower.index(name) not in columns.values():
                columns[field] = lower.index(name)
                break
    if {"x", "y"} <= columns.keys() and "w" not in columns and {"rows", "cols"} <= columns.keys():
        columns["w"], columns["h"] = columns.pop("cols"), columns.pop("rows")
    boxed = {"x0", "y0", "x1", "y1"} <= columns.keys() or {"x", "y", "w", "h"} <= columns.keys()
    if "image" not in columns or not (boxed or "class" in columns):
        raise FormatError(
            f"{printable(str(path))}: its first line names no image and box or class; expected "
            f"columns like {','.join(_FIELDS)}, or filename,xmin,ymin,xmax,ymax,class"
        )
    return columns


def _row(cells: Mapping[str, str], collector: Collector, shares: bool) -> None:
    """Add the box of one row."""
    name, orientation = cells["image"], int(cells.get("orientation") or 1)
    size: tuple[int, ...] = UNKNOWN_SIZE
    if cells.get("rows") and cells.get("cols"):
        axes = ("planes", "rows", "cols") if cells.get("planes") else ("rows", "cols")
        size = tuple(whole(cells[axis]) for axis in axes)
    elif collector.files is not None:
        file = collector.files.find(name)
        if file is not None:
            name, size, orientation = file.name, file.size, file.orientation
    entry = collector.image(name, size, orientation)
    if cells.get("frame"):
        entry.frame = int(cells["frame"])
        entry.seconds = float(cells["seconds"]) if cells.get("seconds") else None
    if "x1" not in cells and "w" not in cells:
        return _whole_image(entry, cells["class"], collector)
    corners = ("x0", "y0", "x1", "y1") if "x1" in cells else ("x", "y", "w", "h")
    words = [cells[corner] for corner in corners]
    if not any(words):
        return None
    box = [real(word) for word in words]
    if "x1" not in cells:
        box = [box[0], box[1], box[0] + box[2], box[1] + box[3]]
    if shares:
        if entry.size == UNKNOWN_SIZE:
            raise ValueError("the size of its image is unknown; give the folder of images")
        box = [share * side for share, side in zip(box, (entry.size[-1], entry.size[-2]) * 2)]
    if cells.get("z0") or cells.get("z1"):
        box = [*box[:2], real(cells["z0"]), *box[2:], real(cells["z1"])]
    score, area = (real(cells[n]) if cells.get(n) else None for n in ("score", "area"))
    entry.add(box, cells.get("class", ""), score=score, area=area)
    return None


def _whole_image(entry: Entry, name: str, collector: Collector) -> None:
    """Add a box around the whole image, for tables with a class per image."""
    if entry.size == UNKNOWN_SIZE:
        raise ValueError("the size of its image is unknown; give the folder of images")
    if not name.strip():
        raise ValueError("its cell of the class is empty; name a class, or remove the line")
    if entry.classes and name != entry.classes[0]:
        raise ValueError(
            f"its image has the class {entry.classes[0]!r} from a line before; keep one of them"
        )
    collector.note("the table has no boxes; each class is that of the whole image")
    entry.add([0] * len(entry.size) + list(entry.size[::-1]), name)


def write(path: Path, annotations: Annotations) -> None:
    """Write a table."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    moments = any(one.frame is not None for one in annotations)
    volumes = any(len(one.size) == 3 for one in annotations)
    writer.writerow(_FIELDS + _MOMENT * moments + _VOLUME * volumes)
    for one in annotations:
        moment = [_cell(one.frame), _cell(one.seconds)] if moments else []
        for row, planes in zip(_rows(one, named=bool(annotations.classes)), _planes(one)):
            writer.writerow([*row, *moment, *(planes if volumes else [])])
    write_text(path, out.getvalue())


def _rows(one: ImageBoxes, named: bool) -> Iterator[list[object]]:
    axes = len(one.size)
    head = [escape_cell(one.image), *one.size[-2:], one.orientation]
    for index, box in enumerate(one.boxes[:, [0, 1, axes, axes + 1]].tolist()):
        score = "" if one.scores is None else repr(float(one.scores[index]))
        area = "" if one.areas is None else repr(float(one.areas[index]))
        name = escape_cell(one.classes[index]) if named else ""
        yield [*head, *map(repr, box), score, area, name]
    if not len(one):
        yield [*head, *[""] * 7]


def _planes(one: ImageBoxes) -> Iterator[list[object]]:
    """The cells of a volume for each row of `_rows`; empty ones for an image."""
    volume = len(one.size) == 3
    head: list[object] = [one.size[0] if volume else ""]
    for box in one.boxes.tolist():
        yield [*head, *([repr(box[2]), repr(box[5])] if volume else ["", ""])]
    if not len(one):
        yield [*head, "", ""]


def _cell(value: float | None) -> str:
    return "" if value is None else repr(value)
