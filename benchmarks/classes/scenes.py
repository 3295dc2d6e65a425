"""Rendered scenes of objects that touch, of several kinds: an image, and the number of each object.

Kinds: dark cells (few, many, many with strong noise), bright nuclei of unequal strength on an
uneven ground with photon noise, red cells with pale middles, dark rods in all directions, violet
nuclei on striped pink tissue, and bright cells in a volume.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.data import cells

Image = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int32]
Real = npt.NDArray[np.float64]
SIZE = (256, 256)


def dark(seed: int, **options: Any) -> tuple[Image, Labels]:
    scene = cells(seed, **options)
    return scene.image, scene.labels


def bright(seed: int) -> tuple[Image, Labels]:
    labels, random = cells(seed, count=50, touching=0.8).labels, np.random.default_rng([1, seed])
    strength = _of_each(labels, random.uniform(0.35, 0.9, labels.max()))
    row, col = np.mgrid[:256, :256] / 256
    light = strength * (1 + 0.12 * _texture(random, 2)) + 0.08 + 0.12 * (0.7 * row + 0.3 * col)
    light = random.poisson(np.maximum(_smooth(light, 1), 0) * 60) / 60
    return _bytes(light[..., None], random, 0.025), labels


def blood(seed: int) -> tuple[Image, Labels]:
    from scipy.ndimage import distance_transform_edt

    labels, random = cells(seed, count=45, touching=0.7).labels, np.random.default_rng([2, seed])
    picture = np.ones((*SIZE, 3)) * (0.93, 0.90, 0.86)
    for number in range(1, labels.max() + 1):
        own = labels == number
        depth = distance_transform_edt(own)[own]
        pale = np.clip(depth / depth.max() - 0.45, 0, 0.5)[:, None] * random.uniform(0.7, 1.5)
        rim = np.array((0.82, 0.52, 0.50)) * random.uniform(0.92, 1.06)
        picture[own] = rim * (1 - pale) + np.array((0.92, 0.82, 0.79)) * pale
    picture *= np.linspace(0.92, 1, 256)[:, None]
    return _bytes(_smooth(picture, 0.9), random, 0.03), labels


def rods(seed: int) -> tuple[Image, Labels]:
    random = np.random.default_rng([3, seed])
    labels, depth = _ellipses(random, 40, (20, 6.5))
    light = np.where(labels > 0, 0.35 + 0.1 * np.minimum(depth, 1) ** 2, 0.8)
    return _bytes(_smooth(light, 0.9)[..., None], random, 0.05), labels


def tissue(seed: int) -> tuple[Image, Labels]:
    labels = cells(seed, count=50, touching=0.6, radius=9).labels
    random = np.random.default_rng([4, seed])
    fibres, stain = _texture(random, (1, 6)), _texture(random, 20)
    picture = np.array((0.86, 0.62, 0.76)) + (0.05 * fibres + 0.04 * stain)[..., None] * (
        0.6, 1.2, 0.7
    )  # fmt: skip
    picture[stain > 1.2] = (0.95, 0.93, 0.95)
    violet = np.array((0.42, 0.28, 0.58)) + 0.07 * _texture(random, 1.5)[..., None]
    share = _of_each(labels, random.uniform(0.6, 1, labels.max()))[..., None]
    picture = share * violet + (1 - share) * picture
    return _bytes(_smooth(picture, 0.9), random, 0.03), labels


def volume(seed: int) -> tuple[Image, Labels]:
    scene = cells(seed, size=(32, 72, 72), count=25, radius=8, touching=0.7, noise=0.08)
    return 255 - scene.image.mean(axis=-1, keepdims=True).astype(np.uint8), scene.labels


SCENES: dict[str, Callable[[int], tuple[Image, Labels]]] = {
    "25 dark cells, some touch": lambda seed: dark(seed, count=25, touching=0.3),
    "60 dark cells, most touch": lambda seed: dark(seed, count=60, touching=0.9),
    "60 dark cells, strong noise": lambda seed: dark(seed, count=60, touching=0.9, noise=0.15),
    "50 bright nuclei, uneven": bright,
    "45 red cells, pale middles": blood,
    "40 rods": rods,
    "50 nuclei on tissue": tissue,
    "25 bright cells in a volume": volume,
}


def _ellipses(
    random: np.random.Generator, count: int, axes: tuple[float, float]
) -> tuple[Labels, Real]:
    """Numbers of ellipses of about these half axes, most of which touch, and how deep spels lie."""
    labels, depth, number = np.zeros(SIZE, np.int32), np.full(SIZE, np.inf), 0
    grid = np.indices(SIZE)
    while number < count:
        angle = random.uniform(0, np.pi)
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        offset = grid - random.uniform(8, 248, 2)[:, None, None]
        half = np.array(axes) * random.uniform(0.85, 1.15, 2)
        distance = np.linalg.norm(np.tensordot(turn, offset, 1) / half[:, None, None], axis=0)
        own, near = distance <= 1, distance <= 1.15
        alone = not (labels[near] > 0).any()
        if (labels[own] > 0).mean() > 0.06 or (number and alone and random.random() < 0.7):
            continue
        number += 1
        nearer = own & (distance < depth)
        labels[nearer], depth[nearer] = number, distance[nearer]
    return labels, depth


def _of_each(labels: Labels, values: Real) -> Real:
    """The value of the object on each spel; 0 outside."""
    return np.concatenate([[0], values])[labels]


def _texture(random: np.random.Generator, sigma: float | tuple[float, float]) -> Real:
    """Smooth noise of mean 0 and deviation 1."""
    from scipy.ndimage import gaussian_filter

    noise = gaussian_filter(random.normal(size=SIZE), sigma)
    return noise / noise.std()


def _smooth(picture: Real, sigma: float) -> Real:
    from scipy.ndimage import gaussian_filter

    return gaussian_filter(picture, (sigma, sigma, 0)[: picture.ndim])


def _bytes(picture: Real, random: np.random.Generator, noise: float) -> Image:
    noisy = picture + random.normal(0, noise, picture.shape)
    return np.round(np.clip(noisy, 0, 1) * 255).astype(np.uint8)
