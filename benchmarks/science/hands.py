"""Strokes of other hands on the same images: what a network owes to whoever drew them.

No second person has marked these images. Six stand-ins do: the robot user with five habits, placed
by the masks, and the strokes of the data set moved by a hand that trembles. Beside each hand stand
encoders that no stroke chose, of which only the decoder is learned from the hand's strokes.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.science.controls import COLOR, RANDOM, encoders
from benchmarks.science.sets import Masks, parasite_encoder, parasites
from benchmarks.science.table import Table, Values, dice_and_alarms, row
from spel.core.markers import Markers
from spel.decide import segment
from spel.errors import ParameterError
from spel.flim import robot_markers
from spel.learning.segmenter import learn_segmenter
from spel.metrics.segmentation import dice
from spel.nn import Network

TOLERANCE = 0.04
SEEDS = (0, 1)
OWN = "strokes of the data set"
MIXED = "the data set's hand on four images, short strokes on the other four"
TREMOR = 4
"""Spels by which a stroke may be moved along each axis; the eggs are about 35 wide."""

CONTROLS = (RANDOM, COLOR)

Images = dict[str, npt.NDArray[np.generic]]
Mask = npt.NDArray[np.bool_]
Hand = Callable[[Mask, Markers, int], Markers]


def _robot(**habits: object) -> Hand:
    """The robot user with its habits, placed by the mask."""
    return lambda mask, drawn, seed: robot_markers(mask, seed=seed, **habits)  # type: ignore[arg-type]


def _trembling(mask: Mask, drawn: Markers, seed: int) -> Markers:
    """Each stroke moved by a few spels, over the border of an object if need be."""
    random = np.random.default_rng(seed)
    strokes, points = drawn.strokes(), drawn.points.copy()
    for one in np.unique(strokes):
        points[strokes == one] += random.integers(-TREMOR, TREMOR + 1, points.shape[1])
    points = points.clip(0, np.array(drawn.size) - 1)
    image = np.full(drawn.size, -1)
    image[tuple(points.T)] = drawn.labels
    return Markers.from_image(image, background=drawn.background)


HANDS: dict[str, Hand] = {
    OWN: lambda mask, drawn, seed: drawn,
    "the same, moved by up to 4 pixels": _trembling,
    "an axis, and disks beside": _robot(geometry="skeleton"),
    "four disks of each label": _robot(geometry="disks"),
    "one disk of each label": _robot(geometry="disks", objects=1, background=1),
    "four short strokes of each label": _robot(geometry="strokes"),
    "bands inside and outside the outline": _robot(geometry="contour"),
}


def measure(data: Path, seeds: tuple[int, ...] = SEEDS) -> Table:
    """Each hand marks the same 8 images, the 59 others judge; a seed is one of every hand's."""
    images, masks, drawn = parasites(data)
    table = Table(
        "hands",
        "Parasite eggs, 8 images marked by different hands, 59 judged",
        ("Dice", "false alarms", "agreement", *(f"Dice, {control}" for control in CONTROLS)),
        OWN,
        notes=[
            "Agreement: Dice with the answer of the network that the strokes of the data set gave; "
            "1 where both are empty. The settings were chosen with these strokes. The last columns "
            "are of encoders that no stroke chose; decoder and decision are learned as before."
        ],
    )
    runs: dict[str, list[dict[str, Values]]] = {}
    for seed in seeds:
        mine: Masks = {}
        for name, strokes in _strokes(masks, drawn, seed).items():
            try:
                answers = _answers(images, strokes, parasite_encoder())
                controls = _controls(images, masks, strokes, seed)
            except ParameterError as error:
                table.notes.append(f"{name}, seed {seed}: {error}")
                continue
            mine = mine or answers
            figures = {**dice_and_alarms(answers, masks), **controls}
            figures["agreement"] = {n: _agreement(answers[n], mine[n]) for n in answers}
            runs.setdefault(name, []).append(figures)
    table.rows = [row(name, seeds, found) for name, found in runs.items()]
    return table


def _strokes(masks: Masks, drawn: dict[str, Markers], seed: int) -> dict[str, dict[str, Markers]]:
    """The strokes of each hand, the data set's first, and those of two hands together."""
    found = {
        name: {n: hand(masks[n], one, seed) for n, one in drawn.items()}
        for name, hand in HANDS.items()
    }
    other = found["four short strokes of each label"]
    half = np.random.default_rng(seed).permutation(list(drawn))[:4]
    found[MIXED] = {n: other[n] if n in half else one for n, one in drawn.items()}
    return found


def _controls(
    images: Images, masks: Masks, strokes: dict[str, Markers], seed: int
) -> dict[str, Values]:
    """The Dice of encoders that no stroke chose."""
    marked = [images[name] for name in strokes]
    makers = encoders(parasite_encoder(), marked, list(strokes.values()), seed)
    found = {c: dice_and_alarms(_answers(images, strokes, makers[c]()), masks) for c in CONTROLS}
    return {f"Dice, {control}": figures["Dice"] for control, figures in found.items()}


def _answers(images: Images, strokes: dict[str, Markers], encoder: Network) -> Masks:
    """What a network from these strokes finds in the images without strokes."""
    names = list(strokes)
    learned = learn_segmenter(
        encoder, [images[n] for n in names], list(strokes.values()),
        names=names, multiple=False,
    )  # fmt: skip
    return {n: segment(learned.network, i) for n, i in images.items() if n not in strokes}


def _agreement(one: Mask, other: Mask) -> float:
    return dice(one, other) if one.any() or other.any() else 1.0
