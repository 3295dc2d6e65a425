"""Collects boxes by image while a file is read, and problems with their places."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from spel.errors import FormatError, ParameterError, ShapeError, printable
from spel.io.annotation.annotations import ONE_CLASS, UNKNOWN_SIZE, Annotations, ImageBoxes
from spel.io.annotation.image_folder import ImageFolder

__all__ = ["Collector", "Entry", "is_whole", "real", "whole"]

SIDES = ("width", "height", "depth")


class Entry:
    """The boxes of one image so far."""

    def __init__(self, name: str, size: tuple[int, ...], orientation: int) -> None:
        if not all(0 <= n < 1 << 31 for n in size) or not 1 <= orientation <= 8:
            raise ValueError(f"size {size} or orientation {orientation} is impossible")
        self.name, self.size, self.orientation = name, size, orientation
        self.boxes: list[list[float]] = []
        self.classes: list[str] = []
        self.crowd: list[bool] = []
        self.scores: list[float | None] = []
        self.areas: list[float | None] = []
        self.details: dict[str, Any] = {}
        self.box_details: list[Mapping[str, Any]] = []
        self.frame: int | None = None
        self.seconds: float | None = None

    def add(
        self,
        box: Sequence[float],
        name: str,
        *,
        score: float | None = None,
        area: float | None = None,
        crowd: bool = False,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        """Add a box; if it is wrong, a ValueError says in what way.

        A true box, which has no score, must have an area, and must overlap its image.
        """
        axes = len(self.size)
        low, high = box[:axes], box[axes:]
        if len(box) != 2 * axes:
            raise ValueError(f"{len(box)} corners for an image of {axes} axes; are planes missing?")
        numbers = [*box, score or 0.0, area or 0.0]
        if not np.isfinite(numbers).all() or max(map(abs, numbers)) >= 1e15:
            raise ValueError("a number is not finite, or too large")
        if any(first > last for first, last in zip(low, high)):
            raise ValueError("the corners of the box are in the wrong order")
        if score is None:
            if any(first == last for first, last in zip(low, high)):
                raise ValueError(f"the box {_in_words(box)} has no area")
            size = self.size[::-1]
            outside = any(a >= n or b <= 0 for a, b, n in zip(low, high, size))
            if self.size != UNKNOWN_SIZE and outside:
                sides = " x ".join(map(str, size))
                raise ValueError(
                    f"the box {_in_words(box)} lies outside of its image of {sides} "
                    f"({' x '.join(SIDES[:axes])})"
                )
        self.boxes.append(list(box))
        self.classes.append(name or ONE_CLASS)
        self.crowd.append(crowd)
        self.scores.append(score)
        self.areas.append(area)
        self.box_details.append(details or {})

    def image_boxes(self) -> ImageBoxes:
        """The finished value; scores are complete or absent, see `Collector.annotations`."""
        scores = None if None in self.scores or not self.scores else self.scores
        areas = None if None in self.areas or not self.areas else self.areas
        return ImageBoxes(
            self.name,
            self.size,
            np.array(self.boxes, np.float64).reshape(-1, 2 * len(self.size)),
            self.classes,
            np.array(self.crowd, np.bool_),
            None if scores is None else np.array(scores, np.float64),
            None if areas is None else np.array(areas, np.float64),
            self.orientation,
            self.frame,
            self.seconds,
            self.details,
            self.box_details if any(self.box_details) else (),
        )


class Collector:
    """Filled by a reader: images in the order in which they are first named, and problems.

    Attributes
    ----------
    files : ImageFolder, optional
        The images, if the caller has them.
    like : Annotations, optional
        The data set whose ids of images and classes the file uses.
    problems : list of str
        Entries that were left out, each with its place.
    notes : list of str
        Assumptions under which entries were read.
    classes : list of str
        Names of the classes in the order of their numbers, if the file states it.
    keypoints : int
        How many numbers of keypoints follow each box of a YOLO data set; they are left out.
    """

    def __init__(self, files: ImageFolder | None = None, like: Annotations | None = None) -> None:
        self.files, self.like = files, like
        self.entries: dict[str, Entry] = {}
        self.problems: list[str] = []
        self.notes: list[str] = []
        self.classes: list[str] = []
        self.keypoints = 0
        self.details: dict[str, Any] = {}
        self.class_details: dict[str, Mapping[str, Any]] = {}

    def image(self, name: str, size: tuple[int, ...] = UNKNOWN_SIZE, orientation: int = 1) -> Entry:
        """The entry of an image, created when it is first named."""
        entry = self.entries.get(name)
        if entry is None:
            entry = self.entries[name] = Entry(name, size, orientation)
        elif (entry.size, entry.orientation) != (size, orientation):
            raise ValueError(f"{printable(name)} has two sizes or orientations")
        return entry

    def existing(self, name: Any) -> Entry:
        """The entry of an image that was named before."""
        if not isinstance(name, str) or name not in self.entries:
            raise ValueError(f"{printable(str(name)[:40])} is no image of this file")
        return self.entries[name]

    @contextlib.contextmanager
    def at(self, place: str) -> Iterator[None]:
        """Record the error of a malformed entry as a problem with its place.

        The entry is left out, and reading continues after the block.
        """
        try:
            yield
        except FormatError as error:
            raise error
        except (
            *(ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError),
            *(ParameterError, ShapeError),
        ) as error:
            reason = f"{error} is missing" if isinstance(error, KeyError) else str(error)
            colon = "" if reason.startswith(".") else ": "  # ".bbox: ..." continues the place
            self.problems.append(f"{printable(place)}{colon}{printable(reason[:300])}")

    def note(self, text: str) -> None:
        """State an assumption, once."""
        if text not in self.notes:
            self.notes.append(text)

    def annotations(self, form: str) -> Annotations:
        """All that was collected."""
        every = [score for entry in self.entries.values() for score in entry.scores]
        if None in every and any(score is not None for score in every):
            missing = sum(score is None for score in every)
            self.note(f"{missing} of {len(every)} boxes have no score; they get the score 1")
            for entry in self.entries.values():
                entry.scores = [1.0 if score is None else score for score in entry.scores]
        images = tuple(entry.image_boxes() for entry in self.entries.values())
        used = {name for one in images for name in one.classes}
        names = self.classes or sorted(used)
        return Annotations(
            images,
            tuple(names) or (ONE_CLASS,),
            form,
            self.details,
            self.class_details,
            (*self.problems, *self.notes),
        )


def is_whole(value: Any) -> bool:
    """Whether a value of JSON is a whole number, which may be written as 160.0."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return abs(value) < 1 << 63 and value == int(value)


def whole(value: Any) -> int:
    """The whole number that a value stands for; a ValueError names any other value."""
    if isinstance(value, str):
        with contextlib.suppress(ValueError):  # text that is no number is refused below
            value = float(value)
    if not is_whole(value):
        raise ValueError(f"{value!r:.40} is not a whole number")
    return int(value)


def real(text: str) -> float:
    """The number that a text stands for; a ValueError names any other text."""
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{printable(text[:40])!r} is not a number") from None


def _in_words(box: Sequence[float]) -> str:
    """The first corner of a box and its sides."""
    axes = len(box) // 2
    low, high = box[:axes], box[axes:]
    numbers = [*low, *(last - first for first, last in zip(low, high))]
    words = ", ".join([*"xyz"[:axes], *SIDES[:axes]])
    return "[" + ", ".join(f"{n:g}" for n in numbers) + f"] ({words})"
