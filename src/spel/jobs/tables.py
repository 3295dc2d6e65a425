"""Tables of all results of a run, written line by line."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from spel.atomic import replacing


def write_table(path: Path, rows: Iterable[Iterable[Any]]) -> None:
    """Write rows as CSV, atomically; names that are no Unicode keep their bytes."""
    with (
        replacing(path) as temporary,
        temporary.open("w", newline="", encoding="utf-8", errors="surrogateescape") as file,
    ):
        csv.writer(file, lineterminator="\n").writerows(rows)
