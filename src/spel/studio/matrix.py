"""Small images typed by hand or pasted from a spreadsheet: rows of numbers as text."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.errors import FormatError, plural

SUFFIXES = (".csv", ".tsv", ".txt")
MAX_NUMBERS = 1_000_000
MAX_BYTES = 16 << 20


def parse_matrix(text: str) -> npt.NDArray[Any]:
    """The image (rows, cols, 1) of a matrix that is written row by row.

    Numbers are separated by commas, semicolons, tabs or blanks. Where semicolons or tabs separate
    them, a comma is a decimal point.

    Raises
    ------
    FormatError
        If an entry is no number or too large for one, or the rows differ in length.

    Examples
    --------
    >>> parse_matrix("6, 1, 7, -9\\n9, 8, -2, -17")[..., 0].tolist()
    [[6.0, 1.0, 7.0, -9.0], [9.0, 8.0, -2.0, -17.0]]
    >>> parse_matrix("0,5;1\\n2;3")[..., 0].tolist()
    [[0.5, 1.0], [2.0, 3.0]]
    """
    lines = [line.strip() for line in text.lstrip("\ufeff").splitlines()]
    rows = [_entries(line) for line in lines if line]
    if not rows:
        raise FormatError("matrix: there is no number; write one row of numbers on each line")
    if sum(len(row) for row in rows) > MAX_NUMBERS:
        raise FormatError(f"matrix: more than {MAX_NUMBERS:,} numbers; open an image file instead")
    for number, row in enumerate(rows, start=1):
        if len(row) != len(rows[0]):
            raise FormatError(
                f"matrix: row {number} has {plural(len(row), 'number')}, but row 1 has "
                f"{len(rows[0])}; give every row as many"
            )
    values = np.array(
        [[_number(entry, i) for entry in row] for i, row in enumerate(rows, start=1)]
    )[..., None]
    single = values.astype(np.float32)
    return single if np.array_equal(single, values, equal_nan=True) else values


def _entries(line: str) -> list[str]:
    if ";" in line or "\t" in line:
        return [entry.strip().replace(",", ".") for entry in re.split(r"[;\t]", line)]
    return [entry for entry in re.split(r"[,\s]+", line.strip("[](), ")) if entry]


def _number(entry: str, row: int) -> float:
    try:
        value = float(entry.replace("\N{MINUS SIGN}", "-"))
    except ValueError:
        raise FormatError(
            f"matrix: {entry[:20]!r} in row {row} is no number; write rows of numbers, such as "
            "6, 1, 7, -9"
        ) from None
    if np.isinf(value) and any(letter.isdigit() for letter in entry):
        raise FormatError(
            f"matrix: {entry[:20]!r} in row {row} is too large; write numbers below 1.8e308"
        )
    return value
