"""The gallery of the documentation runs, and its pictures are there."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="needs the extra plot")

DOCS = Path(__file__).parents[2] / "docs"
SCRIPTS = sorted(p.stem for p in (DOCS / "gallery").glob("*.py") if p.stem != "make")
LONG = {"restore", "texture"}
"""They take most of a minute; the site and the notebooks of the gallery run them in CI too."""


@pytest.mark.parametrize("name", sorted(set(SCRIPTS) - LONG))
def test_the_script_draws_something(name):
    make = runpy.run_path(str(DOCS / "gallery" / "make.py"))
    rgb = np.asarray(make["picture"](name))
    assert rgb.ndim == 3
    assert rgb.shape[-1] == 3
    assert rgb.std() > 5


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_picture_is_committed_and_small(name):
    picture = DOCS / "pictures" / f"{name}.webp"
    assert 0 < picture.stat().st_size < 300_000


def test_pages_link_to_pictures_that_exist():
    import re

    for page in [*DOCS.rglob("*.md"), DOCS.parent / "README.md"]:
        for link in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", page.read_text()):
            if "://" not in link:
                assert (page.parent / link).exists(), f"{page}: {link}"
