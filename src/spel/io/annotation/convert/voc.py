"""Pascal VOC: one XML file per image; corners are half-open floats, not 1-based pixels."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from spel.atomic import write_text
from spel.errors import FormatError
from spel.io.annotation.results import Result
from spel.io.text_files import MIB

from .shared import Collector, box_rows, escape_cell, files, placed, shown, text_of, unescape_cell


def write(folder: Path, results: list[Result]) -> None:
    for target, one in files(folder, results, ".xml"):
        lines = [
            "<annotation>",
            f"  <filename>{_xml(one.image)}</filename>",
            f"  <size><width>{one.size[1]}</width><height>{one.size[0]}</height></size>",
        ]
        for box, score, area, name in box_rows(one):
            corners = "".join(
                f"<{tag}>{value!r}</{tag}>"
                for tag, value in zip(("xmin", "ymin", "xmax", "ymax"), box)
            )
            lines.append(
                f"  <object><name>{_xml(name)}</name><score>{score!r}</score>"
                f"<area>{area!r}</area><bndbox>{corners}</bndbox></object>"
            )
        write_text(target, "\n".join([*lines, "</annotation>", ""]))


def read(folder: Path) -> list[Result]:
    from xml.etree import ElementTree

    problems: list[str] = []
    collected = Collector()
    try:
        paths = sorted(folder.glob("*.xml"))
    except OSError as error:
        raise FormatError(f"{shown(folder)}: {error.strerror}; check the path") from None
    if not paths:
        raise FormatError(f"{shown(folder)}: no .xml file is there; name the folder of the files")
    for path in paths:
        text = text_of(path, 16 * MIB)
        if "<!" in text:  # entities can grow without limit
            problems.append(f"{path.name}: it declares a document type; remove it")
            continue
        with placed(problems, path.name):
            try:
                root = ElementTree.fromstring(text)
            except ElementTree.ParseError as error:
                raise ValueError(str(error)) from None
            size = (int(_field(root, "size/height")), int(_field(root, "size/width")))
            entry = collected.image(unescape_cell(_field(root, "filename")), size)
            for one in root.findall("object"):
                box = [
                    float(_field(one, f"bndbox/{tag}")) for tag in ("xmin", "ymin", "xmax", "ymax")
                ]
                area = one.findtext("area")
                entry.add(
                    box,
                    float(one.findtext("score") or 1.0),
                    float(area) if area else (box[2] - box[0]) * (box[3] - box[1]),
                    unescape_cell(_field(one, "name")),
                )
    return collected.results(folder, problems)


def _field(node: Any, path: str) -> str:
    text = node.findtext(path)
    if text is None:
        raise ValueError(f"<{path}> is missing")
    return str(text)


def _xml(text: str) -> str:
    return escape(escape_cell(text), {'"': "&quot;"})
