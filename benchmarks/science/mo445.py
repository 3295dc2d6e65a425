"""Photographs of five subjects, three marked images each: learned kernels beside the controls."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.science.controls import LEARNED, encoders
from benchmarks.science.sets import mo445_sets, photograph_encoder
from benchmarks.science.table import Table, Values, row
from spel.decide import Delineation, segment
from spel.flim import robot_markers
from spel.learning.segmenter import learn_segmenter
from spel.metrics.segmentation import dice

TOLERANCE = 0.03
SEEDS = (0, 1)


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
    for name in encoders(photograph_encoder(), [], [], 0):
        runs = []
        for seed in seeds:
            run: dict[str, Values] = {}
            for number, (images, masks) in sets.items():
                run[f"Dice {number}"] = _of_set(name, number, images, masks, seed)
            runs.append({"Dice": {k: v for part in run.values() for k, v in part.items()}, **run})
        table.rows.append(row(name, seeds, runs))
    return table


def _of_set(name: str, number: int, images: dict, masks: dict, seed: int) -> Values:
    """Dice of the images of one set that were not marked."""
    count = min(3, len(images) - 1)
    chosen = np.random.default_rng(seed).permutation(sorted(images))[:count]
    drawn = {n: robot_markers(masks[n], seed=seed) for n in chosen}
    marked, strokes = [images[n] for n in drawn], list(drawn.values())
    learned = learn_segmenter(
        encoders(photograph_encoder(), marked, strokes, seed)[name](),
        marked,
        strokes,
        names=list(drawn),
        select="threshold",
        delineation=Delineation(inner=3, outer=6),
        sharp=False,  # it would take colours in place of the kernels that are compared
    )
    return {
        f"{number}/{n}": dice(segment(learned.network, image), masks[n])
        for n, image in images.items()
        if n not in drawn
    }
