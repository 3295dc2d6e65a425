"""Which answer matches which true box: overlaps, classes and crowds, by the rule of COCO."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from spel.core.box_arrays import BOX, box_array
from spel.errors import ParameterError, ShapeError

__all__ = [
    "FALSE_ALARM",
    "IGNORED",
    "Answers",
    "class_names",
    "coco_overlaps",
    "iou",
    "match",
    "match_overlaps",
    "overlaps",
]

Floats = npt.NDArray[np.float64]

FALSE_ALARM = -1
"""An answer that matches no true box."""

IGNORED = -2
"""An answer inside a crowd, which is neither right nor wrong."""


@dataclass(frozen=True, eq=False)
class Answers:
    """The answers of a detector for one image, best score first, and the true boxes.

    Attributes
    ----------
    name : str
    boxes : (n, 4) array of float
        Or (n, 6) in volumes, ``x0 y0 z0 x1 y1 z1``, as those of `truth`.
    scores : (n,) array of float
    truth : (m, 4) array of float
    classes, truth_classes : tuple of str
        One name per box; empty if classes are not compared.
    crowd : (m,) array of bool
        Which true boxes are around a crowd: they need not be found, and answers inside are ignored.
    truth_areas : (m,) array of float
        Areas of the true objects, for COCO's figures by size; by default those of their boxes.

    Raises
    ------
    ShapeError, ParameterError
        If the numbers of boxes, scores, classes, crowds or areas differ, or a score is NaN.
    """

    name: str
    boxes: Floats
    scores: Floats
    truth: Floats
    classes: tuple[str, ...] = ()
    truth_classes: tuple[str, ...] = ()
    crowd: npt.NDArray[np.bool_] = None  # type: ignore[assignment]  # False each, see below
    truth_areas: Floats = None  # type: ignore[assignment]  # of the boxes, see below

    if TYPE_CHECKING:  # lists are taken; the fields hold arrays

        def __init__(
            self,
            name: str,
            boxes: npt.ArrayLike,
            scores: npt.ArrayLike,
            truth: npt.ArrayLike,
            classes: Sequence[str] = (),
            truth_classes: Sequence[str] = (),
            crowd: npt.ArrayLike | None = None,
            truth_areas: npt.ArrayLike | None = None,
        ) -> None: ...

    def __post_init__(self) -> None:
        where = f"Answers: {self.name}"
        axes = _axes(self.boxes, self.truth)
        boxes = box_array(f"{where}: boxes", self.boxes, axes)
        truth = box_array(where, self.truth, axes)
        scores = np.array(self.scores, dtype=np.float64).reshape(-1)
        crowd = np.zeros(len(truth), bool) if self.crowd is None else np.array(self.crowd, bool)
        classes = tuple(self.classes) or ("",) * len(boxes)
        truth_classes = tuple(self.truth_classes) or ("",) * len(truth)
        if not len(scores) == len(classes) == len(boxes):
            raise ShapeError(
                f"{where}: {len(boxes)} boxes, {len(scores)} scores, {len(classes)} classes; "
                "expected one each"
            )
        if not len(crowd) == len(truth_classes) == len(truth):
            raise ShapeError(
                f"{where}: {len(truth)} true boxes, {len(truth_classes)} classes, {len(crowd)} "
                "marks of crowds; expected one each"
            )
        areas = np.prod(truth[:, axes:] - truth[:, :axes], axis=1)
        if self.truth_areas is not None:
            areas = np.array(self.truth_areas, dtype=np.float64).reshape(-1)
        if len(areas) != len(truth):
            raise ShapeError(
                f"{where}: {len(truth)} true boxes, {len(areas)} areas; expected one each"
            )
        if np.isnan(scores).any():
            raise ParameterError(f"{where}: a score is NaN; give numbers")
        order = np.argsort(-scores, kind="stable")
        object.__setattr__(self, "boxes", boxes[order])
        object.__setattr__(self, "scores", scores[order])
        object.__setattr__(self, "classes", tuple(classes[i] for i in order))
        object.__setattr__(self, "truth", truth)
        object.__setattr__(self, "truth_classes", truth_classes)
        object.__setattr__(self, "crowd", crowd)
        object.__setattr__(self, "truth_areas", areas)

    @property
    def best_iou(self) -> float:
        """IoU of the best answer with the true box of its class that it overlaps most.

        0 without an answer, NaN without a true box. Crowds do not count.
        """
        if self.crowd.all():
            return float("nan")
        if not len(self.boxes):
            return 0.0
        same = np.array([name == self.classes[0] for name in self.truth_classes]) & ~self.crowd
        return float(iou(self.boxes[:1], self.truth[same]).max(initial=0.0))

    def only(self, choice: npt.NDArray[np.bool_]) -> Answers:
        """Some of the answers, with all true boxes."""
        return Answers(
            self.name,
            self.boxes[choice],
            self.scores[choice],
            self.truth,
            tuple(np.array(self.classes, dtype=object)[choice]),
            self.truth_classes,
            self.crowd,
            self.truth_areas,
        )


def class_names(images: Sequence[Answers]) -> list[str]:
    """All classes of answers and true boxes, sorted; only "" if classes are not compared.

    Parameters
    ----------
    images : sequence of Answers
    """
    return sorted({name for one in images for name in (*one.classes, *one.truth_classes)})


def iou(a: npt.ArrayLike, b: npt.ArrayLike) -> Floats:
    """Overlap of every box of `a` with every box of `b`: intersection over union.

    Parameters
    ----------
    a, b : (n, 4) and (m, 4) arrays of float
        ``x0 y0 x1 y1``, half-open; both with six numbers, ``x0 y0 z0 x1 y1 z1``, in volumes.

    Returns
    -------
    (n, m) array of float64
        In 0..1; 0 where both boxes are empty.

    Examples
    --------
    >>> iou([[0, 0, 4, 2]], [[0, 0, 4, 2], [2, 0, 6, 2], [9, 9, 10, 10]]).round(3).tolist()
    [[1.0, 0.333, 0.0]]
    """
    common, areas, others = _intersections(a, b)
    return _ratio(common, areas + others - common)


def match(answers: Answers, level: float = 0.5) -> npt.NDArray[np.int64]:
    """The true box that each answer matches, best score first.

    An answer takes the true box of its class that it overlaps most, of those that no better answer
    has taken, if their IoU reaches `level`. An answer that takes none and lies in a crowd of its
    class (intersection over the answer's own area) is `IGNORED`, else it is a `FALSE_ALARM`.

    Parameters
    ----------
    answers : Answers
    level : float
        Least IoU of a match.

    Examples
    --------
    >>> one = Answers("a", [[0, 0, 4, 2], [0, 0, 4, 3]], [0.5, 0.9], [[0, 0, 4, 3]])
    >>> match(one).tolist()
    [0, -1]
    """
    return match_overlaps(overlaps(answers), level)


def coco_overlaps(boxes: Floats, truth: Floats, crowd: npt.NDArray[np.bool_]) -> Floats:
    """Overlap of each answer with each true box: for a crowd, the share of the answer inside.

    Parameters
    ----------
    boxes, truth : (n, 4) and (m, 4) array
    crowd : (m,) array of bool
        Whether a true box stands for a crowd.
    """
    common, areas, others = _intersections(boxes, truth)
    return _ratio(common, np.where(crowd, areas, areas + others - common))


def overlaps(answers: Answers) -> tuple[Floats, Floats]:
    """For each answer its IoU with each true box of its class, and its share inside a crowd.

    Parameters
    ----------
    answers : Answers
    """
    if not len(answers.boxes) or not len(answers.truth):
        return np.zeros((len(answers.boxes), 0)), np.zeros(len(answers.boxes))
    common, areas, others = _intersections(answers.boxes, answers.truth)
    names = np.array(answers.classes, dtype=object)[:, None]
    same = names == np.array(answers.truth_classes, dtype=object)[None]
    with_truth = np.where(same & ~answers.crowd, _ratio(common, areas + others - common), -1.0)
    in_crowd = np.where(same & answers.crowd, _ratio(common, areas), -1.0).max(axis=1)
    return with_truth, in_crowd


def match_overlaps(pair: tuple[Floats, Floats], level: float) -> npt.NDArray[np.int64]:
    """`match` from the `overlaps` of an image.

    Parameters
    ----------
    pair : tuple of arrays
        What `overlaps` gives.
    level : float
        Least IoU of a match.
    """
    with_truth, in_crowd = pair
    taken = np.full(len(with_truth), FALSE_ALARM, dtype=np.int64)
    least = min(level, 1 - 1e-10)  # as pycocotools, for boxes that are equal but for rounding
    remaining = with_truth.copy()
    for i, row in enumerate(remaining):
        if len(row) and row.max() >= least:
            best = len(row) - 1 - int(row[::-1].argmax())  # of equal overlaps the last, as there
            taken[i] = best
            remaining[:, best] = -1.0
        elif in_crowd[i] >= least:
            taken[i] = IGNORED
    return taken


def _intersections(a: npt.ArrayLike, b: npt.ArrayLike) -> tuple[Floats, Floats, Floats]:
    """Common area of every pair of boxes, and the areas of both."""
    axes = _axes(a, b)
    first, second = _boxes("a", a, axes)[:, None], _boxes("b", b, axes)[None]
    low = np.maximum(first[..., :axes], second[..., :axes])
    high = np.minimum(first[..., axes:], second[..., axes:])
    areas, others = (
        np.prod(np.maximum(x[..., axes:] - x[..., :axes], 0), axis=-1) for x in (first, second)
    )
    return np.prod(np.maximum(high - low, 0), axis=-1), areas, others


def _ratio(part: Floats, whole: Floats) -> Floats:
    whole = np.broadcast_to(whole, part.shape)
    return np.where(whole > 0, part / np.where(whole > 0, whole, 1), 0.0)


def _axes(*boxes: npt.ArrayLike) -> int:
    """3 if there are boxes of volumes, else 2; arrays without a box fit both."""
    shapes = [np.shape(some) for some in boxes]
    return 3 if any(shape[-1:] == (6,) and 0 not in shape for shape in shapes) else 2


def _boxes(name: str, values: npt.ArrayLike, axes: int) -> Floats:
    boxes = np.asarray(values, dtype=np.float64)
    if boxes.size == 0:
        return np.zeros((0, 2 * axes))
    if boxes.ndim != 2 or boxes.shape[1] != 2 * axes:
        raise ShapeError(f"{name} of shape {boxes.shape}; expected (n, {2 * axes}): {BOX[axes]}")
    if np.isnan(boxes).any():
        raise ParameterError(f"{name}: a coordinate is NaN; give numbers")
    return boxes
