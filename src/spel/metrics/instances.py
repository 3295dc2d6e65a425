"""How good instances are: each object of an answer against each true object, over their masks.

An answer is right at an IoU level if it is matched to a true object that it overlaps at least to
that level; for levels above 0.5 a match is unique. There are no crowds. A figure over no object at
all is NaN, but an image with neither answers nor objects counts as full agreement.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from spel.errors import ParameterError, ShapeError

if TYPE_CHECKING:
    from scipy.sparse import csr_array

LEVELS = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))
"""IoU levels of COCO."""

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class InstanceOverlaps:
    """Intersections of all answers with all true objects of one image.

    Attributes
    ----------
    both : (n, m) sparse array of int
        Number of spels that answer i and true object j have in common; most have none.
    answered, true : (n,) and (m,) arrays of int
        Areas of the answers and of the true objects.
    scores : (n,) array of float
    classes, true_classes : (n,) and (m,) arrays of int
        Objects of different classes never match.
    """

    both: csr_array
    answered: Whole
    true: Whole
    scores: Floats
    classes: Whole
    true_classes: Whole

    @property
    def pairs(self) -> tuple[Whole, Whole, Whole, Floats]:
        """Answers and true objects of one class with spels in common, how many, and the IoU."""
        pairs = self.both.tocoo()
        rows, cols = (np.asarray(places, np.int64) for places in (pairs.row, pairs.col))
        same = self.classes[rows] == self.true_classes[cols]
        rows, cols, common = rows[same], cols[same], pairs.data[same]
        return rows, cols, common, common / (self.answered[rows] + self.true[cols] - common)


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
    >>> overlaps.both.toarray().tolist(), overlaps.pairs[3].round(3).tolist()
    ([[2], [0]], [0.667])
    """
    first, second = _labels("answer", answer), _labels("truth", truth)
    if first.shape != second.shape:
        raise ShapeError(
            f"instance_overlaps: an answer of shape {first.shape} and a truth of {second.shape}; "
            "expected the same size"
        )
    overlaps, own, others = overlaps_of_pairs([count_pairs(first, second)])
    kinds = {
        "scores": (scores, own),
        "classes": (classes, own),
        "true_classes": (true_classes, others),
    }
    return replace(
        overlaps,
        **{
            name: _of_labels(name, np.asarray(values), labels)
            for name, (values, labels) in kinds.items()
            if values is not None
        },
    )


def count_pairs(answer: npt.NDArray[Any], truth: npt.NDArray[Any]) -> Whole:
    """How often each pair of labels stands on one spel.

    Parameters
    ----------
    answer, truth : arrays of int of one size
        Label images, or one part of both.

    Returns
    -------
    (k, 3) array of int
        Label of the answer, true label, spels; for `overlaps_of_pairs`.

    Examples
    --------
    >>> count_pairs(np.array([1, 1, 0]), np.array([7, 7, 7])).tolist()
    [[0, 7, 1], [1, 7, 2]]
    """
    mine, first = np.unique(answer, return_inverse=True)
    true, second = np.unique(truth, return_inverse=True)
    keys, counts = np.unique(first.ravel() * len(true) + second.ravel(), return_counts=True)
    rows, cols = np.divmod(keys, max(len(true), 1))
    return np.stack([mine[rows], true[cols], counts], axis=1).astype(np.int64)


def overlaps_of_pairs(parts: Iterable[Whole]) -> tuple[InstanceOverlaps, Whole, Whole]:
    """The overlaps of an image whose parts were counted one by one, and the labels of its objects.

    Parameters
    ----------
    parts : iterable of (k, 3) array
        What `count_pairs` gives of each part of the image.

    Returns
    -------
    InstanceOverlaps
        With a score and a class of 1 for all objects.
    answers, truths : arrays of int
        The label of each answer and of each true object.
    """
    from scipy.sparse import coo_array

    labels, true, counts = np.concatenate([np.zeros((0, 3), np.int64), *parts]).T
    here, rows = np.unique(np.append(labels, 0), return_inverse=True)
    there, cols = np.unique(np.append(true, 0), return_inverse=True)
    joint = coo_array((counts, (rows[:-1], cols[:-1])), shape=(len(here), len(there))).tocsr()
    answered, owned = (np.asarray(joint.sum(axis=axis), np.int64)[1:] for axis in (1, 0))
    overlaps = InstanceOverlaps(
        joint[1:, 1:],
        answered,
        owned,
        np.ones(len(answered)),
        np.ones(len(answered), np.int64),
        np.ones(len(owned), np.int64),
    )
    return overlaps, here[1:], there[1:]


def _of_labels(name: str, values: npt.NDArray[Any], labels: Whole) -> npt.NDArray[Any]:
    """The values of the labels 1, 2, ... that occur."""
    most = int(labels.max(initial=0))
    if values.ndim != 1 or len(values) < most:
        raise ShapeError(
            f"instance_overlaps: {name} of shape {values.shape} for {most} labels; expected one "
            "number per label"
        )
    return values[labels - 1]


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
    rows, cols, both, iou = image.pairs
    order = np.lexsort((rows, -iou, cols))
    chosen, first = np.unique(cols[order], return_index=True)
    best = rows[order][first]
    common = np.zeros(len(image.true), np.int64)
    common[chosen] = both[order][first]
    union = image.true - common
    union[chosen] += image.answered[best]
    unused = np.setdiff1d(np.arange(len(image.answered)), best)
    return float(common.sum() / (union.sum() + image.answered[unused].sum()))


def _match(image: InstanceOverlaps, level: float) -> tuple[Whole, Floats]:
    """The true object that each answer takes, best score first, or -1, by COCO's rule; its IoU."""
    taken, reached = np.full(len(image.answered), -1, dtype=np.int64), np.zeros(len(image.answered))
    rows, cols, _, iou = image.pairs
    enough = iou >= min(level, 1 - 1e-10)
    rows, cols, iou = rows[enough], cols[enough], iou[enough]
    order = np.lexsort((cols, rows))
    cols, iou = cols[order], iou[order]
    starts = np.searchsorted(rows[order], np.arange(len(taken) + 1))
    free = np.ones(len(image.true), dtype=bool)
    for i in np.argsort(-image.scores, kind="stable"):
        own = slice(starts[i], starts[i + 1])
        values = np.where(free[cols[own]], iou[own], -1.0)
        if len(values) and values.max() > 0:
            best = (
                len(values) - 1 - int(values[::-1].argmax())
            )  # of equals the last, as pycocotools
            taken[i], reached[i] = cols[own][best], values[best]
            free[taken[i]] = False
    return taken, reached


def _average_precision(images: Sequence[InstanceOverlaps], level: float) -> float:
    """Mean of the precision at 101 recalls, over all images of one class."""
    orders = [np.argsort(-one.scores, kind="stable") for one in images]
    scores = np.concatenate([one.scores[order] for one, order in zip(images, orders)])
    hits = np.concatenate([(_match(o, level)[0] >= 0)[order] for o, order in zip(images, orders)])
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
        taken, reached = _match(one, 0.5)
        hits += int((taken >= 0).sum())
        overlap += float(reached[taken >= 0].sum())
    answers = sum(len(one.answered) for one in images)
    return hits, answers, sum(len(one.true) for one in images), overlap


def _of_class(image: InstanceOverlaps, name: int) -> InstanceOverlaps:
    rows, cols = image.classes == name, image.true_classes == name
    return InstanceOverlaps(
        image.both[rows][:, cols],
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
