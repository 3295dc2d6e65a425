"""Quilting: patches of the sample laid one over the other, cut where they agree best.

A patch that is to be laid is chosen by what lies there already: the spels of the overlap are a
kernel over their adjacency, and its activations over the sample say where the sample is like them.
The cut through an overlap goes from row to row over the adjacency of three: straight on, left or
right.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.core.adjacency import Adjacency
from spel.core.bank import KernelBank
from spel.errors import ParameterError
from spel.ops.convolve import convolve
from spel.synthesis.texture import checked_sample, checked_size

Mask = npt.NDArray[np.bool_]
Real = npt.NDArray[np.float32]
Places = npt.NDArray[np.intp]
LEAST_PATCH = 4
BYTES = 8 + 8
"""Memory for each spel of a picture: where it comes from, and its numbers."""


@dataclass(frozen=True, eq=False)
class Quilt:
    """A quilted picture, and where it comes from.

    Attributes
    ----------
    picture : (rows, cols[, C]) array
        Of the type of the sample.
    numbers : (rows, cols) array of int
        The number, in order of rows, of the spel of the sample that each spel of the picture is.
    width : int
        Number of columns of the sample.
    """

    picture: npt.NDArray[Any]
    numbers: npt.NDArray[Any]
    width: int

    @property
    def origin(self) -> Places:
        """The spel (row, col) of the sample that each spel of the picture is, (rows, cols, 2)."""
        return np.stack(divmod(self.numbers.astype(np.intp), self.width), axis=-1)


def quilt(
    sample: npt.ArrayLike,
    size: Sequence[int] | None = None,
    *,
    patch: int | None = None,
    overlap: int | None = None,
    tolerance: float = 0.1,
    tileable: bool = False,
    seed: int = 0,
    on_start: Callable[[int], object] = lambda count: None,
    on_patch: Callable[[], object] = lambda: None,
) -> Quilt:
    """A picture of patches of a sample.

    Parameters
    ----------
    sample : (rows, cols[, C]) array
        Any real numbers, any number of channels.
    size : (rows, cols), optional
        Of the picture; that of the sample by default.
    patch : int, optional
        Side of the patches, larger than the parts of the texture; a quarter of the sample by
        default.
    overlap : int, optional
        Of patches with their neighbours, at least; a sixth of the patch by default.
    tolerance : float
        One of the patches is drawn whose squared differences in the overlap are at most 1 plus this
        times the least.
    tileable : bool
        Whether the picture is to go on at its other side.
    seed : int
        Of the draws.
    on_start : function, optional
        Told how many patches there will be.
    on_patch : function, optional
        Called after every patch.

    Returns
    -------
    Quilt

    Raises
    ------
    ShapeError
        If the sample is a volume, or the sample or the size is too small.
    ParameterError
        If the sample holds numbers that are not finite, or an option is outside its set.

    Notes
    -----
    A. Efros, W. Freeman, "Image quilting for texture synthesis and transfer", SIGGRAPH 2001.

    Examples
    --------
    >>> sample = np.random.default_rng(0).integers(0, 255, (24, 24))
    >>> quilted = quilt(sample, (30, 40), patch=8)
    >>> rows, cols = np.moveaxis(quilted.origin, -1, 0)
    >>> quilted.picture.shape, bool((quilted.picture == sample[rows, cols]).all())
    ((30, 40), True)
    """
    image = checked_sample("quilt", sample)
    rows, cols = checked_size("quilt", image, size, BYTES)
    quarter = max(LEAST_PATCH, min(*image.shape[:2], 2 * rows, 2 * cols) // 4)
    side = quarter if patch is None else patch
    shared = max(2, side // 6) if overlap is None else overlap
    _check(image, (rows, cols), side, shared, tolerance, tileable)
    across = [starts(n, side, shared, tileable) for n in (rows, cols)]
    cloth = _Cloth(image, (rows, cols), side, tileable)
    rng = np.random.default_rng(seed)
    on_start(len(across[0]) * len(across[1]))
    for row, above, below in across[0]:
        for col, left, right in across[1]:
            cloth.lay((row, col), (above, below, left, right), tolerance, rng)
            on_patch()
    return cloth.quilt(np.asarray(sample), (rows, cols))


def starts(length: int, side: int, shared: int, tileable: bool) -> list[tuple[int, int, int]]:
    """Where patches begin along an axis, and how far each lies over those before and after it."""
    if tileable:
        count = max(2, -(-length // (side - shared)))
        first = [i * length // count for i in range(count)]
    else:
        room = max(0, length - side)
        count = 1 + -(-room // (side - shared))
        first = [i * room // max(1, count - 1) for i in range(count)]
    before = [0, *(a + side - b for a, b in pairwise(first))]
    after = [0] * (count - 1) + [first[-1] + side - length if tileable else 0]
    return list(zip(first, before, after))


class _Cloth:
    """What is laid so far.

    Attributes
    ----------
    numbers : array of int
        For each spel of the picture one more than the number of that of the sample, so that nothing
        is laid where it is 0: memory of zeros costs no time until it is written.
    """

    def __init__(
        self, image: npt.NDArray[Any], size: tuple[int, int], side: int, tileable: bool
    ) -> None:
        self.side = side
        self.size = size if tileable else tuple(max(n, side) for n in size)
        values = image.astype(np.float64)
        away = values - values.mean(axis=(0, 1))
        self.sample = np.asarray(away / max(away.std(), 1e-300), dtype=np.float32)
        self.spels = self.sample.reshape(-1, image.shape[2])
        self.order = np.arange(1, len(self.spels) + 1).reshape(image.shape[:2])
        self.numbers = np.zeros(self.size, dtype=np.min_scalar_type(len(self.spels)))

    def lay(
        self,
        at: tuple[int, int],
        overlaps: tuple[int, int, int, int],
        tolerance: float,
        rng: np.random.Generator,
    ) -> None:
        """Choose a patch of the sample for a place, cut it and lay it down."""
        window = np.ix_(*((start + np.arange(self.side)) % n for start, n in zip(at, self.size)))
        there = self.numbers[window]
        laid = there > 0
        under = self.spels[np.maximum(there, 1) - 1] * laid[..., None]
        row, col = self._choice(under, laid, tolerance, rng)
        patch = slice(row, row + self.side), slice(col, col + self.side)
        own = cut(np.square(self.sample[patch] - under).sum(axis=-1), overlaps)
        self.numbers[window] = np.where(own, self.order[patch], there)

    def quilt(self, sample: npt.NDArray[Any], size: tuple[int, int]) -> Quilt:
        """The picture of what is laid, row by row, so that it can be interrupted."""
        numbers = self.numbers[: size[0], : size[1]]
        spels = sample.reshape(-1, *sample.shape[2:])
        picture = np.empty((*size, *sample.shape[2:]), dtype=sample.dtype)
        for own, row in zip(numbers, picture):
            own -= 1
            row[...] = spels[own]
        return Quilt(picture, numbers, sample.shape[1])

    def _choice(
        self, under: Real, laid: Mask, tolerance: float, rng: np.random.Generator
    ) -> tuple[int, int]:
        """The first spel of a patch of the sample that is like what lies there."""
        rows, cols = (n - self.side + 1 for n in self.sample.shape[:2])
        if not laid.any():
            return int(rng.integers(rows)), int(rng.integers(cols))
        adjacency = Adjacency(np.argwhere(laid))
        channels = under.shape[-1]
        like = convolve(self.sample, KernelBank(adjacency, under[laid][None]))
        ones = np.ones((1, len(adjacency), channels))
        power = convolve(np.square(self.sample), KernelBank(adjacency, ones))
        apart = (power - 2 * like)[:rows, :cols, 0] + float(np.square(under).sum())
        near = np.maximum(apart, 0) <= (1 + tolerance) * max(float(apart.min()), 0) + 1e-6
        row, col = rng.choice(np.argwhere(near))
        return int(row), int(col)


def cut(errors: npt.NDArray[Any], overlaps: tuple[int, int, int, int]) -> Mask:
    """What a patch keeps of itself, where it lies over what is above, below, left and right."""
    own = np.ones(errors.shape, dtype=bool)
    above, below, left, right = overlaps
    for width, turned, side in (
        (above, errors.T, own.T),
        (below, errors.T[:, ::-1], own.T[:, ::-1]),
        (left, errors, own),
        (right, errors[:, ::-1], own[:, ::-1]),
    ):
        if width:
            path = boundary(turned[:, :width])
            side[:, :width] &= np.arange(width) >= path[:, None]
    return own


def boundary(errors: npt.NDArray[Any]) -> Places:
    """The column of each row on the path of least error from the first row to the last.

    Examples
    --------
    >>> boundary(np.array([[0, 9, 9], [9, 0, 9], [9, 9, 0], [9, 9, 0]])).tolist()
    [0, 1, 2, 2]
    """
    total = errors.astype(np.float64)
    for above, own in pairwise(total):
        around = np.pad(above, 1, constant_values=np.inf)
        own += np.minimum(np.minimum(around[:-2], around[1:-1]), around[2:])
    path = np.empty(len(total), dtype=np.intp)
    path[-1] = np.argmin(total[-1])
    for row in range(len(total) - 2, -1, -1):
        first = max(0, path[row + 1] - 1)
        path[row] = first + np.argmin(total[row, first : path[row + 1] + 2])
    return path


def _check(
    image: npt.NDArray[Any],
    size: tuple[int, int],
    side: int,
    shared: int,
    tolerance: float,
    tileable: bool,
) -> None:
    most = min(*image.shape[:2], *(size if tileable else image.shape[:2]))
    if not LEAST_PATCH <= side <= most:
        where = "the sample and the tileable picture" if tileable else "the sample"
        raise ParameterError(
            f"quilt: patches of {side} x {side} spels; expected {LEAST_PATCH} to {most}, so that "
            f"they fit into {where}"
        )
    if not 1 <= shared <= side // 2:
        raise ParameterError(
            f"quilt: an overlap of {shared} spels; expected 1 to {side // 2}, half of the patch"
        )
    if not tolerance >= 0:
        raise ParameterError(f"quilt: a tolerance of {tolerance}; expected 0 or more")
