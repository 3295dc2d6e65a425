"""A volume larger than its blocks: learned from strokes on three planes, segmented in blocks.

    python benchmarks/volume.py [--planes 200] [--side 512] [--tile 64] [--form ome-tiff|ome-zarr]

It renders cells in a volume (`spel.data.volume`), writes it to a file, and draws strokes on three
planes by a fixed rule. Then `spel learn --tile` learns from the file and `spel segment --tile`
segments it, both block by block, each in a process of its own. It prints seconds and peak memory of
each (`benchmarks/peaks.py`), and the Dice coefficient with the rendered truth, apart from the
marked planes and those around them.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).parents[1]))

import spel
from benchmarks import peaks
from spel.data import volume
from spel.io.annotation.markers import write_markers
from spel.io.large import LargeImage
from spel.io.large.forms import ENDINGS, WRITERS
from spel.metrics.segmentation import overlap
from spel.nn import Activation, MeanPool, Network, Unlearned, chain

AROUND = 5
"""Planes on each side of a marked one that do not count in the figure."""


def marked_planes(planes: int) -> tuple[int, int, int]:
    """The first, the middle and the last marked plane."""
    return AROUND, planes // 2, planes - 1 - AROUND


def strokes(labels: npt.NDArray[np.int32]) -> spel.Markers:
    """On three planes, voxels deeper than 2 in cells and outside of them, at fixed steps."""
    from scipy.ndimage import distance_transform_edt

    points, kinds = [], []
    for plane in marked_planes(len(labels)):
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
    for name, value in (("planes", 200), ("side", 512), ("tile", 64)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--form", choices=list(WRITERS), default="ome-tiff")
    options = parser.parse_args()
    size = (options.planes, options.side, options.side)
    scene = volume(1, size=size, count=int(np.prod(size) / 16000))
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "volume").mkdir()
        (folder / "strokes").mkdir()
        source = folder / "volume" / f"cells.{ENDINGS[options.form]}"
        voxel = {"spacing": scene.spacing, "unit": "µm"}
        WRITERS[options.form](source, [scene.image], scene.image.shape, np.uint8, **voxel)
        drawn = strokes(scene.labels)
        name = source.name.removesuffix(source.suffix)
        write_markers(folder / "strokes" / f"{name}-seeds.txt", drawn)
        architecture(scene.spacing).save(folder / "arch.safetensors")
        net, tile = folder / "net.safetensors", ("--tile", options.tile)
        learned = peaks.spel(
            "learn", folder / "arch.safetensors", "--images", folder / "volume", "--markers",
            folder / "strokes", "--objects", "any-size", "--no-sharp", "--delineation", "none",
            "--out", net, *tile,
        )  # fmt: skip
        segmented = peaks.spel("segment", net, source, "--out", folder / "masks", *tile)
        mask = LargeImage(next((folder / "masks").glob("*.ome.*")))[:][..., 0] > 0
    new = np.ones(options.planes, bool)
    for plane in marked_planes(options.planes):
        new[plane - AROUND : plane + AROUND + 1] = False
    print(f"volume of {' x '.join(map(str, size))} voxels, {int(scene.labels.max())} cells")
    print(f"learned from {len(drawn)} marked voxels of three planes: {learned}")
    print(f"segmented in blocks of {options.tile}: {segmented}")
    print(f"Dice {overlap(mask[new], scene.labels[new] > 0).dice:.4f} on planes not learned from")


if __name__ == "__main__":
    main()
