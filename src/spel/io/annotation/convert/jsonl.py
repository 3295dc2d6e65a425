"""The results of a run: one JSON line per image (`spel.io.annotation.results`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from spel.io.annotation.annotations import ONE_CLASS, Annotations, ImageBoxes
from spel.io.annotation.results import Result, read_results, write_results

from .collector import Collector

__all__ = ["annotations_of", "read", "results_of", "write"]


def read(path: Path, collector: Collector) -> None:
    """Read a results file."""
    results = read_results(path)
    for result in results:
        entry = collector.image(result.image, result.size, result.orientation)
        names = result.classes or (ONE_CLASS,) * len(result)
        for row in zip(result.boxes.tolist(), names, result.scores.tolist(), result.areas.tolist()):
            box, name, score, area = row
            entry.add(box, name, score=score, area=area)
        entry.frame, entry.seconds = result.frame, result.seconds
        entry.details = {"model": result.model, "ms": result.ms}


def write(path: Path, annotations: Annotations) -> None:
    """Write a results file; boxes without a score get the score 1."""
    write_results(path, results_of(annotations))


def results_of(annotations: Annotations) -> list[Result]:
    """Annotations as results of a detector; a box without a score gets the score 1."""
    return [_result(one) for one in annotations]


def _result(one: ImageBoxes) -> Result:
    axes = len(one.size)
    sides = one.boxes[:, axes:] - one.boxes[:, :axes]
    named = any(name != ONE_CLASS for name in one.classes)
    return Result(
        one.image,
        one.size,
        one.boxes,
        np.ones(len(one)) if one.scores is None else one.scores,
        sides.prod(axis=1) if one.areas is None else one.areas,
        one.classes if named else (),
        one.orientation,
        float(one.details.get("ms") or 0.0),
        str(one.details.get("model") or ""),
        frame=one.frame,
        seconds=one.seconds,
    )


def annotations_of(results: Sequence[Result], classes: Sequence[str] = ()) -> Annotations:
    """Results as annotations; `classes` fixes the numbers of the classes."""
    images = tuple(
        ImageBoxes(
            one.image,
            one.size,
            one.boxes,
            one.classes,
            None,
            one.scores,
            one.areas,
            one.orientation,
            one.frame,
            one.seconds,
            {"model": one.model, "ms": one.ms},
        )
        for one in results
    )
    named = {name for one in results for name in one.classes}
    names = tuple(classes) or tuple(sorted(named))
    return replace(Annotations(images, names), form="jsonl")
