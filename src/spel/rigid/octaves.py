"""Planes that are read by windows: the sizes of an image from which all others are resampled.

A plane has a shape, and gives windows as an array does. The planes of images larger than memory
compute each window when it is read, with the bits of the whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Protocol

import numpy as np
import numpy.typing as npt

from spel import kernels, ops
from spel.core.adjacency import Adjacency
from spel.core.threads import thread_count
from spel.nn import Network
from spel.nn.blocks import Source
from spel.nn.resized import read_part

Grey = npt.NDArray[np.float32]
Window = tuple[slice, slice]
Size = tuple[int, int]

TWO_BY_TWO = Adjacency.from_mask(np.ones((2, 2)), origin=(0, 0))
"""The spels whose mean is one spel of the halved image."""

CACHE_SPELS = 1 << 23
"""A halved image of at most this number of spels is computed once, and kept in memory."""

READ_SIDE = 1 << 11
"""Rows and columns of the windows of a plane that are read to halve it, at most."""


class Plane(Protocol):
    """A one-channel image that is read by windows."""

    @property
    def shape(self) -> Size:
        """Rows and columns."""
        ...

    def __getitem__(self, window: Window) -> Grey: ...


@dataclass(frozen=True, eq=False)
class Octave:
    """An image at one of the sizes from which others are resampled.

    Attributes
    ----------
    plane : Plane
    factor : (row, col)
        Spels of the full image per spel of the plane.
    """

    plane: Plane
    factor: tuple[float, float]


@dataclass(frozen=True, eq=False)
class Colored:
    """An image in the colour space of a network, whose first layer has one channel."""

    color: Network
    source: Source

    @property
    def shape(self) -> Size:
        """Rows and columns of the source."""
        return int(self.source.shape[0]), int(self.source.shape[1])

    def __getitem__(self, window: Window) -> Grey:
        grey: Grey = self.color(np.asarray(self.source[window]))[..., 0]
        return grey


@dataclass(frozen=True, eq=False)
class Halved:
    """The means of 2 x 2 spels of a plane."""

    finer: Plane

    @property
    def shape(self) -> Size:
        """Half the rows and columns of the finer plane, rounded up."""
        rows, cols = self.finer.shape
        return -(-rows // 2), -(-cols // 2)

    @property
    def times(self) -> int:
        """How often the plane that is read is halved."""
        return 1 + (self.finer.times if isinstance(self.finer, Halved) else 0)

    def __getitem__(self, window: Window) -> Grey:
        (top, bottom), (left, right) = (
            (w.start, min(w.stop, n)) for w, n in zip(window, self.shape)
        )
        made = np.empty((bottom - top, right - left), np.float32)
        step = max(1, READ_SIDE >> self.times)
        for row, col in product(range(top, bottom, step), range(left, right, step)):
            rows, cols = slice(row, min(row + step, bottom)), slice(col, min(col + step, right))
            finer = self.finer[2 * rows.start : 2 * rows.stop, 2 * cols.start : 2 * cols.stop]
            part = (
                slice(rows.start - top, rows.stop - top),
                slice(cols.start - left, cols.stop - left),
            )
            made[part] = ops.mean_pool(finer, TWO_BY_TWO, stride=2)
        return made


@dataclass(frozen=True, eq=False)
class ResizedPlane:
    """A plane at another size."""

    plane: Plane
    shape: Size

    def __getitem__(self, window: Window) -> Grey:
        size = self.plane.shape
        reads = [read_part(n, out, part) for n, out, part in zip(size, self.shape, window)]
        box = (0.0, 0.0, float(size[1]), float(size[0]))
        origin = (reads[0].start, reads[1].start)
        here = self.plane[reads[0], reads[1]]
        return kernels.resize_part(here, origin, size, box, self.shape, window, thread_count())


def is_in_memory(plane: Plane) -> bool:
    """Whether the numbers of a plane are there, and not read or computed window by window."""
    return isinstance(plane.plane if isinstance(plane, ResizedPlane) else plane, np.ndarray)


def halved(plane: Plane) -> Plane:
    """The halved plane; it is in memory if the plane is, or if it is small."""
    if isinstance(plane, np.ndarray):
        return ops.mean_pool(plane, TWO_BY_TWO, stride=2)
    small = Halved(plane)
    rows, cols = small.shape
    if rows * cols > CACHE_SPELS:
        return small
    return small[slice(0, rows), slice(0, cols)]
