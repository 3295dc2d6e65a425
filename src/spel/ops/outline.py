"""Outlines of a mask as polygons along the edges of its spels."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Ring = npt.NDArray[np.int64]
Corner = tuple[int, int]


def outlines(mask: npt.ArrayLike) -> list[list[Ring]]:
    """The polygons of a mask: for each, its outer ring, then the rings of its holes.

    Spels that touch at a corner only belong to different polygons, so that no outer ring crosses
    itself. Filling the outer rings and emptying the holes gives the mask back.

    Parameters
    ----------
    mask : (rows, cols) array

    Returns
    -------
    list of lists of (k, 2) arrays of int
        Corners ``(x, y)``, each once, clockwise on the screen for outer rings and counter-clockwise
        for holes, without corners on a straight line.

    Examples
    --------
    >>> [[ring.tolist() for ring in polygon] for polygon in outlines([[1, 1], [1, 1]])]
    [[[[0, 0], [2, 0], [2, 2], [0, 2]]]]
    """
    inside = np.pad(np.asarray(mask) != 0, 1)
    ways = _edges(inside)
    rings = []
    while ways:
        start = min(ways, key=lambda corner: (corner[1], corner[0]))
        rings.append(_ring(ways, start))
    outer = [ring for ring in rings if _area(ring) > 0]
    polygons = [[ring] for ring in outer]
    for hole in (ring for ring in rings if _area(ring) < 0):
        polygons[_owner(hole, outer)].append(hole)
    return polygons


def _edges(inside: npt.NDArray[np.bool_]) -> dict[Corner, list[Corner]]:
    """Where each edge leads, with the mask on its right-hand side on the screen."""
    core = inside[1:-1, 1:-1]
    sides = (
        (core & ~inside[:-2, 1:-1], (0, 0), (1, 0)),  # upper: to the right
        (core & ~inside[1:-1, 2:], (1, 0), (1, 1)),  # right: down
        (core & ~inside[2:, 1:-1], (1, 1), (0, 1)),  # lower: to the left
        (core & ~inside[1:-1, :-2], (0, 1), (0, 0)),  # left: up
    )
    ways: dict[Corner, list[Corner]] = {}
    for open_side, first, last in sides:
        for row, col in np.argwhere(open_side).tolist():
            start = (col + first[0], row + first[1])
            ways.setdefault(start, []).append((col + last[0], row + last[1]))
    return ways


def _ring(ways: dict[Corner, list[Corner]], start: Corner) -> Ring:
    """Follow the edges until they come back, turning right where two lead on; they are used up."""
    corners = [start]
    here, step = start, (0, 0)
    while True:
        choices = ways[here]
        right = (here[0] - step[1], here[1] + step[0])
        there = right if right in choices else choices[0]
        choices.remove(there)
        if not choices:
            del ways[here]
        new = (there[0] - here[0], there[1] - here[1])
        if new == step:
            corners[-1] = there
        else:
            corners.append(there)
        here, step = there, new
        if here == start:
            return np.array(corners[:-1], dtype=np.int64)


def _area(ring: Ring) -> float:
    """Twice the area, positive for rings that go clockwise on the screen."""
    x, y = ring.T
    return float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum())


def _owner(hole: Ring, outer: list[Ring]) -> int:
    """The outer ring that holds a hole: the smallest around the spel above its top edge."""
    top = int(np.lexsort((hole[:, 0], hole[:, 1]))[0])
    x, y = hole[top] + [0.5, -0.5]
    around = [i for i, ring in enumerate(outer) if _contains(ring, x, y)]
    return min(around, key=lambda i: _area(outer[i]))


def _contains(ring: Ring, x: float, y: float) -> bool:
    """Whether the upright edges to the left of a point wind around it."""
    ends = np.roll(ring, -1, axis=0)
    upright = (ring[:, 0] == ends[:, 0]) & (ring[:, 0] < x)
    low, high = np.minimum(ring[:, 1], ends[:, 1]), np.maximum(ring[:, 1], ends[:, 1])
    return bool((upright & (low < y) & (y < high)).sum() % 2)
