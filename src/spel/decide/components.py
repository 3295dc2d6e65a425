"""Components of a saliency at several levels, and the shape of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from spel.core.adjacency import Adjacency
from spel.core.numbers import as_numbers
from spel.decide.division import Score, divide
from spel.decide.frame import Frame
from spel.decide.parts import common_window, parts, windows_of
from spel.decide.shape import Shape, fill_holes, roundness_of
from spel.errors import ShapeError
from spel.ops.label import label, regions
from spel.ops.pool import max_pool

WIDEST_NECK = 0.95
"""Parts joined by a wider neck than this share of the narrower part's width are one object."""

Mask = npt.NDArray[np.bool_]
Points = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Component:
    """One connected component at one level, with its holes filled, and its shape.

    Attributes
    ----------
    level : float
        The saliency of the component is above it.
    origin : tuple of int
        Where the first spel of `mask` lies in the image.
    mask : array of bool
    image_size : tuple of int
    area : int
        Number of spels.
    whole_area : float
        `area`, or for an object cut by the border of the image the area of its whole ellipse.
    roundness : float
        Intersection over union with the ellipse of the same moments, inside the image.
    elongation : float
        Shortest over longest axis of that ellipse, in 0..1.
    contrast : float
        Mean saliency inside, minus the mean saliency of the ring around.
    touches_border : bool
        Whether the component reaches the border of the image, so that a part may be missing.
    first : tuple of int
        The first spel, in raster order, of the connected component that it is, or is a part of.

    Examples
    --------
    >>> image = np.zeros((9, 9))
    >>> image[2:4, 3:6] = 1
    >>> (one,) = components_at_levels(image, [0.5])
    >>> one.origin, one.mask.shape, one.area, int(one.full_mask().sum())
    ((2, 3), (2, 3), 6, 6)
    >>> one.coverage(np.array([[2, 3], [8, 8]])), one.overlaps(one)
    (0.5, True)
    """

    level: float
    origin: tuple[int, ...]
    mask: Mask
    image_size: tuple[int, ...]
    area: int
    whole_area: float
    roundness: float
    elongation: float
    contrast: float
    touches_border: bool
    first: tuple[int, ...]

    @property
    def window(self) -> tuple[slice, ...]:
        """The part of the image that `mask` covers."""
        return tuple(slice(a, a + n) for a, n in zip(self.origin, self.mask.shape))

    def full_mask(self) -> Mask:
        """The component as a mask of the whole image."""
        image = np.zeros(self.image_size, dtype=bool)
        image[self.window] = self.mask
        return image

    def coverage(self, points: Points) -> float:
        """The share of some spels (n, ndim) that lie inside, in 0..1; 0 if there are none."""
        if not len(points):
            return 0.0
        return float(_inside(self.mask, self.origin, points).sum() / len(points))

    def overlaps(self, other: Component) -> bool:
        """Whether two components share a spel."""
        low = np.maximum(self.origin, other.origin)
        high = np.minimum(
            np.add(self.origin, self.mask.shape), np.add(other.origin, other.mask.shape)
        )
        if (low >= high).any():
            return False
        parts = [
            c.mask[tuple(slice(a - o, b - o) for a, b, o in zip(low, high, c.origin))]
            for c in (self, other)
        ]
        return bool((parts[0] & parts[1]).any())


def components_at_levels(
    saliency: npt.ArrayLike,
    levels: Sequence[float],
    *,
    area: tuple[float, float] = (1, float("inf")),
    ring: int = 6,
    adjacency: Adjacency | None = None,
    containing: Sequence[Points] | None = None,
    accept: Callable[[float, float, bool], bool] | None = None,
    split: bool = False,
    score: Score | None = None,
    truncated: bool = False,
    frame: Frame | None = None,
) -> list[Component]:
    """Every component above every level whose area lies within a range.

    Parameters
    ----------
    saliency : (rows, cols[, 1]) array, with planes before them for voxels
    levels : sequence of float
    area : (low, high)
        Smallest and largest number of spels, before holes are filled.
    ring : int
        Width of the ring that contrast compares with.
    adjacency : Adjacency, optional
        Which spels are connected; by default all that touch, diagonals included.
    containing : sequence of (n, ndim) arrays of int, optional
        Only components that contain at least half of the spels of one of these strokes.
    accept : function of area, elongation and whether the border is touched, optional
        Called before the other properties are measured; False leaves the component out.
    split : bool
        Take the parts of each component as well (`spel.decide.parts`), so that objects are found
        that touch at every level.
    score : function of area, elongation and roundness, optional
        Of each component, take only those parts, or the whole, that together have the best scores
        (`spel.decide.division`).
    truncated : bool
        Measure components that the border of the image cuts by the ellipse of their visible
        outline. Images only.
    frame : Frame, optional
        The saliency is that of a window; only the components of its tile are taken, which must lie
        inside the window with their rings. Their places are those in the image.

    Returns
    -------
    list of Component
        Level by level, in raster order; parts follow their component.

    Raises
    ------
    ShapeError
        If the saliency has more than one channel, or `truncated` is asked of a volume.

    Examples
    --------
    >>> image = np.zeros((9, 9))
    >>> image[2:5, 2:5] = 1
    >>> (square,) = components_at_levels(image, [0.5])
    >>> square.area, square.origin, square.touches_border, round(square.elongation, 2)
    (9, (2, 2), False, 1.0)
    """
    array = _one_channel(saliency, truncated)
    connected = adjacency or _box(3, array.ndim)
    frame = frame or Frame.whole(array.shape)
    components = []
    for level in levels:
        for origin, mask, size in _wholes(array > level, connected, area[0], containing):
            first = np.add(origin, np.unravel_index(mask.argmax(), mask.shape))
            if not frame.owns(first[None])[0]:
                continue
            whole = _Whole(float(level), origin, fill_holes(mask), frame.in_image(first))
            if score is not None:
                pieces = _divided(mask, origin, area, connected, score)
            else:
                pieces = [(origin, whole.mask)] if size <= area[1] else []
            if split and size >= 2 * area[0]:
                pieces += _parts(mask, origin, area, connected, containing)
            for place, piece in pieces:
                one = _component(array, frame, place, piece, ring, accept, whole, truncated)
                components += [] if one is None else [one]
    return components


@dataclass(frozen=True, eq=False)
class _Whole:
    """A connected component with its holes filled; its first spel is a place in the image."""

    level: float
    origin: tuple[int, ...]
    mask: Mask
    first: tuple[int, ...]


def _one_channel(saliency: npt.ArrayLike, truncated: bool) -> npt.NDArray[np.float32]:
    """The saliency as ([planes,] rows, cols), checked."""
    array = as_numbers(saliency, "components_at_levels", "saliency").astype(np.float32, copy=False)
    if array.ndim in (3, 4) and array.shape[-1] == 1:
        array = array[..., 0]
    if array.ndim not in (2, 3):
        raise ShapeError(
            f"components_at_levels: saliency of shape {array.shape}; expected one channel "
            "(rows, cols)"
        )
    if truncated and array.ndim == 3:
        raise ShapeError(
            "components_at_levels: truncated objects are measured by an ellipse, in images only, "
            "not in volumes; learn without truncated"
        )
    return array


def _wholes(
    mask: Mask, connected: Adjacency, min_area: float, strokes: Sequence[Points] | None
) -> Iterator[tuple[tuple[int, ...], Mask, int]]:
    """Each large enough component: where it begins, its mask and its area, with its holes."""
    labels = label(mask, connected)
    measured = regions(labels)
    fits = measured.areas >= min_area
    if strokes is not None:
        fits &= _containing(labels, len(measured), strokes)
    for row in np.flatnonzero(fits):
        origin = tuple(int(v) for v in measured.low[row])
        window = tuple(slice(a, int(b)) for a, b in zip(origin, measured.high[row]))
        yield origin, labels[window] == measured.labels[row], int(measured.areas[row])


def _containing(
    labels: npt.NDArray[np.int32], count: int, strokes: Sequence[Points]
) -> npt.NDArray[np.bool_]:
    """Which of the labels 1 to `count` contain at least half of a stroke."""
    held = np.zeros(count, dtype=bool)
    for points in strokes:
        counts = np.bincount(labels[tuple(points.T)], minlength=count + 1)[1:]
        held |= 2 * counts >= max(len(points), 1)
    return held


def _parts(
    whole: Mask,
    origin: tuple[int, ...],
    area: tuple[float, float],
    connected: Adjacency,
    strokes: Sequence[Points] | None,
) -> list[tuple[tuple[int, ...], Mask]]:
    """The parts of a component whose areas fit, each with the place of its first spel.

    Its holes divide it: where objects stand in a ring, what they surround belongs to none of them.
    """
    hierarchy = parts(whole, adjacency=connected)
    if not hierarchy.merges:
        return []
    windows = windows_of(hierarchy.labels, hierarchy.count)
    sizes = np.bincount(hierarchy.labels.ravel(), minlength=hierarchy.count + 1)
    components = []
    for members, neck in zip(hierarchy.members(), hierarchy.necks()):
        fits = area[0] <= sizes[list(members)].sum() <= area[1]
        if not fits or not 0 < neck < WIDEST_NECK:
            continue
        window = common_window([windows[number - 1] for number in members])
        piece = np.isin(hierarchy.labels[window], members)
        place = tuple(o + s.start for o, s in zip(origin, window))
        if strokes is None or any(2 * _inside(piece, place, p).sum() >= len(p) for p in strokes):
            components.append((place, fill_holes(piece)))
    return components


def _divided(
    mask: Mask,
    origin: tuple[int, ...],
    area: tuple[float, float],
    connected: Adjacency,
    score: Score,
) -> list[tuple[tuple[int, ...], Mask]]:
    """The best division of a component, with the place of the first spel of each part."""
    return [
        (tuple(o + p for o, p in zip(origin, place)), piece)
        for place, piece in divide(mask, score, area, connected)
        if area[0] <= np.count_nonzero(piece) <= area[1]
    ]


def _component(
    array: npt.NDArray[np.float32],
    frame: Frame,
    origin: tuple[int, ...],
    mask: Mask,
    ring: int,
    accept: Callable[[float, float, bool], bool] | None,
    whole: _Whole,
    truncated: bool,
) -> Component | None:
    """The component that a mask covers, measured; None if it is not accepted."""
    shape = Shape.of(mask)
    place = tuple(int(o + s) for o, s in zip(origin, frame.start))
    touches = bool(0 in place or (np.add(place, mask.shape) == frame.image_size).any())
    area = int(np.count_nonzero(mask))
    if truncated and touches:
        shape = Shape.completed(mask, place, frame.image_size) or shape
    if accept is not None and not accept(shape.area, shape.elongation, touches):
        return None
    contrast, roundness = _measure(array, origin, mask, ring, shape, whole)
    return Component(
        whole.level,
        place,
        mask,
        frame.image_size,
        area,
        float(shape.area),
        roundness,
        shape.elongation,
        contrast,
        touches,
        whole.first,
    )


def _inside(mask: Mask, origin: tuple[int, ...], points: Points) -> Mask:
    """The values of a mask that begins at `origin`, at those points that it covers."""
    local = points - np.asarray(origin)
    covered = ((local >= 0) & (local < mask.shape)).all(axis=1)
    return np.asarray(mask[tuple(local[covered].T)], dtype=np.bool_)


@cache
def _box(size: int, ndim: int) -> Adjacency:
    return Adjacency.box(size, ndim=ndim)


def _measure(
    array: npt.NDArray[np.float32],
    origin: tuple[int, ...],
    mask: Mask,
    ring: int,
    shape: Shape,
    whole: _Whole,
) -> tuple[float, float]:
    """Contrast and roundness of a mask, inside the image.

    The ring around it does not contain the rest of the whole component, of which it is a part.
    """
    high = np.add(origin, mask.shape)
    start = np.maximum(np.subtract(origin, ring), 0)
    stop = np.minimum(high + ring, array.shape)
    part = np.zeros(stop - start, dtype=bool)
    part[tuple(slice(a - s, b - s) for a, b, s in zip(origin, high, start))] = mask
    surrounding = (max_pool(part, _box(2 * ring + 1, mask.ndim)) > 0) & ~part
    _clear(surrounding, start, whole)
    values = array[tuple(slice(a, b) for a, b in zip(start, stop))]
    inside = float(values[part].mean())
    outside = float(values[surrounding].mean()) if surrounding.any() else 0.0
    # The integers are added first, so that the place in the image does not change the last bits.
    centre = shape.centre + np.subtract(origin, start)
    return inside - outside, roundness_of(part, shape, centre)


def _clear(ring: Mask, start: npt.NDArray[np.int64], whole: _Whole) -> None:
    """Take the spels of the whole component out of a ring, whose first spel lies at `start`."""
    origin, mask = whole.origin, whole.mask
    low = np.maximum(start, origin)
    high = np.minimum(start + ring.shape, np.add(origin, mask.shape))
    here = tuple(slice(a - s, max(b, a) - s) for a, b, s in zip(low, high, start))
    there = tuple(slice(a - s, max(b, a) - s) for a, b, s in zip(low, high, origin))
    ring[here] &= ~mask[there]
