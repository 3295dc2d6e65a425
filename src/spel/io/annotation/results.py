"""Results of detection: one JSON line per image, readable after a crash."""

from __future__ import annotations

import json
import math
import os
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from spel.atomic import write_text
from spel.core.box_arrays import CORNERS, box_array, number_array
from spel.errors import FormatError, ParameterError, ShapeError, printable
from spel.io.annotation.annotations import AnnotationWarning
from spel.io.json_files import parse_json
from spel.io.text_files import MIB, problems_error, read_limited

__all__ = ["Result", "parse_line", "read_results", "write_results"]

_MAX_LINE = 64 * MIB
_MAX_SIDE = 1 << 31
NUMBERS = {2: "four", 3: "six"}
COUNTS = ("non_finite", "left_out", "pages")

MAX_NUMBER = 1e15
"""Coordinates, scores and areas must be smaller, so that all that is written can be read."""


@dataclass(frozen=True, eq=False)
class Result:
    """The detections in one image.

    Attributes
    ----------
    image : str
        Name of the file, as the user wrote it or relative to the input folder.
    size : (rows, cols)
        Size of the displayed image; (planes, rows, cols) for a volume.
    boxes : (n, 4) array of float64
        ``x0 y0 x1 y1``, half-open, in the displayed image; for a volume (n, 6),
        ``x0 y0 z0 x1 y1 z1``.
    scores : (n,) array of float64
    areas : (n,) array of float64
        Number of spels of the component in each box.
    classes : tuple of str
        Class of each box; empty if there is only one.
    orientation : int
        EXIF orientation of the stored image, 1 to 8.
    ms : float
        Milliseconds that the image took; 0 if the time is stored elsewhere.
    model : str
        Fingerprint of the network.
    white : float, optional
        Full intensity that was assumed for the image, if it does not have 8 bits.
    non_finite : int
        Number of values of the image that are NaN or infinite in float32.
    pages : int
        Number of pages or frames of the file, if only the first was read.
    left_out : int
        Number of boxes above the threshold that exceed the decision's `max_detections`.
    frame : int, optional
        Number of the frame, if the image is one of a video.
    seconds : float, optional
        Time at which that frame is shown.

    Raises
    ------
    ShapeError, ParameterError
        If the numbers of boxes, scores, areas or classes differ, or a number is too large.

    Examples
    --------
    >>> one = Result("a.png", (10, 20), [[1, 2, 5, 8]], [0.5], [24], ("dog",))
    >>> one.to_dict()["boxes"]
    [{'xyxy': [1.0, 2.0, 5.0, 8.0], 'score': 0.5, 'area': 24, 'class': 'dog'}]
    >>> parse_line(one.to_line()) == one
    True
    """

    image: str
    size: tuple[int, ...]
    boxes: npt.NDArray[np.float64]
    scores: npt.NDArray[np.float64]
    areas: npt.NDArray[np.float64]
    classes: tuple[str, ...] = ()
    orientation: int = 1
    ms: float = 0.0
    model: str = ""
    frame: int | None = None
    seconds: float | None = None
    white: float | None = None
    non_finite: int = 0
    left_out: int = 0
    pages: int = 0

    if TYPE_CHECKING:  # lists are taken; the fields hold arrays

        def __init__(
            self,
            image: str,
            size: Sequence[int],
            boxes: npt.ArrayLike,
            scores: npt.ArrayLike,
            areas: npt.ArrayLike,
            classes: Sequence[str] = (),
            orientation: int = 1,
            ms: float = 0.0,
            model: str = "",
            frame: int | None = None,
            seconds: float | None = None,
            white: float | None = None,
            non_finite: int = 0,
            left_out: int = 0,
            pages: int = 0,
        ) -> None: ...

    def __post_init__(self) -> None:
        size = tuple(int(n) for n in self.size)
        boxes = box_array("Result: boxes", self.boxes, len(size))
        scores = number_array("Result: scores", self.scores, None).reshape(-1)
        areas = number_array("Result: areas", self.areas, None).reshape(-1)
        classes = tuple(self.classes)
        if not len(boxes) == len(scores) == len(areas) or len(classes) not in (0, len(boxes)):
            raise ShapeError(
                f"Result: {len(boxes)} boxes, {len(scores)} scores, {len(areas)} areas, "
                f"{len(classes)} classes; expected the same number of each, or no classes"
            )
        for name, value in (("boxes", boxes), ("scores", scores), ("areas", areas)):
            if np.abs(value).max(initial=0) >= MAX_NUMBER:
                raise ParameterError(
                    f"Result: {name} has the number {np.abs(value).max():.3g}; expected less than "
                    f"{MAX_NUMBER:.0e}"
                )
            object.__setattr__(self, name, value)
        object.__setattr__(self, "classes", classes)
        object.__setattr__(self, "size", size)

    def __len__(self) -> int:
        return len(self.boxes)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Result):
            return NotImplemented
        return self.to_dict() == other.to_dict()

    __hash__ = None  # type: ignore[assignment]

    def to_dict(self) -> dict[str, Any]:
        """Plain lists and numbers, as a line of a results file holds them."""
        rows = zip(self.boxes.tolist(), self.scores.tolist(), self.areas.tolist())
        boxes: list[dict[str, Any]] = [
            {
                CORNERS[len(self.size)]: box,
                "score": score,
                "area": int(area) if area == int(area) else area,
            }
            for box, score, area in rows
        ]
        for entry, name in zip(boxes, self.classes):
            entry["class"] = name
        timed = {"ms": self.ms} if self.ms else {}  # runs store times elsewhere: lines then repeat
        moment = {"frame": self.frame, "seconds": self.seconds} if self.frame is not None else {}
        return {
            "image": self.image,
            **moment,
            "size": list(self.size),
            "orientation": self.orientation,
            **({} if self.white is None else {"white": self.white}),
            **({"non_finite": self.non_finite} if self.non_finite else {}),
            **({"left_out": self.left_out} if self.left_out else {}),
            **({"pages": self.pages} if self.pages else {}),
            "boxes": boxes,
            **timed,
            "model": self.model,
        }

    def to_line(self) -> str:
        """One line of JSON in ASCII, without the line feed."""
        return json.dumps(self.to_dict(), allow_nan=False)


def parse_line(line: bytes | str, name: str = "line") -> Result:
    """The result that a line holds.

    Parameters
    ----------
    line : bytes or str
    name : str
        Name of the place, for messages.

    Returns
    -------
    Result

    Raises
    ------
    FormatError
        If the line is no result; everything that is wrong is listed.

    Examples
    --------
    >>> parse_line('{"image": "a.png", "size": [4, 6], "boxes": []}').size
    (4, 6)
    """
    content = parse_json(line, name=name, max_bytes=_MAX_LINE, max_depth=8)
    problems: list[str] = []
    result = _from_dict(content, problems)
    if result is None or problems:
        raise problems_error(name, problems)
    return result


def _from_dict(content: Any, problems: list[str]) -> Result | None:
    """The result that a JSON value describes; None after problems, which are appended."""
    if not isinstance(content, dict):
        problems.append("it is no JSON object")
        return None
    image, size = content.get("image"), _size(content, problems)
    if not isinstance(image, str) or not image:
        problems.append("image: no name")
    entries = _boxes(content, len(size or (0, 0)), problems)
    orientation, ms, model = _about(content, problems)
    frame, seconds = _moment(content, problems)
    white = _white(content, problems)
    counts = [_count(content, name, problems) for name in COUNTS]
    if problems or size is None:
        return None
    return Result(
        str(image),
        size,
        np.array([entry[0] for entry in entries], np.float64).reshape(-1, 2 * len(size)),
        np.array([entry[1] for entry in entries], np.float64),
        np.array([entry[2] for entry in entries], np.float64),
        tuple(entry[3] for entry in entries if entry[3]),
        orientation,
        ms,
        model,
        frame,
        seconds,
        white,
        *counts,
    )


def _size(content: dict[str, Any], problems: list[str]) -> list[int] | None:
    """The size of the image; None if it is not stated."""
    size: Any = content.get("size")
    if isinstance(size, list) and len(size) in CORNERS and all(_side(n) for n in size):
        return size
    problems.append("size: not [rows, cols] or [planes, rows, cols]")
    return None


def _boxes(
    content: dict[str, Any], axes: int, problems: list[str]
) -> list[tuple[list[float], float, float, str]]:
    """Corners, score, area and class of each box."""
    boxes: Any = content.get("boxes")
    if not isinstance(boxes, list):
        problems.append("boxes: not a list")
        return []
    entries = [_box(entry, axes, f"boxes[{i}]", problems) for i, entry in enumerate(boxes)]
    whole = [entry for entry in entries if entry is not None]
    classes = [entry[3] for entry in whole]
    if any(classes) and not all(classes):
        problems.append("boxes: some have a class and some not")
    return whole


def _about(content: dict[str, Any], problems: list[str]) -> tuple[int, float, str]:
    """Orientation, milliseconds and model."""
    orientation, ms = content.get("orientation", 1), content.get("ms", 0.0)
    model = content.get("model", "")
    if orientation not in range(1, 9) or isinstance(orientation, (bool, float)):
        problems.append("orientation: not a whole number from 1 to 8")
    if not _real(ms):
        problems.append("ms: not a number")
    if not isinstance(model, str):
        problems.append("model: not a string")
    return orientation, float(ms) if _real(ms) else 0.0, model


def _moment(content: dict[str, Any], problems: list[str]) -> tuple[int | None, float | None]:
    """The number of a frame and its time."""
    frame = None if content.get("frame") is None else _count(content, "frame", problems)
    seconds: Any = content.get("seconds")
    if seconds is not None and not _real(seconds):
        problems.append("seconds: not a number")
        return frame, None
    return frame, None if seconds is None else float(seconds)


def _white(content: dict[str, Any], problems: list[str]) -> float | None:
    """The assumed full intensity."""
    white = content.get("white")
    if white is None or (_real(white) and white > 0):
        return None if white is None else float(white)
    problems.append("white: not a positive number")
    return None


def _count(content: dict[str, Any], name: str, problems: list[str]) -> int:
    """A whole number of the line; 0 if it is not stated."""
    count: Any = content.get(name, 0)
    if type(count) is int and 0 <= count < 1 << 62:
        return int(count)
    problems.append(f"{name}: not a whole number of at least 0")
    return 0


def _box(
    entry: Any, axes: int, place: str, problems: list[str]
) -> tuple[list[float], float, float, str] | None:
    """Corners, score, area and class of one box; None after problems."""
    if not isinstance(entry, dict):
        problems.append(f"{place}: not an object")
        return None
    key = CORNERS[axes]
    box: Any = entry.get(key)
    score: Any = entry.get("score")
    area, name = entry.get("area"), entry.get("class", "")
    before = len(problems)
    if not isinstance(box, list) or len(box) != 2 * axes or not all(_real(n) for n in box):
        problems.append(f"{place}.{key}: not {NUMBERS[axes]} numbers")
    elif any(low > high for low, high in zip(box[:axes], box[axes:])):
        problems.append(f"{place}.{key}: {box} has its corners in the wrong order")
    if not _real(score):
        problems.append(f"{place}.score: not a number")
    if not isinstance(name, str):
        problems.append(f"{place}.class: not a string")
    if area is not None and not _real(area):
        problems.append(f"{place}.area: not a number")
    if len(problems) > before:
        return None
    if area is None:
        area = math.prod(high - low for low, high in zip(box[:axes], box[axes:]))
    return [float(n) for n in box], float(score), float(area), name


def _side(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _MAX_SIDE


def _real(value: Any) -> bool:
    return (
        isinstance(value, (int, float))
        and not isinstance(value, bool)
        and abs(value) < MAX_NUMBER
        and math.isfinite(value)
    )


def read_results(path: str | os.PathLike[str], *, max_bytes: int = 2048 * MIB) -> list[Result]:
    """Read a results file; a last line that a crash cut short is left out with a warning.

    Parameters
    ----------
    path : str or path
    max_bytes : int
        Largest size of the file.

    Returns
    -------
    list of Result

    Raises
    ------
    FormatError
        If the file cannot be read, or a line before the last is damaged; all such lines are
        listed.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "results.jsonl"
    >>> _ = path.write_text('{"image": "a.png", "size": [4, 6], "boxes": []}' + chr(10))
    >>> [one.image for one in read_results(path)]
    ['a.png']
    """
    name = os.fsdecode(path)
    lines = read_limited(path, max_bytes).split(b"\n")
    results: list[Result] = []
    problems: list[str] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            results.append(parse_line(line, f"line {number}"))
        except FormatError as error:
            if number == len(lines):  # it has no line feed, so it was still being written
                warnings.warn(
                    f"{printable(name)}: the last line was cut short by a crash; it is left out",
                    AnnotationWarning,
                    stacklevel=2,
                )
                break
            problems.append(str(error))
    if problems:
        raise problems_error(name, problems)
    return results


def write_results(path: str | os.PathLike[str], results: Iterable[Result]) -> None:
    """Write a whole results file atomically.

    Parameters
    ----------
    path : str or path
    results : iterable of Result

    Examples
    --------
    >>> import tempfile
    >>> name = tempfile.mkdtemp() + "/results.jsonl"
    >>> one = Result("a.png", (4, 6), np.array([[1.0, 0, 3, 2]]), np.array([0.5]), np.array([4.0]))
    >>> write_results(name, [one])
    >>> read_results(name) == [one]
    True
    """
    write_text(path, "".join(one.to_line() + "\n" for one in results))
