"""How good instances are: each object of an answer against each true object, over their masks.

An answer is right at an IoU level if it is matched to a true object that it overlaps at least to
that level; for levels above 0.5 a match is unique. There are no crowds. A figure over no object at
all is NaN, but an image with neither answers nor objects counts as full agreement.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spel.errors import ParameterError, ShapeError

LEVELS = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))
"""IoU levels of COCO."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class InstanceOverlaps:
    """Intersections of all answers with all true objects of one image.

    Attributes
    ----------
    both : (n, m) array of int
        Number of spels that answer i and true object j have in common.
    answered, true : (n,) and (m,) arrays of int
        Areas of the answers and of the true objects.
    scores : (n,) array of float
    classes, true_classes : (n,) and (m,) arrays of int
        Objects of different classes never match.
    """

    both: npt.NDArray[np.int64]
    answered: npt.NDArray[np.int64]
    true: npt.NDArray[np.int64]
    scores: Floats
    classes: npt.NDArray[np.int64]
    true_classes: npt.NDArray[np.int64]

    @property
    def iou(self) -> Floats:
        """IoU of every answer with every true object; 0 between classes."""
        union = self.answered[:, None] + self.true[None] - self.both
        same = self.classes[:, None] == self.true_classes[None]
        return np.where(same & (union > 0), self.both / np.maximum(union, 1), 0.0)


def instance_overlaps(
    answer: npt.ArrayLike,
    truth: npt.ArrayLike,
    *,
    scores: npt.ArrayLike | None = None,
    classes: npt.ArrayLike | None = None,
    true_classes: npt.ArrayLike | None = None,
) -> InstanceOverlaps:
    """Compare two label images of one size: 0 outside, 1, 2, ... on the objects.

    Parameters
    ----------
    answer, truth : (rows, cols) arrays of int, with planes before them for voxels
    scores : (n,) array, optional
        Scores of the answers 1 to n; by default all are 1.
    classes, true_classes : arrays of int, optional
        Classes of the answers and of the true objects; by default all are of one class.

    Returns
    -------
    InstanceOverlaps

    Raises
    ------
    ShapeError, ParameterError
        If the sizes differ, a label is not an integer of at least 0, or a score or class is
        missing.

    Examples
    --------
    >>> overlaps = instance_overlaps([[1, 1, 0, 2]], [[1, 1, 1, 0]])
    >>> overlaps.both.tolist(), overlaps.iou.round(3).tolist()
    ([[2], [0]], [[0.667], [0.0]])
    """
    first, second = _labels("answer", answer), _labels("truth", truth)
    if first.shape != second.shape:
        raise ShapeError(
            f"instance_overlaps: an answer of shape {first.shape} and a truth of {second.shape}; "
            "expected the same size"
        )
    n, m = int(first.max(initial=0)), int(second.max(initial=0))
    joint = np.bincount(
        first.ravel().astype(np.int64) * (m + 1) + second.ravel(), minlength=(n + 1) * (m + 1)
    ).reshape(n + 1, m + 1)
    answered, true = joint.sum(axis=1)[1:], joint.sum(axis=0)[1:]
    values = np.ones(n) if scores is None else np.asarray(scores, dtype=np.float64)
    own = np.ones(n, int) if classes is None else np.asarray(classes)
    others = np.ones(m, int) if true_classes is None else np.asarray(true_classes)
    for name, array, count in (("scores", values, n), ("classes", own, n), ("true", others, m)):
        if array.ndim != 1 or len(array) < count:
            raise ShapeError(
                f"instance_overlaps: {name} of shape {array.shape} for {count} labels; expected "
                "one number per label"
            )
    here, there = np.flatnonzero(answered), np.flatnonzero(true)  # labels that occur
    return InstanceOverlaps(
        joint[1:, 1:][np.ix_(here, there)],
        answered[here],
        true[there],
        values[here],
        own[here],
        others[there],
    )


@dataclass(frozen=True)
class InstanceMetrics:
    """Figures over all objects of a set of images.

    Attributes
    ----------
    images, answers, truths : int
    ap, ap50, ap75 : float
        COCO's average precision of masks: mean over IoU .5 to .95, at .5 and at .75.
    f1 : float
        F1 at IoU .5.
    accuracy : float
        ``TP / (TP + FP + FN)`` at IoU .5, which StarDist and Cellpose call average precision.
    pq : float
        Panoptic quality: F1 at IoU .5 times the mean IoU of the matches; mean over classes.
    aji : float
        Aggregated Jaccard index, mean over the images.
    count_error : float
        Mean over the images of ``|answers - truths| / max(truths, 1)``.
    """

    images: int
    answers: int
    truths: int
    ap: float
    ap50: float
    ap75: float
    f1: float
    accuracy: float
    pq: float
    aji: float
    count_error: float


def evaluate_instances(images: Sequence[InstanceOverlaps]) -> InstanceMetrics:
    """All figures over a set of images.

    Parameters
    ----------
    images : sequence of InstanceOverlaps
        One for each image.

    Raises
    ------
    ParameterError
        If there is no image.

    Examples
    --------
    >>> figures = evaluate_instances([instance_overlaps([[1, 1, 0, 2]], [[1, 1, 1, 0]])])
    >>> figures.f1, round(figures.pq, 3), figures.count_error
    (0.6666666666666666, 0.444, 1.0)
    """
    if not images:
        raise ParameterError("evaluate_instances: no image; give at least one")
    names = np.unique(np.concatenate([np.r_[one.classes, one.true_classes] for one in images]))
    per_class = [[_of_class(one, int(name)) for one in images] for name in names]
    with_truth = [ones for ones in per_class if sum(len(one.true) for one in ones)]
    ap = {
        level: _mean([_average_precision(ones, level) for ones in with_truth]) for level in LEVELS
    }
    hits, answers, truths, _ = _counts(images)
    return InstanceMetrics(
        images=len(images),
        answers=answers,
        truths=truths,
        ap=_mean(list(ap.values())),
        ap50=ap[0.5],
        ap75=ap[0.75],
        f1=_ratio(2 * hits, answers + truths),
        accuracy=_ratio(hits, answers + truths - hits),
        pq=_mean([panoptic_quality(ones) for ones in per_class]),
        aji=_mean([aggregated_jaccard(one) for one in images]),
        count_error=_mean(
            [abs(len(one.answered) - len(one.true)) / max(len(one.true), 1) for one in images]
        ),
    )


def panoptic_quality(images: Sequence[InstanceOverlaps]) -> float:
    """Sum of the IoUs of the matches at .5, over ``TP + (FP + FN) / 2``.

    Parameters
    ----------
    images : sequence of InstanceOverlaps
        One for each image.

    Notes
    -----
    Kirillov et al., "Panoptic segmentation", CVPR 2019.
    """
    _, answers, truths, overlap = _counts(images)
    return _ratio(2 * overlap, answers + truths)


def aggregated_jaccard(image: InstanceOverlaps) -> float:
    """Common spels over the union: each true object with the answer of the highest IoU.

    Answers that no true object chose add to the union. For two empty images the index is 1.

    Parameters
    ----------
    image : InstanceOverlaps

    Notes
    -----
    Kumar et al., "A dataset and a technique for generalized nuclear segmentation", TMI 2017.
    """
    if not len(image.true) or not len(image.answered):
        return float(len(image.true) == len(image.answered))
    iou = image.iou
    best = iou.argmax(axis=0)
    common = image.both[best, np.arange(len(best))]
    chosen = iou.max(axis=0) > 0
    common = np.where(chosen, common, 0)
    union = image.true + np.where(chosen, image.answered[best], 0) - common
    unused = np.setdiff1d(np.arange(len(image.answered)), best[chosen])
    return float(common.sum() / (union.sum() + image.answered[unused].sum()))


def _match(image: InstanceOverlaps, level: float) -> npt.NDArray[np.int64]:
    """The true object that each answer takes, best score first, or -1, by COCO's rule."""
    taken = np.full(len(image.answered), -1, dtype=np.int64)
    remaining = image.iou
    for i in np.argsort(-image.scores, kind="stable"):
        row = remaining[i]
        if len(row) and row.max() >= min(level, 1 - 1e-10):
            best = len(row) - 1 - int(row[::-1].argmax())  # of equals the last, as pycocotools
            taken[i] = best
            remaining[:, best] = -1.0
    return taken


def _average_precision(images: Sequence[InstanceOverlaps], level: float) -> float:
    """Mean of the precision at 101 recalls, over all images of one class."""
    orders = [np.argsort(-one.scores, kind="stable") for one in images]
    scores = np.concatenate([one.scores[order] for one, order in zip(images, orders)])
    hits = np.concatenate([(_match(o, level) >= 0)[order] for o, order in zip(images, orders)])
    hits = np.cumsum(hits[np.argsort(-scores, kind="stable")])
    truths = sum(len(one.true) for one in images)
    precision = hits / np.arange(1, len(hits) + 1)
    envelope = np.append(np.maximum.accumulate(precision[::-1])[::-1], 0.0)
    places = np.searchsorted(hits / truths, np.linspace(0, 1, 101), side="left")
    return float(envelope[places].mean())


def _counts(images: Sequence[InstanceOverlaps]) -> tuple[int, int, int, float]:
    """Matches at IoU .5, answers, true objects, and the sum of the matches' IoUs."""
    hits, overlap = 0, 0.0
    for one in images:
        iou, taken = one.iou, _match(one, 0.5)
        rows = np.flatnonzero(taken >= 0)
        hits += len(rows)
        overlap += float(iou[rows, taken[rows]].sum())
    answers = sum(len(one.answered) for one in images)
    return hits, answers, sum(len(one.true) for one in images), overlap


def _of_class(image: InstanceOverlaps, name: int) -> InstanceOverlaps:
    rows, cols = image.classes == name, image.true_classes == name
    return InstanceOverlaps(
        image.both[np.ix_(rows, cols)],
        image.answered[rows],
        image.true[cols],
        image.scores[rows],
        image.classes[rows],
        image.true_classes[cols],
    )


def _labels(name: str, values: npt.ArrayLike) -> npt.NDArray[np.int64]:
    array = np.asarray(values)
    if array.dtype.kind not in "iub" or (array.size and array.min() < 0):
        raise ParameterError(
            f"instance_overlaps: {name} of dtype {array.dtype}; expected a label image of whole "
            "numbers, 0 outside"
        )
    return array.astype(np.int64)


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole else float("nan")


def _mean(values: Sequence[float]) -> float:
    numbers = [value for value in values if not np.isnan(value)]
    return float(np.mean(numbers)) if numbers else float("nan")
