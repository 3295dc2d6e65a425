"""Plates of three regions as three classes: ``python -m benchmarks.plates.classes [--photos N]``.

A detector of many classes is learned from a few photos of each region and measured on others; so is
one detector for all plates, to see what the classes cost.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import spel
from benchmarks.plates.photos import DATA, Photo, photos, regions
from spel.metrics.detection import Answers, evaluate
from spel.rigid import learn_detector

LOW = 0.002
"""Probability from which detections count."""


def main() -> int:
    """Print the figures with classes (suppressed within and across them), and without."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.plates.classes")
    parser.add_argument("--data", type=Path, default=DATA, help="folder with annotations.json")
    parser.add_argument("--photos", type=int, default=12, help="of each region to learn from")
    parser.add_argument("--tests", type=int, default=12, help="of each region to be tested on")
    given = parser.parse_args()
    every = photos(given.data)
    by_region = [[p for p in every if p.region == region] for region in regions(every)]
    training = [photo for own in by_region for photo in own[: given.photos]]
    tests = [photo for own in by_region for photo in own[given.photos :][: given.tests]]
    images, boxes = [p.image for p in training], [p.boxes for p in training]
    labels = [[p.region] * len(p.boxes) for p in training]
    print(f"{len(training)} photos to learn from, {len(tests)} others to be tested on\n")
    classes = learn_detector(images, boxes, classes=labels)
    names = " / ".join(regions(every))
    print(f"| suppressed | AP50 | AP, IoU .5 to .95 | AP50 of {names} | answers |")
    print("|---|---|---|---|---|", flush=True)
    for suppress in ("within", "across"):
        answers = [answer(classes, photo, suppress=suppress) for photo in tests]
        print(row(f"{suppress} classes", answers), flush=True)
    together = learn_detector(images, boxes)
    print(row("one class of all", [answer(together, photo) for photo in tests]))
    return 0


def row(name: str, answers: list[Answers]) -> str:
    """A line of the table."""
    figures = evaluate(answers)
    each = [one.average_precision for one in figures.by_class.values()]
    cells = [
        name,
        f"{figures.average_precision:.3f}",
        f"{figures.coco.ap:.3f}",
        " / ".join(f"{one:.3f}" for one in each),
        str(sum(len(one.scores) for one in answers)),
    ]
    return f"| {' | '.join(cells)} |"


def answer(network: spel.Network, photo: Photo, **options: str) -> Answers:
    """Detections in a photo, with classes if the detector has some."""
    found = spel.detect(network, photo.image, threshold=LOW, max_detections=20, **options)
    true = [photo.region] * len(photo.boxes) if options else []
    return Answers(photo.name, found.boxes, found.scores, photo.boxes, found.classes, true)


if __name__ == "__main__":
    sys.exit(main())
