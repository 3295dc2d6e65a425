"""From gestures to pixels: strokes drawn with a round brush become markers."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from spel.core.markers import Markers
from spel.studio.document import Stroke

Mask = npt.NDArray[np.bool_]
Real = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]
Region = tuple[tuple[int, int], Mask]
"""The top left corner of a window, and a mask of the window's size."""


def markers_of(strokes: Iterable[Stroke], size: tuple[int, int]) -> Markers:
    """The markers that strokes leave on an image; later strokes cover earlier ones.

    The id of a marked pixel is the number of its stroke, from 1.

    Examples
    --------
    >>> one = Stroke("a", 1, "brush", 1.0, ((1.5, 1.5),))
    >>> two = Stroke("b", 0, "erase", 0.0, ((1.5, 1.5),))
    >>> markers_of([one], (3, 3)).points.tolist()
    [[0, 1], [1, 0], [1, 1], [1, 2], [2, 1]]
    >>> len(markers_of([one, two], (3, 3)))
    4
    """
    label = np.full(size, -1, dtype=np.int16)
    owner = np.full(size, -1, dtype=np.int32)
    for number, stroke in enumerate(strokes, start=1):
        (row, col), mask = covered_pixels(stroke, size)
        window = (slice(row, row + mask.shape[0]), slice(col, col + mask.shape[1]))
        label[window][mask] = -1 if stroke.tool == "erase" else stroke.label
        owner[window][mask] = number
    points = np.argwhere(label >= 0)
    where = tuple(points.T)
    labels, owners = label[where].astype(np.int64), owner[where].astype(np.int64)
    return Markers(points, labels, size, 0, owners)


@lru_cache(maxsize=4096)
def covered_pixels(stroke: Stroke, size: tuple[int, int]) -> Region:
    """The pixels under a stroke, inside an image of a size."""
    points = np.asarray(stroke.points, dtype=np.float64)
    if stroke.tool == "spels":
        return _region_of(np.floor(points).astype(np.int64), size)
    reach = 0.0 if stroke.tool == "fill" else stroke.radius
    low = np.clip(np.floor(points.min(axis=0) - reach).astype(int), 0, size)
    high = np.clip(np.ceil(points.max(axis=0) + reach).astype(int) + 1, 0, size)
    rows, cols = (np.arange(a, b) + 0.5 for a, b in zip(low, high))
    mask = np.zeros((len(rows), len(cols)), dtype=bool)
    if stroke.tool == "fill":
        mask |= _inside_polygon(points, rows, cols)
    else:
        for a, b in pairwise(points) if len(points) > 1 else [(points[0], points[0])]:
            _add_capsule(mask, a, b, stroke.radius, low, rows, cols)
    # The pixel under the pointer is always marked, however thin the brush is.
    under = np.floor(points).astype(int) - low
    inside = ((under >= 0) & (under < mask.shape)).all(axis=1)
    mask[tuple(under[inside].T)] = True
    return (int(low[0]), int(low[1])), mask


def _add_capsule(
    mask: Mask, a: Real, b: Real, radius: float, low: Whole, rows: Real, cols: Real
) -> None:
    """Mark the pixels whose centre is at most the radius away from the segment from a to b."""
    first = np.clip(np.floor(np.minimum(a, b) - radius).astype(int) - low, 0, mask.shape)
    last = np.clip(np.ceil(np.maximum(a, b) + radius).astype(int) + 1 - low, 0, mask.shape)
    window = (slice(first[0], last[0]), slice(first[1], last[1]))
    dr, dc = rows[window[0], None] - a[0], cols[None, window[1]] - a[1]
    step = b - a
    length = float(step @ step)
    t = np.clip((dr * step[0] + dc * step[1]) / length, 0, 1) if length > 0 else 0.0
    squared_distance = (dr - t * step[0]) ** 2 + (dc - t * step[1]) ** 2
    mask[window] |= squared_distance <= radius * radius + 1e-9


def _inside_polygon(polygon: Real, rows: Real, cols: Real) -> Mask:
    """Even-odd rule: a ray from a pixel inside crosses the border an odd number of times."""
    inside = np.zeros((len(rows), len(cols)), dtype=bool)
    ends = np.roll(polygon, -1, axis=0)
    for (r0, c0), (r1, c1) in zip(polygon, ends):
        if r0 == r1:
            continue
        crossing = (rows >= min(r0, r1)) & (rows < max(r0, r1))
        at = c0 + (rows - r0) / (r1 - r0) * (c1 - c0)
        inside[crossing] ^= cols[None, :] < at[crossing, None]
    return inside


def _region_of(points: Whole, size: tuple[int, int]) -> Region:
    """The region of single pixels; those outside of the image are left out."""
    points = points[((points >= 0) & (points < np.asarray(size))).all(axis=1)]
    if not len(points):
        return (0, 0), np.zeros((0, 0), dtype=bool)
    low = points.min(axis=0)
    mask = np.zeros(points.max(axis=0) - low + 1, dtype=bool)
    mask[tuple((points - low).T)] = True
    return (int(low[0]), int(low[1])), mask


def strokes_of(markers: Markers, stem: str) -> tuple[Stroke, ...]:
    """Markers from a file as strokes of the document, one for each component of a label.

    The ids of the strokes start with `stem`.
    """
    numbers = markers.strokes()
    strokes = []
    for number in np.unique(numbers):
        chosen = numbers == number
        points = tuple((r + 0.5, c + 0.5) for r, c in markers.points[chosen].tolist())
        label = int(markers.labels[chosen][0])
        strokes.append(Stroke(f"{stem}-{number}", label, "spels", 0.0, points))
    return tuple(strokes)
