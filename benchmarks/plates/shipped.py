"""The plate detector of the zoo: learned from all photos; its thresholds, and small plates."""

from __future__ import annotations

import argparse
import sys

import numpy as np

import spel
from benchmarks.plates.conditions import Scene, with_width
from benchmarks.plates.detector import Images, answer, learn
from benchmarks.plates.photos import Photo
from spel import zoo
from spel.decide import decision_of
from spel.metrics.detection import Answers, evaluate
from spel.rigid import RigidConfig, Windows, learn_adjustment

SHIPPED = 0.05
"""Threshold of the network that spel ships, a probability chosen from the table of `shipped`."""

MEASURED = {
    "figures": {
        "share of photos whose best box has IoU 0.5 with the plate": 0.977,
        "mean IoU of the best boxes": 0.843,
        "average precision at IoU 0.5": 0.969,
        "false alarms per picture without a plate, at recall 0.95": 0.013,
    },
    "measured on": "The same 177 photos, in 5 folds: each is answered by a network that was "
    "learned without it and whose boxes are not adjusted. The method was developed on these "
    "photos.",
    "measured by": "SPEL_THREADS=1 python -m benchmarks.plates.learned cross --out results",
    "limits": "Plates that are wider than high, level or turned by at most 10 degrees. It misses "
    "every second plate at 15 degrees, and more than a quarter where over-exposure erased the "
    "characters. Boxes are drawn without the frame of the plate. It finds plates and reads none. "
    "The photos belong to others (the benchmark's repository is under AGPL-3.0) and are not "
    "shipped.",
}
"""What docs/plates.md says of the networks of `cross`, for the card."""


CONFIG = RigidConfig(tilt=8.0)
"""Adjusted boxes of the zoo's network enclose tilted plates."""

ENLARGED = 2**0.5
"""The zoo's network begins at enlarged photos, where plates of 33 pixels are found if they are
twice as wide as high, and plates of 48 pixels if they are 4.4 times as wide as high."""


def ship(options: argparse.Namespace, found: list[Photo], images: Images) -> str:
    """Learn from all photos; write ``plates.safetensors``."""

    def say(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    return _write(options, learn(found, images, on_step=say), found, images)


def adjust(options: argparse.Namespace, found: list[Photo], images: Images) -> str:
    """Learn only the kernels that adjust boxes anew; the zoo's network keeps its other kernels."""
    return _write(options, zoo.plates(), found, images)


def _write(
    options: argparse.Namespace, network: spel.Network, found: list[Photo], images: Images
) -> str:
    """Learn the kernels that adjust boxes, write the network with its card, say what it is."""
    each, boxes = [images[photo.name] for photo in found], [photo.boxes for photo in found]
    network = learn_adjustment(network, each, boxes, CONFIG)
    assert isinstance(decision_of(network), Windows)
    card = {
        "name": "plates",
        "description": "Licence plates in photos of any region.",
        "learned from": f"{len(found)} photos with one box each, the development part of the "
        "openalpr end-to-end benchmark (Brazil 61, Europe 47, USA 69)",
        "method": "spel.rigid.learn_detector, and spel.rigid.learn_adjustment for boxes that "
        "enclose plates tilted by up to 8 degrees: in closed form, without backpropagation",
        "command": "python -m benchmarks.plates.learned ship",
        **MEASURED,
        "threshold": f"{SHIPPED}; 0.1 gives fewer false alarms",
        "license": "BSD-3-Clause",
        "fingerprint": network.fingerprint(),
        "spel": spel.__version__,
    }
    decision = {**network.meta["decision"], "threshold": SHIPPED, "enlarge": ENLARGED}
    network = network.with_meta(card=card, decision=decision)
    path = options.out / "plates.safetensors"
    network.save(path)
    return f"{path}: {path.stat().st_size:,} bytes, {network.parameters:,} weights, {decision}\n"


def shipped(_: argparse.Namespace, found: list[Photo], images: Images) -> str:
    """What the zoo's network finds in every third photo, by threshold; it was learned from them."""
    network = zoo.plates()
    answers = [answer(network, photo, images[photo.name]) for photo in found[::3]]
    lines = ["| threshold | recall | precision | false alarms per photo |", "|---|---|---|---|"]
    for threshold in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5):
        figures = evaluate([_above(one, threshold) for one in answers])
        lines.append(
            f"| {threshold} | {figures.recall:.3f} | {figures.precision:.3f} | "
            f"{figures.false_alarms:.3f} |"
        )
    return "\n".join(lines) + "\n"


WIDTHS = (32, 40, 50, 60)
"""Widths of plates, in pixels, to which photos are reduced."""

ENLARGE = (1.0, 2**0.5, 2.0)
"""Factors by which reduced photos are enlarged."""


def small(_: argparse.Namespace, found: list[Photo], images: Images) -> str:
    """What the zoo's network finds in every third photo, reduced, at its own threshold."""
    network = zoo.plates()
    head = " | ".join(f"enlarged {factor:.3g} times" for factor in ENLARGE)
    lines = [f"| width of the plate | {head} |", "|---" * (len(ENLARGE) + 1) + "|"]
    for width in WIDTHS:
        cells = [f"{width} pixels"]
        scenes = [with_width(Scene(p.name, images[p.name], p.boxes), width) for p in found[::3]]
        for factor in ENLARGE:
            figures = evaluate([_found(network, scene, factor) for scene in scenes])
            cells.append(f"{figures.recall:.2f} ({figures.false_alarms:.2f})")
        lines.append(f"| {' | '.join(cells)} |")
        print(lines[-1], file=sys.stderr, flush=True)
    return "\n".join(lines) + "\n"


def _found(network: spel.Network, scene: Scene, enlarge: float) -> Answers:
    detections = spel.detect(network, scene.image, enlarge=enlarge)
    return Answers(scene.name, detections.boxes, detections.scores, scene.boxes)


def _above(answers: Answers, threshold: float) -> Answers:
    chosen = np.asarray(answers.scores) >= threshold
    return Answers(answers.name, answers.boxes[chosen], answers.scores[chosen], answers.truth)
