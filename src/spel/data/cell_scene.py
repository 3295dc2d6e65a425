"""Rendered cells that touch, of several kinds, in planes and in volumes; every spel is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spel.errors import ParameterError

Real = npt.NDArray[np.float64]

COLORS = np.array([(0.45, 0.32, 0.66), (0.76, 0.42, 0.30), (0.28, 0.56, 0.42), (0.80, 0.70, 0.28)])
"""Colours of the kinds of cells: violet, rust, green, ochre."""

PAPER = np.array((0.90, 0.84, 0.87))
"""Colour of the ground."""


@dataclass(frozen=True, eq=False)
class CellScene:
    """Rendered cells and the truth about them.

    Attributes
    ----------
    image : (rows, cols, 3) array of uint8, with planes before them for voxels
    labels : (rows, cols) array of int32
        0 outside, 1, 2, ... on the spels of each cell.
    kinds : (n,) array of int
        Kind of each cell, from 1.

    Examples
    --------
    >>> scene = CellScene(np.zeros((1, 3, 3), np.uint8), np.array([[0, 1, 2]]), np.array([2, 1]))
    >>> scene.classes.tolist()
    [[0, 2, 1]]
    """

    image: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int32]
    kinds: npt.NDArray[np.int64]

    @property
    def classes(self) -> npt.NDArray[np.int32]:
        """The kind of the cell on each spel; 0 outside."""
        return np.concatenate([[0], self.kinds]).astype(np.int32)[self.labels]


def cells(
    seed: int = 0,
    *,
    size: tuple[int, ...] = (256, 256),
    count: int = 30,
    kinds: int = 1,
    radius: float = 11.0,
    touching: float = 0.5,
    noise: float = 0.04,
) -> CellScene:
    """Draw cells on pale paper, some of which touch.

    Parameters
    ----------
    seed : int
    size : (rows, cols) or (planes, rows, cols)
    count : int
        Cells to place; fewer if the paper is full.
    kinds : int
        Number of kinds, 1 to 4, each with a colour of its own and a little larger than the last.
    radius : float
        Radius in spels of a typical cell of the first kind.
    touching : float
        Share of the cells that are put beside an earlier one, so that they touch.
    noise : float
        Standard deviation of the noise, of a full intensity of 1.

    Returns
    -------
    CellScene

    Raises
    ------
    ParameterError
        If the size has not two or three axes, or another number lies outside its range.

    Examples
    --------
    >>> scene = cells(1, size=(64, 64), count=5)
    >>> scene.image.shape, int(scene.labels.max()) == len(scene.kinds)
    ((64, 64, 3), True)
    """
    if len(size) not in (2, 3) or not 1 <= kinds <= len(COLORS) or not radius > 1:
        raise ParameterError(
            f"cells: size {size}, {kinds} kinds, radius {radius}; expected 2 or 3 axes, 1 to "
            f"{len(COLORS)} kinds, and a radius above 1"
        )
    random = np.random.default_rng([21, seed])
    depth = np.full(size, np.inf)
    labels = np.zeros(size, dtype=np.int32)
    drawn: list[tuple[Real, float, int]] = []
    for _ in range(40 * count):
        if len(drawn) == count:
            break
        kind = int(random.integers(1, kinds + 1))
        own = radius * (0.85 + 0.15 * kind) * random.uniform(0.85, 1.15)
        centre = _place(random, drawn, size, own, touching)
        if centre is not None:
            drawn.append((centre, own, kind))
            _draw(random, depth, labels, centre, own, len(drawn))
    used = np.unique(labels[labels > 0])
    numbers = np.zeros(len(drawn) + 1, dtype=np.int32)
    numbers[used] = np.arange(1, len(used) + 1)
    each = np.array([kind for _, _, kind in drawn], dtype=np.int64)[used - 1]
    return CellScene(_render(random, depth, numbers[labels], each, noise), numbers[labels], each)


def _place(
    random: np.random.Generator,
    drawn: list[tuple[Real, float, int]],
    size: tuple[int, ...],
    radius: float,
    touching: float,
) -> Real | None:
    """A centre that touches one earlier cell, or none of them; None if it lies in another."""
    anchor = None
    if drawn and random.random() < touching:
        anchor = int(random.integers(len(drawn)))
        step = random.normal(size=len(size))
        reach = 0.93 * (radius + drawn[anchor][1])
        centre = drawn[anchor][0] + reach * step / np.linalg.norm(step)
    else:
        centre = random.uniform(0, size)
    if (centre < 0.5 * radius).any() or (centre > np.array(size) - 0.5 * radius).any():
        return None
    for number, (other, reach, _) in enumerate(drawn):
        apart = np.linalg.norm(centre - other) / (radius + reach)
        if apart < (0.9 if number == anchor or anchor is not None else 1.25):
            return None
    return np.asarray(centre, dtype=np.float64)


def _draw(
    random: np.random.Generator,
    depth: Real,
    labels: npt.NDArray[np.int32],
    centre: Real,
    radius: float,
    number: int,
) -> None:
    """Give a spel to the ellipse in which it lies deepest."""
    axes = np.linalg.qr(random.normal(size=(len(centre), len(centre))))[0]
    lengths = radius * random.uniform(0.85, 1.2, len(centre))
    low = np.maximum(np.floor(centre - 1.3 * radius), 0).astype(int)
    high = np.minimum(np.ceil(centre + 1.3 * radius) + 1, depth.shape).astype(int)
    window = tuple(slice(a, b) for a, b in zip(low, high))
    offsets = np.stack(np.meshgrid(*map(np.arange, low, high), indexing="ij"), -1) - centre
    distance = np.linalg.norm(offsets @ axes / lengths, axis=-1)
    nearer = (distance <= 1) & (distance < depth[window])
    depth[window][nearer] = distance[nearer]
    labels[window][nearer] = number


def _render(
    random: np.random.Generator,
    depth: Real,
    labels: npt.NDArray[np.int32],
    kinds: npt.NDArray[np.int64],
    noise: float,
) -> npt.NDArray[np.uint8]:
    """Paper, cells with a darker rim, a soft focus and noise."""
    tints = COLORS[kinds - 1] * random.uniform(0.85, 1.1, (len(kinds), 1))
    colors = np.concatenate([PAPER[None], tints])[labels]
    rim = np.where(labels > 0, 1 - 0.15 * np.minimum(depth, 1) ** 2, 1.0)[..., None]
    picture = colors * rim
    for axis in range(labels.ndim):
        padded = np.pad(picture, [(int(a == axis),) * 2 for a in range(picture.ndim)], mode="edge")
        before, after = (
            np.take(padded, range(first, first + labels.shape[axis]), axis) for first in (0, 2)
        )
        picture = (before + 2 * picture + after) / 4
    picture = picture + random.normal(0, noise, picture.shape)
    return np.asarray(np.round(np.clip(picture, 0, 1) * 255), dtype=np.uint8)
