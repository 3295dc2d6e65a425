"""Results of detection: one JSON line per image, readable after a crash."""

from __future__ import annotations

import json
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
from spel.io.annotation.result_fields import (
    MAX_NUMBER,
    read_about,
    read_boxes,
    read_count,
    read_moment,
    read_positive,
    read_size,
)
from spel.io.json_files import parse_json
from spel.io.text_files import MIB, problems_error, read_limited

__all__ = ["Result", "parse_line", "read_results", "write_results"]

_MAX_LINE = 64 * MIB
COUNTS = ("non_finite", "left_out", "pages", "reduce")


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
    largest : float, optional
        Largest number of the image, if it is less than an eighth of `white`.
    pages : int
        Number of pages or frames of the file, if only the first was read.
    reduce : int
        By how much a JPEG file was decoded smaller, see `spel.read`; 0 if it was not.
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
    reduce: int = 0
    largest: float | None = None

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
            reduce: int = 0,
            largest: float | None = None,
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
            **({} if self.largest is None else {"largest": self.largest}),
            **({"non_finite": self.non_finite} if self.non_finite else {}),
            **({"left_out": self.left_out} if self.left_out else {}),
            **({"pages": self.pages} if self.pages else {}),
            **({"reduce": self.reduce} if self.reduce else {}),
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
    image, size = content.get("image"), read_size(content, problems)
    if not isinstance(image, str) or not image:
        problems.append("image: no name")
    entries = read_boxes(content, len(size or (0, 0)), problems)
    orientation, ms, model = read_about(content, problems)
    frame, seconds = read_moment(content, problems)
    white, largest = (read_positive(content, name, problems) for name in ("white", "largest"))
    counts = {name: read_count(content, name, problems) for name in COUNTS}
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
        **counts,
        largest=largest,
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
