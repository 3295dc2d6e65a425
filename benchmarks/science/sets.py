"""The image sets of the tables and the encoders that they are learned with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

import spel
from spel.core.markers import Markers
from spel.flim import robot_markers
from spel.io.annotation.marker_folder import find_markers
from spel.nn import Activation, Center, Color, MaxPool, Network, Unlearned, chain

Images = dict[str, npt.NDArray[np.generic]]
Masks = dict[str, npt.NDArray[np.bool_]]


def parasites(data: Path) -> tuple[Images, Masks, dict[str, Markers]]:
    """67 microscope fields, their masks, and the strokes of 8 of them."""
    home = data / "parasites"
    images = {p.stem: spel.read(p) for p in sorted((home / "images").glob("*.png"))}
    masks = {p.stem: spel.read(p)[..., 0] > 0 for p in sorted((home / "masks").glob("*.png"))}
    return images, masks, find_markers(home / "libift" / "markers")


def schistosoma(data: Path) -> tuple[Images, Masks, dict[str, Markers]]:
    """10 microscope fields of 16 bits with one egg each, and the strokes of 5 of them."""
    home = data / "schistosoma"
    images = {p.stem: spel.read(p) for p in sorted((home / "orig").glob("*.png"))}
    masks = {p.stem: spel.read(p)[..., 0] > 0 for p in sorted((home / "label").glob("*.png"))}
    return images, masks, find_markers(home / "markers")


def mo445_sets(data: Path) -> dict[int, tuple[Images, Masks]]:
    """Five sets of photographs of one subject each, with masks."""
    sets = {}
    for number in range(1, 6):
        home = data / "mo445" / f"dataset{number}"
        images = {p.stem: spel.read(p) for p in sorted((home / "imgs").glob("*.png"))}
        masks = {
            p.stem.removesuffix("_label"): spel.read(p)[..., 0] > 0
            for p in sorted((home / "gts").glob("*_label.png"))
        }
        sets[number] = (images, masks)
    return sets


def marked_by_robot(images: Images, masks: Masks, seed: int) -> dict[str, Markers]:
    """Strokes on at most 3 images of a set, of which at least one stays without."""
    chosen = np.random.default_rng(seed).permutation(sorted(images))[: min(3, len(images) - 1)]
    return {n: robot_markers(masks[n], seed=seed) for n in chosen}


def parasite_encoder() -> Network:
    """The encoder of the zoo's `parasite-eggs`."""
    return chain(color=Color("labnorm2"), center=Center(), **_two_blocks())


def photograph_encoder() -> Network:
    """The same blocks on colours as they are: a photograph's median colour says nothing."""
    return chain(color=Color("labnorm2"), **_two_blocks())


def _two_blocks() -> dict[str, spel.nn.layer.Layer]:
    box, near = spel.Adjacency.box(5), spel.Adjacency.box(3)
    return {
        "conv1": Unlearned(box, kernels=16, per_stroke=1),
        "relu1": Activation("relu"),
        "pool1": MaxPool(near),
        "conv2": Unlearned(box, kernels=32, per_stroke=2),
        "relu2": Activation("relu"),
        "pool2": MaxPool(near),
    }
