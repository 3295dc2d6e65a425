"""Pictures to learn from and others to be tested on: rendered or real, with many objects or one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import spel
from benchmarks.crowds.scenes import Picture, smear, streets
from benchmarks.plates.changes import fours
from benchmarks.plates.photos import Photo, photos

DATA = Path(__file__).parents[3] / "shared" / "data"
"""Where the real pictures stand by default: beside the repository."""


@dataclass(frozen=True, eq=False)
class Pictures:
    """Pictures that a detector is learned from, and sets of others that it is tested on."""

    training: Sequence[Picture]
    tests: Mapping[str, Sequence[Picture]]


def rendered_smears(data: Path) -> Pictures:
    tests = {"blood smears, rendered": [smear(seed) for seed in range(100, 120)]}
    return Pictures([smear(seed) for seed in range(10)], tests)


def rendered_streets(data: Path) -> Pictures:
    tests = {"streets side by side, rendered": [streets(seed) for seed in range(100, 106)]}
    return Pictures([streets(seed) for seed in range(5)], tests)


def plates_of_another_country(data: Path) -> Pictures:
    """Plates of the USA, by a detector learned from Brazil and Europe."""
    every = photos(data / "plates")
    training = [_grey(photo) for photo in every if photo.region != "us"]
    test = [_grey(photo) for photo in every if photo.region == "us"]
    name = "plates of the USA, learned from Brazil and Europe"
    return Pictures(training, {name: test, f"{name}, four photos in one": _fours(test)})


def plates(data: Path) -> Pictures:
    """Plates of all regions, learned from every third photo."""
    every = [_grey(photo) for photo in photos(data / "plates")]
    test = [picture for number, picture in enumerate(every) if number % 3]
    name = "plates, learned from a third of the photos"
    return Pictures(every[::3], {name: test, f"{name}, four photos in one": _fours(test)})


SETS: dict[str, Callable[[Path], Pictures]] = {
    "smears": rendered_smears,
    "streets": rendered_streets,
    "usa": plates_of_another_country,
    "plates": plates,
}


def _grey(photo: Photo) -> Picture:
    """What the network sees of a photo, in a third of the memory."""
    values = np.asarray(spel.Color("grey", white=1.0)(photo.image))
    photo.__dict__.pop("image", None)
    return Picture(photo.name, values.round().clip(0, 255).astype(np.uint8), photo.boxes)


def _fours(pictures: Sequence[Picture]) -> list[Picture]:
    return [Picture(*one) for one in fours([(p.name, p.image, p.boxes) for p in pictures])]
