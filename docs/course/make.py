"""Write the notebooks of the course: ``python docs/course/make.py``.

Each lesson of the studio has a source in ``lessons``: cells of text, in English and in Portuguese,
and cells of code. A notebook is the text and the code of one language, then the worksheet of the
lesson, which ``spel lesson check`` marks. The site shows the same cells with what they print.
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spel.studio.lessons import lessons
from spel.studio.worksheets.notebook import to_notebook
from spel.studio.worksheets.sheets import sheet
from spel.studio.worksheets.stages import staging

HERE = Path(__file__).parent
LANGUAGES = {"en": "In English", "pt": "Em português"}
DOWNLOAD = {
    "en": "This page is a notebook with questions and an exercise: {}.",
    "pt": "Esta página é um notebook com perguntas e um exercício: {}.",
}


@dataclass(frozen=True)
class Cell:
    """Text of a language, or code if the language is empty."""

    language: str
    text: str


@dataclass(frozen=True)
class Output:
    """What a cell of code prints, and the value of its last line as a picture, HTML or text."""

    printed: str
    value: Any

    def markdown(self, picture: Path) -> str:
        """The output on a page; a picture is saved beside it."""
        text = self.printed
        if hasattr(self.value, "savefig"):
            self.value.savefig(picture, dpi=80)
        elif hasattr(self.value, "_repr_png_"):  # an image of Pillow; networks have a save, too
            self.value.save(picture)
        elif hasattr(self.value, "_repr_html_"):
            return f"{_block(text)}\n```{{raw}} html\n{self.value._repr_html_()}\n```\n"
        elif self.value is not None:
            return _block(f"{text}{self.value!r}\n")
        else:
            return _block(text)
        return f"{_block(text)}\n![]({picture.name})\n"


def _block(text: str) -> str:
    return f"\n```text\n{text.rstrip()}\n```\n" if text.strip() else ""


def cells(lesson: str) -> list[Cell]:
    """The cells of a lesson's source."""
    source = (HERE / "lessons" / f"{lesson}.py").read_text(encoding="utf-8")
    parts = re.split(r"^# %%(?: \[(\w+)\])?\n", source, flags=re.MULTILINE)
    read = []
    for language, text in zip(parts[1::2], parts[2::2]):
        if language:
            text = re.sub(r"^# ?", "", text, flags=re.MULTILINE)
        read.append(Cell(language or "", text.strip()))
    return read


def pages() -> Iterator[tuple[str, dict[str, Any]]]:
    """The name of each page, such as "04-convolution", and its lesson."""
    for number, lesson in enumerate(lessons(), start=1):
        yield f"{number:02d}-{lesson['id']}", lesson


def notebooks() -> Iterator[tuple[Path, str]]:
    """The path of each notebook and its text."""
    with staging() as session:
        for name, lesson in pages():
            for language in LANGUAGES:
                worksheet = json.loads(to_notebook(sheet(session, lesson["id"], language)))
                head, *rest = worksheet["cells"]
                taught = [_cell(n, cell, language) for n, cell in enumerate(cells(lesson["id"]))]
                worksheet["cells"] = [head, *filter(None, taught), *rest]
                text = json.dumps(worksheet, ensure_ascii=False, indent=1) + "\n"
                yield HERE / language / f"{name}.ipynb", text


def _cell(number: int, cell: Cell, language: str) -> dict[str, Any] | None:
    head: dict[str, Any] = {"id": f"cell-{number}", "metadata": {}, "source": cell.text}
    if not cell.language:
        return {**head, "cell_type": "code", "execution_count": None, "outputs": []}
    return {**head, "cell_type": "markdown"} if cell.language == language else None


def outputs(lesson: str) -> list[Output]:
    """What each cell of code gives, run one after the other."""
    names: dict[str, Any] = {"__name__": "__main__"}
    return [_run(cell.text, names, lesson) for cell in cells(lesson) if not cell.language]


def _run(code: str, names: dict[str, Any], lesson: str) -> Output:
    tree = ast.parse(code)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    printed, value = io.StringIO(), None
    with contextlib.redirect_stdout(printed):
        exec(compile(tree, lesson, "exec"), names)
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), lesson, "eval"), names)
    return Output(printed.getvalue(), value)


def write_pages() -> None:
    """Write the pages of the site: text, code and what it prints, in each language."""
    for name, lesson in pages():
        ran = outputs(lesson["id"])
        for language in LANGUAGES:
            folder = HERE / language
            page = [f"# {lesson['title'][language]}\n\n{lesson['about'][language]}\n"]
            page.append(DOWNLOAD[language].format(f"{{download}}`{name}.ipynb`") + "\n")
            left = iter(ran)
            for number, cell in enumerate(cells(lesson["id"])):
                if cell.language == language:
                    page.append(cell.text + "\n")
                elif not cell.language:
                    picture = folder / f"{name}-{number}.png"
                    page.append(f"```python\n{cell.text}\n```\n{next(left).markdown(picture)}")
            (folder / f"{name}.md").write_text("\n".join(page), encoding="utf-8")


if __name__ == "__main__":
    for path, text in notebooks():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(HERE))
