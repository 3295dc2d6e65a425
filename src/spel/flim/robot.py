"""The robot user: markers from masks, for experiments that need many marked images."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from spel.core.adjacency import Adjacency
from spel.core.markers import Markers
from spel.core.numbers import as_numbers
from spel.errors import ParameterError, ShapeError
from spel.ops.label import label, regions
from spel.ops.pool import max_pool

Mask = npt.NDArray[np.bool_]
Geometry = Literal["disks", "strokes", "skeleton", "contour", "uniform"]


def robot_markers(
    mask: npt.ArrayLike,
    *,
    geometry: Geometry = "disks",
    seed: int = 0,
    objects: int = 4,
    background: int = 4,
    radius: int = 4,
    gap: int = 3,
    min_area: int = 20,
) -> Markers:
    """Markers that a user might draw on an object with this mask: label 1 inside, 0 outside.

    Parameters
    ----------
    mask : (rows, cols) array
        Non-zero where an object is.
    geometry : str
        - "disks": small disks at places drawn at random, as in the schistosoma data set.
        - "strokes": straight strokes of five radii between such places.
        - "skeleton": a stroke along the object's medial axis, as in the parasites data set, and
          disks in the background.
        - "contour": a band inside the border and one outside it (seeds of delineation).
        - "uniform": single spels drawn at random all over.
    seed : int
        Seed of the random places.
    objects, background : int
        Number of disks or strokes of each class; for "uniform", hundreds of spels.
    radius : int
        Radius of a disk, or half the width of a stroke.
    gap : int
        Distance in spels that all marks keep from the border of an object.
    min_area : int
        Components with fewer spels than this are left out.

    Returns
    -------
    Markers
        If the mask is empty, only background is marked. If an object is too small for the gap, its
        innermost spels are marked.

    Raises
    ------
    ParameterError
        If the geometry is unknown, the mask is not of an image, or a number is below 0.

    Examples
    --------
    >>> mask = np.zeros((40, 40))
    >>> mask[10:30, 10:30] = 1
    >>> drawn = robot_markers(mask, seed=1)
    >>> drawn.classes, bool((mask[tuple(drawn.points.T)] == drawn.labels).all())
    ((0, 1), True)
    """
    inside = as_numbers(mask, "robot_markers", "mask") != 0
    numbers = (objects, background, radius, gap, min_area)
    if inside.ndim != 2 or geometry not in get_args(Geometry) or min(numbers) < 0:
        raise ParameterError(
            f"robot_markers: geometry {geometry!r}, mask of {inside.ndim} axes, numbers {numbers}; "
            f"expected one of {', '.join(get_args(Geometry))}, 2 axes, and numbers of at least 0"
        )
    inside = _without_specks(inside, min_area)
    rng = np.random.default_rng(seed)
    drawn = np.full(inside.shape, -1)
    for side, where, count in ((0, ~inside, background), (1, inside, objects)):
        if not where.any() or count == 0:
            continue
        deep = _deeper(where, gap)
        if geometry == "contour" and not where.all():
            marks = deep & ~_deeper(where, gap + radius)
        elif geometry == "uniform":
            places = rng.permutation(np.argwhere(deep))[: 100 * count]
            marks = np.zeros_like(inside)
            marks[tuple(places.T)] = True
        elif geometry == "skeleton" and side == 1:
            marks = _skeleton(where) & deep
            marks = _grown(marks if marks.any() else deep, 1) & where
        else:
            length = 5 * radius if geometry == "strokes" else 0
            marks = _brushed(deep, count, radius, length, rng)
        drawn[marks] = side
    return Markers.from_image(drawn)


def robot_correction(
    mask: npt.ArrayLike, answer: npt.ArrayLike, *, reach: int = 40, width: int = 5
) -> Markers:
    """The stroke that a user draws next: along the middle of the largest error.

    Parameters
    ----------
    mask : (rows, cols) array
        Non-zero where an object is.
    answer : (rows, cols) array
        Non-zero where a segmentation has found one.
    reach : int
        Spels from the innermost place of the error to an end of the stroke, at most.
    width : int
        Width of the stroke, in spels.

    Returns
    -------
    Markers
        One stroke: label 1 on what was missed, or 0 on what was found by mistake; no stroke if
        there is no error.

    Raises
    ------
    ParameterError, ShapeError
        If the arrays are not of one image, or a number is below 1.

    Examples
    --------
    >>> mask = np.zeros((20, 20))
    >>> mask[5:15, 5:15] = 1
    >>> drawn = robot_correction(mask, np.zeros((20, 20)))
    >>> drawn.classes, bool(mask[tuple(drawn.points.T)].all())
    ((1,), True)
    """
    true = as_numbers(mask, "robot_correction", "mask") != 0
    guess = as_numbers(answer, "robot_correction", "answer") != 0
    if true.ndim != 2 or true.shape != guess.shape:
        raise ShapeError(
            f"robot_correction: mask of shape {true.shape}, answer of {guess.shape}; expected two "
            "axes and the same size"
        )
    if min(reach, width) < 1:
        raise ParameterError(
            f"robot_correction: reach {reach}, width {width}; expected numbers of at least 1"
        )
    drawn = np.full(true.shape, -1)
    errors = [
        (part, side) for side in (0, 1) for part in _largest((true != guess) & (true == side))
    ]
    if errors:
        error, side = max(errors, key=lambda pair: int(pair[0].sum()))
        drawn[_middle(error, reach, width)] = side
    return Markers.from_image(drawn)


def _largest(wrong: Mask) -> list[Mask]:
    """The largest component of a mask; nothing of an empty one."""
    labels = label(wrong)
    components = regions(labels)
    if not len(components):
        return []
    return [labels == components.labels[int(components.areas.argmax())]]


def _middle(error: Mask, reach: int, width: int) -> Mask:
    """The medial axis near the innermost spel, as wide as a stroke, inside the error."""
    from scipy.ndimage import distance_transform_edt

    depth = np.asarray(distance_transform_edt(np.pad(error, 1)))[1:-1, 1:-1]
    innermost = np.array(np.unravel_index(int(depth.argmax()), error.shape))
    axis = _skeleton(error)
    axis[tuple(innermost)] = True
    places = np.argwhere(axis)
    near = places[((places - innermost) ** 2).sum(axis=1) <= reach**2]
    marks = np.zeros_like(error)
    marks[tuple(near.T)] = True
    drawn: Mask = _grown(marks, width // 2) & error
    return drawn


def _without_specks(inside: Mask, min_area: int) -> Mask:
    """The mask without components of fewer than `min_area` spels."""
    labels = label(inside)
    components = regions(labels)
    mask: Mask = np.isin(labels, components.labels[components.areas >= min_area])
    return mask


def _deeper(where: Mask, gap: int) -> Mask:
    """Spels deeper inside than `gap`; if there are none, the innermost ones."""
    from scipy.ndimage import distance_transform_edt

    depth = np.asarray(distance_transform_edt(np.pad(where, 1, mode="edge")))[1:-1, 1:-1]
    if not np.isfinite(depth).all() or where.all():
        return where
    deep: Mask = depth > gap if (depth > gap).any() else depth >= depth.max()
    return deep


def _brushed(deep: Mask, count: int, radius: int, length: int, rng: np.random.Generator) -> Mask:
    """Disks, or straight strokes, cut to the spels that are deep enough inside."""
    places = np.argwhere(deep)
    marks = np.zeros_like(deep)
    for _ in range(count):
        start = places[rng.integers(len(places))].astype(float)
        angle = rng.uniform(0, 2 * np.pi)
        step = np.array([np.sin(angle), np.cos(angle)])
        for place in (start + t * step for t in range(length + 1)):
            spel = tuple(np.rint(place).astype(int))
            if all(0 <= s < n for s, n in zip(spel, deep.shape)):
                marks[spel] = True
    return _grown(marks & deep, radius) & deep


def _skeleton(where: Mask) -> Mask:
    """The medial axis, one spel wide."""
    from skimage.morphology import skeletonize

    thin: Mask = np.asarray(skeletonize(where), dtype=np.bool_)
    return thin


def _grown(mask: Mask, radius: int) -> Mask:
    """The mask dilated by a disk."""
    grown: Mask = max_pool(mask, Adjacency.disk(radius)) > 0
    return grown
