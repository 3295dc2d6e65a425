"""python -m benchmarks.synthesis invert|restore|texture [--photos N]: pictures made from layers.

invert: the photos are the first of ../shared/data/plates by name, their middle square reduced to
512 x 512; for the encoder the first of ../shared/data/parasites/images, as they are, but for the
three that the guess and the third layer are learned from. The correlation is that of all values of
the three channels of an image; the mean of those of each channel stands beside it. --steps chooses
rows of the table.

restore: photos of ../shared/data/plates by path, as luma, reduced to 700 spels on the longer side:
the first of every four, at most 24, to learn from; the third of every sixteen, at most N, to test,
of each the middle 256 x 256 spels. --tasks chooses rows of the table.
Noise has sigma 25 of 255; reductions are bicubic with antialiasing. A border of 3 spels or of the
factor is left out. BM3D and A+ are those of bm3d.py and anchored_regression.py beside this file; A+
learns from the same photos.

texture: 256 x 256 spels of four pictures of scikit-image and of eight photographs, see textures.py;
pictures of 256 x 256. Differences are in units of the deviations in the sample, over all statistics
and levels. --methods chooses rows of the table.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import numpy.typing as npt

import spel
from benchmarks.synthesis.anchored_regression import AnchoredRegression
from benchmarks.synthesis.bm3d import bm3d
from benchmarks.synthesis.textures import textures
from spel import (
    Activation,
    Adjacency,
    Convolution,
    KernelBank,
    MaxPool,
    Network,
    Scale,
    Unlearned,
    chain,
)
from spel.flim import learn, robot_markers
from spel.synthesis import (
    Task,
    invert_steps,
    learn_restorer,
    likeness,
    luma,
    resized,
)
from spel.synthesis.texture import METHODS

DATA = Path(__file__).parents[3] / "shared" / "data"
EGGS = DATA / "parasites"
BOX = Adjacency.box(3)
Image = npt.NDArray[Any]
TASKS = ["enlarge:2", "enlarge:3", "enlarge:4", "denoise:25", "deblur:1.5"]


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
    """The zoo's encoder, and a third layer learned from strokes of a robot on its first fields."""
    encoder = spel.load("parasite-eggs").upto("pool2")
    third = Unlearned(Adjacency.box(5), kernels=64, per_stroke=4)
    network = chain(encoder, conv3=third, relu3=Activation("relu"), pool3=MaxPool(BOX))
    masks = [spel.read(EGGS / "masks" / name)[..., 0] > 0 for name in marked()]
    return learn(
        network, [field(name) for name in marked()], [robot_markers(m, seed=0) for m in masks]
    )


def marked() -> list[str]:
    """The first three fields with an egg."""
    paths = sorted((EGGS / "masks").glob("*.png"), key=lambda path: path.name)
    return [path.name for path in paths if (spel.read(path)[..., 0] > 0).any()][:3]


def field(name: str) -> Image:
    return np.asarray(spel.read(EGGS / "images" / name)[..., :3], dtype=np.float32)


def decibels(image: Image, other: Image) -> float:
    return float(10 * np.log10(255**2 / max(np.mean(np.square(image - other)), 1e-12)))


def row(
    name: str,
    net: Network,
    photos: list[Image],
    score: Callable[[Image, Image], float],
    like: Sequence[Image] = (),
) -> None:
    """One line of the table: the mean and the least score, and the processor time of an image."""
    scores, each, seconds = [], [], 0.0
    for photo in photos:
        began = process_time()
        pictures, _ = invert_steps(net, photo, [net.output], bounds=(0.0, 255.0), like=like)
        seconds += (process_time() - began) / len(photos)
        (found,) = pictures.values()
        scores.append(score(photo, found))
        each.append([score(photo[..., i], found[..., i]) for i in range(3)])
    means = " / ".join(f"{value:.2f}" for value in np.mean(each, axis=0))
    print(
        f"| {name} | {np.mean(scores):.2f} | {min(scores):.2f} | {means} | {seconds:.1f} s |",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["invert", "restore", "texture"])
    parser.add_argument("--photos", type=int, default=20)
    parser.add_argument("--tasks", nargs="*", default=TASKS)
    parser.add_argument("--steps", nargs="*", type=int, choices=range(1, 7), default=range(1, 7))
    parser.add_argument("--methods", nargs="*", choices=METHODS, default=METHODS)
    arguments = parser.parse_args()
    if arguments.what == "restore":
        restore(arguments.photos, arguments.tasks)
    elif arguments.what == "invert":
        invert(arguments.photos, arguments.steps)
    else:
        textures(DATA, arguments.photos, arguments.methods)


def invert(count: int, steps: list[int]) -> None:
    """What is left of photos after layers."""
    plates = sorted((DATA / "plates").glob("*/*.jpg"), key=lambda path: path.name)[:count]
    photos = [square(path) for path in plates]
    known = [field(name) for name in marked()]
    names = sorted(path.name for path in (EGGS / "images").glob("*"))
    eggs = [field(name) for name in names if name not in marked()][:count]
    print("| step | mean | least | red / green / blue | processor time |\n|---|---|---|---|---|")
    two_sided, encoder = both_sides(), three_layers()
    two = encoder.upto("pool2")
    rows: tuple[tuple[Any, ...], ...] = (
        ("convolution, two-sided ReLU (dB)", two_sided, photos, decibels),
        ("and a 3 x 3 maximum, stride 2 (dB)", chain(two_sided, MaxPool(BOX, 2)), photos, decibels),
        ("FLIM encoder, two layers (correlation)", two, eggs, likeness),
        ("FLIM encoder, three layers (correlation)", encoder, eggs, likeness),
        ("two layers, and three other fields are known", two, eggs, likeness, known),
        ("three layers, and three other fields are known", encoder, eggs, likeness, known),
    )
    for number in steps:
        row(*rows[number - 1])


def plane(path: Path) -> Image:
    """The luma of a photo, at most 700 spels on the longer side."""
    image = luma(spel.read(path), 255)
    share = min(1.0, 700 / max(image.shape))
    return resized(image, (int(image.shape[0] * share), int(image.shape[1] * share)))


def middle(image: Image, side: int = 256) -> Image:
    """The middle square of a plane."""
    row, col = ((n - side) // 2 for n in image.shape)
    return image[row : row + side, col : col + side]


def restore(count: int, tasks: list[str]) -> None:
    """Anchors beside bicubic interpolation and A+, or non-local means and BM3D."""
    paths = sorted((DATA / "plates").glob("*/*.jpg"))
    clean = [plane(path) for path in paths[::4][:24]]
    tests = [middle(plane(path)) for path in paths[2::16][:count]]
    print("| task | before | A+ | non-local means | BM3D | anchors | seconds per megapixel |")
    print("|---|---|---|---|---|---|---|")
    for text in tasks:
        task = Task.parse(text)
        restorer = learn_restorer(clean, task, say=lambda text: print(text, file=sys.stderr))
        published = AnchoredRegression(clean, task) if task.kind == "enlarge" else None
        scores, seconds = [], 0.0
        for number, photo in enumerate(tests):
            whole = task.whole(photo)
            spoiled = task.spoil(whole, 100 + number)
            before = resized(spoiled, whole.shape)
            began = process_time()
            after = restorer(spoiled)[..., 0]
            seconds += (process_time() - began) / whole.size * 1e6
            margin = max(3, task.factor)
            inner = (slice(margin, -margin),) * 2
            more = [published(spoiled)] if published else peers(task, spoiled)
            others = (before, *more, after)
            scores.append([decibels(255 * whole[inner], 255 * o.clip(0, 1)[inner]) for o in others])
        means = [f"{value:.2f}" for value in np.mean(scores, axis=0)]
        means[1:1] = [""] if task.kind == "denoise" else []
        means[-1:-1] = [""] * (5 - len(means))
        print(f"| {task} | {' | '.join(means)} | {seconds / len(tests):.2f} |", flush=True)


def peers(task: Task, spoiled: Image) -> list[Image]:
    """For noise, scikit-image's non-local means and BM3D; bicubic interpolation came before."""
    if task.kind != "denoise":
        return []
    from skimage.restoration import denoise_nl_means

    sigma = task.amount / 255
    options = {"patch_size": 5, "patch_distance": 6, "h": 0.8 * sigma, "sigma": sigma}
    return [np.asarray(denoise_nl_means(spoiled, fast_mode=True, **options)), bm3d(spoiled, sigma)]


if __name__ == "__main__":
    main()
