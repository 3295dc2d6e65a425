"""Marks: what is right in a worksheet, and where a wrong array or answer differs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from spel.errors import FormatError
from spel.nn import Convolution, DivisiveNormalize, MeanPool
from spel.nn.pool import Pool
from spel.studio.matrix import parse_matrix
from spel.studio.session import Session
from spel.studio.worksheets.exercises import Exercise, exercise
from spel.studio.worksheets.handed_in import ARRAY, NO_CELL, NOT_RUN, HandedIn
from spel.studio.worksheets.mistakes import mistakes
from spel.studio.worksheets.stages import find_lesson, staged
from spel.studio.worksheets.words import say

Array = npt.NDArray[Any]
TOLERANCE = 0.006
"""Largest difference, relative to the largest value: two decimals of values up to 1 suffice."""
LETTERS = "ABCDEFGH"


@dataclass(frozen=True)
class Mark:
    """The mark of one task.

    Attributes
    ----------
    task : str
        The number of the question, or "array".
    verdict : {"right", "wrong", "missing"}
    remark : str
        What is wrong, in the language of the worksheet; empty if it is right.
    """

    task: str
    verdict: Literal["right", "wrong", "missing"]
    remark: str = ""


def marks(session: Session, sheet: HandedIn) -> list[Mark]:
    """The marks of a worksheet that was handed in, in the order of its tasks."""
    lesson = find_lesson(sheet.lesson)
    answers, language = sheet.answers, sheet.language
    result = []
    for number, step in enumerate(lesson["steps"], start=1):
        task = str(number)
        answer = answers.get(task, NO_CELL)
        missing = _missing(task, answer, language)
        if missing is not None:
            result.append(missing)
        elif step["ask"]["kind"] == "choice":
            result.append(_mark_choice(task, answer, step["ask"], language))
        else:
            value = staged(session, lesson, step).answer(step["ask"].get("of", "value"))
            result.append(_mark_number(task, answer, value, step["ask"], language))
    answer = answers.get(ARRAY, NO_CELL)
    missing = _missing(ARRAY, answer, language)
    return [*result, missing or mark_array(answer, exercise(sheet.lesson), language)]


def _missing(task: str, answer: Any, language: str) -> Mark | None:
    if answer is NO_CELL or answer is NOT_RUN:
        key = "no cell" if answer is NO_CELL else "not run"
        return Mark(task, "missing", say(language, key))
    empty = answer is None or (isinstance(answer, str) and not answer.strip())
    return Mark(task, "missing", say(language, "missing")) if empty else None


def _mark_choice(task: str, answer: Any, ask: Mapping[str, Any], language: str) -> Mark:
    letters = LETTERS[: len(ask["options"])]
    letter = str(answer).strip().upper()
    if len(letter) != 1 or letter not in letters:
        remark = say(language, "no letter", given=_short(answer), letters=", ".join(letters))
        return Mark(task, "wrong", remark)
    picked = letters.index(letter)
    if picked == ask["answer"]:
        return Mark(task, "right")
    return Mark(task, "wrong", ask["options"][picked]["why"][language])


def _mark_number(
    task: str, answer: Any, value: float, ask: Mapping[str, Any], language: str
) -> Mark:
    number = _as_number(answer)
    if number is None:
        return Mark(task, "wrong", say(language, "no number", given=_short(answer)))
    if abs(number - value) <= ask.get("tolerance", 0) + 1e-9:
        return Mark(task, "right")
    size = "large" if number > value else "small"
    return Mark(task, "wrong", say(language, size, given=f"{number:g}"))


def _as_number(answer: Any) -> float | None:
    """The answer as a finite number; a decimal comma is taken too."""
    if isinstance(answer, str):
        try:
            answer = float(answer.strip().replace(",", ".").replace("\N{MINUS SIGN}", "-"))
        except ValueError:
            return None
    while isinstance(answer, list) and len(answer) == 1:
        answer = answer[0]
    if isinstance(answer, bool) or not isinstance(answer, int | float):
        return None
    return float(answer) if np.isfinite(answer) else None


def _short(answer: Any) -> str:
    text = repr(answer)
    return text if len(text) <= 40 else text[:37] + "..."


# -- arrays ----------------------------------------------------------------------------------------


def mark_array(answer: Any, task: Exercise, language: str) -> Mark:
    """The mark of an array: right, or what it is instead, or the first value that differs."""
    expected = task.answer()
    array = _as_array(answer, expected)
    if array is None:
        return Mark(ARRAY, "wrong", say(language, "no array"))
    if not np.isfinite(array).all():
        return Mark(ARRAY, "wrong", say(language, "not finite"))
    array = _like(array, expected.shape)
    if _close(array, expected):
        return Mark(ARRAY, "right")
    remark = _difference(array, expected, task, language)
    for mistake in mistakes(task):
        if _close(_like(array, mistake.result.shape), mistake.result):
            values = dict(mistake.values)
            if "border" in values:
                values["border"] = say(language, f"border.{values['border']}")
            name = say(language, mistake.key, **values)
            remark = f"{say(language, 'as mistake', mistake=name)} ({remark})"
            break
    return Mark(ARRAY, "wrong", remark)


def _as_array(answer: Any, expected: Array) -> Array | None:
    """The answer as numbers; text is read row by row, with an empty line between channels."""
    if isinstance(answer, str):
        return _written(answer, expected)
    try:
        array = np.asarray(answer, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        return None
    return array if array.ndim else None


def _written(text: str, expected: Array) -> Array | None:
    lines = [line.strip() for line in text.strip().splitlines()]
    blocks = "\n".join(lines).split("\n\n")
    try:
        parts = [parse_matrix(block)[..., 0].astype(np.float64) for block in blocks if block]
    except FormatError:
        return None
    if len({part.shape for part in parts}) != 1:
        return None
    if expected.ndim == 1:
        return parts[0].reshape(-1) if len(parts) == 1 else None
    if len(parts) == 1:
        return parts[0]
    return np.stack(parts, axis=0 if expected.ndim == 4 else -1)


def _like(array: Array, shape: tuple[int, ...]) -> Array:
    """The array with the last axis of one channel, if only that is missing."""
    return array[..., None] if array.ndim == len(shape) - 1 and shape[-1] == 1 else array


def _close(array: Array, expected: Array) -> bool:
    if array.shape != expected.shape:
        return False
    return bool((np.abs(array - expected) <= _tolerance(expected)).all())


def _tolerance(expected: Array) -> float:
    return TOLERANCE * max(1.0, float(np.abs(expected).max(initial=0)))


def _difference(array: Array, expected: Array, task: Exercise, language: str) -> str:
    """Where the array differs: its shape, only at the rim, or the first value."""
    if array.shape != expected.shape:
        sizes = {"given": _size(array.shape), "expected": _size(expected.shape)}
        return say(language, "shape", **sizes)
    wrong = np.abs(array - expected) > _tolerance(expected)
    first = tuple(int(i) for i in np.argwhere(wrong)[0])
    at = first[:-1] if expected.ndim > 1 and expected.shape[-1] == 1 else first
    rim = not task.flat and bool((wrong <= _rim(task, expected)).all())
    return say(
        language,
        "differ border" if rim else "differ",
        n=int(wrong.sum()),
        m=wrong.size,
        at=at if len(at) > 1 else at[0],
        given=f"{array[first]:g}",
        expected=f"{expected[first]:.4g}",
    )


def _rim(task: Exercise, expected: Array) -> npt.NDArray[np.bool_]:
    """Where the window of a layer leaves the image, as far as one layer reads windows."""
    windows = [
        node.layer.bank.adjacency if isinstance(node.layer, Convolution) else node.layer.adjacency
        for node in task.network.nodes
        if isinstance(node.layer, Convolution | Pool | DivisiveNormalize)
    ]
    rim = np.zeros(expected.shape, dtype=bool)
    if len(windows) != 1 or expected.ndim != 3:
        return rim
    ones = np.ones((*task.image.shape[:-1], 1))
    stride = max(getattr(node.layer, "stride", 1) for node in task.network.nodes)
    part = MeanPool(windows[0], stride=stride, border="zero", count="full")(ones)
    rim |= part < 1 - 1e-6
    return rim


def _size(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
