"""Worksheets that were handed in: what is answered in a notebook, or in a file that a page saved.

No code of a notebook is run: answers are read from what its cells printed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from spel.errors import FormatError
from spel.io.json_files import read_json
from spel.studio.worksheets.words import LANGUAGES

FORMAT = "spel-worksheet.v1"
ARRAY = "array"
"""The name of the task whose answer is an array."""
MAX_BYTES = 32 << 20


class _Absent:
    """A sign for an answer that is not there."""


NOT_RUN: Final = _Absent()
NO_CELL: Final = _Absent()


@dataclass(frozen=True)
class HandedIn:
    """The answers of a worksheet by task; `NOT_RUN` where a cell printed none."""

    lesson: str
    language: str
    answers: Mapping[str, Any]


def read_handed_in(path: str | os.PathLike[str]) -> HandedIn:
    """Read a notebook (.ipynb) or the answers that a page saved (.json).

    Raises
    ------
    FormatError
        If the file is no worksheet of spel; the message names the file.
    """
    name = os.fspath(path)
    if name.lower().endswith((".html", ".htm")):
        raise FormatError(
            f"{name}: a page holds no answers; check the file that its button at the end saved"
        )
    data = read_json(name, max_bytes=MAX_BYTES)
    if not isinstance(data, dict):
        raise FormatError(f"{name}: this is no worksheet; expected a notebook or saved answers")
    if "cells" in data:
        return _from_notebook(name, data)
    return HandedIn(*_head(name, data), _answers(name, data.get("answers")))


def _head(name: str, data: Mapping[str, Any]) -> tuple[str, str]:
    if data.get("format") != FORMAT:
        raise FormatError(
            f"{name}: this is no worksheet of spel; expected a file that began as one from "
            "spel lesson export"
        )
    lesson, language = data.get("lesson"), data.get("language")
    if not isinstance(lesson, str) or language not in LANGUAGES:
        raise FormatError(f"{name}: the worksheet does not say which lesson and language it is")
    return lesson, str(language)


def _answers(name: str, answers: Any) -> Mapping[str, Any]:
    if not isinstance(answers, dict):
        raise FormatError(f"{name}: the worksheet has no answers; save it again from its page")
    return answers


def _from_notebook(name: str, data: Mapping[str, Any]) -> HandedIn:
    metadata = data.get("metadata")
    about = metadata.get("spel") if isinstance(metadata, dict) else None
    head = _head(name, about if isinstance(about, dict) else {})
    cells = data["cells"]
    if not isinstance(cells, list):
        raise FormatError(f"{name}: the notebook has no list of cells")
    answers: dict[str, Any] = {}
    for cell in cells:
        task = _task_of(cell)
        if task is not None:
            answers[task] = _printed(name, cell, task)
    return HandedIn(*head, answers)


def _task_of(cell: Any) -> str | None:
    """The task that a cell answers."""
    metadata = cell.get("metadata") if isinstance(cell, dict) else None
    about = metadata.get("spel") if isinstance(metadata, dict) else None
    task = about.get("task") if isinstance(about, dict) else None
    return task if isinstance(task, str) else None


def _printed(name: str, cell: Mapping[str, Any], task: str) -> Any:
    """The answer that the cell printed, a line of JSON; the last one counts."""
    answer: Any = NOT_RUN
    outputs = cell.get("outputs")
    for output in outputs if isinstance(outputs, list) else []:
        text = output.get("text", "") if isinstance(output, dict) else ""
        lines = "".join(map(str, text)) if isinstance(text, list) else str(text)
        for line in lines.splitlines():
            if line.startswith(_mark(task)):
                answer = _parsed(name, line.removeprefix(_mark(task)), task)
    return answer


def _mark(task: str) -> str:
    return f"answer {task}: "


def _parsed(name: str, text: str, task: str) -> Any:
    try:
        return json.loads(text)  # NaN is an answer too, if a wrong one
    except (ValueError, RecursionError):
        raise FormatError(
            f"{name}: what the cell of task {task} printed is cut or changed; run it again and "
            "save the notebook"
        ) from None
