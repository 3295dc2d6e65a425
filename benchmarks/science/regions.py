"""Plates of a region that no training photo shows, learned from all photos of the two others.

`benchmarks.science.plates` compares ways to learn from few photos; this is what the way that spel
ships gives: with boxes as they are found, with boxes that are adjusted, and where what is around
them is scored, too.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

import spel
from benchmarks.plates.conditions import Scene, under, with_width
from benchmarks.plates.detector import LOW, greys
from benchmarks.plates.photos import Photo, drawn, photos, regions
from benchmarks.plates.shipped import ENLARGED
from benchmarks.science.plates import CONFIG, TILT, recall_per_picture
from benchmarks.science.table import Table, Values, row
from spel.decide import decision_of, with_decision
from spel.metrics.detection import Answers, evaluate, iou, match
from spel.rigid import learn_detector

TOLERANCE = 0.05
SEEDS = (0,)

LOOKED_AT = 24
"""Photos of each region on which the way was chosen, drawn as before; they do not judge."""

WIDEST = 110.0
"""Photos whose plate is wider, in pixels, are reduced to this width, which saves time."""

CONDITIONS = ("as it is", "tilted")

FOUND, ADJUSTED = "boxes as they are found", "boxes adjusted"
AROUND = "boxes adjusted, surroundings scored"

Found = dict[str, dict[str, list[Answers]]]
"""Answers by method and condition."""


def measure(data: Path, seeds: tuple[int, ...] = SEEDS) -> Table:
    """Each seed is one of the learner."""
    everything = photos(data / "plates")
    images = greys(everything)
    scenes = {
        p.name: with_width(Scene(p.name, images[p.name], p.boxes), WIDEST) for p in everything
    }
    table = Table(
        "regions",
        "Plates of a region that was not learned, all photos of the others learned: recall at 0.1 "
        "false alarms per picture",
        CONDITIONS,
        ADJUSTED,
    )
    runs: dict[str, list[dict[str, Values]]] = {FOUND: [], ADJUSTED: [], AROUND: []}
    for seed in seeds:
        answers: Found = {name: {condition: [] for condition in CONDITIONS} for name in runs}
        for region in regions(everything):
            _answer(everything, region, seed, scenes, answers)
        for name, by_condition in answers.items():
            runs[name].append({c: recall_per_picture(a) for c, a in by_condition.items()})
            table.notes.append(_note(f"{name}, seed {seed}", by_condition))
        table.notes.append(_limits(f"{AROUND}, seed {seed}", answers[AROUND]))
    table.rows = [row(name, seeds, runs[name]) for name in runs]
    return table


def _answer(
    everything: Sequence[Photo],
    region: str,
    seed: int,
    scenes: dict[str, Scene],
    answers: Found,
) -> None:
    """Add what is found in a region's photos by a detector that was learned without them."""
    print(f"without {region}", file=sys.stderr, flush=True)
    training = [scenes[p.name] for p in everything if p.region != region]
    own = [p for p in everything if p.region == region]
    looked_at = {p.name for p in drawn(own, LOOKED_AT, 99)}
    judged = [scenes[p.name] for p in own if p.name not in looked_at]
    config = replace(CONFIG, adjust=True, tilt=TILT, seed=seed)
    network = learn_detector([s.image for s in training], [s.boxes for s in training], config)
    decision = decision_of(network)
    plain = with_decision(network, replace(decision, adjust_node=None))
    adjusts = with_decision(network, replace(decision, around_node=None))
    for name, detector in ((FOUND, plain), (ADJUSTED, adjusts), (AROUND, network)):
        for condition in CONDITIONS:
            for scene in under(condition, judged):
                found = spel.detect(
                    detector, scene.image, threshold=LOW, max_detections=40, enlarge=ENLARGED
                )
                one = Answers(scene.name, found.boxes, found.scores, scene.boxes)
                answers[name][condition].append(one)


def _note(name: str, by_condition: dict[str, list[Answers]]) -> str:
    """Average precision, COCO's over all levels, and false alarms at recall .8."""
    parts = []
    for condition, answers in by_condition.items():
        figures = evaluate(answers)
        parts.append(
            f"{condition} {figures.average_precision:.3f} / {figures.coco.ap:.3f} / "
            f"{alarms_at_recall(answers, 0.8):.3f}"
        )
    return (
        f"AP50 / AP, IoU .5 to .95 / false alarms per picture at recall .80, {name}: "
        + ", ".join(parts)
        + ".\n"
    )


LEAST_OVERLAP = 0.1
"""Smallest intersection over union of a plate and a box that is drawn exactly instead."""

EXACT = {"middle": (True, False, False), "width": (False, True, False),
         "height": (False, False, True), "all of it": (True, True, True)}  # fmt: skip
"""What is drawn exactly: the middle, the width, the height."""


def drawn_exactly(answers: Answers, middle: bool, width: bool, height: bool) -> Answers:
    """The answers, with parts of the box nearest to each plate as annotated; scores stay."""
    boxes = answers.boxes.copy()
    for plate in answers.truth if len(boxes) else ():
        overlaps = iou(answers.boxes, plate[None])[:, 0]
        best = int(overlaps.argmax())
        if overlaps[best] >= LEAST_OVERLAP:
            own, exact = boxes[best], plate
            sides = np.where([width, height], exact[2:] - exact[:2], own[2:] - own[:2])
            at = (exact if middle else own)[:2] + (exact if middle else own)[2:]
            boxes[best] = np.concatenate([at - sides, at + sides]) / 2
    return Answers(answers.name, boxes, answers.scores, answers.truth)


def _limits(name: str, by_condition: dict[str, list[Answers]]) -> str:
    """COCO's average precision if a part of each plate's box were exact: what limits it."""
    parts = []
    for condition, answers in by_condition.items():
        figures = [evaluate([drawn_exactly(a, *what) for a in answers]) for what in EXACT.values()]
        parts.append(f"{condition} " + " / ".join(f"{one.coco.ap:.3f}" for one in figures))
    return f"AP, IoU .5 to .95, if {', '.join(EXACT)} were exact, {name}: {', '.join(parts)}.\n"


def alarms_at_recall(answers: Sequence[Answers], recall: float) -> float:
    """False alarms per picture at the highest threshold that finds a share of the plates."""
    matched = [match(one) for one in answers]
    right, wrong = (
        np.concatenate([one.scores[(taken >= 0) == side] for one, taken in zip(answers, matched)])
        for side in (True, False)
    )
    needed = int(np.ceil(recall * sum(len(one.truth) for one in answers)))
    if len(right) < needed:
        return float("inf")
    threshold = np.sort(right)[::-1][needed - 1]
    return float((wrong > threshold).sum() / len(answers))
