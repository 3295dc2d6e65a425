"""Outlines of masks: by hand, and filled again."""

from __future__ import annotations

import numpy as np
import pytest

from spel.core.adjacency import Adjacency
from spel.ops import label
from spel.ops.outline import outlines


def filled(polygons: list, shape: tuple[int, int]) -> np.ndarray:
    """Even-odd: each upright edge flips all that lies to its right."""
    flips = np.zeros(shape, int)
    for ring in (ring for rings in polygons for ring in rings):
        for (x0, y0), (x1, y1) in zip(ring, np.roll(ring, -1, axis=0)):
            if x0 == x1:
                flips[min(y0, y1) : max(y0, y1), x0:] += 1
    return flips % 2 == 1


def test_a_ring_with_a_hole():
    mask = np.ones((3, 3), bool)
    mask[1, 1] = False
    ((outer, hole),) = outlines(mask)
    assert outer.tolist() == [[0, 0], [3, 0], [3, 3], [0, 3]]
    assert sorted(hole.tolist()) == [[1, 1], [1, 2], [2, 1], [2, 2]]


def test_spels_that_touch_at_a_corner_are_two_polygons():
    assert [[r.tolist() for r in p] for p in outlines([[1, 0], [0, 1]])] == [
        [[[0, 0], [1, 0], [1, 1], [0, 1]]],
        [[[1, 1], [2, 1], [2, 2], [1, 2]]],
    ]
    assert outlines(np.zeros((2, 2))) == []


@pytest.mark.parametrize("seed", range(30))
def test_outlines_filled_again_are_the_mask(seed):
    rng = np.random.default_rng(seed)
    mask = rng.random(tuple(rng.integers(1, 12, 2))) < rng.random()
    polygons = outlines(mask)
    assert np.array_equal(filled(polygons, mask.shape), mask)
    assert len(polygons) == label(mask, Adjacency.cross(1)).max()
