"""Places in an image: a slice per axis, where they lie, and what is in them, packed for workers."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Place = tuple[slice, ...]


def place_of(box: Iterable[Sequence[int]]) -> Place:
    """The place between the first and one past the last index along each axis."""
    return tuple(slice(first, stop) for first, stop in box)


def lengths(place: Place) -> list[int]:
    """The number of spels along each axis."""
    return [span.stop - span.start for span in place]


def inside(place: Place, window: Place) -> Place:
    """A place by its coordinates in a window."""
    return tuple(slice(p.start - w.start, p.stop - w.start) for p, w in zip(place, window))


def common(place: Place, other: Place) -> Place | None:
    """What two places share; None if that is nothing.

    >>> common((slice(0, 4), slice(2, 9)), (slice(3, 8), slice(0, 5)))
    (slice(3, 4, None), slice(2, 5, None))
    """
    shared = place_of((max(a.start, b.start), min(a.stop, b.stop)) for a, b in zip(place, other))
    return shared if all(span.start < span.stop for span in shared) else None


def packed(array: npt.NDArray[Any]) -> bytes:
    """The values of an array, compressed."""
    return zlib.compress(array.tobytes(), 1)


def unpacked(data: bytes, dtype: npt.DTypeLike, shape: Sequence[int]) -> npt.NDArray[Any]:
    """The array of these values, which cannot be written to."""
    return np.frombuffer(zlib.decompress(data), dtype).reshape(shape)
