"""Whether there is an egg at all: the rate of false alarms that is stated, and the one observed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.science.sets import Images, Masks, parasite_encoder, parasites
from benchmarks.science.table import Row, Table, Values, dice_and_alarms, row
from spel.decide import Segmentation, segmentation_of
from spel.decide.delineate import Delineation
from spel.decide.presence import AUTO
from spel.learning.segmenter import learn_segmenter
from spel.metrics.intervals import nested_choice
from spel.metrics.segmentation import dice
from spel.nn import Network

TOLERANCE = 0.04
SEEDS = (42,)
STEP = "fixed step below the marked eggs"
RATES = (0.25, 0.12, 0.05, 0.03)
AUTOMATIC = "separated best (auto)"
NESTED = "nested choice among steps and rates"

Mask = npt.NDArray[np.bool_]


def measure(data: Path, seeds: tuple[int, ...] = SEEDS) -> Table:
    """Judged on 59 unmarked images, whole, and on 16 of them cut or reduced."""
    images, masks, drawn = parasites(data)
    other = [n for n in images if n not in drawn]
    eggs, empty = ([n for n in other if masks[n].any() == side] for side in (True, False))
    changed = {
        "three quarters": {n: _cut(images[n], masks[n], 0.75) for n in eggs[:16]},
        "half size": {n: _halved(images[n], masks[n]) for n in eggs[:16] + empty[:8]},
    }
    table = Table(
        "presence",
        "Parasite eggs: presence learned from 8 marked images",
        ("Dice", "false alarms", "three quarters", "half size", "half size, false alarms"),
        STEP,
        notes=[
            "Three quarters: Dice on eggs of which the border of the image cuts a quarter away. "
            "Half size: Dice on images reduced by two, with the network as it is.",
            "The stated rates are of images without an egg. With 8 marked images rates below 1/9 "
            "are those of a fitted Gumbel distribution.",
        ],
    )
    for options in ({}, {"truncated": True}, {"scales": (0.5, 1.0)}):
        found: dict[str, list[dict[str, Values]]] = {}
        for seed in seeds:
            for name, figures in measure_rules(
                options, seed, images, masks, drawn, changed
            ).items():
                found.setdefault(name, []).append(figures)
        table.rows += [row(name, seeds, runs) for name, runs in found.items()]
    rules = [
        one
        for one in table.rows
        if AUTOMATIC not in one.name and "scales" not in one.name  # those for the marked size
    ]
    table.rows.append(_nested(rules, [*eggs, *empty], len(seeds)))
    return table


def measure_rules(
    options: dict[str, Any], seed: int, images: Images, masks: Masks, drawn: Any, changed: Any
) -> dict[str, dict[str, Values]]:
    """The figures of every rule for the lowest score, with some options of learning.

    Judged on the images that are not drawn on, and on changed ones of the kinds that are given.
    """
    names = list(drawn)
    learned = learn_segmenter(
        parasite_encoder(), [images[n] for n in names], list(drawn.values()), names=names,
        seed=seed, multiple=False, false_alarm_rate=RATES[0],
        delineation=Delineation(convex=True, average=True), **options,
    )  # fmt: skip
    how = segmentation_of(learned.network)
    assert how.objects is not None
    assert learned.evidence is not None
    step = float(np.median([s for s in learned.evidence.objects if np.isfinite(s)])) - 0.95
    rules = {STEP: replace(how, objects=replace(how.objects, min_score=step))}
    rules |= {f"stated rate {rate:g}": how.at_false_alarm_rate(rate) for rate in RATES}
    rules[AUTOMATIC] = how.at_false_alarm_rate(AUTO)
    other = [n for n in images if n not in drawn]
    whole = {n: _answers(learned.network, rules, images[n]) for n in other}
    parts = {
        kind: {n: (_answers(learned.network, rules, i), m) for n, (i, m) in pairs.items()}
        for kind, pairs in changed.items()
    }
    suffix = "".join(f", {name}" for name in options)
    result = {}
    for rule in rules:
        figures = dice_and_alarms({n: answers[rule] for n, answers in whole.items()}, masks)
        for kind, pairs in parts.items():
            figures[kind] = {n: dice(a[rule], m) for n, (a, m) in pairs.items() if m.any()}
        if "half size" in parts:
            figures["half size, false alarms"] = {
                n: float(a[rule].any()) for n, (a, m) in parts["half size"].items() if not m.any()
            }
        result[rule + suffix] = figures
    return result


def _answers(
    network: Network, rules: dict[str, Segmentation], image: npt.NDArray[Any]
) -> dict[str, Mask]:
    """The mask of every rule from one run of the network: the best component, if good enough."""
    first = next(iter(rules.values()))
    assert first.objects is not None
    activations = network.activations(image)
    saliency = activations[network.output]
    best = replace(first.objects, min_score=-8.0).select(saliency)
    empty = np.zeros(saliency.shape[:2], dtype=bool)
    if not best:
        return dict.fromkeys(rules, empty)
    score, component = best[0]
    assert first.delineation is not None
    mask = first.delineation.refine(activations[first.features], component.full_mask())
    return {n: mask if score > _lowest(how) else empty for n, how in rules.items()}


def _lowest(how: Segmentation) -> float:
    assert how.objects is not None
    return how.objects.min_score


def _nested(rows: list[Row], names: list[str], seeds: int) -> Row:
    """For each image, the row that is best on the images of the other folds."""
    scores = []
    for one in rows:
        full, alarms = one.per_image("Dice"), one.per_image("false alarms")
        scores.append([full[n] if n in full else 1 - alarms[n] for n in names])
    nested = dict(zip(names, nested_choice(scores, folds=5, repeats=10)))
    full = rows[0].per_image("Dice")
    figures = {
        "Dice": {n: nested[n] for n in names if n in full},
        "false alarms": {n: 1 - nested[n] for n in names if n not in full},
    }
    return row(NESTED, range(seeds), [figures])


def _cut(image: npt.NDArray[Any], mask: Mask, share: float) -> tuple[npt.NDArray[Any], Mask]:
    """The image from that row on which leaves about a share of the egg."""
    below = np.cumsum(mask.sum(axis=1)) / mask.sum()
    start = int(np.searchsorted(below, 1 - share))
    return image[start:], mask[start:]


def _halved(image: npt.NDArray[Any], mask: Mask) -> tuple[npt.NDArray[Any], Mask]:
    """Means of two by two pixels."""
    colors = image[..., :3].astype(float)
    rows, cols = (n // 2 for n in mask.shape)
    small = colors[: 2 * rows, : 2 * cols].reshape(rows, 2, cols, 2, 3).mean((1, 3))
    share = mask[: 2 * rows, : 2 * cols].reshape(rows, 2, cols, 2).mean((1, 3))
    return small.round().astype(np.uint8), share > 0.5
