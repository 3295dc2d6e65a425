"""``spel lesson``: the lessons as worksheets, and their marks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from spel.cli.messages import exit_code, format_error, say
from spel.cli.options import Settings, shared
from spel.cli.types import PATH

if TYPE_CHECKING:
    from spel.studio.session import Session

SUFFIXES = (".ipynb", ".html")
LANGUAGE = click.option(
    "--language", type=click.Choice(["en", "pt"]), default="en", help="English or Portuguese."
)


@click.group("lesson")
def command() -> None:
    """List the lessons of the studio, export them as worksheets, and mark answers."""


@command.command("list")
@LANGUAGE
@shared
def list_lessons(language: str) -> None:
    """Print the name of each lesson, its number of steps, its minutes and its title."""
    from spel.studio.lessons import lessons

    for lesson in lessons():
        steps, minutes = len(lesson["steps"]), lesson["minutes"]
        title = lesson["title"][language]
        click.echo(f"{lesson['id']:<14} {steps:>2} steps  {minutes:>2} min  {title}")


@command.command("export")
@click.argument("lesson", metavar="LESSON")
@click.option(
    "--out",
    type=PATH,
    required=True,
    help="A notebook (.ipynb), a page (.html), or a folder for both.",
)
@LANGUAGE
@shared
def export(lesson: str, out: Path, language: str) -> None:
    """Write the worksheet of LESSON (or of all), with its questions and an array to compute."""
    from spel.errors import ParameterError
    from spel.studio.lessons import lessons
    from spel.studio.worksheets.stages import find_lesson, staging

    names = [one["id"] for one in lessons()] if lesson == "all" else [find_lesson(lesson)["id"]]
    if out.suffix and out.suffix not in SUFFIXES:
        raise ParameterError(
            f"lesson: --out {out}: a worksheet is a notebook (.ipynb) or a page (.html)"
        )
    if out.suffix and len(names) > 1:
        raise ParameterError(f"lesson: --out {out} is one file; name a folder for all lessons")
    with staging() as session:
        for name in names:
            paths = [out] if out.suffix else [out / f"{name}{suffix}" for suffix in SUFFIXES]
            _write(session, name, language, paths)


def _write(session: Session, lesson: str, language: str, paths: list[Path]) -> None:
    from spel import atomic
    from spel.studio.worksheets.notebook import to_notebook
    from spel.studio.worksheets.page import to_page
    from spel.studio.worksheets.sheets import sheet

    made = sheet(session, lesson, language)
    for path in paths:
        if len(paths) > 1:
            atomic.make_folder(path.parent)
        atomic.write_text(path, to_page(made) if path.suffix == ".html" else to_notebook(made))
        click.echo(path)


@command.command("check")
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object per file.")
@shared
def check(files: tuple[str, ...], as_json: bool, settings: Settings) -> int:
    """Mark worksheets: notebooks that were run and saved, or files that a page saved.

    Code in notebooks is not run. A wrong array is compared with what other borders, strides and
    usual mistakes give.
    """
    from spel.errors import SpelError
    from spel.studio.worksheets.handed_in import read_handed_in
    from spel.studio.worksheets.marking import marks
    from spel.studio.worksheets.stages import staging

    failed = 0
    with staging() as session:
        for file in files:
            try:
                handed_in = read_handed_in(file)
                marked = marks(session, handed_in)
            except SpelError as error:
                say(format_error(error))
                failed += 1
                continue
            shown = _json(file, marked) if as_json else _text(file, handed_in.language, marked)
            click.echo(shown)
    return exit_code(failed, len(files))


def _json(file: str, marked: list[Any]) -> str:
    from dataclasses import asdict

    right = sum(mark.verdict == "right" for mark in marked)
    head = {"file": file, "right": right, "of": len(marked)}
    return json.dumps({**head, "marks": [asdict(mark) for mark in marked]})


def _text(file: str, language: str, marked: list[Any]) -> str:
    from spel.studio.worksheets.words import say as word

    right = sum(mark.verdict == "right" for mark in marked)
    lines = [f"{file}: {word(language, 'score', n=right, m=len(marked))}"]
    for mark in marked:
        remark = mark.remark if mark.verdict == "missing" else word(language, mark.verdict)
        if mark.verdict == "wrong":
            remark += f": {mark.remark}"
        lines.append(f"  {mark.task:<6} {remark}")
    return "\n".join(lines)
