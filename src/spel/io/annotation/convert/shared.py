"""What the converters share: names made safe, boxes collected by image, damage with its place."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from spel.atomic import make_folder, write_text
from spel.errors import FormatError, printable
from spel.io.annotation.results import Result
from spel.io.text_files import MIB, problems_error, read_limited

LARGE = 512 * MIB
ONE_CLASS = "object"
_FORMULA = "=+-@\t\r\n'"


def escape_cell(text: str) -> str:
    r"""A name as a cell: no control characters, and nothing that a spreadsheet takes for a formula.

    >>> escape_cell("=1+2"), escape_cell("a\x1b"), escape_cell("plain.png")
    ("'=1+2", 'a\\x1b', 'plain.png')
    """
    text = "".join(
        "\\\\" if c == "\\" else c if c.isprintable() else c.encode("unicode_escape").decode()
        for c in text
    )
    return "'" + text if text[:1] and text[0] in _FORMULA else text


def unescape_cell(text: str) -> str:
    """Undo :func:`escape_cell`."""
    if text[:1] == "'" and text[1:2] and text[1] in _FORMULA:
        text = text[1:]
    codes = r"\\(\\|[tnr]|x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8})"
    return re.sub(codes, lambda m: _unescaped(m[1]), text)


def _unescaped(code: str) -> str:
    if len(code) == 1:
        return {"\\": "\\", "t": "\t", "n": "\n", "r": "\r"}[code]
    number = int(code[1:], 16)
    return chr(number) if number < 0x110000 else ""


class Entry:
    def __init__(self, size: tuple[int, int], orientation: int) -> None:
        if not all(0 <= n < 1 << 31 for n in size) or not 1 <= orientation <= 8:
            raise ValueError(f"size {size} or orientation {orientation} is impossible")
        self.size, self.orientation = size, orientation
        self.rows: list[tuple[list[float], float, float, str]] = []
        self.frame: int | None = None
        self.seconds: float | None = None

    def add(self, box: Sequence[float], score: float, area: float, name: str) -> None:
        if not np.isfinite([*box, score, area]).all():
            raise ValueError("a number is not finite")
        if box[0] > box[2] or box[1] > box[3]:
            raise ValueError("the corners of the box are in the wrong order")
        self.rows.append((list(box), score, area, name))


class Collector:
    """Boxes by image, in the order in which images are first named."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}

    def image(self, name: str, size: tuple[int, int], orientation: int = 1) -> Entry:
        entry = self.entries.setdefault(name, Entry(size, orientation))
        if (entry.size, entry.orientation) != (size, orientation):
            raise ValueError(f"{printable(name)} has two sizes or orientations")
        return entry

    def known(self, name: Any) -> Entry:
        if not isinstance(name, str) or name not in self.entries:
            raise ValueError(f"{printable(str(name)[:40])} is no image of this file")
        return self.entries[name]

    def results(self, path: Path, problems: list[str]) -> list[Result]:
        if problems:
            raise problems_error(os.fsdecode(path), problems)
        return [
            Result(
                name,
                entry.size,
                np.array([r[0] for r in entry.rows]).reshape(-1, 4),
                np.array([r[1] for r in entry.rows]),
                np.array([r[2] for r in entry.rows]),
                ()
                if all(r[3] in ("", ONE_CLASS) for r in entry.rows)
                else tuple(r[3] or ONE_CLASS for r in entry.rows),
                entry.orientation,
                frame=entry.frame,
                seconds=entry.seconds,
            )
            for name, entry in self.entries.items()
        ]


class placed:
    """Turns whatever a damaged entry raises into a problem with its place."""

    def __init__(self, problems: list[str], place: str) -> None:
        self.problems, self.place = problems, place

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> bool:
        if isinstance(error, FormatError) or not isinstance(
            error, (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError)
        ):
            return False
        what = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        self.problems.append(f"{printable(self.place)}: {printable(what[:300])}")
        return True


def safe_stem(image: str) -> str:
    """A file name for what belongs to an image, without its folders and suffix."""
    parts = [part for part in image.replace("\\", "/").split("/") if part not in ("", ".", "..")]
    name = "__".join(parts) or "image"
    name, _, frame = name.partition("#frame=")
    stem = name[: name.rfind(".")] if "." in name[1:] else name
    stem += f"-{frame}" if frame else ""
    stem = "".join(c if c.isprintable() and c not in '<>:"|?*' else "_" for c in stem)
    while len(stem.encode()) > 200:
        stem = stem[:-1]
    return stem.lstrip(".") or "image"


def files(folder: Path, results: list[Result], suffix: str) -> list[tuple[Path, Result]]:
    names = [safe_stem(one.image) for one in results]
    check_distinct([name.casefold() for name in names])  # some file systems know no capitals
    make_folder(folder)
    return [(folder / (name + suffix), one) for name, one in zip(names, results)]


def check_distinct(names: list[str]) -> None:
    """Refuse two images of one name."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise FormatError(
                f"two images would share the name {printable(name)!r}; rename one or use csv"
            )
        seen.add(name)


def class_names(results: list[Result]) -> list[str]:
    return list(dict.fromkeys(n for one in results for n in one.classes)) or [ONE_CLASS]


def box_rows(one: Result) -> list[tuple[list[float], float, float, str]]:
    names = one.classes or (ONE_CLASS,) * len(one)
    return list(zip(one.boxes.tolist(), one.scores.tolist(), one.areas.tolist(), names))


def dump(path: Path, content: Any) -> None:
    write_text(path, json.dumps(content, indent=1, allow_nan=False) + "\n")


def text_of(path: Path, max_bytes: int = LARGE) -> str:
    try:
        return read_limited(path, max_bytes).decode("utf-8")
    except UnicodeDecodeError as error:
        raise FormatError(f"{shown(path)}: it is not UTF-8 (byte {error.start})") from None


def shown(path: Path) -> str:
    return printable(os.fsdecode(path))
