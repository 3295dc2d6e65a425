"""Eggs in images of another magnification, with the shipped network and an estimated scale."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.science.sets import parasites
from benchmarks.science.table import Table, dice_and_alarms, row
from spel import zoo
from spel.decide import estimate_scale, segment
from spel.decide.object_scale import resized, size_at

TOLERANCE = 0.04
SEEDS = (0,)
FACTORS = (1.0, 0.5, 1.4)
EACH = 14
"""Images with an egg, and as many without."""

FEW = 8
"""Images from which the scale is estimated."""


def measure(data: Path, seeds: tuple[int, ...] = SEEDS) -> Table:
    """A seed is a draw of the unmarked images."""
    images, masks, drawn = parasites(data)
    network = zoo.load("parasite-eggs")
    table = Table(
        "scales",
        "Parasite eggs in resized images, `parasite-eggs`",
        ("Dice", "false alarms"),
        "images as they are",
        notes=[f"The scale is estimated from {FEW} of the images, for all of them together."],
    )
    runs: dict[str, list] = {}
    for seed in seeds:
        order = np.random.default_rng(seed).permutation([n for n in images if n not in drawn])
        names = [n for n in order if masks[n].any()][:EACH]
        names += [n for n in order if not masks[n].any()][:EACH]
        for factor in FACTORS:
            size = size_at((240, 240), factor)
            smaller = {n: resized(images[n][..., :3], size) for n in names}
            truth = {n: resized(masks[n][..., None], size)[..., 0] > 0.5 for n in names}
            few = [smaller[n] for n in names[:: 2 * EACH // FEW]]
            estimated = estimate_scale(network, few, white=255)
            scales = {"scale estimated": estimated} if factor != 1 else {}
            for how, scale in {"": 1.0, **scales}.items():
                answers = {
                    n: segment(network, image, scale=scale, white=255)
                    for n, image in smaller.items()
                }
                name = "images as they are" if factor == 1 else f"resized by {factor:g}"
                runs.setdefault(f"{name}{how and ', ' + how}", []).append(
                    dice_and_alarms(answers, truth)
                )
            table.notes.append(f"Seed {seed}, resized by {factor:g}: estimated {estimated:g}.")
    table.rows = [row(name, seeds, found) for name, found in runs.items()]
    return table
