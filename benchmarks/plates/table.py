"""Figures of each method and region, as Markdown and JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

import spel
from benchmarks.plates.methods import Method
from benchmarks.plates.photos import Photo, drawn, regions
from spel.metrics.detection import Answers, DetectionMetrics, evaluate, iou


@dataclass(frozen=True)
class Line:
    """Figures of a method on the photos of a region, or of "all" regions."""

    method: str
    region: str
    metrics: DetectionMetrics
    ms: float
    ms_per_megapixel: float

    def to_dict(self) -> dict[str, Any]:
        return {
            "method": self.method,
            "region": self.region,
            "ms": round(self.ms, 2),
            "ms_per_megapixel": round(self.ms_per_megapixel, 2),
            **self.metrics.to_dict(),
        }


def measure(method: Method, photos: Sequence[Photo], seed: int) -> tuple[list[Line], list[Answers]]:
    """Let the method learn if it does, detect in the other photos, and evaluate each region."""
    answers: list[Answers] = []
    times: dict[str, tuple[float, float]] = {}
    for training, test in _splits(method, photos, seed):
        method.learn(training)
        with spel.threads(1):
            for photo in test:
                image = photo.image
                began = perf_counter()
                boxes, scores = method(image)
                times[photo.name] = (perf_counter() - began, photo.megapixels)
                answers.append(Answers(photo.name, boxes, scores, photo.boxes))
    if method.corrected:
        answers = [
            answer
            for region in regions(photos)
            for answer in corrected([a for a in answers if a.name.startswith(f"{region}/")])
        ]
    lines = []
    for region in [*regions(photos), "all"]:
        here = [answer for answer in answers if region in (answer.name.split("/")[0], "all")]
        figures = evaluate(here)
        seconds, megapixels = (sum(times[answer.name][k] for answer in here) for k in (0, 1))
        middle = 1e3 * median(times[answer.name][0] for answer in here)
        lines.append(Line(method.name, region, figures, middle, 1e3 * seconds / megapixels))
    return lines, answers


def _splits(
    method: Method, photos: Sequence[Photo], seed: int
) -> Iterator[tuple[list[Photo], list[Photo]]]:
    """Pairs of photos to learn from and photos to detect in; no photo is in both."""
    if method.folds:
        order = np.random.default_rng(seed).permutation(len(photos)) % method.folds
        for fold in range(method.folds):
            yield (
                [p for p, k in zip(photos, order) if k != fold],
                [p for p, k in zip(photos, order) if k == fold],
            )
        return
    groups = [list(photos)]
    if method.by_region:
        groups = [[p for p in photos if p.region == region] for region in regions(photos)]
    for group in groups:
        training = drawn(group, method.learns, seed) if method.learns else []
        yield training, [photo for photo in group if photo not in training]


def corrected(answers: Sequence[Answers]) -> list[Answers]:
    """Answers with all boxes moved and stretched by the same amount, to fit the truth best.

    The amounts are medians over the evaluated photos themselves, which favours the method.
    """
    pairs = []
    for answer in answers:
        overlap = iou(answer.boxes, answer.truth)
        for i, j in zip(*(overlap > 0.2).nonzero()):
            box, truth = answer.boxes[i], answer.truth[j]
            size = box[2:] - box[:2]
            shift = (truth[:2] + truth[2:] - box[:2] - box[2:]) / 2 / size
            pairs.append([*shift, *((truth[2:] - truth[:2]) / size)])
    if not pairs:
        return list(answers)
    dx, dy, width, height = np.median(pairs, axis=0)
    results = []
    for answer in answers:
        size = answer.boxes[:, 2:] - answer.boxes[:, :2]
        middle = (answer.boxes[:, :2] + answer.boxes[:, 2:]) / 2 + size * (dx, dy)
        half = size * (width, height) / 2
        boxes = np.concatenate([middle - half, middle + half], axis=1)
        results.append(Answers(answer.name, boxes, answer.scores, answer.truth))
    return results


def markdown(lines: Sequence[Line]) -> str:
    """The table, one row per method, regions side by side."""
    names = list(dict.fromkeys(line.region for line in lines))
    head = (
        f"| method | photos | r50 ({' / '.join(names)}) | r30 | mean IoU | AP50 | "
        "false alarms | ms | ms per megapixel |"
    )
    rows = [head, "|---" * 9 + "|"]
    for method in dict.fromkeys(line.method for line in lines):
        mine = [line for line in lines if line.method == method]
        figures = [line.metrics for line in mine]
        cells = [
            method,
            str(figures[-1].images),
            _joined(m.best_recall[0.5] for m in figures),
            _joined(m.best_recall[0.3] for m in figures),
            _joined(m.mean_iou for m in figures),
            _joined(m.average_precision for m in figures),
            _joined(m.false_alarms for m in figures),
            " / ".join(f"{line.ms:.0f}" for line in mine),
            f"{mine[-1].ms_per_megapixel:.0f}",
        ]
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join(rows) + "\n"


def _joined(values: Any) -> str:
    return " / ".join(
        f"{value:.2f}".replace("0.", ".", 1) if value < 1 else f"{value:.2f}" for value in values
    )
