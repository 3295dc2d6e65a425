"""The check of the built site's links: what it finds on a page, and what it leaves alone."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "check-links"
GOOD = """<h1 id="top">Title</h1> <a href="#top">up</a> <a href="sub/b.html#here">b</a>
<a href="sub/">its folder</a> <a href="https://example.org/x">outside</a> <img src="a.png">"""


@pytest.fixture(scope="module")
def problems():
    return runpy.run_path(str(SCRIPT))["problems"]


@pytest.fixture
def site(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.png").write_bytes(b"")
    (tmp_path / "a.html").write_text(GOOD)
    for name in ("b.html", "index.html"):
        (tmp_path / "sub" / name).write_text('<p id="here"><a class="x" href="../a.html#top">a</a>')
    return tmp_path


def test_a_whole_site_has_no_problems(problems, site):
    assert problems(site) == []


@pytest.mark.parametrize(
    ("added", "problem"),
    [
        ('<a href="none.html">', "none.html leads to no file"),
        ('<img alt="" src="none.png">', "none.png leads to no file"),
        ('<a href="sub/b.html#there">', "sub/b.html#there leads to no such place on the page"),
        ('<a href="#below">', "#below leads to no such place on the page"),
        ('<script src="https://example.org/x.js">', "fetches"),
    ],
)
def test_what_leads_nowhere_is_named(problems, site, added, problem):
    (site / "a.html").write_text(GOOD + added)
    (line,) = problems(site)
    assert line.startswith("a.html: ")
    assert problem in line
