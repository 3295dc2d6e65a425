"""The annotated photos, and seeded draws of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import spel
from spel.io.annotation.labels import read_coco

DATA = Path(__file__).parents[3] / "shared" / "data" / "plates"
"""Default folder of the photos, beside the repository."""


@dataclass(frozen=True, eq=False)
class Photo:
    """One photo with its boxes; its region is the name of its folder."""

    folder: Path
    name: str
    boxes: npt.NDArray[np.float64]

    @property
    def region(self) -> str:
        return self.name.split("/")[0]

    @property
    def megapixels(self) -> float:
        return self.image.shape[0] * self.image.shape[1] / 1e6

    @cached_property
    def image(self) -> npt.NDArray[Any]:
        return spel.read(self.folder / self.name)


def photos(folder: Path = DATA) -> list[Photo]:
    """All annotated photos, in the order of the annotation file."""
    truth = read_coco(folder / "annotations.json")
    return [Photo(folder, image.image, image.boxes) for image in truth]


def drawn(among: Sequence[Photo], count: int, seed: int) -> list[Photo]:
    """`count` photos drawn at random without replacement, in their original order."""
    chosen = np.random.default_rng(seed).choice(len(among), count, replace=False)
    return [among[i] for i in sorted(chosen)]


def regions(among: Sequence[Photo]) -> list[str]:
    """Names of the regions, in the order in which they first occur."""
    return list(dict.fromkeys(photo.region for photo in among))
