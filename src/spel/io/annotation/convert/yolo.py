"""YOLO text files: class, centre, size (of the image's) and score, one file per image.

``classes.txt`` holds the names and ``images.json`` the sizes, without which boxes do not come back.
"""

from __future__ import annotations

from pathlib import Path

from spel.atomic import write_text
from spel.io.annotation.results import Result
from spel.io.json_files import read_json

from .shared import (
    LARGE,
    Collector,
    box_rows,
    class_names,
    dump,
    escape_cell,
    files,
    placed,
    safe_stem,
    text_of,
    unescape_cell,
)


def write(folder: Path, results: list[Result]) -> None:
    names = class_names(results)
    for target, one in files(folder, results, ".txt"):
        rows, cols = one.size
        lines = []
        for (x0, y0, x1, y1), score, _, name in box_rows(one):
            numbers = (
                (x0 + x1) / 2 / cols,
                (y0 + y1) / 2 / rows,
                (x1 - x0) / cols,
                (y1 - y0) / rows,
                score,
            )
            lines.append(f"{names.index(name)} " + " ".join(map(repr, numbers)) + "\n")
        write_text(target, "".join(lines))
    write_text(folder / "classes.txt", "".join(escape_cell(name) + "\n" for name in names))
    dump(folder / "images.json", {one.image: list(one.size) for one in results})


def read(folder: Path) -> list[Result]:
    names = [unescape_cell(line) for line in text_of(folder / "classes.txt").splitlines()]
    sizes = read_json(folder / "images.json", max_bytes=LARGE, max_depth=4)
    problems: list[str] = []
    collected = Collector()
    with placed(problems, "images.json"):
        for image, (rows, cols) in sizes.items():
            entry = collected.image(image, (int(rows), int(cols)))
            target = folder / (safe_stem(image) + ".txt")
            for number, line in enumerate(text_of(target).splitlines(), 1):
                with placed(problems, f"{target.name}, line {number}"):
                    kind, *numbers = line.split()
                    x, y, width, height, score = (float(n) for n in numbers)
                    box = [
                        (x - width / 2) * cols,
                        (y - height / 2) * rows,
                        (x + width / 2) * cols,
                        (y + height / 2) * rows,
                    ]
                    entry.add(box, score, width * cols * height * rows, names[int(kind)])
    return collected.results(folder, problems)
