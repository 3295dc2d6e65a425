"""Boxes against true boxes: recall, precision, average precision, worst images first.

Conventions. Boxes are ``x0 y0 x1 y1``, half-open. An answer matches a true box of its class if
their overlap (IoU) reaches the level; answers are matched greedily, best score first, each true box
at most once (`spel.metrics.matching.match`). Crowds are no true boxes, and answers inside a crowd
are left out. The *best answer* of an image is its box with the highest score. A figure without a
denominator (recall without true boxes, precision without answers) is NaN, and null in JSON.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.errors import ParameterError, plural
from spel.metrics.coco import CocoFigures, coco_figures
from spel.metrics.matching import (
    IGNORED,
    Answers,
    class_names,
    iou,
    match,
    match_overlaps,
    overlaps,
)

__all__ = [
    "Answers",
    "ClassFigures",
    "CocoFigures",
    "DetectionMetrics",
    "Row",
    "area_under",
    "average_precision",
    "coco_figures",
    "evaluate",
    "iou",
    "match",
    "precision_recall",
]

Floats = npt.NDArray[np.float64]

Matched = tuple[Answers, npt.NDArray[np.int64]]
"""The answers for an image, and the true box that each of them matches."""


@dataclass(frozen=True)
class Row:
    """One image of the table: its best answer, its matches and its false alarms.

    Attributes
    ----------
    name : str
        Of the image.
    best_iou, best_score : float
        IoU of the best answer with the true box that it overlaps most, and its score.
    truths, matched, false_alarms : int
        True boxes, those that an answer matches, and answers that match none.
    """

    name: str
    best_iou: float
    best_score: float
    truths: int
    matched: int
    false_alarms: int


@dataclass(frozen=True)
class ClassFigures:
    """Figures of one class.

    Attributes
    ----------
    truths, boxes : int
        True boxes, and answers.
    recall, precision, average_precision, coco_ap : float
        As in `DetectionMetrics`, for one class; NaN without a true box.
    """

    truths: int
    boxes: int
    recall: float
    precision: float
    average_precision: float
    coco_ap: float


@dataclass(frozen=True)
class DetectionMetrics:
    """Figures over a set of images.

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
        All points; the mean over the classes that have a true box.
    coco : CocoFigures
        Average precision and recall as COCO computes them, by size and number of answers.
    false_alarms : float
        Answers that match nothing, per image.
    by_class : dict of str to ClassFigures
        Empty if classes are not compared.
    rows : tuple of Row
        One per image, the worst first.
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
    coco: CocoFigures
    false_alarms: float
    by_class: dict[str, ClassFigures] = field(default_factory=dict)
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
            **self.coco.to_dict(),
            "false_alarms": self.false_alarms,
        }
        classes = {name: _for_json(vars(one)) for name, one in self.by_class.items()}
        rows = [_for_json(vars(row)) for row in self.rows]
        return {**_for_json(figures), **({"classes": classes} if classes else {}), "rows": rows}

    def text(self, worst: int = 10) -> str:
        """The figures and the worst images, as text."""
        shares = "  ".join(f"r{round(100 * at)} {x:.3f}" for at, x in self.best_recall.items())
        lines = [
            f"{plural(self.images, 'image')}, {plural(self.truths, 'true box')}, "
            f"{plural(self.boxes, 'answer')}",
            f"best answer: {shares}  mean IoU {self.mean_iou:.3f}",
            f"all answers at IoU {self.level:g}: recall {self.recall:.3f}  precision "
            f"{self.precision:.3f}  AP {self.average_precision:.3f}  "
            f"false alarms per image {self.false_alarms:.3f}",
            self.coco.text(),
        ]
        lines += [
            f"  {name}: {plural(one.truths, 'true box')}, {plural(one.boxes, 'answer')}, "
            f"recall {one.recall:.3f}  precision {one.precision:.3f}  "
            f"AP {one.average_precision:.3f}  COCO AP {one.coco_ap:.3f}"
            for name, one in self.by_class.items()
        ]
        lines += [
            f"  {row.best_iou:6.3f}  {row.matched}/{row.truths} found  "
            f"{row.false_alarms} false  {row.name}"
            for row in self.rows[:worst]
        ]
        return "\n".join(lines)


def precision_recall(
    images: Iterable[Answers], level: float = 0.5
) -> tuple[Floats, Floats, Floats]:
    """Precision and recall of the answers of at least each score, highest score first.

    One point per distinct score, so that the order of equal scores does not matter.

    Parameters
    ----------
    images : iterable of Answers
        One for each image.
    level : float
        Least IoU of a match.

    Returns
    -------
    scores, precision, recall : (n,) arrays of float64

    Examples
    --------
    >>> two = Answers("a", [[0, 0, 2, 2], [5, 5, 7, 7]], [0.9, 0.8], [[5, 5, 7, 7]])
    >>> [values.tolist() for values in precision_recall([two])]
    [[0.9, 0.8], [0.0, 0.5], [0.0, 1.0]]
    """
    return _curve(_Ranking.of((one, match(one, level)) for one in images))


def average_precision(images: Iterable[Answers], level: float = 0.5) -> float:
    """Area under the precision-recall curve, all points; the mean over classes with a true box.

    ``sum over recalls r_i of (r_i - r_(i-1)) max {precision at r_j : r_j >= r_i}``: precision is
    first made monotone, and every point counts, as in Pascal VOC since 2010. It is neither the
    11-point mean nor COCO's mean of 101 points, see `spel.metrics.coco`.

    Parameters
    ----------
    images : iterable of Answers
        One for each image.
    level : float
        Least IoU of a match.

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
    return _mean_over_classes([(one, match(one, level)) for one in images], _all_points)


@dataclass(frozen=True, eq=False)
class _Ranking:
    """All answers that count, highest score first: scores, hits; and the number of true boxes."""

    scores: Floats
    hits: npt.NDArray[np.bool_]
    truths: int

    @classmethod
    def of(cls, matched: Iterable[Matched], name: str | None = None) -> _Ranking:
        """Of one class if a name is given."""
        scores, hits, truths = array("d"), array("b"), 0
        for image, taken in matched:
            counted = taken != IGNORED
            true = ~image.crowd
            if name is not None:
                counted &= np.array([c == name for c in image.classes], dtype=bool)
                true = true & np.array([c == name for c in image.truth_classes], dtype=bool)
            scores.extend(image.scores[counted])
            hits.extend((taken[counted] >= 0).tolist())
            truths += int(true.sum())
        joined = np.array(scores)
        order = np.argsort(-joined, kind="stable")
        return cls(joined[order], np.array(hits, bool)[order], truths)


def _mean_over_classes(matched: Sequence[Matched], figure: Callable[[_Ranking], float]) -> float:
    """Mean of a figure over the classes that have a true box; NaN if there is none."""
    names: list[str] | list[None] = _names([image for image, _ in matched]) or [None]
    rankings = [_Ranking.of(matched, name) for name in names]
    each = [figure(ranking) for ranking in rankings if ranking.truths]
    return float(np.mean(each)) if each else float("nan")


def _curve(ranking: _Ranking) -> tuple[Floats, Floats, Floats]:
    scores, matched = ranking.scores, np.cumsum(ranking.hits)
    count = np.arange(1, len(matched) + 1)
    last = np.append(scores[1:] != scores[:-1], True)[: len(scores)]
    scores, matched, count = scores[last], matched[last], count[last]
    recall = matched / ranking.truths if ranking.truths else np.full(len(matched), np.nan)
    return scores, matched / count, recall


def _all_points(ranking: _Ranking) -> float:
    return area_under(*_curve(ranking)[1:])


def area_under(precision: Floats, recall: Floats) -> float:
    """Area under a curve of `precision_recall`, as `average_precision` computes it.

    Parameters
    ----------
    precision, recall : (n,) arrays

    Examples
    --------
    >>> area_under(np.array([1.0, 0.5]), np.array([0.5, 1.0]))
    0.75
    """
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
            raise ParameterError(
                f"evaluate: IoU level {at!r}; expected a number above 0 and at most 1"
            )
    images = list(images)
    pairs = [overlaps(image) for image in images]
    matches = [(one, match_overlaps(pair, level)) for one, pair in zip(images, pairs)]
    rows = [_row(image, taken) for image, taken in matches]
    best = np.array([row.best_iou for row in rows if row.truths])
    every = _Ranking.of(matches)
    matched, boxes = int(every.hits.sum()), len(every.hits)
    coco = coco_figures(images)
    return DetectionMetrics(
        images=len(images),
        truths=every.truths,
        boxes=boxes,
        level=level,
        recall=_share(matched, every.truths),
        precision=_share(matched, boxes),
        best_recall={k: _share(int((best >= k).sum()), len(best)) for k in levels},
        mean_iou=_share(float(best.sum()), len(best)),
        average_precision=_mean_over_classes(matches, _all_points),
        coco=coco,
        false_alarms=_share(boxes - matched, len(images)),
        by_class={
            name: _class_figures(_Ranking.of(matches, name), coco.by_class[name])
            for name in _names(images)
        },
        rows=tuple(sorted(rows, key=_badness)),
    )


def _names(images: Sequence[Answers]) -> list[str]:
    """All classes, sorted; empty if classes are not compared."""
    names = class_names(images)
    return [] if names in ([], [""]) else names


def _class_figures(ranking: _Ranking, coco_ap: float) -> ClassFigures:
    matched, boxes = int(ranking.hits.sum()), len(ranking.hits)
    return ClassFigures(
        ranking.truths,
        boxes,
        _share(matched, ranking.truths),
        _share(matched, boxes),
        _all_points(ranking) if ranking.truths else float("nan"),
        coco_ap,
    )


def _row(image: Answers, taken: npt.NDArray[np.int64]) -> Row:
    counted = image.only(taken != IGNORED) if (taken == IGNORED).any() else image
    matched = int((taken >= 0).sum())
    score = float(counted.scores[0]) if len(counted.scores) else float("nan")
    truths = int((~image.crowd).sum())
    false_alarms = len(counted.boxes) - matched
    return Row(image.name, counted.best_iou, score, truths, matched, false_alarms)


def _badness(row: Row) -> tuple[int, float, int, str]:
    """Missed true boxes first, then poor best answers, then false alarms."""
    overlap = 1.0 if np.isnan(row.best_iou) else row.best_iou
    return (row.matched - row.truths, overlap, -row.false_alarms, row.name)


def _share(part: float, whole: int) -> float:
    return part / whole if whole else float("nan")


def _for_json(values: dict[str, Any]) -> dict[str, Any]:
    return {
        key: None if isinstance(value, float) and np.isnan(value) else value
        for key, value in values.items()
    }
