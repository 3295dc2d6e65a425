"""The figures that each table is expected to have, in files beside the tables."""

from __future__ import annotations

import json
import math
from pathlib import Path

EXPECTED = Path(__file__).parent / "expected"

Figures = dict[str, dict[str, float]]
"""Figures by row and column."""


def differences(name: str, found: Figures, folder: Path = EXPECTED) -> list[str]:
    """What differs from the expected figures of a table; rows that are not there are left out.

    The tolerance is a share of figures above 1.
    """
    path = folder / f"{name}.json"
    if not path.exists():
        return [f"{path.name}: no expected figures yet"]
    expected = json.loads(path.read_text())
    return [
        f"{row}, {column}: {found[row].get(column, math.nan):.3f}, expected {value:.3f} "
        f"within {expected['tolerance']}"
        for row, figures in expected["means"].items()
        for column, value in figures.items()
        if row in found
        and not abs(found[row].get(column, math.nan) - value)
        <= expected["tolerance"] * max(1.0, abs(value))
    ]


def expect(name: str, found: Figures, tolerance: float, folder: Path = EXPECTED) -> None:
    """Write figures as those expected of a table from now on."""
    folder.mkdir(exist_ok=True)
    data = {"tolerance": tolerance, "means": found}
    (folder / f"{name}.json").write_text(json.dumps(data, indent=1) + "\n")
