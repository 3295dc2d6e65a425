"""Eggs of another microscope, with the network and the settings of the parasites."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from benchmarks.science.few_marked import baselines, from_few
from benchmarks.science.sets import parasite_encoder, schistosoma
from benchmarks.science.table import Table
from spel.decide import Delineation

TOLERANCE = 0.03
SEEDS = (0, 1, 2, 3, 4)
FEW = (1, 3)


def measure(data: Path, seeds: tuple[int, ...] = SEEDS) -> Table:
    """Judged on the images without strokes, each of which holds one egg."""
    images, masks, drawn = schistosoma(data)
    table = Table(
        "schistosoma", "Schistosoma eggs, settings untouched", ("Dice",), "5 marked images"
    )
    line = Delineation(convex=True)
    given = (parasite_encoder(), images, masks, drawn)
    table.rows = [
        *baselines(images, masks, drawn, white=65535),
        *from_few(*given, FEW, seeds, line),
        *(
            replace(row, name=f"{row.name}, averaged border")
            for row in from_few(*given, (), seeds, replace(line, average=True))
        ),
    ]
    return table
