"""Boxes against true boxes: overlap, recall, precision, average precision, worst images first.

Conventions. Boxes are ``x0 y0 x1 y1``, half-open. An answer matches a true box if their overlap
(IoU) reaches the level asked for; answers are matched greedily, best score first, each true box at
most once. The *best answer* of an image is its box with the highest score. A figure over nothing
(recall without true boxes, precision without answers) is NaN, and null in JSON.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.errors import ParameterError, ShapeError

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Answers:
    """What was found in one image, and what is there.

    Attributes
    ----------
    name : str
    boxes : (n, 4) array of float
    scores : (n,) array of float
    truth : (m, 4) array of float
    """

    name: str
    boxes: Floats
    scores: Floats
    truth: Floats

    def __post_init__(self) -> None:
        boxes, truth = _boxes("boxes", self.boxes), _boxes("truth", self.truth)
        scores = np.array(self.scores, dtype=np.float64).reshape(-1)
        if len(scores) != len(boxes):
            raise ShapeError(f"Answers: {self.name}: {len(boxes)} boxes, {len(scores)} scores")
        if np.isnan(scores).any():
            raise ParameterError(f"Answers: {self.name}: a score is NaN; give numbers")
        order = np.argsort(-scores, kind="stable")
        object.__setattr__(self, "boxes", boxes[order])
        object.__setattr__(self, "scores", scores[order])
        object.__setattr__(self, "truth", truth)

    @property
    def best_iou(self) -> float:
        """Overlap of the best answer with the true box that it overlaps most; 0 without answer."""
        if not len(self.truth):
            return float("nan")
        return float(iou(self.boxes[:1], self.truth).max(initial=0.0))


@dataclass(frozen=True)
class Row:
    """One image of the table: what its best answer, its matches and its misses are."""

    name: str
    best_iou: float
    best_score: float
    truths: int
    found: int
    false_alarms: int


@dataclass(frozen=True)
class DetectionMetrics:
    """Figures over a set of images; `rows` holds one `Row` per image, worst first.

    Attributes
    ----------
    images, truths, boxes : int
    level : float
        The IoU of recall, precision, `average_precision` and the rows.
    recall, precision : float
        Over all boxes of all images: matched true boxes, matched answers.
    best_recall : dict of float to float
        Share of the images with a true box whose best answer reaches this IoU (r50, r30).
    mean_iou : float
        Mean of the best answers' IoU over the images with a true box; no answer counts 0.
    average_precision : float
    false_alarms : float
        Answers that match nothing, per image.
    """

    images: int
    truths: int
    boxes: int
    level: float
    recall: float
    precision: float
    best_recall: dict[float, float]
    mean_iou: float
    average_precision: float
    false_alarms: float
    rows: tuple[Row, ...] = field(repr=False, default=())

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers for JSON; NaN becomes None."""
        figures = {
            "images": self.images,
            "truths": self.truths,
            "boxes": self.boxes,
            "iou": self.level,
            "recall": self.recall,
            "precision": self.precision,
            **{f"r{round(100 * at)}": share for at, share in self.best_recall.items()},
            "mean_iou": self.mean_iou,
            "ap": self.average_precision,
            "false_alarms": self.false_alarms,
        }
        table = [_plain(vars(row)) for row in self.rows]
        return {**_plain(figures), "rows": table}

    def text(self, worst: int = 10) -> str:
        """The figures and the worst images, for people."""
        shares = "  ".join(f"r{round(100 * at)} {x:.3f}" for at, x in self.best_recall.items())
        lines = [
            f"{self.images} images, {self.truths} true boxes, {self.boxes} answers",
            f"best answer: {shares}  mean IoU {self.mean_iou:.3f}",
            f"all answers at IoU {self.level:g}: recall {self.recall:.3f}  precision "
            f"{self.precision:.3f}  AP {self.average_precision:.3f}  "
            f"false alarms per image {self.false_alarms:.3f}",
        ]
        lines += [
            f"  {row.best_iou:6.3f}  {row.found}/{row.truths} found  "
            f"{row.false_alarms} false  {row.name}"
            for row in self.rows[:worst]
        ]
        return "\n".join(lines)


def iou(a: npt.ArrayLike, b: npt.ArrayLike) -> Floats:
    """Overlap of every box of `a` with every box of `b`: intersection over union.

    Parameters
    ----------
    a, b : (n, 4) and (m, 4) arrays of float
        ``x0 y0 x1 y1``, half-open.

    Returns
    -------
    (n, m) array of float64
        In 0..1; 0 where both boxes are empty.

    Examples
    --------
    >>> iou([[0, 0, 4, 2]], [[0, 0, 4, 2], [2, 0, 6, 2], [9, 9, 10, 10]]).round(3).tolist()
    [[1.0, 0.333, 0.0]]
    """
    first, second = _boxes("a", a)[:, None], _boxes("b", b)[None]
    low = np.maximum(first[..., :2], second[..., :2])
    high = np.minimum(first[..., 2:], second[..., 2:])
    common = np.prod(np.maximum(high - low, 0), axis=-1)
    areas = [np.prod(np.maximum(x[..., 2:] - x[..., :2], 0), axis=-1) for x in (first, second)]
    union = areas[0] + areas[1] - common
    return np.where(union > 0, common / np.where(union > 0, union, 1), 0.0)


def match(answers: Answers, level: float = 0.5) -> npt.NDArray[np.int64]:
    """The true box that each answer matches, best score first; -1 for a false alarm.

    Examples
    --------
    >>> one = Answers("a", [[0, 0, 4, 2], [0, 0, 4, 3]], [0.5, 0.9], [[0, 0, 4, 3]])
    >>> match(one).tolist()
    [0, -1]
    """
    overlap = iou(answers.boxes, answers.truth)
    taken = np.full(len(answers.boxes), -1, dtype=np.int64)
    for i, row in enumerate(overlap):
        if len(row) and row.max() >= level:
            best = int(row.argmax())
            taken[i] = best
            overlap[:, best] = -1.0
    return taken


def precision_recall(
    images: Iterable[Answers], level: float = 0.5
) -> tuple[Floats, Floats, Floats]:
    """Scores, highest first, with precision and recall of the answers from that score up.

    One point per distinct score, so that the order of equal scores does not matter.

    Returns
    -------
    scores, precision, recall : (n,) arrays of float64
    """
    images = list(images)
    truths = sum(len(image.truth) for image in images)
    scores = np.concatenate([np.zeros(0), *[image.scores for image in images]])
    hits = np.concatenate([np.zeros(0, dtype=bool), *[match(x, level) >= 0 for x in images]])
    order = np.argsort(-scores, kind="stable")
    scores, found = scores[order], np.cumsum(hits[order])
    last = np.append(scores[1:] != scores[:-1], True)[: len(scores)]
    scores, found, count = scores[last], found[last], np.arange(1, len(last) + 1)[last]
    recall = found / truths if truths else np.full(len(found), np.nan)
    return scores, found / count, recall


def average_precision(images: Iterable[Answers], level: float = 0.5) -> float:
    """Area under the precision-recall curve, all points.

    ``sum over recalls r_i of (r_i - r_(i-1)) max {precision at r_j : r_j >= r_i}``: precision is
    made falling first, and every point counts (Pascal VOC since 2010; not the 11-point mean, nor
    COCO's 101 points).

    Returns
    -------
    float
        NaN without true boxes; 0 without answers.

    Examples
    --------
    >>> two = Answers("a", [[0, 0, 2, 2], [5, 5, 7, 7]], [0.9, 0.8], [[5, 5, 7, 7]])
    >>> average_precision([two])
    0.5
    """
    images = list(images)
    if not sum(len(image.truth) for image in images):
        return float("nan")
    _, precision, recall = precision_recall(images, level)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(np.diff(recall, prepend=0.0) * envelope))


def evaluate(
    images: Iterable[Answers], *, level: float = 0.5, levels: Sequence[float] = (0.5, 0.3)
) -> DetectionMetrics:
    """All figures over a set of images.

    Parameters
    ----------
    images : iterable of Answers
    level : float
        IoU of recall, precision, average precision and false alarms.
    levels : sequence of float
        IoUs for the share of images whose best answer reaches them.

    Raises
    ------
    ParameterError
        If a level is not above 0 and at most 1.

    Examples
    --------
    >>> figures = evaluate([Answers("a", [[0, 0, 4, 2]], [0.9], [[0, 0, 4, 3]])])
    >>> round(figures.mean_iou, 3), figures.best_recall, figures.average_precision
    (0.667, {0.5: 1.0, 0.3: 1.0}, 1.0)
    """
    for at in (level, *levels):
        if not 0 < at <= 1:
            raise ParameterError(f"evaluate: IoU level {at!r}; expected above 0 and at most 1")
    images = list(images)
    rows = [_row(image, level) for image in images]
    best = np.array([row.best_iou for row in rows if row.truths])
    truths, boxes = sum(row.truths for row in rows), sum(len(image.boxes) for image in images)
    found = sum(row.found for row in rows)
    return DetectionMetrics(
        images=len(images),
        truths=truths,
        boxes=boxes,
        level=level,
        recall=_share(found, truths),
        precision=_share(found, boxes),
        best_recall={at: _share(int((best >= at).sum()), len(best)) for at in levels},
        mean_iou=_share(float(best.sum()), len(best)),
        average_precision=average_precision(images, level),
        false_alarms=_share(boxes - found, len(images)),
        rows=tuple(sorted(rows, key=_badness)),
    )


def _row(image: Answers, level: float) -> Row:
    found = int((match(image, level) >= 0).sum())
    score = float(image.scores[0]) if len(image.scores) else float("nan")
    return Row(image.name, image.best_iou, score, len(image.truth), found, len(image.boxes) - found)


def _badness(row: Row) -> tuple[int, float, int, str]:
    """Missed true boxes first, then poor best answers, then false alarms."""
    overlap = 1.0 if np.isnan(row.best_iou) else row.best_iou
    return (row.found - row.truths, overlap, -row.false_alarms, row.name)


def _share(part: float, whole: int) -> float:
    return part / whole if whole else float("nan")


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {
        key: None if isinstance(value, float) and np.isnan(value) else value
        for key, value in values.items()
    }


def _boxes(name: str, values: npt.ArrayLike) -> Floats:
    boxes = np.asarray(values, dtype=np.float64)
    if boxes.size == 0:
        return np.zeros((0, 4))
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ShapeError(f"{name} of shape {boxes.shape}; expected (n, 4): x0 y0 x1 y1")
    if np.isnan(boxes).any():
        raise ParameterError(f"{name}: a coordinate is NaN; give numbers")
    return boxes
