"""python -m benchmarks.synthesis invert [--photos N]: what is left of photos, in one table.

The photos are the first of ../shared/data/plates by name, their middle square reduced to 512 x 512;
for the encoder the first of ../shared/data/parasites/images, as they are.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import numpy.typing as npt

import spel
from spel import Activation, Adjacency, Convolution, KernelBank, MaxPool, Network, Scale, chain
from spel.synthesis import likeness

DATA = Path(__file__).parents[3] / "shared" / "data"
BOX = Adjacency.box(3)
Image = npt.NDArray[Any]


def square(path: Path, side: int = 512) -> Image:
    """The middle square of a photo, reduced."""
    from skimage.transform import resize

    image = spel.read(path)[..., :3]
    n = min(image.shape[:2])
    row, col = (image.shape[0] - n) // 2, (image.shape[1] - n) // 2
    middle = image[row : row + n, col : col + n].astype(np.float32)
    return np.asarray(resize(middle, (side, side), anti_aliasing=True), dtype=np.float32)


def both_sides(kernels: int = 16) -> Network:
    """A convolution of random kernels of mean 0, and a ReLU on both of their sides."""
    flip = chain(flip=Scale([-1.0] * kernels), relu=Activation("relu"))
    bank = KernelBank.random(BOX, kernels=kernels, channels=3, seed=0)
    return chain(Convolution(bank), spel.branch(plus=Activation("relu"), minus=flip))


def three_layers() -> Network:
    """The zoo's encoder, learned from strokes, and a third layer of its kind."""
    third = KernelBank.random(BOX, kernels=64, channels=32, seed=0)
    encoder = spel.load("parasite-eggs").upto("pool2")
    return chain(encoder, conv3=Convolution(third), relu3=Activation("relu"), pool3=MaxPool(BOX))


def decibels(image: Image, other: Image) -> float:
    return float(10 * np.log10(255**2 / max(np.mean(np.square(image - other)), 1e-12)))


def row(
    name: str, net: Network, photos: list[Image], score: Callable[[Image, Image], float]
) -> None:
    """One line of the table: the mean and the least score, and the processor time of an image."""
    scores, began = [], process_time()
    for photo in photos:
        found = spel.invert(net, net(photo), shape=photo.shape, bounds=(0.0, 255.0))
        scores.append(score(photo, found))
    seconds = (process_time() - began) / len(photos)
    print(f"| {name} | {np.mean(scores):.2f} | {min(scores):.2f} | {seconds:.1f} s |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["invert"])
    parser.add_argument("--photos", type=int, default=20)
    count = parser.parse_args().photos
    plates = sorted((DATA / "plates").glob("*/*.jpg"), key=lambda path: path.name)[:count]
    photos = [square(path) for path in plates]
    fields = sorted((DATA / "parasites" / "images").glob("*"))[:count]
    eggs = [np.asarray(spel.read(path)[..., :3], dtype=np.float32) for path in fields]
    print("| step | mean | least | processor time |\n|---|---|---|---|")
    row("convolution, two-sided ReLU (dB)", both_sides(), photos, decibels)
    pooled = chain(both_sides(), MaxPool(BOX, 2))
    row("and a 3 x 3 maximum, stride 2 (dB)", pooled, photos, decibels)
    row("FLIM encoder, two layers (correlation)", three_layers().upto("pool2"), eggs, likeness)
    row("FLIM encoder, third layer random (correlation)", three_layers(), eggs, likeness)


if __name__ == "__main__":
    main()
