"""A rendered volume of cells that touch, with planes farther apart than pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spel.errors import ParameterError

Real = npt.NDArray[np.float64]

DARK, BRIGHT = 0.25, 0.6
"""Intensity outside of cells and inside, of a full intensity of 1."""


@dataclass(frozen=True, eq=False)
class VolumeScene:
    """A rendered volume and the truth about it.

    Attributes
    ----------
    image : (planes, rows, cols, 1) array of uint8
    labels : (planes, rows, cols) array of int32
        0 outside, 1, 2, ... on the voxels of each cell.
    spacing : (plane, row, col)
        Sides of a voxel in micrometres.

    Examples
    --------
    >>> scene = volume(1, size=(12, 48, 48), count=5)
    >>> scene.image.shape[:3] == scene.labels.shape, scene.spacing
    (True, (1.0, 0.5, 0.5))
    """

    image: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int32]
    spacing: tuple[float, float, float]


def volume(
    seed: int = 0,
    *,
    size: tuple[int, int, int] = (40, 128, 128),
    count: int = 60,
    radius: float = 6.0,
    spacing: tuple[float, float, float] = (1.0, 0.5, 0.5),
    noise: float = 0.06,
) -> VolumeScene:
    """Draw ellipsoidal cells in a volume; where two would overlap, they touch.

    Parameters
    ----------
    seed : int
    size : (planes, rows, cols)
    count : int
        Cells to place; those that the volume has no room for are left out.
    radius : float
        Radius of a typical cell, in micrometres.
    spacing : (plane, row, col)
        Sides of a voxel in micrometres.
    noise : float
        Standard deviation of the noise, of a full intensity of 1.

    Returns
    -------
    VolumeScene

    Raises
    ------
    ParameterError
        If a length is not positive, or size or spacing are not three numbers.

    Examples
    --------
    >>> scene = volume(1, size=(12, 48, 48), count=5)
    >>> scene.image.shape, int(scene.labels.max()) <= 5
    ((12, 48, 48, 1), True)
    """
    steps = np.array(spacing, dtype=np.float64)
    if len(size) != 3 or steps.shape != (3,) or not min(*steps, *size, radius) > 0:
        raise ParameterError(
            f"volume: size {size}, spacing {spacing}, radius {radius}; expected three numbers each "
            "and a radius, all above 0"
        )
    random = np.random.default_rng([31, seed])
    depth = np.full(size, np.inf, dtype=np.float32)
    labels = np.zeros(size, dtype=np.int32)
    centres = np.empty((0, 3))
    for _ in range(20 * count):
        if len(centres) == count:
            break
        centre = random.uniform(0, np.array(size) * steps)
        if (np.linalg.norm(centres - centre, axis=1) < 1.6 * radius).any():
            continue
        centres = np.concatenate([centres, centre[None]])
        _draw(random, depth, labels, centre, radius, steps, len(centres))
    image = np.stack([_render(random, plane > 0, noise) for plane in labels])
    return VolumeScene(image[..., None], labels, spacing)


def _draw(
    random: np.random.Generator,
    depth: npt.NDArray[np.float32],
    labels: npt.NDArray[np.int32],
    centre: Real,
    radius: float,
    steps: Real,
    number: int,
) -> None:
    """Give a voxel to the ellipsoid in which it lies deepest."""
    axes = np.linalg.qr(random.normal(size=(3, 3)))[0]
    lengths = radius * random.uniform(0.8, 1.2, 3)
    low = np.maximum(np.floor((centre - 1.3 * radius) / steps), 0).astype(int)
    high = np.minimum(np.ceil((centre + 1.3 * radius) / steps) + 1, depth.shape).astype(int)
    window = tuple(slice(a, b) for a, b in zip(low, high))
    places = np.stack(np.meshgrid(*map(np.arange, low, high), indexing="ij"), -1) * steps
    distance = np.linalg.norm((places - centre) @ axes / lengths, axis=-1)
    nearer = (distance <= 1) & (distance < depth[window])
    depth[window][nearer] = distance[nearer]
    labels[window][nearer] = number


def _render(
    random: np.random.Generator, inside: npt.NDArray[np.bool_], noise: float
) -> npt.NDArray[np.uint8]:
    """One plane: cells on a dark ground, and noise."""
    plane = np.where(inside, np.float32(BRIGHT), np.float32(DARK))
    plane += np.float32(noise) * random.standard_normal(plane.shape, dtype=np.float32)
    return np.asarray(np.round(np.clip(plane, 0, 1) * 255), dtype=np.uint8)
