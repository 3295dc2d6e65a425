"""A volume larger than its tiles: learned from strokes on three planes, segmented in blocks.

    python benchmarks/volume.py [--planes 200] [--side 512] [--tile 128]

It renders cells in a volume (`spel.data.volume`), draws strokes on three planes by a fixed rule,
learns from the planes around them, and segments the file block by block. It prints the Dice
coefficient with the rendered truth, apart from the planes that were learned from.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np
import numpy.typing as npt

import spel
from spel.data import volume
from spel.decide import Delineation
from spel.io.large.pyramid import write_pyramid
from spel.learning.segmenter import learn_segmenter
from spel.metrics.segmentation import overlap
from spel.nn import Activation, MeanPool, Network, Unlearned, chain

AROUND = 5
"""Planes before the first marked plane and after the last that are learned from."""


def strokes(labels: npt.NDArray[np.int32]) -> spel.Markers:
    """On three planes, voxels deeper than 2 in cells and outside of them, at fixed steps."""
    from scipy.ndimage import distance_transform_edt

    points, kinds = [], []
    for plane in (AROUND, len(labels) // 2, len(labels) - 1 - AROUND):
        for kind, side in ((1, labels[plane] > 0), (0, labels[plane] == 0)):
            deep = np.argwhere(distance_transform_edt(side) > 2)[:: 40 if kind else 150]
            points += [(plane, row, col) for row, col in deep.tolist()]
            kinds += [kind] * len(deep)
    return spel.Markers(points, kinds, labels.shape, background=0)


def architecture(spacing: tuple[float, float, float]) -> Network:
    """Kernels over a ball of 1 micrometre, their activations averaged over it."""
    ball = spel.Adjacency.ball(1.0, spacing=spacing)
    return chain(
        conv1=Unlearned(ball, kernels=8, per_stroke=1),
        relu1=Activation("relu"),
        pool1=MeanPool(ball),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    for name, value in (("planes", 200), ("side", 512), ("tile", 128)):
        parser.add_argument(f"--{name}", type=int, default=value)
    options = parser.parse_args()
    size = (options.planes, options.side, options.side)
    count = int(np.prod(size) / 16000)
    scene = volume(1, size=size, count=count)
    middle = options.planes // 2
    part = slice(middle - 10 - AROUND, middle + 11 + AROUND)
    began = perf_counter()
    net = learn_segmenter(
        architecture(scene.spacing), [scene.image[part]], [strokes(scene.labels[part])],
        select="threshold", delineation=Delineation("none"), white=255.0,
    ).network  # fmt: skip
    learned = perf_counter() - began
    with tempfile.TemporaryDirectory() as folder:
        path, out = Path(folder) / "cells.ome.tif", Path(folder) / "masks"
        shape = scene.image.shape
        write_pyramid(path, [scene.image], shape, np.uint8, spacing=scene.spacing, unit="µm")
        net.save(Path(folder) / "net.safetensors")
        command = [sys.executable, "-m", "spel", "segment", f"{folder}/net.safetensors", str(path)]
        began = perf_counter()
        subprocess.run([*command, "--out", str(out), "--tile", str(options.tile)], check=True)
        took = perf_counter() - began
        mask = spel.read(next(out.glob("*.ome.tif")))[..., 0] > 0
    new = np.ones(options.planes, bool)
    new[part] = False
    print(f"volume of {' x '.join(map(str, size))} voxels, {int(scene.labels.max())} cells")
    print(f"learned from three planes in {learned:.1f} s")
    print(f"segmented in blocks of {options.tile} in {took:.1f} s")
    print(f"Dice {overlap(mask[new], scene.labels[new] > 0).dice:.4f} on planes not learned from")


if __name__ == "__main__":
    main()
