"""A worksheet as a Jupyter notebook (nbformat 4.5)."""

from __future__ import annotations

import json
from typing import Any

from spel.studio.worksheets.handed_in import ARRAY, FORMAT
from spel.studio.worksheets.pictures import literal
from spel.studio.worksheets.sheets import Question, Sheet
from spel.studio.worksheets.words import say

Cell = dict[str, Any]


def to_notebook(sheet: Sheet) -> str:
    """The notebook as JSON text."""
    cells = [
        _text("head", f"# {sheet.title}\n\n{sheet.about}\n\n{say(sheet.language, 'how.notebook')}"),
        _code("imports", "import json\n\nimport numpy as np\n\n" + _SHOW),
    ]
    for question in sheet.questions:
        cells += _question(sheet, question)
    cells += _exercise(sheet)
    about = {"format": FORMAT, "lesson": sheet.lesson, "language": sheet.language}
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    metadata = {"spel": about, "kernelspec": kernel, "language_info": {"name": "python"}}
    notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": cells}
    return json.dumps(notebook, ensure_ascii=False, indent=1) + "\n"


_SHOW = '''def hand_in(task, answer):
    """Print an answer so that it is saved with the notebook."""
    if not (answer is None or isinstance(answer, str)):
        answer = np.asarray(answer, dtype=float).tolist()
    print(f"answer {task}: {json.dumps(answer)}")'''


def _question(sheet: Sheet, question: Question) -> list[Cell]:
    language, number = sheet.language, question.number
    options = "".join(f"\n- **{letter}** {text}" for letter, text in question.options)
    parts = [
        f"## {say(language, 'question', n=number)} · {question.title}",
        question.text,
        say(language, "studio", address=f"`{question.address}`"),
        f"**{question.question}**\n{options}",
    ]
    attachments = {}
    if question.picture:
        parts.insert(1, "![](attachment:image.jpg)")
        attachments = {"image.jpg": {"image/jpeg": question.picture}}
    letters = ", ".join(letter for letter, _ in question.options)
    kind = say(language, "letter", letters=letters) if letters else say(language, "number")
    cells = [_text(f"question-{number}", "\n\n".join(parts), attachments)]
    if not letters:
        look = say(language, "look", n=number)
        code = f"# {look}\n# from spel.studio.worksheets.stages import lesson_step\n"
        code += f'# network, image = lesson_step("{sheet.lesson}", {number})'
        cells.append(_code(f"look-{number}", code))
    return [*cells, _answer(str(number), kind)]


def _exercise(sheet: Sheet) -> list[Cell]:
    language = sheet.language
    text = f"## {say(language, 'exercise')}\n\n{sheet.exercise.question[language]}"
    return [
        _text("exercise", text),
        _code("numbers", f"image = {literal(sheet.numbers)}\nimage"),
        _answer(ARRAY, say(language, "array")),
    ]


def _answer(task: str, kind: str) -> Cell:
    name = f"answer_{task}"
    code = f'{name} = None  # {kind}\n\nhand_in("{task}", {name})'
    return {**_code(f"answer-{task}", code), "metadata": {"spel": {"task": task}}}


def _text(name: str, source: str, attachments: dict[str, Any] | None = None) -> Cell:
    cell: Cell = {"cell_type": "markdown", "id": name, "metadata": {}, "source": source}
    return {**cell, "attachments": attachments} if attachments else cell


def _code(name: str, source: str) -> Cell:
    return {
        "cell_type": "code",
        "id": name,
        "metadata": {},
        "source": source,
        "execution_count": None,
        "outputs": [],
    }
