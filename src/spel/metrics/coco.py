"""The twelve figures of COCO for boxes: average precision and recall by size and number of answers.

Equal to pycocotools (`COCOeval` for ``bbox``). Per class and image, the 100 best answers count.
A true box outside a range of areas, or around a crowd, is *ignored*: it need not be found, and an
answer that matches it, or that matches nothing and lies outside the range itself, is neither right
nor wrong. Every figure is a mean over the classes that have a true box in its range.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from spel.metrics.matching import Answers, class_names, coco_overlaps

Floats = npt.NDArray[np.float64]
Masks = npt.NDArray[np.bool_]

LEVELS = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))
"""IoU levels over which figures are averaged."""

RECALLS = np.linspace(0, 1, 101)
"""Recalls at which precision is averaged."""

AREAS = {
    "all": (0.0, 1e10),
    "small": (0.0, 32.0**2),
    "medium": (32.0**2, 96.0**2),
    "large": (96.0**2, 1e10),
}
"""Ranges of the area of a true box, ends included."""

MOST_ANSWERS = (1, 10, 100)
"""Largest numbers of answers per class and image that count."""


@dataclass(frozen=True)
class CocoFigures:
    """Average precision (AP) and average recall (AR) as COCO computes them; NaN without true boxes.

    Attributes
    ----------
    ap : float
        Mean over the IoU levels 0.5, 0.55, ..., 0.95, of 101 points each.
    ap50, ap75 : float
        At the levels 0.5 and 0.75.
    ap_small, ap_medium, ap_large : float
        Of true boxes of up to 32 x 32, from there up to 96 x 96, and larger ones.
    ar1, ar10, ar100 : float
        Recall, averaged over the levels, if at most 1, 10 or 100 answers per class and image count.
    ar_small, ar_medium, ar_large : float
        With at most 100 answers.
    by_class : dict of str to float
        `ap` of each class.
    """

    ap: float
    ap50: float
    ap75: float
    ap_small: float
    ap_medium: float
    ap_large: float
    ar1: float
    ar10: float
    ar100: float
    ar_small: float
    ar_medium: float
    ar_large: float
    by_class: dict[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, float]:
        """The figures over all classes, their names with ``coco_`` before them."""
        return {f"coco_{name}": value for name, value in vars(self).items() if name != "by_class"}

    def text(self) -> str:
        """The figures in two lines."""
        return (
            f"COCO: AP {self.ap:.3f}  AP50 {self.ap50:.3f}  AP75 {self.ap75:.3f}  small "
            f"{self.ap_small:.3f}  medium {self.ap_medium:.3f}  large {self.ap_large:.3f}\n"
            f"      AR of 1 answer {self.ar1:.3f}  of 10 {self.ar10:.3f}  of 100 {self.ar100:.3f}  "
            f"small {self.ar_small:.3f}  medium {self.ar_medium:.3f}  large {self.ar_large:.3f}"
        )


def coco_figures(images: Iterable[Answers]) -> CocoFigures:
    """The figures of COCO over a set of images.

    Images are ranked in the order given where scores are equal.

    Parameters
    ----------
    images : iterable of Answers
        One for each image.

    Examples
    --------
    >>> crowd = Answers("a", [[10, 10, 30, 30], [92, 92, 100, 100]], [0.9, 0.8],
    ...     [[0, 0, 90, 90], [92, 92, 100, 100]], crowd=[True, False])
    >>> round(coco_figures([crowd]).ap, 6), round(coco_figures([crowd]).ar1, 6)
    (1.0, 0.0)
    """
    every = list(images)
    names = class_names(every)
    parts = [[_Image.of(image, name) for image in every] for name in names]
    ap: dict[str, Floats] = {}
    ar: dict[str, Floats] = {}
    for area, limits in AREAS.items():
        matched = [[image.match(limits) for image in part] for part in parts]
        counts = MOST_ANSWERS if area == "all" else MOST_ANSWERS[-1:]
        for most in counts:
            curves = np.array([_curves(part, most) for part in matched]).reshape(-1, 2, len(LEVELS))
            ap[area], ar[f"{area} {most}"] = curves[:, 0], curves[:, 1]
    return CocoFigures(
        ap=_mean(ap["all"]),
        ap50=_mean(ap["all"][:, LEVELS.index(0.5)]),
        ap75=_mean(ap["all"][:, LEVELS.index(0.75)]),
        ap_small=_mean(ap["small"]),
        ap_medium=_mean(ap["medium"]),
        ap_large=_mean(ap["large"]),
        ar1=_mean(ar["all 1"]),
        ar10=_mean(ar["all 10"]),
        ar100=_mean(ar["all 100"]),
        ar_small=_mean(ar["small 100"]),
        ar_medium=_mean(ar["medium 100"]),
        ar_large=_mean(ar["large 100"]),
        by_class={name: _mean(own) for name, own in zip(names, ap["all"])},
    )


def _mean(values: Floats) -> float:
    counted = values[~np.isnan(values)]
    return float(counted.mean()) if counted.size else float("nan")


@dataclass(frozen=True, eq=False)
class _Matches:
    """The answers of one class in one image at every level, best first.

    Attributes
    ----------
    scores : (n,) array
    hits, ignored : (levels, n) arrays of bool
    truths : int
        True boxes that count.
    """

    scores: Floats
    hits: Masks
    ignored: Masks
    truths: int


@dataclass(frozen=True, eq=False)
class _Image:
    """Answers and true boxes of one class in one image."""

    scores: Floats
    areas: Floats
    overlaps: Floats
    truth_areas: Floats
    crowd: Masks

    @classmethod
    def of(cls, image: Answers, name: str) -> _Image:
        mine = np.flatnonzero([one == name for one in image.classes])[: MOST_ANSWERS[-1]]
        true = np.flatnonzero([one == name for one in image.truth_classes])
        boxes = image.boxes[mine]
        return cls(
            image.scores[mine],
            _areas(boxes),
            coco_overlaps(boxes, image.truth[true], image.crowd[true]),
            image.truth_areas[true],
            image.crowd[true],
        )

    def match(self, limits: tuple[float, float]) -> _Matches:
        """Which answers match a true box that counts, and which are ignored."""
        ignore = self.crowd | (self.truth_areas < limits[0]) | (self.truth_areas > limits[1])
        order = np.argsort(ignore, kind="stable")
        overlaps, crowd = self.overlaps[:, order], self.crowd[order]
        counted = int((~ignore).sum())
        least = np.minimum(LEVELS, 1 - 1e-10)[:, None]  # as pycocotools, for rounding
        levels = np.arange(len(LEVELS))
        free = np.ones((len(LEVELS), len(order)), dtype=bool)
        hits = np.zeros((len(LEVELS), len(self.scores)), dtype=bool)
        outside = (self.areas < limits[0]) | (self.areas > limits[1])
        ignored = np.zeros_like(hits)
        for i, row in enumerate(overlaps):
            fits = np.where((free | crowd) & (row >= least), row, -1.0)
            true, near = _best(fits[:, :counted]), _best(fits[:, counted:])
            hits[:, i] = true >= 0
            ignored[:, i] = (true < 0) & ((near >= 0) | outside[i])
            taken = np.where(true >= 0, true, np.where(near >= 0, counted + near, -1))
            free[levels[taken >= 0], taken[taken >= 0]] = False
        return _Matches(self.scores, hits, ignored, counted)


def _best(fits: Floats) -> npt.NDArray[np.int64]:
    """The column of the largest overlap per level, of equal ones the last; -1 without any."""
    if not fits.shape[1]:
        return np.full(len(fits), -1)
    last = fits.shape[1] - 1 - fits[:, ::-1].argmax(axis=1)
    return np.where(fits.max(axis=1) >= 0, last, -1)


def _curves(images: Sequence[_Matches], most: int) -> tuple[Floats, Floats]:
    """Average precision and highest recall per level; NaN if there is no true box that counts."""
    truths = sum(image.truths for image in images)
    if not truths:
        return np.full(len(LEVELS), np.nan), np.full(len(LEVELS), np.nan)
    order = np.argsort(-np.concatenate([one.scores[:most] for one in images]), kind="stable")
    hits = np.concatenate([one.hits[:, :most] for one in images], axis=1)[:, order]
    ignored = np.concatenate([one.ignored[:, :most] for one in images], axis=1)[:, order]
    right, wrong = np.cumsum(hits, axis=1), np.cumsum(~hits & ~ignored, axis=1)
    recall = right / truths
    precision = right / np.maximum(right + wrong, 1)
    envelope = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    envelope = np.append(envelope, np.zeros((len(LEVELS), 1)), axis=1)
    points = [e[np.searchsorted(r, RECALLS, side="left")] for e, r in zip(envelope, recall)]
    highest = recall[:, -1] if recall.shape[1] else np.zeros(len(LEVELS))
    return np.mean(points, axis=1), highest


def _areas(boxes: Floats) -> Floats:
    """Areas of boxes; of boxes of volumes, their volumes."""
    axes = boxes.shape[1] // 2
    return np.asarray(np.prod(boxes[:, axes:] - boxes[:, :axes], axis=1))
