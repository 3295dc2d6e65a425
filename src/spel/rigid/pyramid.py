"""Scale space: one image at many sizes, so that one window finds objects of all sizes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spel import kernels, ops
from spel.core.adjacency import Adjacency
from spel.errors import ParameterError, ShapeError

Grey = npt.NDArray[np.float32]

DEEPEST = 12
"""Most halvings of an image."""

FOUR = Adjacency.from_mask(np.ones((2, 2)), origin=(0, 0))
"""What one spel of a halving is the mean of."""


@dataclass(frozen=True, eq=False)
class Level:
    """An image at one size.

    Attributes
    ----------
    image : (rows, cols) array of float32
    scale : (row, col)
        Its spels per spel of the image it was made of; not quite equal, for sizes are integers.
    """

    image: Grey
    scale: tuple[float, float]


class Pyramid:
    """A one-channel image, its halvings, and from them any smaller or larger size.

    Sizes between two halvings are drawn from the finer one by triangle filters, as wide as the
    reduction, so that nothing aliases.

    Examples
    --------
    >>> pyramid = Pyramid(np.ones((8, 16)))
    >>> [level.image.shape for level in pyramid.levels([1.0, 0.5])]
    [(8, 16), (4, 8)]
    """

    def __init__(self, image: npt.ArrayLike) -> None:
        array = np.asarray(image, dtype=np.float32)
        if array.ndim == 3 and array.shape[2] == 1:
            array = array[..., 0]
        if array.ndim != 2:
            raise ShapeError(
                f"Pyramid: image of shape {array.shape}; expected one channel (rows, cols)"
            )
        self.size: tuple[int, int] = (array.shape[0], array.shape[1])
        self._octaves: list[Grey] = [array] if array.size else []

    def levels(self, scales: Sequence[float], smallest: int = 1) -> Iterator[Level]:
        """The image at each of the scales whose shorter side keeps `smallest` spels."""
        for scale in scales:
            rows, cols = (round(n * scale) for n in self.size)
            if min(rows, cols) < max(smallest, 1):
                continue
            octave, _ = self._octave(scale)
            if (rows, cols) != octave.shape:
                octave = kernels.resize(octave, _whole(octave), (rows, cols))
            yield Level(octave, (rows / self.size[0], cols / self.size[1]))

    def crop(
        self,
        centre: tuple[float, float],
        scale: tuple[float, float],
        size: tuple[int, int],
        *,
        degrees: float = 0.0,
        mirrored: bool = False,
    ) -> Grey:
        """What lies around a point, at a scale, turned and mirrored: (rows, cols) of `size`.

        Parameters
        ----------
        centre : (row, col)
            In the image, corners of spels at integers.
        scale : (row, col)
            Spels of the crop per spel of the image.
        size : (rows, cols)
            Of the crop. What lies outside the image is 0.
        degrees : float
            By which the content is turned.
        mirrored : bool
            Left and right exchanged.
        """
        from PIL import Image

        rows, cols = size
        # Room for the corners that come in when the content is turned.
        sine = abs(np.sin(np.deg2rad(degrees)))
        tall, wide = (
            rows + 2 * int(np.ceil(sine * cols / 2)),
            cols + 2 * int(np.ceil(sine * rows / 2)),
        )
        straight = self._straight(centre, scale, (tall, wide))
        if degrees:
            c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
            # Output (x, y) shows straight's middle + turn (x - cols / 2, y - rows / 2).
            x0 = wide / 2 - (c * cols - s * rows) / 2
            y0 = tall / 2 - (s * cols + c * rows) / 2
            picture = Image.fromarray(straight).transform(
                (cols, rows),
                Image.Transform.AFFINE,
                (c, -s, x0, s, c, y0),
                Image.Resampling.BILINEAR,
            )
            straight = np.asarray(picture)
        return straight[:, ::-1] if mirrored else straight

    def _straight(
        self, centre: tuple[float, float], scale: tuple[float, float], size: tuple[int, int]
    ) -> Grey:
        """A crop that is not turned, reduced by the same filters as the levels."""
        octave, factor = self._octave(min(scale))
        (tall, wide), (row, col) = size, (c / factor for c in centre)
        half = (tall / scale[0] / factor / 2, wide / scale[1] / factor / 2)
        # Whole spels around it, with what the filters reach; what is outside the image is 0.
        reach = 2 + int(np.ceil(max(1 / (s * factor) for s in scale)))
        left, top = int(np.floor(col - half[1])) - reach, int(np.floor(row - half[0])) - reach
        right, low = int(np.ceil(col + half[1])) + reach, int(np.ceil(row + half[0])) + reach
        part = _part(octave, top, low, left, right)
        box = (col - half[1] - left, row - half[0] - top, col + half[1] - left, row + half[0] - top)
        return kernels.resize(part, box, (tall, wide))

    def _octave(self, scale: float) -> tuple[Grey, int]:
        """The coarsest halving that is not coarser than the scale, and its reduction."""
        if not self._octaves:
            raise ShapeError("Pyramid: the image holds no spel")
        depth = 0
        while scale * 2 ** (depth + 1) <= 1 and depth < DEEPEST:
            finer = self._octaves[depth]
            if min(finer.shape) < 2:
                break
            depth += 1
            if depth == len(self._octaves):
                self._octaves.append(ops.mean_pool(finer, FOUR, stride=2))
        return self._octaves[depth], 2**depth


def _whole(image: Grey) -> tuple[float, float, float, float]:
    return 0.0, 0.0, float(image.shape[1]), float(image.shape[0])


def _part(image: Grey, top: int, low: int, left: int, right: int) -> Grey:
    """Rows [top, low) and columns [left, right), 0 where they lie outside."""
    rows, cols = image.shape
    inside = image[max(top, 0) : max(low, 0), max(left, 0) : max(right, 0)]
    if top >= 0 and left >= 0 and low <= rows and right <= cols:
        return inside
    part = np.zeros((low - top, right - left), dtype=np.float32)
    at = (min(max(-top, 0), low - top), min(max(-left, 0), right - left))
    part[at[0] : at[0] + inside.shape[0], at[1] : at[1] + inside.shape[1]] = inside
    return part


def scale_steps(largest: float, smallest: float, steps: int) -> tuple[float, ...]:
    """Scales from the largest down to the smallest, `steps` to an octave, equal in ratio.

    Examples
    --------
    >>> scale_steps(1.0, 0.25, 1)
    (1.0, 0.5, 0.25)
    """
    if not (0 < smallest <= largest < np.inf) or steps < 1:
        raise ParameterError(
            f"scale_steps: from {largest!r} to {smallest!r} in {steps!r} steps per octave; "
            "expected 0 < smallest <= largest and at least 1 step"
        )
    count = int(np.floor(np.log2(largest / smallest) * steps + 1e-6)) + 1
    return tuple(float(largest * 2 ** (-i / steps)) for i in range(count))
