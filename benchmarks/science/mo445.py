"""Photographs of five subjects, three marked images each: learned kernels beside the controls."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.science.controls import COLOR, LEARNED, RANDOM, encoders
from benchmarks.science.sets import marked_by_robot, mo445_sets, photograph_encoder
from benchmarks.science.table import Table, Values, row
from spel.decide import Delineation, segment
from spel.learning.segmenter import learn_segmenter
from spel.metrics.segmentation import dice

TOLERANCE = 0.03
SEEDS = (4, 5, 6, 7)
"""Draws on which nothing was chosen; the form of the cut was chosen on 0 to 3."""
CUT = ", cut by the colours of each image"
NESTED = "learned kernels, cut or not as is better on the four other sets"


def measure(data: Path, seeds: tuple[int, ...] = SEEDS) -> Table:
    """Judged on the images of each set that the robot user did not mark."""
    sets = mo445_sets(data)
    table = Table(
        "mo445",
        "mo445, at most 3 marked images of each of five sets, one setting",
        ("Dice", *(f"Dice {number}" for number in sets)),
        LEARNED,
        notes=["A seed is a draw of the marked images, of the robot user and of the kernels."],
    )
    kinds = [(name, False) for name in encoders(photograph_encoder(), [], [], 0)]
    kinds += [(name, True) for name in (LEARNED, RANDOM, COLOR)]
    found: dict[str, list[dict[str, Values]]] = {}
    for name, cut in kinds:
        found[name + CUT * cut] = [
            _joined(
                {number: _of_set(name, number, *one, seed, cut) for number, one in sets.items()}
            )
            for seed in seeds
        ]
    pairs = zip(found[LEARNED], found[LEARNED + CUT])
    found[NESTED] = [_nested([f"Dice {number}" for number in sets], pair) for pair in pairs]
    table.rows = [row(name, seeds, runs) for name, runs in found.items()]
    return table


def _joined(of_sets: dict[int, Values]) -> dict[str, Values]:
    """The figures of the sets, and of all their images."""
    run = {f"Dice {number}": values for number, values in of_sets.items()}
    return {"Dice": {k: v for part in run.values() for k, v in part.items()}, **run}


def _nested(sets: list[str], runs: tuple[dict[str, Values], ...]) -> dict[str, Values]:
    """For each set, the run that is best on the others."""

    def elsewhere(run: dict[str, Values], here: str) -> float:
        return float(np.mean([np.mean(list(run[one].values())) for one in sets if one != here]))

    chosen = {one: max(runs, key=lambda run: elsewhere(run, one))[one] for one in sets}
    return {"Dice": {k: v for part in chosen.values() for k, v in part.items()}, **chosen}


def _of_set(name: str, number: int, images: dict, masks: dict, seed: int, cut: bool) -> Values:
    """Dice of the images of one set that were not marked."""
    drawn = marked_by_robot(images, masks, seed)
    marked, strokes = [images[n] for n in drawn], list(drawn.values())
    learned = learn_segmenter(
        encoders(photograph_encoder(), marked, strokes, seed)[name](),
        marked,
        strokes,
        names=list(drawn),
        select="threshold",
        delineation=None if cut else Delineation(inner=3, outer=6),
        sharp=False,  # it would take colours in place of the kernels that are compared
        cut=cut,
    )
    return {
        f"{number}/{n}": dice(segment(learned.network, image), masks[n])
        for n, image in images.items()
        if n not in drawn
    }
