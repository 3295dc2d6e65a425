"""Peak memory of `spel learn` from strokes on three photos of 12 megapixels.

    python benchmarks/learning/strokes.py [--photos 3] [--rows 3000] [--objects many]

The photos are rendered cells, each pixel enlarged; ten cells of each and the paper between them are
marked. The network has three layers of 16, 32 and 32 kernels.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

import spel
from benchmarks import peaks
from spel.data import cells
from spel.io import write
from spel.io.annotation.markers import write_markers
from spel.nn import Activation, MaxPool, Unlearned, chain

ENLARGED = 5


def marked_photo(folder: Path, number: int, rows: int) -> None:
    """Write a photo of cells, and strokes on ten of them and between them."""
    scene = cells(number, size=(rows // ENLARGED, rows * 4 // 3 // ENLARGED), count=400)
    kind = np.ones((ENLARGED, ENLARGED, 1), np.uint8)
    photo = np.kron((255 * scene.image).astype(np.uint8), kind)
    points, labels = [], []
    for cell in range(1, 11):
        row, col = np.argwhere(scene.labels == cell).mean(axis=0).astype(int) * ENLARGED
        points += [(row + step, col) for step in range(-8, 9)]
        labels += [1] * 17
    paper = np.argwhere(scene.labels == 0)[:: scene.labels.size // 40] * ENLARGED
    points += paper.tolist()
    labels += [0] * len(paper)
    write(folder / "photos" / f"{number}.png", photo)
    markers = spel.Markers(points, labels, photo.shape[:2])
    write_markers(folder / "strokes" / f"{number}-seeds.txt", markers)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--photos", type=int, default=3)
    parser.add_argument("--rows", type=int, default=3000)
    parser.add_argument("--objects", default="many")
    options = parser.parse_args()
    layers = {}
    for number, kernels in enumerate((16, 32, 32)):
        layers[f"conv{number}"] = Unlearned(spel.Adjacency.box(3), kernels=kernels, per_stroke=3)
        layers[f"relu{number}"] = Activation("relu")
        layers[f"pool{number}"] = MaxPool(spel.Adjacency.box(3))
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for part in ("photos", "strokes"):
            (folder / part).mkdir()
        for number in range(options.photos):
            marked_photo(folder, number, options.rows)
        chain(**layers).save(folder / "arch.safetensors")
        took = peaks.spel(
            "learn", folder / "arch.safetensors", "--images", folder / "photos", "--markers",
            folder / "strokes", "--objects", options.objects, "--out", folder / "net.safetensors",
        )  # fmt: skip
        fingerprint = spel.load(folder / "net.safetensors").fingerprint()
    pixels = options.rows**2 * 4 / 3e6
    print(f"spel learn from {options.photos} photos of {pixels:.0f} megapixels: {took}")
    print(f"fingerprint of the network: {fingerprint}")


if __name__ == "__main__":
    main()
