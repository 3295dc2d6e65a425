"""Images at another size, of which only windows are computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor

import numpy as np
import numpy.typing as npt

from spel import kernels
from spel.core.threads import thread_count
from spel.nn.blocks import Source
from spel.ops.enlarge import enlarge

Real = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Resized:
    """An image at another size, as `spel.decide.object_scale.resized` gives it, bit for bit.

    Parameters
    ----------
    source : Source
        (rows, cols, channels)
    size : tuple of int
        Rows and columns.

    Examples
    --------
    >>> image = np.array([[[0.0], [0.0], [7.0], [7.0]]])
    >>> Resized(image, (1, 2))[0:1, 1:2].round(3).ravel().tolist()
    [6.0]
    """

    source: Source
    size: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """(rows, cols, channels)"""
        return (*self.size, int(self.source.shape[-1]))

    def __getitem__(self, window: Sequence[slice]) -> Real:
        rows, cols, channels = map(int, self.source.shape)
        down, along = window
        reads = read_part(rows, self.size[0], down), read_part(cols, self.size[1], along)
        origin, box = (reads[0].start, reads[1].start), (0.0, 0.0, float(cols), float(rows))
        here = np.asarray(self.source[reads], dtype=np.float32)
        out = np.empty((channels, down.stop - down.start, along.stop - along.start), np.float32)
        for number in range(channels):
            plane = np.ascontiguousarray(here[..., number])
            out[number] = kernels.resize_part(
                plane, origin, (rows, cols), box, (self.size[0], self.size[1]), (down, along),
                thread_count(),
            )  # fmt: skip
        return np.moveaxis(out, 0, -1)


@dataclass(frozen=True, eq=False)
class Enlarged:
    """A strided activation at the size of its image, as `spel.ops.enlarge` gives it, bit for bit.

    Parameters
    ----------
    source : Source
        (rows, cols, channels), with planes before them for voxels.
    size : tuple of int
        Size of the image, without channels.
    strides : tuple of int

    Examples
    --------
    >>> Enlarged(np.array([[[0.0], [4.0]]]), (1, 4), (2, 2))[0:1, 1:3].ravel().tolist()
    [2.0, 4.0]
    """

    source: Source
    size: tuple[int, ...]
    strides: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """(rows, cols, channels), with planes before them for voxels."""
        return (*self.size, int(self.source.shape[-1]))

    def __getitem__(self, window: Sequence[slice]) -> Real:
        lengths = self.source.shape[:-1]
        first = [min(s.start // n, m - 1) for s, n, m in zip(window, self.strides, lengths)]
        last = [min((s.stop - 1) // n + 2, m) for s, n, m in zip(window, self.strides, lengths)]
        part = np.asarray(self.source[tuple(slice(a, max(a + 1, b)) for a, b in zip(first, last))])
        begin = [a * n for a, n in zip(first, self.strides)]
        whole = enlarge(part, [s.stop - a for s, a in zip(window, begin)], self.strides)
        return whole[tuple(slice(s.start - a, None) for s, a in zip(window, begin))]


def read_part(n: int, out: int, part: slice) -> slice:
    """What the resizing of n spels to `out` reads along one axis for a part of the result.

    The slice is a little longer than it must be.
    """
    scale = n / out
    reach = 2 * max(scale, 1.0) + 2
    low, high = part.start * scale - reach, part.stop * scale + reach
    return slice(max(0, floor(low)), min(n, ceil(high)))
