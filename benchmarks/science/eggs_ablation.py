"""Eggs from 8 marked images, with one thing changed at a time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import spel
from benchmarks.science.few_marked import METRICS, judged
from benchmarks.science.sets import parasite_encoder, parasites, photograph_encoder
from benchmarks.science.table import Table, row
from spel.decide import Delineation, segment
from spel.learning.segmenter import learn_segmenter
from spel.nn import Network

TOLERANCE = 0.03
SEEDS = (42,)
DEFAULT = "default options"


def measure(data: Path, seeds: tuple[int, ...] = SEEDS) -> Table:
    """Judged on the 59 images that were not marked; a seed is one of the kernels."""
    images, masks, drawn = parasites(data)
    table = Table("eggs-ablation", "Parasite eggs, one change at a time", METRICS, DEFAULT)
    for name, (network, given) in changes().items():
        runs = []
        for seed in seeds:
            learned = learn_segmenter(
                network,
                [images[n] for n in drawn],
                list(drawn.values()),
                names=list(drawn),
                seed=seed,
                **{"multiple": False, **given},
            )
            answers = {n: segment(learned.network, i) for n, i in images.items() if n not in drawn}
            runs.append(judged(answers, masks))
        table.rows.append(row(name, seeds, runs))
    return table


def changes() -> dict[str, tuple[Network, dict[str, Any]]]:
    """For each row its encoder, and the options of `learn_segmenter` that are not the default."""
    eggs = parasite_encoder()
    options: dict[str, dict[str, Any]] = {
        DEFAULT: {},
        "no hard negatives": {"hard_negatives": False},
        "ridge 0.001": {"ridge": 1e-3},
        "ridge 0.1": {"ridge": 1e-1},
        "no delineation": {"delineation": Delineation("none")},
        "Dynamic Trees": {"delineation": Delineation("trees", convex=True)},
        "GrowCut": {"delineation": Delineation("growcut", convex=True)},
        "last block alone": {"blocks": ["pool2"]},
        "FLIM-BoFP": {"method": "points"},
        "threshold for selection": {"select": "threshold"},
        "any number of eggs": {"multiple": True},
    }
    networks = {
        "no median": photograph_encoder(),
        "7 x 7 kernels": _changed(eggs, ("conv1", "conv2"), adjacency=spel.Adjacency.box(7)),
        "strides of 2 (as dilations)": _changed(eggs, ("pool1", "pool2"), stride=2),
    }
    return {
        **{name: (eggs, given) for name, given in options.items()},
        **{name: (network, {}) for name, network in networks.items()},
    }


def _changed(network: Network, names: tuple[str, ...], **given: Any) -> Network:
    for name in names:
        network = network.replace(name, replace(network[name], **given))
    return network
