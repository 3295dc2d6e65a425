"""The published decoders on one encoder, with two ways to decide what an egg is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

import spel
from benchmarks.science.few_marked import METRICS, judged
from benchmarks.science.sets import Images, parasite_encoder, parasites
from benchmarks.science.table import Table, row
from spel.core.markers import Markers
from spel.decide import Delineation, Segmentation, learn_object_model, segment
from spel.errors import ParameterError
from spel.learning.encoded import block_ends
from spel.learning.segmenter import learn_segmenter
from spel.nn import Decode, Network, Node
from spel.ops import label, regions, threshold
from spel.ops.decode import METHODS

TOLERANCE = 0.03
SEEDS = (42,)
LINEAR = "linear on both blocks, selection"

AREAS = (400, 4000)
"""Of components that pass for eggs without a model."""

Mask = npt.NDArray[np.bool_]


def measure(data: Path, seeds: tuple[int, ...] = SEEDS) -> Table:
    """Judged on the 59 images that were not marked; a seed is one of the kernels."""
    images, masks, drawn = parasites(data)
    table = Table("eggs-decoders", "Parasite eggs, the published decoders", METRICS, LINEAR)
    found: dict[str, list] = {}
    for seed in seeds:
        for name, answer in _answers(images, drawn, seed, table.notes).items():
            answers = {n: answer(n) for n in images if n not in drawn}
            found.setdefault(name, []).append(judged(answers, masks))
    table.rows = [row(name, seeds, runs) for name, runs in found.items()]
    return table


def _answers(
    images: Images, drawn: dict[str, Markers], seed: int, notes: list[str]
) -> dict[str, Callable[[str], Mask]]:
    """For each row, the mask of an image by its name."""
    marked, strokes = [images[n] for n in drawn], list(drawn.values())
    encoder = spel.learn(parasite_encoder(), marked, strokes, seed=seed, names=list(drawn))
    found: dict[str, Callable[[str], Mask]] = {}
    for block in block_ends(encoder):
        ahead = encoder.upto(block)
        bank = ahead[block.replace("pool", "conv")].bank
        for method in METHODS:
            nodes = (*ahead.nodes, Node("saliency", Decode.for_bank(method, bank), (block,)))
            network = Network(nodes)
            found[f"{block} {method}, Otsu and area"] = _by_area(network, images)
            try:
                found[f"{block} {method}, selection"] = _by_model(network, images, drawn)
            except ParameterError as error:
                notes.append(f"{block} {method}, selection: {error}")
    learned = learn_segmenter(encoder, marked, strokes, names=list(drawn), multiple=False)
    found[LINEAR] = lambda name: segment(learned.network, images[name])
    return found


def _by_area(network: Network, images: Images) -> Callable[[str], Mask]:
    """Otsu's threshold, and the components of an egg's area."""

    def answer(name: str) -> Mask:
        labels = label(threshold(network(images[name])[..., 0], "otsu"))
        known = regions(labels)
        kept = known.labels[(known.areas >= AREAS[0]) & (known.areas <= AREAS[1])]
        return np.isin(labels, kept)

    return answer


def _by_model(network: Network, images: Images, drawn: dict[str, Markers]) -> Callable[[str], Mask]:
    """The component of the learned area and shape, delineated."""
    saliencies = [network(images[n])[..., 0] for n in drawn]
    model, _ = learn_object_model(saliencies, list(drawn.values()))
    how = Segmentation(model, delineation=Delineation(convex=True, scale=(8, 25, 10)))

    def answer(name: str) -> Mask:
        found = network.select(images[name], ["center", network.output])
        return how.mask(found[network.output][..., 0], found["center"])

    return answer
