"""Eggs from 1, 3, 5 and 8 marked images, beside answers that learn nothing."""

from __future__ import annotations

from pathlib import Path

from benchmarks.science.few_marked import METRICS, baselines, from_few
from benchmarks.science.sets import parasite_encoder, parasites
from benchmarks.science.table import Table
from spel.decide import Delineation

TOLERANCE = 0.03
SEEDS = (0, 1, 2, 3, 4)
FEW = (1, 3, 5)


def measure(data: Path, seeds: tuple[int, ...] = SEEDS) -> Table:
    """Judged on the 59 images without strokes; a seed is a draw of the marked ones."""
    images, masks, drawn = parasites(data)
    table = Table("eggs", "Parasite eggs from few marked images", METRICS, "8 marked images")
    table.rows = [
        *baselines(images, masks, drawn, white=255),
        *from_few(parasite_encoder(), images, masks, drawn, FEW, seeds, Delineation(convex=True)),
    ]
    return table
