"""Whether there is an egg at all, learned from fewer marked images, or from others."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.science.presence import AUTOMATIC, STEP, measure_rules
from benchmarks.science.sets import Masks, parasites
from benchmarks.science.table import Table, Values, row
from spel.core.markers import Markers
from spel.flim import robot_markers

TOLERANCE = 0.05
SEEDS = (0, 1, 2, 3)
FEW = 5
"""Marked images of a draw from the eight that the data set marks."""

RULES = (STEP, "stated rate 0.12", AUTOMATIC)


def measure(data: Path, seeds: tuple[int, ...] = SEEDS) -> Table:
    """A seed is a draw of the marked images; all others judge."""
    images, masks, drawn = parasites(data)
    table = Table(
        "draws",
        "Parasite eggs: presence learned from other marked images",
        ("Dice", "false alarms"),
        f"{FEW} of the 8 marked images, {STEP}",
        notes=["By the robot: seven images with an egg and one without, four disks of each label."],
    )
    runs: dict[str, list[dict[str, Values]]] = {}
    for seed in seeds:
        for kind, marked in (
            (f"{FEW} of the 8 marked images", _fewer(drawn, seed)),
            ("8 images marked by the robot", _others(masks, seed)),
        ):
            found = measure_rules({}, seed, images, masks, marked, {})
            for rule in RULES:
                runs.setdefault(f"{kind}, {rule}", []).append(found[rule])
    table.rows = [row(name, seeds, run) for name, run in sorted(runs.items())]
    return table


def _fewer(drawn: dict[str, Markers], seed: int) -> dict[str, Markers]:
    """Some of the marked images."""
    names = np.random.default_rng(seed).permutation(sorted(drawn))[:FEW]
    return {n: drawn[n] for n in names}


def _others(masks: Masks, seed: int) -> dict[str, Markers]:
    """As many images as the data set marks, marked by the robot user."""
    names = np.random.default_rng(seed).permutation(sorted(masks))
    full = [n for n in names if masks[n].any()][:7]
    empty = [n for n in names if not masks[n].any()][:1]
    return {n: robot_markers(masks[n], seed=seed) for n in [*full, *empty]}
