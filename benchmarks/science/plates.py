"""Plates of a region that no training photo shows: two regions train, the third judges.

The photos that judge are shown as they are and as another camera would take them: small plates, at
night with lights and glare, tilted, several cars in one picture (`benchmarks.plates.conditions`).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

import spel
from benchmarks.plates.conditions import ALL, Scene, harder, random_of, under, with_width
from benchmarks.plates.detector import LOW, greys
from benchmarks.plates.photos import Photo, drawn, photos, regions
from benchmarks.science.table import Table, Values, row
from spel.metrics.detection import Answers, evaluate, match
from spel.rigid import RigidConfig, learn_adjustment, learn_detector

TOLERANCE = 0.06
SEEDS = (0,)

PHOTOS = 10
"""Training photos of each of the two regions."""

JUDGED = 16
"""Photos of the third region that judge."""

WIDEST = 90.0
"""Photos whose plate is wider, in pixels, are reduced to this width, which saves time."""

FALSE_ALARMS = 0.1
"""False alarms per picture at which recall is stated."""


CONFIG = RigidConfig(rounds=2)
"""As by default, with a round of hard negatives less, which saves time."""

TILT = 8.0
"""Largest angle, in degrees, by which plates may be tilted where boxes are adjusted."""


@dataclass(frozen=True)
class Method:
    """Whether a changed copy of each photo is learned from too, and how pictures are enlarged.

    `enlarge` enlarges them in detection only, `smaller` in learning and in detection. With `adjust`
    boxes are adjusted, to enclose plates that are tilted by up to `TILT`.
    """

    name: str
    copies: bool = False
    enlarge: float = 1.0
    smaller: float = CONFIG.size_margin_below
    adjust: bool = False

    @property
    def learned(self) -> tuple[bool, float]:
        """What the kernels depend on, but for those that adjust boxes."""
        return self.copies, self.smaller


METHODS = (
    Method("photos as they are"),
    Method("photos as they are, enlarged 1.4 times", enlarge=2**0.5),
    Method("photos as they are, enlarged twice", enlarge=2.0),
    Method("and a changed copy of each", copies=True),
    Method("and a changed copy of each, enlarged 1.4 times", copies=True, enlarge=2**0.5),
    Method("learned from pictures enlarged 1.4 times", smaller=1.1 * 2**0.5),
    Method("photos as they are, boxes adjusted", adjust=True),
    Method("photos as they are, boxes adjusted, enlarged 1.4 times", enlarge=2**0.5, adjust=True),
)


@dataclass(frozen=True, eq=False)
class Unseen:
    """Two regions to learn from, and pictures of the third under every condition."""

    region: str
    training: list[Scene]
    judged: dict[str, list[Scene]]


def measure(data: Path, seeds: tuple[int, ...] = SEEDS) -> Table:
    """Each seed draws the training photos."""
    table = Table(
        "plates",
        f"Plates of a region that is not in the {2 * PHOTOS} training photos: recall at "
        f"{FALSE_ALARMS} false alarms per picture",
        ALL,
        METHODS[0].name,
    )
    everything = photos(data / "plates")
    runs: dict[str, list[dict[str, Values]]] = {method.name: [] for method in METHODS}
    for seed in seeds:
        answers: dict[str, dict[str, list[Answers]]] = {
            method.name: {condition: [] for condition in ALL} for method in METHODS
        }
        for region in regions(everything):
            _answer(_unseen(everything, region, seed), answers)
        for name, by_condition in answers.items():
            runs[name].append({c: recall_per_picture(a) for c, a in by_condition.items()})
            table.notes.append(_note(f"{name}, seed {seed}", by_condition))
    table.rows = [row(method.name, seeds, runs[method.name]) for method in METHODS]
    table.notes.append(
        "The threshold of each cell is the lowest one with at most "
        f"{FALSE_ALARMS} boxes per picture that match no plate, over the pictures of all regions."
    )
    return table


def _unseen(everything: Sequence[Photo], region: str, seed: int) -> Unseen:
    """The photos of a region as judges, and those drawn from the others to learn from."""
    by_region = {name: [p for p in everything if p.region == name] for name in regions(everything)}
    judged = drawn(by_region.pop(region), JUDGED, 99)
    training = [one for others in by_region.values() for one in drawn(others, PHOTOS, seed)]
    images = greys([*training, *judged])
    learned, tested = (
        [with_width(Scene(p.name, images[p.name], p.boxes), WIDEST) for p in part]
        for part in (training, judged)
    )
    return Unseen(region, learned, {condition: under(condition, tested) for condition in ALL})


def _answer(unseen: Unseen, answers: dict[str, dict[str, list[Answers]]]) -> None:
    """Add what every method finds in the pictures of one region."""
    networks: dict[tuple[bool, float], spel.Network] = {}
    adjusting: dict[tuple[bool, float], spel.Network] = {}
    for method in METHODS:
        learned = method.learned
        print(f"without {unseen.region}: {method.name}", file=sys.stderr, flush=True)
        if learned not in networks:
            networks[learned] = _learn(unseen.training, *learned)
        if method.adjust and learned not in adjusting:
            adjusting[learned] = _adjust(networks[learned], unseen.training, *learned)
        network = (adjusting if method.adjust else networks)[learned]
        for condition, scenes in unseen.judged.items():
            for scene in scenes:
                found = spel.detect(
                    network, scene.image, threshold=LOW, max_detections=40, enlarge=method.enlarge
                )
                one = Answers(scene.name, found.boxes, found.scores, scene.boxes)
                answers[method.name][condition].append(one)


def _learn(training: Sequence[Scene], copies: bool, smaller: float) -> spel.Network:
    scenes = _with_copies(training, copies)
    images, boxes = [scene.image for scene in scenes], [scene.boxes for scene in scenes]
    return learn_detector(images, boxes, replace(CONFIG, size_margin_below=smaller))


def _adjust(
    network: spel.Network, training: Sequence[Scene], copies: bool, smaller: float
) -> spel.Network:
    scenes = _with_copies(training, copies)
    images, boxes = [scene.image for scene in scenes], [scene.boxes for scene in scenes]
    config = replace(CONFIG, size_margin_below=smaller, tilt=TILT)
    return learn_adjustment(network, images, boxes, config)


def _with_copies(training: Sequence[Scene], copies: bool) -> list[Scene]:
    changed = [harder(scene, random_of(scene.name, "harder")) for scene in training]
    return [*training, *(changed if copies else [])]


def recall_per_picture(answers: Sequence[Answers], rate: float = FALSE_ALARMS) -> Values:
    """The share of each picture's plates that is found at a rate of false alarms per picture."""
    matched = [match(one) for one in answers]
    alarms = [scores for one, taken in zip(answers, matched) for scores in one.scores[taken < 0]]
    allowed = int(rate * len(answers))
    ranked = np.sort(alarms)[::-1]
    threshold = ranked[allowed] if allowed < len(ranked) else -np.inf
    return {
        one.name: float((one.scores[taken >= 0] > threshold).sum() / len(one.truth))
        for one, taken in zip(answers, matched)
    }


def _note(name: str, by_condition: dict[str, list[Answers]]) -> str:
    """Average precision and recall of all boxes, per condition."""
    figures = {condition: evaluate(answers) for condition, answers in by_condition.items()}
    parts = [f"{c} {f.average_precision:.3f} / {f.recall:.3f}" for c, f in figures.items()]
    return (
        f"AP50 / recall of all boxes above probability {LOW}, {name}: " + ", ".join(parts) + ".\n"
    )
