"""The gallery of the documentation runs, and its pictures are there."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

pytest.importorskip("matplotlib", reason="needs the extra plot")

DOCS = Path(__file__).parents[2] / "docs"
SCRIPTS = sorted(p.stem for p in (DOCS / "gallery").glob("*.py") if p.stem != "make")


@pytest.fixture(scope="module")
def make():
    spec = importlib.util.spec_from_file_location("gallery_make", DOCS / "gallery" / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    before = set(sys.modules)
    yield module
    sys.path.remove(str(module.HERE))
    for name in SCRIPTS:
        if name not in before:
            sys.modules.pop(name, None)


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_script_draws_something(make, name):
    rgb = make.picture(name)
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
