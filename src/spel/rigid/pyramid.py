"""Scale space: one image at many sizes, so that a window of one size finds objects of all sizes."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from spel import kernels
from spel.core.numbers import as_numbers
from spel.core.threads import thread_count
from spel.errors import ParameterError, ShapeError
from spel.rigid.octaves import Grey, Octave, Plane, ResizedPlane, halved

MAX_HALVINGS = 12
"""Largest number of times that an image is halved."""

COARSER = 1.01
"""Factor by which a stored level may be coarser than a scale that is computed from it."""


@dataclass(frozen=True, eq=False)
class Level:
    """An image at one size.

    Attributes
    ----------
    image : (rows, cols) array of float32, or a plane of windows of it
    scale : (row, col)
        Spels of the level per spel of the image; the two differ a little, since sizes are integers.
    """

    image: Plane
    scale: tuple[float, float]


class Pyramid:
    """A one-channel image, its halvings, and any other size computed from them.

    Sizes between two halvings are resampled from the finer one by triangle filters whose width
    grows with the reduction, so that nothing aliases.

    Parameters
    ----------
    image : (rows, cols) array, or a plane of windows of an image larger than memory
    smaller : sequence of Plane
        The same image at smaller sizes, as files store them. Each size is computed from the
        smallest one that is large enough.
    tile : int, optional
        Side of the parts in which an image larger than memory is scanned.
    each : callable
        Calls a function for each part, as `map` does: what computes the parts.
    share : bool
        Whether scanners store what they compute from the levels in `shared`, for one another.

    Examples
    --------
    >>> pyramid = Pyramid(np.ones((8, 16)))
    >>> [level.image.shape for level in pyramid.levels([1.0, 0.5])]
    [(8, 16), (4, 8)]
    """

    def __init__(
        self,
        image: npt.ArrayLike | Plane,
        *,
        smaller: Sequence[Plane] = (),
        tile: int | None = None,
        share: bool = False,
        each: Any = map,
    ) -> None:
        plane = _grey(image) if tile is None else cast(Plane, image)
        self.size, self.tile, self.shares = (plane.shape[0], plane.shape[1]), tile, share
        self.each = each
        self.shared: dict[Hashable, Any] = {}
        """What scanners have computed from the levels, if they share it."""
        self._octaves: list[list[Octave]] = []
        """Each stored size and its halvings."""
        if 0 not in self.size:
            for level in (plane, *smaller):
                factor = self.size[0] / level.shape[0], self.size[1] / level.shape[1]
                self._octaves.append([Octave(level, factor)])

    def size_at(self, scale: float) -> tuple[int, int]:
        """Size of the image at a scale."""
        return round(self.size[0] * scale), round(self.size[1] * scale)

    def levels(self, scales: Sequence[float], min_side: int = 1) -> Iterator[Level]:
        """The image at each scale, unless its shorter side has fewer than `min_side` spels."""
        for scale in scales:
            rows, cols = self.size_at(scale)
            if min(rows, cols) < max(min_side, 1):
                continue
            image = self._octave(scale).plane
            if (rows, cols) != image.shape:
                image = _resized(image, (rows, cols))
            yield Level(image, (rows / self.size[0], cols / self.size[1]))

    def crop(
        self,
        centre: tuple[float, float],
        scale: tuple[float, float],
        size: tuple[int, int],
        *,
        degrees: float = 0.0,
        mirrored: bool = False,
    ) -> Grey:
        """A part of the image around a point: scaled, rotated, mirrored, and cut to a size.

        Parameters
        ----------
        centre : (row, col)
            A point of the image; the corners of spels have integer coordinates.
        scale : (row, col)
            Spels of the crop per spel of the image.
        size : (rows, cols)
            Size of the crop. Spels outside the image are 0.
        degrees : float
            Angle by which the content is rotated.
        mirrored : bool
            Whether left and right are exchanged.

        Returns
        -------
        (rows, cols) array of float32
        """
        rows, cols = size
        # A rotated crop reaches beyond an upright one of its size, so a larger part is cut first.
        sine = abs(np.sin(np.deg2rad(degrees)))
        tall, wide = (
            rows + 2 * int(np.ceil(sine * cols / 2)),
            cols + 2 * int(np.ceil(sine * rows / 2)),
        )
        upright = self._crop_upright(centre, scale, (tall, wide))
        if degrees:
            upright = kernels.rotate(upright, degrees, size)
        return upright[:, ::-1] if mirrored else upright

    def _crop_upright(
        self, centre: tuple[float, float], scale: tuple[float, float], size: tuple[int, int]
    ) -> Grey:
        """A crop without rotation, resampled by the same filters as the levels."""
        octave = self._octave(min(scale))
        (tall, wide), (row, col) = size, (c / f for c, f in zip(centre, octave.factor))
        per_spel = [s * f for s, f in zip(scale, octave.factor)]
        half = (tall / per_spel[0] / 2, wide / per_spel[1] / 2)
        # The filters reach beyond the crop, so it is read with a margin of whole spels.
        reach = 2 + int(np.ceil(max(1 / s for s in per_spel)))
        left, top = int(np.floor(col - half[1])) - reach, int(np.floor(row - half[0])) - reach
        right, bottom = int(np.ceil(col + half[1])) + reach, int(np.ceil(row + half[0])) + reach
        part = _part(octave.plane, top, bottom, left, right)
        box = (col - half[1] - left, row - half[0] - top, col + half[1] - left, row + half[0] - top)
        return kernels.resize(part, box, (tall, wide), thread_count())

    def _octave(self, scale: float) -> Octave:
        """The coarsest level or halving that is not coarser than the scale."""
        if not self._octaves:
            raise ShapeError("Pyramid: the image is empty; expected at least one row and column")
        octaves = self._octaves[0]
        for level in self._octaves[1:]:
            if max(level[0].factor) * scale <= COARSER:
                octaves = level
        depth, factor = 0, max(octaves[0].factor)
        while scale * factor * 2 ** (depth + 1) <= 1 and depth < MAX_HALVINGS:
            finer = octaves[depth]
            if min(finer.plane.shape) < 2:
                break
            depth += 1
            if depth == len(octaves):
                row, col = finer.factor
                octaves.append(Octave(halved(finer.plane), (2 * row, 2 * col)))
        return octaves[depth]


def _resized(image: Plane, size: tuple[int, int]) -> Plane:
    """The image at another size: in memory, or read by windows as the image is."""
    if not isinstance(image, np.ndarray):
        return ResizedPlane(image, size)
    return kernels.resize(image, _extent(image), size, thread_count())


def image_of_plane(image: npt.ArrayLike) -> npt.NDArray[Any]:
    """The image as an array (rows, cols[, channels]), or an error: volumes have no such windows."""
    array = as_numbers(image, "detect")
    if array.ndim not in (2, 3):
        raise ShapeError(
            f"detect: image of shape {array.shape}; expected (rows, cols) or (rows, cols, channels)"
        )
    return array


def _grey(image: Any) -> Grey:
    """A one-channel image as an array (rows, cols) of float32."""
    array = np.asarray(image, dtype=np.float32)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    if array.ndim != 2:
        raise ShapeError(
            f"Pyramid: image of shape {array.shape}; expected one channel (rows, cols)"
        )
    return array


def _extent(image: Grey) -> tuple[float, float, float, float]:
    """The box ``x0 y0 x1 y1`` of a whole image."""
    return 0.0, 0.0, float(image.shape[1]), float(image.shape[0])


def _part(image: Plane, top: int, bottom: int, left: int, right: int) -> Grey:
    """Rows [top, bottom) and columns [left, right); spels outside the image are 0."""
    rows, cols = image.shape
    window = slice(max(top, 0), min(bottom, rows)), slice(max(left, 0), min(right, cols))
    if top >= 0 and left >= 0 and bottom <= rows and right <= cols:
        return image[window]
    part = np.zeros((bottom - top, right - left), dtype=np.float32)
    if any(side.start >= side.stop for side in window):
        return part
    inside, at = image[window], (window[0].start - top, window[1].start - left)
    part[at[0] : at[0] + inside.shape[0], at[1] : at[1] + inside.shape[1]] = inside
    return part


def scale_series(largest: float, smallest: float, per_octave: int) -> tuple[float, ...]:
    """Scales of constant ratio from the largest down to the smallest, `per_octave` per factor of 2.

    Examples
    --------
    >>> scale_series(1.0, 0.25, 1)
    (1.0, 0.5, 0.25)
    """
    if not (0 < smallest <= largest < np.inf) or per_octave < 1:
        raise ParameterError(
            f"scale_series: from {largest!r} to {smallest!r}, {per_octave!r} scales per octave; "
            "expected 0 < smallest <= largest and at least 1 scale per octave"
        )
    count = int(np.floor(np.log2(largest / smallest) * per_octave + 1e-6)) + 1
    return tuple(float(largest * 2 ** (-i / per_octave)) for i in range(count))
