"""Detectors with and without a proposal stage: ``python -m benchmarks.crowds [--data DIR]``.

Every set is learned once, with a proposal stage; the test pictures are then searched with it, and
without it by the larger kernels at all scales. AP and recall are at an intersection over union of
0.5, of all boxes above probability 0.0005; times are processor milliseconds per megapixel.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import process_time

import spel
from benchmarks.crowds.scenes import Picture
from benchmarks.crowds.sets import DATA, SETS, Pictures
from spel.metrics.detection import Answers, DetectionMetrics, evaluate
from spel.rigid import RigidConfig, learn_detector

LOW = 0.0005
"""Probability from which detections count."""

HEAD = (
    "| pictures | objects learned | objects tested | AP with | AP without | recall with "
    "| recall without | ms with | ms without |\n" + "|---" * 9 + "|"
)


@dataclass(frozen=True, eq=False)
class Search:
    """Figures of one way to search, and its milliseconds per megapixel."""

    metrics: DetectionMetrics
    ms: float


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.crowds")
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the real pictures")
    parser.add_argument("--only", default="", help="sets whose name holds this text")
    parser.add_argument("--networks", type=Path, help="folder in which networks are kept")
    given = parser.parse_args()
    print(HEAD, flush=True)
    for name, pictures_of in SETS.items():
        if given.only not in name:
            continue
        try:
            pictures = pictures_of(given.data)
        except (OSError, spel.SpelError) as error:
            print(f"{name}: {error}", file=sys.stderr)
            continue
        network = learned(name, pictures, given.networks)
        objects = sum(len(picture.boxes) for picture in pictures.training)
        for title, test in pictures.tests.items():
            print(row(title, objects, network, test), flush=True)
    return 0


def learned(name: str, pictures: Pictures, folder: Path | None) -> spel.Network:
    """The detector of a set: from the folder if it is there, else learned now."""
    file = None if folder is None else folder / f"{name}.safetensors"
    if file is not None and file.exists():
        return spel.load(file)
    images, boxes = [p.image for p in pictures.training], [p.boxes for p in pictures.training]
    network = learn_detector(images, boxes, RigidConfig(min_objects_for_proposals=1))
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        network.save(file)
    return network


def row(title: str, objects: int, network: spel.Network, test: Sequence[Picture]) -> str:
    """A line of the table."""
    with_, without = search(network, test), search(network, test, proposals=None)
    cells = [
        title,
        str(objects),
        f"{with_.metrics.truths} in {len(test)}",
        f"{with_.metrics.average_precision:.3f}",
        f"{without.metrics.average_precision:.3f}",
        f"{with_.metrics.recall:.3f}",
        f"{without.metrics.recall:.3f}",
        f"{with_.ms:.0f}",
        f"{without.ms:.0f}",
    ]
    return "| " + " | ".join(cells) + " |"


def search(network: spel.Network, pictures: Sequence[Picture], **options: None) -> Search:
    """Detect in every picture on one thread."""
    answers, seconds, megapixels = [], 0.0, 0.0
    with spel.threads(1):
        for picture in pictures:
            began = process_time()
            found = spel.detect(network, picture.image, threshold=LOW, **options)
            seconds += process_time() - began
            megapixels += picture.image.shape[0] * picture.image.shape[1] / 1e6
            answers.append(Answers(picture.name, found.boxes, found.scores, picture.boxes))
    return Search(evaluate(answers), 1e3 * seconds / megapixels)


if __name__ == "__main__":
    sys.exit(main())
