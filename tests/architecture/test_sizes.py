"""Tests and benchmarks are divided by subject: none of their files is long."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MOST_LINES_OF_A_FILE = 400


@pytest.mark.parametrize("folder", ["tests", "benchmarks", "scripts"])
def test_files_are_short(folder: str) -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in (ROOT / folder).rglob("*.py")
        if (lines := len(path.read_text().splitlines())) > MOST_LINES_OF_A_FILE
    }
    assert not long, f"{long} have more than {MOST_LINES_OF_A_FILE} lines; split them by subject"
