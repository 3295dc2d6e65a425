"""The page on architecture names rooms and stops that exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import spel

HOME = Path(spel.__file__).parent
PAGE = Path(__file__).parents[2] / "docs" / "contributing" / "architecture.md"
MOST_STOPS = 12


def names_in(path: Path) -> set[str]:
    """Functions, classes and constants at the top level of a file."""
    names = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
    return names


def test_every_stop_of_a_walk_exists():
    stops = re.findall(r"`([\w/]+\.py):(\w+)`", PAGE.read_text())
    assert len(stops) > 25
    for file, name in stops:
        assert name in names_in(HOME / file), f"{file} has no {name}"


def test_a_walk_has_at_most_a_dozen_stops():
    walks = PAGE.read_text().split("### ")[1:]
    assert len(walks) == 3
    for walk in walks:
        assert len(re.findall(r"^\d+\. ", walk, re.MULTILINE)) <= MOST_STOPS


def test_every_room_is_on_the_page():
    text = PAGE.read_text()
    rooms = {p.name for p in HOME.iterdir() if (p / "__init__.py").exists()}
    files = {p.stem for p in HOME.glob("*.py") if not p.stem.startswith("__")}
    missing = sorted(name for name in rooms | files if f"`{name}`" not in text)
    assert not missing, f"{PAGE.name} does not name {missing}"
