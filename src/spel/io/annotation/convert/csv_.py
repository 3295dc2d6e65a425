"""Comma-separated values: one row per box, an empty one for an image without boxes.

Frames of videos bring two columns more, ``frame`` and ``seconds``.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path

from spel.atomic import write_text
from spel.errors import FormatError, printable
from spel.io.annotation.results import Result

from .shared import Collector, escape_cell, shown, text_of, unescape_cell

_FIELDS = ("image", "rows", "cols", "orientation", "x0", "y0", "x1", "y1", "score", "area", "class")
_MOMENT = ("frame", "seconds")


def write(path: Path, results: list[Result]) -> None:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    moments = any(one.frame is not None for one in results)
    writer.writerow(_FIELDS + _MOMENT if moments else _FIELDS)
    for one in results:
        when = [_told(one.frame), _told(one.seconds)] if moments else []
        head = [escape_cell(one.image), *one.size, one.orientation]
        names = one.classes or ("",) * len(one)
        for box, score, area, name in zip(
            one.boxes.tolist(), one.scores.tolist(), one.areas.tolist(), names
        ):
            cells = [*map(repr, box), repr(score), repr(area), escape_cell(name)]
            writer.writerow([*head, *cells, *when])
        if not len(one):
            writer.writerow([*head, *[""] * 7, *when])
    write_text(path, out.getvalue())


def _told(value: float | None) -> str:
    return "" if value is None else repr(value)


def read(path: Path) -> list[Result]:
    text = text_of(path)
    rows = csv.reader(io.StringIO(text, newline=""))
    problems: list[str] = []
    collected = Collector()
    try:
        first = next(rows, None)
        if first not in (list(_FIELDS), [*_FIELDS, *_MOMENT]):
            raise FormatError(f"{shown(path)}: its first line is not {','.join(_FIELDS)}")
        for row in rows:
            if not row:
                continue
            try:
                moment = row[len(_FIELDS) :]
                image, height, width, turn, x0, y0, x1, y1, score, area, name = row[: len(_FIELDS)]
                entry = collected.image(unescape_cell(image), (int(height), int(width)), int(turn))
                if moment and moment[0]:
                    frame, seconds = moment
                    entry.frame, entry.seconds = int(frame), float(seconds) if seconds else None
                if x0:
                    numbers = [float(n) for n in (x0, y0, x1, y1, score, area)]
                    entry.add(numbers[:4], numbers[4], numbers[5], unescape_cell(name))
            except ValueError as error:
                problems.append(f"line {rows.line_num}: {printable(str(error))}")
    except csv.Error as error:
        problems.append(f"line {rows.line_num}: {error}")
    return collected.results(path, problems)
