"""What stands on a worksheet: the questions of a lesson and its exercise, in one language."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.studio.session import Session
from spel.studio.worksheets.exercises import Exercise, exercise
from spel.studio.worksheets.marking import LETTERS
from spel.studio.worksheets.pictures import picture
from spel.studio.worksheets.stages import find_lesson, staged
from spel.studio.worksheets.words import checked_language


@dataclass(frozen=True)
class Question:
    """A question of a lesson.

    Attributes
    ----------
    number : int
        Of the step, from 1 on.
    options : tuple of (letter, text)
        Empty where a number is expected.
    address : str
        Of the step in the studio.
    picture : str
        Base64 JPEG of the image; empty if it is the same as before.
    """

    number: int
    title: str
    text: str
    question: str
    options: tuple[tuple[str, str], ...]
    address: str
    picture: str


@dataclass(frozen=True, eq=False)
class Sheet:
    """A worksheet."""

    lesson: str
    language: str
    title: str
    about: str
    questions: tuple[Question, ...]
    exercise: Exercise

    @property
    def numbers(self) -> npt.NDArray[Any]:
        """The numbers that the exercise starts from."""
        return np.asarray(self.exercise.image)


def sheet(session: Session, lesson: str, language: str) -> Sheet:
    """The worksheet of a lesson.

    Raises
    ------
    ParameterError
        If there is no such lesson or language.
    """
    content, language = find_lesson(lesson), checked_language(language)
    questions, last = [], ""
    for number, step in enumerate(content["steps"], start=1):
        stage = staged(session, content, step)
        shown = picture(stage.values, stage.at)
        options = step["ask"].get("options", [])
        questions.append(
            Question(
                number,
                step["title"][language],
                step["text"][language],
                step["ask"]["question"][language],
                tuple((letter, option[language]) for letter, option in zip(LETTERS, options)),
                f"#{step['page']}/lesson/{lesson}/{number}",
                "" if shown == last else shown,
            )
        )
        last = shown
    title, about = content["title"][language], content["about"][language]
    return Sheet(lesson, language, title, about, tuple(questions), exercise(lesson))
