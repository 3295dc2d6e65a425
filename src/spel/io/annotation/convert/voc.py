"""Pascal VOC: one XML file per image.

The corners are pixels, counted from 1, and both belong to the box: ``(1, 1, 160, 100)`` is the
half-open box ``(0, 0, 160, 100)``. Boxes between pixels are written with decimals.

A difficult object need not be found, and answers on it are not counted as wrong: its box is marked
as that of a crowd.

A name that XML 1.0 cannot hold (control characters) is written with backslash escapes and the
attribute ``escaped="true"``.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape, unescape

from spel.atomic import write_text
from spel.errors import FormatError, printable
from spel.io.annotation.annotations import UNKNOWN_SIZE, Annotations, ImageBoxes
from spel.io.text_files import MIB, read_limited, read_text

from .collector import Collector, real, whole
from .escapes import escape_controls, unescape_controls
from .file_names import named_files

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

__all__ = ["read", "write"]

_CORNERS = ("xmin", "ymin", "xmax", "ymax")
_USED_OF_IMAGE = ("filename", "size", "object")
_USED_OF_OBJECT = ("name", "bndbox", "score", "area")
_ENCODING = re.compile(rb"<\?xml[^>]{1,80}encoding=[\"']([\w.-]{1,40})[\"']")
_FILE_NAME = re.compile(r"  <filename>([^<]+)</filename>\Z")
_XML_NAME = re.compile(r"[A-Za-z_][\w.-]*\Z")


def read(path: Path, collector: Collector) -> None:
    """Read the files of a folder, of its subfolder ``Annotations``, or one file."""
    inside = path / "Annotations"
    folder = inside if inside.is_dir() else path
    try:
        files = sorted(folder.glob("*.xml")) if folder.is_dir() else [folder]
    except OSError as error:
        raise FormatError(f"{printable(str(path))}: {error.strerror}; check the path") from None
    if not files or not (folder.is_dir() or folder.is_file()):
        raise FormatError(
            f"{printable(str(path))}: no .xml file is there; name the folder of the files"
        )
    names = _class_file(folder)
    for file in files:
        text = _decoded(file)
        if "<!" in text.replace("<!--", ""):  # entities can grow without limit
            collector.problems.append(
                f"{printable(file.name)}: it declares a document type; remove it"
            )
            continue
        with collector.at(file.name):
            _file(text, file, collector)
    collector.classes = names


def _class_file(folder: Path) -> list[str]:
    """Names in their order, where the folder has a ``classes.txt``."""
    path = folder / "classes.txt"
    return [line for line in read_text(path).splitlines() if line] if path.is_file() else []


def _decoded(file: Path) -> str:
    """The text of an XML file, in the encoding that it declares."""
    data = read_limited(file, 16 * MIB)
    declared = _ENCODING.match(data[:200])
    if declared is not None:
        with contextlib.suppress(LookupError, UnicodeDecodeError):  # else it is read as UTF-8
            return data.decode(declared[1].decode("ascii"))
    return read_text(file, 16 * MIB)


def _file(text: str, file: Path, collector: Collector) -> None:
    from xml.etree import ElementTree

    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        reason = f"no whole XML ({error})" if text.strip() else "empty"
        raise ValueError(f"the file is {reason}; export it again, or take it away") from None
    if root.tag.lower() != "annotation":
        advice = "; export it from CVAT as COCO or Pascal VOC" if root.tag == "annotations" else ""
        raise ValueError(f"its root is <{root.tag:.40}>; expected <annotation>{advice}")
    name = _text(root.find("filename")) or file.stem
    size = UNKNOWN_SIZE
    if root.find("size/width") is not None and root.find("size/height") is not None:
        size = (whole(_needed(root, "size/height")), whole(_needed(root, "size/width")))
    if 0 in size and collector.files is not None:
        image = collector.files.find(name)
        size = image.size if image is not None else UNKNOWN_SIZE
    entry = collector.image(name, size)
    entry.details = _tree(root, _USED_OF_IMAGE)
    for index, node in enumerate(root.findall("object")):
        with collector.at(f"{file.name}, object {index}"):
            xmin, ymin, xmax, ymax = (real(_needed(node, f"bndbox/{tag}")) for tag in _CORNERS)
            if min(xmin, ymin) == 0:
                collector.note(
                    "corners of 0 are there, but Pascal VOC counts pixels from 1: if these files "
                    "count from 0, all boxes are one pixel too far left and up"
                )
            score, area = node.findtext("score"), node.findtext("area")
            entry.add(
                [xmin - 1, ymin - 1, xmax, ymax],
                _needed(node, "name"),
                score=float(score) if score else None,
                area=float(area) if area else None,
                crowd=node.findtext("difficult", "0").strip() == "1",
                details=_tree(node, _USED_OF_OBJECT),
            )


def _needed(node: Element, path: str) -> str:
    part = node.find(path)
    if part is None or part.text is None:
        raise ValueError(f"<{path}> is missing")
    return _text(part)


def _text(node: Element | None) -> str:
    if node is None or node.text is None:
        return ""
    if node.get("escaped") == "true":
        return unescape_controls(node.text)
    return node.text.strip() if "\n" in node.text else node.text


def _tree(node: Element, used: tuple[str, ...] = ()) -> dict[str, list[Any]]:
    """Elements below one by their names, each a text or a tree of its own."""
    tree: dict[str, list[Any]] = {}
    for part in node:
        if part.tag not in used:
            tree.setdefault(part.tag, []).append(_tree(part) if len(part) else _text(part))
    return tree


def write(folder: Path, annotations: Annotations) -> None:
    """Write one file per image; other files of the same images are removed from the folder."""
    own = annotations.form == "voc"
    targets = named_files(folder, annotations.images, ".xml")
    for target, one in targets:
        write_text(target, "\n".join(_lines(one, own)) + "\n")
    _remove_twins(folder, {target.name for target, _ in targets}, {o.image for o in annotations})


def _remove_twins(folder: Path, written: set[str], images: set[str]) -> None:
    """Remove the files that an earlier call named otherwise: no image stands in a folder twice."""
    for file in folder.glob("*.xml"):
        if file.name not in written and _named_image(file) in images:
            file.unlink()


def _named_image(file: Path) -> str:
    """The image that a file which spel wrote names in its second line; empty for other files."""
    head = read_text(file, 16 * MIB).split("\n", 2)
    match = _FILE_NAME.match(head[1]) if len(head) > 2 and head[0] == "<annotation>" else None
    return "" if match is None else unescape(match[1])


def _lines(one: ImageBoxes, own: bool) -> list[str]:
    lines = ["<annotation>", f"  {_element('filename', one.image)}"]
    if own:
        lines += [f"  {_element(tag, value)}" for tag, value in one.details.items()]
    if 0 not in one.size:
        width, height = one.size[1], one.size[0]
        lines.append(f"  <size><width>{width}</width><height>{height}</height></size>")
    for index, ((x0, y0, x1, y1), name) in enumerate(zip(one.boxes.tolist(), one.classes)):
        if one.scores is None and (x0 == x1 or y0 == y1):
            raise FormatError(f"{printable(one.image)}: box {index} has no area; leave it out")
        parts = [_element("name", name)]
        if own and one.box_details:
            parts += [_element(tag, value) for tag, value in one.box_details[index].items()]
        if one.crowd[index] and not (own and one.box_details):
            parts.append(_element("difficult", 1))
        if one.scores is not None:
            parts.append(f"<score>{float(one.scores[index])!r}</score>")
        if one.areas is not None:
            parts.append(f"<area>{float(one.areas[index])!r}</area>")
        corners = zip(_CORNERS, (x0 + 1, y0 + 1, x1, y1))
        parts.append(f"<bndbox>{''.join(_element(tag, _number(n)) for tag, n in corners)}</bndbox>")
        lines.append(f"  <object>{''.join(parts)}</object>")
    return [*lines, "</annotation>"]


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


def _element(tag: str, value: Any) -> str:
    if not _XML_NAME.match(tag):
        raise FormatError(f"{printable(tag)!r} is not a name of XML; rename it")
    if isinstance(value, list):
        return "".join(_element(tag, part) for part in value)
    if isinstance(value, Mapping):
        return f"<{tag}>{''.join(_element(key, part) for key, part in value.items())}</{tag}>"
    text = str(value)
    escaped = escape_controls(text)
    if escaped == text.replace("\\", "\\\\"):  # nothing but backslashes, which XML holds
        return f"<{tag}>{escape(text)}</{tag}>"
    return f'<{tag} escaped="true">{escape(escaped)}</{tag}>'
