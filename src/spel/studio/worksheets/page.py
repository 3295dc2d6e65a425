"""A worksheet as one HTML file, which saves the answers as a file."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path

from spel.studio.worksheets.handed_in import ARRAY, FORMAT
from spel.studio.worksheets.pictures import planes
from spel.studio.worksheets.sheets import Question, Sheet
from spel.studio.worksheets.words import say

FOLDER = Path(__file__).parent


def to_page(sheet: Sheet) -> str:
    """The page as text; it asks nobody for anything.

    The strings of `page.html` in double braces are replaced.
    """
    language = sheet.language
    about = {"format": FORMAT, "lesson": sheet.lesson, "language": language}
    parts = {
        "language": "pt-BR" if language == "pt" else "en",
        "title": escape(sheet.title),
        "about": escape(sheet.about),
        "how": escape(say(language, "how.page")),
        "name": escape(say(language, "name")),
        "tasks": "\n".join([*(_question(language, q) for q in sheet.questions), _exercise(sheet)]),
        "save": escape(say(language, "save")),
        "data": json.dumps(about),
        "script": (FOLDER / "page.js").read_text(encoding="utf-8"),
    }
    page = (FOLDER / "page.html").read_text(encoding="utf-8")
    for name, text in parts.items():
        page = page.replace("{{" + name + "}}", text)
    return page


def _question(language: str, question: Question) -> str:
    shown = ""
    if question.picture:
        shown = f'<img alt="" src="data:image/jpeg;base64,{question.picture}">'
    name = escape(str(question.number))
    fields = [
        f'<label><input type="radio" name="{name}" value="{letter}"> {escape(text)}</label>'
        for letter, text in question.options
    ]
    title = f"{say(language, 'question', n=question.number)} · {question.title}"
    label = escape(say(language, "number"))
    answer = "".join(fields) or f'<input name="{name}" inputmode="decimal" aria-label="{label}">'
    address = say(language, "studio", address=question.address)
    return (
        f"<section><h2>{escape(title)}</h2>{shown}<p>{escape(question.text)}</p>"
        f"<p class=quiet>{escape(address)}</p>"
        f"<fieldset><legend>{escape(question.question)}</legend>{answer}</fieldset></section>"
    )


def _exercise(sheet: Sheet) -> str:
    language = sheet.language
    tables = "".join(
        "<table>" + "".join(_row(row) for row in plane.tolist()) + "</table>"
        for plane in planes(sheet.numbers)
    )
    return (
        f"<section><h2>{escape(say(language, 'exercise'))}</h2>"
        f"<p>{escape(say(language, 'given'))}:</p><div class=tables>{tables}</div>"
        f"<fieldset><legend>{escape(sheet.exercise.question[language])}</legend>"
        f"<p class=quiet>{escape(say(language, 'rows'))}</p>"
        f'<textarea name="{ARRAY}" rows="9" spellcheck="false" '
        f'aria-label="{escape(say(language, "exercise"))}"></textarea></fieldset></section>'
    )


def _row(values: list[float]) -> str:
    return "<tr>" + "".join(f"<td>{value:g}" for value in values) + "</tr>"
