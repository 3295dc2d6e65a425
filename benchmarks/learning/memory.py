"""Peak memory of learning from made images of 1,000 and 10,000: it must not grow with them.

    python benchmarks/learning/memory.py [fit | learn-boxes] [--counts 1000 10000] [--workers 1]

Prints a line for each number of images: its peak of resident memory, that of the program itself.
Detectors are learned from small photos, each with one plate, by few crops and one round.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from spel.data import street
from spel.io import write
from spel.io.annotation.annotations import Annotations, ImageBoxes
from spel.io.annotation.labels import write_coco

SIDE = 28
CLASSES = ("bright", "dark", "split")
PLATE_PHOTO = (64, 96)

CLASSIFIER = """
from spel.cli.main import run
code = run(["fit", sys.argv[2], "--out", sys.argv[2] + "/model", "--kernels", "16", "--test", "0",
            "--workers", sys.argv[1], "-q"])
"""
DETECTOR = """
from pathlib import Path
from spel.io.annotation.labels import read_coco
from spel.jobs.portions import in_workers
from spel.learning.detector import find_photos, learn_from_photos
from spel.rigid import RigidConfig
folder, workers = Path(sys.argv[2]), int(sys.argv[1])
quick = RigidConfig(min_crops=2, crops=2, rounds=1, rotations=(), size_margin_above=1.5)
with in_workers(workers) as run:
    photos = find_photos(read_coco(folder / "truth.json"), folder)
    learn_from_photos(photos, quick, run=run if workers > 1 else None, rounds=folder / "rounds")
code = 0
"""
PROGRAM = """
import resource, sys
{}
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
sys.exit(code)
"""


def make_classes(folder: Path, count: int) -> None:
    """Noise with a brighter part, which tells the class."""
    random = np.random.default_rng(0)
    for number in range(count):
        image = random.normal(110, 25, (SIDE, SIDE, 1))
        kind = number % len(CLASSES)
        image[kind * 9 : kind * 9 + 9] += 60
        place = folder / CLASSES[kind]
        place.mkdir(parents=True, exist_ok=True)
        write(place / f"{number:06d}.png", image.clip(0, 255).astype(np.uint8))


def make_plates(folder: Path, count: int) -> None:
    """Parts of 10 rendered streets, each around a plate, shifted and with noise of their own."""
    random = np.random.default_rng(0)
    streets = [street(seed, size=(240, 320)) for seed in range(10)]
    rows, cols = PLATE_PHOTO
    images = []
    for number in range(count):
        scene = streets[number % len(streets)]
        box = scene.boxes[0]
        room = np.array(scene.image.shape[:2]) - PLATE_PHOTO
        middle = np.array([box[1] + box[3], box[0] + box[2]]) / 2 + random.integers(-16, 17, 2)
        top, left = (middle - np.array(PLATE_PHOTO) / 2).astype(int).clip(0, room).tolist()
        noise = random.integers(-6, 7, (rows, cols, 1))
        photo = (scene.image[top : top + rows, left : left + cols] + noise).clip(0, 255)
        name = f"{number:06d}.png"
        write(folder / name, photo.astype(np.uint8))
        boxes = scene.boxes[:1] - [left, top, left, top]
        images.append(ImageBoxes(name, PLATE_PHOTO, boxes, ("plate",)))
    write_coco(folder / "truth.json", Annotations(tuple(images), ("plate",)))


LEARNERS = {"fit": (make_classes, CLASSIFIER), "learn-boxes": (make_plates, DETECTOR)}


def peak_mb(program: str, folder: Path, workers: int) -> float:
    """Megabytes that learning takes at most, in this process or in the first of several."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(program), str(workers), str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(done.stderr)
    return int(done.stdout.split()[-1]) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("command", nargs="?", choices=list(LEARNERS), default="fit")
    parser.add_argument("--counts", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    peaks = []
    for count in options.counts:
        with tempfile.TemporaryDirectory() as place:
            make, program = LEARNERS[options.command]
            make(Path(place), count)
            peaks.append(peak_mb(program, Path(place), options.workers))
        print(f"{count:7,} images: {peaks[-1]:.0f} MB", flush=True)
    print(f"the largest is {max(peaks) / min(peaks):.3f} times the smallest")


if __name__ == "__main__":
    main()
