"""Tables that other benchmarks print: run, written as Markdown, CSV and LaTeX, and compared.

They have intervals and tests over images only where their benchmarks print them. Columns of times
are written, and not compared.
"""

from __future__ import annotations

import csv
import io
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.science.expectation import differences, expect
from benchmarks.science.table import tex, write_forms
from spel.errors import SpelError

DATA = Path(__file__).parents[3] / "shared" / "data"
"""Where a benchmark without an option for it looks for its data."""

TIMES = re.compile(r"\b(s|ms|seconds|time)\b")
"""What the head of a column of times holds."""

NUMBERS = re.compile(r"[-–\d.,/()\[\]%± ]*\d[-–\d.,/()\[\]%± ]*")
"""A cell of figures: one, or several apart by strokes or in brackets."""

THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}\b)")
"""The commas in 10,000."""

Rows = list[list[str]]


@dataclass(frozen=True)
class Printed:
    """A benchmark, as the words after ``python``, and by how much its figures may differ.

    `data` is what its option ``--data`` takes, in the folder of the data; without it, it has no
    such option. With `out` it takes a folder of results.
    """

    title: str
    words: str
    tolerance: float = 0.03
    data: str | None = None
    out: bool = False


_PLATES = "-m benchmarks.plates.learned"
_CLASSIFY = "-m benchmarks.classify"

PRINTED = {
    "eggs-shipped": Printed(
        "Parasite eggs, the network that ships", "benchmarks/flim/parasite_eggs.py"
    ),
    "forest": Printed(
        "Strokes, beside a random forest", "-m benchmarks.classes forest --images 6", 0.04
    ),
    "cells": Printed("Rendered objects that touch", "-m benchmarks.classes cells"),
    "plates-methods": Printed(
        "Plates: networks built by hand, and other methods",
        "-m benchmarks.plates", data="plates", out=True,
    ),
    "plates-folds": Printed(
        "Plates, five folds", f"{_PLATES} cross", data="plates", out=True
    ),
    "plates-nested": Printed(
        "Plates, configuration chosen in each fold",
        f"{_PLATES} nested --folds 3", data="plates", out=True,
    ),
    "plates-few": Printed(
        "Plates, learned from few photos", f"{_PLATES} curve", 0.05, data="plates", out=True
    ),
    "plates-changed": Printed(
        "Plates in changed photos", f"{_PLATES} robust", 0.07, data="plates", out=True
    ),
    "plates-thresholds": Printed(
        "The network that ships, by threshold", f"{_PLATES} shipped", data="plates", out=True
    ),
    "plates-small": Printed(
        "Small plates, by enlargement", f"{_PLATES} small", data="plates", out=True
    ),
    "plates-classes": Printed(
        "Plates of three regions as three classes",
        "-m benchmarks.plates.classes --photos 6 --tests 6", data="plates",
    ),
    "proposals": Printed(
        "With and without proposals", "-m benchmarks.crowds", data="."
    ),
    "fashion": Printed(
        "Fashion-MNIST, test images", f"{_CLASSIFY} fashion --split test", 0.005,
        data=".", out=True,
    ),
    "fashion-few": Printed(
        "Fashion-MNIST, learning curves", f"{_CLASSIFY} curves", 0.01, data=".", out=True
    ),
    "fashion-backprop": Printed(
        "Fashion-MNIST, the same layers by backpropagation",
        f"{_CLASSIFY} backprop --split test --epochs 6", 0.01, data=".", out=True,
    ),
    "citrus-splits": Printed(
        "Citrus leaves, ten splits", f"{_CLASSIFY} citrus", 0.02, data=".", out=True
    ),
    "batch-normalization": Printed(
        "Lines between two classes, normalized", f"{_CLASSIFY} batch", 0.01, data=".", out=True
    ),
    "restore": Printed(
        "Restored photos, in dB", "-m benchmarks.synthesis restore --photos 8", 0.1
    ),
}  # fmt: skip
"""The tables by the names that ``spel reproduce`` takes."""


@dataclass(frozen=True)
class PrintedTable:
    """What a benchmark printed, with its tables found."""

    name: str
    source: Printed
    text: str

    @property
    def tables(self) -> list[Rows]:
        """The tables of the text."""
        return tables_of(self.text)

    def markdown(self) -> str:
        """The text under a title."""
        return f"**{self.source.title}** (`python {self.source.words}`)\n\n{self.text}"

    def csv(self) -> str:
        """One line per row; several tables are apart by an empty line."""
        out = io.StringIO()
        for number, rows in enumerate(self.tables):
            out.write("\n" if number else "")
            csv.writer(out, lineterminator="\n").writerows(rows)
        return out.getvalue()

    def latex(self) -> str:
        """A `tabular` for `booktabs` of each table."""
        return "\n".join(map(_tabular, self.tables))

    def means(self) -> dict[str, dict[str, float]]:
        """Every figure, by its row and its column."""
        return figures_of(self.tables)

    def write(self, folder: Path) -> list[Path]:
        """NAME.md, NAME.csv and NAME.tex."""
        forms = {"md": self.markdown(), "csv": self.csv(), "tex": self.latex()}
        return write_forms(folder, self.name, forms)

    def differences(self) -> list[str]:
        """What differs from the expected figures, which lie beside the tables."""
        return differences(self.name, self.means())

    def expect(self) -> None:
        """Write the present figures as those expected from now on."""
        expect(self.name, self.means(), self.source.tolerance)


def measure(name: str, data: Path, out: Path) -> PrintedTable:
    """Run the benchmark, and find its tables.

    Raises
    ------
    SpelError
        If the benchmark fails, prints no table, or reads no other folder of data.
    """
    source = PRINTED[name]
    words = shlex.split(source.words)
    if source.data is not None:
        words += ["--data", str(data / source.data)]
    elif data.resolve() != DATA.resolve():
        raise SpelError(
            f"reproduce: {name} reads its data from ../shared/data beside the repository; it takes "
            f"no other folder, and {data} is another one"
        )
    if source.out:
        words += ["--out", str(out / name)]
    # Scripts find the repository's packages as modules do.
    paths = [str(Path.cwd()), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    ran = subprocess.run(
        [sys.executable, *words], stdout=subprocess.PIPE, text=True, check=False, env=environment
    )
    table = PrintedTable(name, source, ran.stdout)
    if ran.returncode or not table.tables:
        raise SpelError(
            f"reproduce: python {source.words} ended with {ran.returncode} and printed "
            f"{len(table.tables)} tables; its own message stands above\n{ran.stdout[-500:]}"
        )
    return table


def tables_of(text: str) -> list[Rows]:
    """The Markdown tables of a text, each with its head first."""
    found: list[Rows] = []
    ahead = ""
    for line in text.splitlines():
        if not line.startswith("|"):
            ahead = ""
            continue
        cells = [_plain(cell) for cell in line.strip().strip("|").split("|")]
        if not set(line) <= set("|-: "):
            if ahead:
                found[-1].append(cells)
            else:
                found.append([cells])
        ahead = line
    return [rows for rows in found if len(rows) > 1]


def figures_of(tables: list[Rows]) -> dict[str, dict[str, float]]:
    """Every figure by its row, which is what is no figure in it and its first cell, and column."""
    found: dict[str, dict[str, float]] = {}
    for head, *rows in tables:
        for row in rows:
            cells = list(zip(head, row))
            is_figure = [bool(i) and bool(NUMBERS.fullmatch(c)) for i, (_, c) in enumerate(cells)]
            name = ", ".join(c for c, figure in zip(row, is_figure) if c.strip("–") and not figure)
            for (title, cell), figure in zip(cells, is_figure):
                if not figure or TIMES.search(title):
                    continue
                values = re.findall(r"-?\d*\.?\d+", THOUSANDS.sub("", cell))
                for number, value in enumerate(values, 1):
                    column = f"{title} {number}" if len(values) > 1 else title
                    found.setdefault(name, {})[column] = float(value)
    return found


def _plain(cell: str) -> str:
    return cell.replace("**", "").replace("<wbr>", "").strip()


def _tabular(rows: Rows) -> str:
    head, *body = [" & ".join(map(tex, row)) + r" \\" for row in rows]
    columns = "l" + "r" * (len(rows[0]) - 1)
    start = [rf"\begin{{tabular}}{{{columns}}}", r"\toprule", head, r"\midrule"]
    return "\n".join([*start, *body, r"\bottomrule", r"\end{tabular}", ""])
