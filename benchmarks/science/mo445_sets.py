"""Photographs of five subjects, set by set, beside a threshold of one colour channel."""

from __future__ import annotations

from pathlib import Path

from benchmarks.science.few_marked import baselines
from benchmarks.science.sets import (
    Images,
    Masks,
    marked_by_robot,
    mo445_sets,
    photograph_encoder,
)
from benchmarks.science.table import Table, Values, row
from spel.core.markers import Markers
from spel.decide import Delineation, segment
from spel.learning.segmenter import learn_segmenter
from spel.metrics.segmentation import dice

TOLERANCE = 0.03
SEEDS = (0, 1, 2)
LEARNED = "learned from strokes"
OTSU = "Otsu on the channel that tells the strokes apart best"
FULL = "always full"


def measure(data: Path, seeds: tuple[int, ...] = SEEDS) -> Table:
    """A seed is a draw of the images that the robot user marks; the others are judged."""
    sets = mo445_sets(data)
    metrics = tuple(f"Dice {number}" for number in sets)
    table = Table(
        "mo445-sets", "Photographs, set by set; at most 3 marked images each", metrics, LEARNED
    )
    runs: dict[str, list[dict[str, Values]]] = {LEARNED: [], OTSU: [], FULL: []}
    for seed in seeds:
        of_sets = [_of_set(images, masks, seed) for images, masks in sets.values()]
        for name, found in runs.items():
            found.append({metric: of[name] for metric, of in zip(metrics, of_sets)})
    table.rows = [row(name, seeds, found) for name, found in runs.items()]
    return table


def _of_set(images: Images, masks: Masks, seed: int) -> dict[str, Values]:
    """Dice of each image that was not marked, for each row."""
    drawn = marked_by_robot(images, masks, seed)
    _, full, otsu = [one.figures["Dice"][0] for one in baselines(images, masks, drawn, white=255)]
    return {LEARNED: _learned(images, masks, drawn, seed), OTSU: otsu, FULL: full}


def _learned(images: Images, masks: Masks, drawn: dict[str, Markers], seed: int) -> Values:
    learned = learn_segmenter(
        photograph_encoder(),
        [images[n] for n in drawn],
        list(drawn.values()),
        names=list(drawn),
        seed=seed,
        select="threshold",
        delineation=Delineation(inner=3, outer=6),
    )
    return {
        n: dice(segment(learned.network, images[n]), masks[n]) for n in images if n not in drawn
    }
