"""Comma-separated values: one row per box, an empty one for an image without boxes."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from spel.atomic import write_text
from spel.errors import FormatError
from spel.io.images import clean
from spel.io.results import Result

from .shared import Collector, escape_cell, shown, text_of, unescape_cell

_FIELDS = ("image", "rows", "cols", "orientation", "x0", "y0", "x1", "y1", "score", "area", "class")


def write(path: Path, results: list[Result]) -> None:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_FIELDS)
    for one in results:
        head = [escape_cell(one.image), *one.size, one.orientation]
        names = one.classes or ("",) * len(one)
        for box, score, area, name in zip(
            one.boxes.tolist(), one.scores.tolist(), one.areas.tolist(), names
        ):
            writer.writerow([*head, *map(repr, box), repr(score), repr(area), escape_cell(name)])
        if not len(one):
            writer.writerow([*head, *[""] * 7])
    write_text(path, out.getvalue())


def read(path: Path) -> list[Result]:
    text = text_of(path)
    rows = csv.reader(io.StringIO(text, newline=""))
    problems: list[str] = []
    collected = Collector()
    try:
        if next(rows, None) != list(_FIELDS):
            raise FormatError(f"{shown(path)}: its first line is not {','.join(_FIELDS)}")
        for row in rows:
            if not row:
                continue
            try:
                image, height, width, turn, x0, y0, x1, y1, score, area, name = row
                entry = collected.image(unescape_cell(image), (int(height), int(width)), int(turn))
                if x0:
                    numbers = [float(n) for n in (x0, y0, x1, y1, score, area)]
                    entry.add(numbers[:4], numbers[4], numbers[5], unescape_cell(name))
            except ValueError as error:
                problems.append(f"line {rows.line_num}: {clean(str(error))}")
    except csv.Error as error:
        problems.append(f"line {rows.line_num}: {error}")
    return collected.results(path, problems)
