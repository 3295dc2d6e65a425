"""Textures beside their samples: 256 x 256 spels of photographs, of a slide and of scikit-image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from time import process_time
from typing import Any

import numpy.typing as npt

import spel
from spel.synthesis import texture, texture_differences
from spel.synthesis.texture_statistics import Method

CROPS = {
    "gravel path": ("plates/br/OEL1145.jpg", 1024, 1024),
    "asphalt": ("plates/us/car9-9.jpg", 1280, 128),
    "pavers in grass": ("plates/us/car9.jpg", 768, 576),
    "cracked asphalt": ("plates/us/e73fd200-7ba4-4725-9d1d-2ec710864df6.jpg", 768, 512),
    "smoke trails": ("mo445/dataset3/imgs/4.png", 0, 64),
    "debris, 16 bits": ("schistosoma/orig/000397.png", 128, 64),
    "floor tiles": ("plates/eu/eu1.jpg", 448, 0),
    "bear and stones": ("mo445/dataset1/imgs/8.png", 0, 0),
}
"""File and first row and column of photographs of ../shared/data."""
PLANES = ("gravel", "grass", "brick", "immunohistochemistry")
"""Of scikit-image; the last one has colours."""


def samples(folder: Path) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    """Names and samples."""
    from skimage import data

    for name in PLANES:
        yield name, getattr(data, name)()[:256, :256]
    for name, (path, row, col) in CROPS.items():
        yield name, spel.read(folder / path)[row : row + 256, col : col + 256, :3]


def textures(folder: Path, count: int, methods: Sequence[Method]) -> None:
    """Print how near the statistics of pictures come to those of samples, and in what time."""
    print("| sample | method | mean | largest | which | processor time |")
    print("|---|---|---|---|---|---|")
    for _, (name, sample) in zip(range(count), samples(folder)):
        for method in methods:
            began = process_time()
            picture = texture(sample, (256, 256), method=method)
            seconds = process_time() - began
            away = texture_differences(sample, picture, method=method)
            worst = max(away, key=lambda kind: away[kind])
            mean = sum(away.values()) / len(away)
            figures = f"{mean:.2%} | {away[worst]:.2%} | {worst} | {seconds:.1f} s"
            print(f"| {name} | {method} | {figures} |", flush=True)
