"""The notebooks of the course are those that its sources make, and can be marked."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import spel
from spel.studio.worksheets.handed_in import NOT_RUN, read_handed_in

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def make():
    sys.path.insert(0, str(DOCS))
    try:
        from course import make
    finally:
        sys.path.remove(str(DOCS))
    return make


def test_the_notebooks_are_those_of_the_sources(make):
    made = dict(make.notebooks())
    assert len(made) == 28
    for path, text in made.items():
        assert path.read_text(encoding="utf-8") == text, f"run python docs/course/make.py: {path}"
    assert {*DOCS.glob("course/*/*.ipynb")} == set(made)


def test_a_notebook_has_the_questions_of_its_lesson(make):
    for name, lesson in make.pages():
        for language in make.LANGUAGES:
            sheet = read_handed_in(DOCS / "course" / language / f"{name}.ipynb")
            assert (sheet.lesson, sheet.language) == (lesson["id"], language)
            steps = map(str, range(1, len(lesson["steps"]) + 1))
            assert sheet.answers == dict.fromkeys((*steps, "array"), NOT_RUN)


def test_both_languages_have_the_same_code_and_as_much_text(make):
    for _, lesson in make.pages():
        cells = make.cells(lesson["id"])
        english = [cell for cell in cells if cell.language == "en"]
        portuguese = [cell for cell in cells if cell.language == "pt"]
        assert len(english) == len(portuguese) >= 2
        assert {cell.language for cell in cells} == {"", "en", "pt"}


def test_a_page_shows_what_its_code_prints(make, tmp_path):
    prints, draws = make.Output("3 adjacents\n", None), make.Output("", _Picture())
    assert "```text\n3 adjacents\n```" in prints.markdown(tmp_path / "a.png")
    assert "![](a.png)" in draws.markdown(tmp_path / "a.png")
    assert (tmp_path / "a.png").read_text() == "drawn"
    network = make.Output("", spel.chain(positive=spel.Activation("relu")))
    assert "```{raw} html" in network.markdown(tmp_path / "b.png")
    assert not (tmp_path / "b.png").exists()


class _Picture:
    def _repr_png_(self) -> bytes:
        return b""

    def save(self, path: Path) -> None:
        Path(path).write_text("drawn")
