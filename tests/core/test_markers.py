"""Markers: strokes as connected components, editing as new values."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from spel.core.markers import Markers
from spel.errors import FormatError, ParameterError, ShapeError

# -- LITERAL -------------------------------------------------------------------------------------


def test_touching_strokes_of_two_labels_are_two_strokes_or_one():
    drawn = Markers([(0, 0), (0, 1), (5, 5)], [0, 1, 1], (6, 6))
    assert drawn.strokes().tolist() == [1, 2, 3]
    assert drawn.strokes(by_label=False).tolist() == [1, 1, 2]


def test_strokes_are_numbered_in_raster_order_whatever_the_order_of_points():
    drawn = Markers([(5, 5), (0, 3), (0, 0), (5, 4)], [1, 1, 1, 1], (6, 6))
    assert drawn.strokes().tolist() == [3, 2, 1, 3]


def test_voxels_are_joined_over_a_corner():
    assert Markers([(0, 0, 0), (1, 1, 1)], [1, 1], (2, 2, 2)).stroke_count() == 1


def test_draw_and_erase_give_new_markers():
    empty = Markers(np.zeros((0, 2), int), [], (4, 4))
    one = empty.draw([(1, 1), (1, 2)], 1)
    two = one.draw([(1, 2), (3, 3)], 0)
    assert len(empty) == 0
    assert one.labels.tolist() == [1, 1]
    assert two.image()[1, 2] == 0
    assert len(two) == 3
    assert two.erase([(1, 1)]).points.tolist() == [[1, 2], [3, 3]]


def test_markers_of_a_strided_image_stand_on_the_cells_that_hold_them():
    drawn = Markers([(0, 0), (1, 1), (2, 3), (5, 5)], [1, 1, 1, 0], (6, 6))
    small = drawn.rescaled(2, (3, 3))
    assert small.points.tolist() == [[0, 0], [1, 1], [2, 2]]
    assert small.labels.tolist() == [1, 1, 0]


@pytest.mark.parametrize(
    ("points", "labels", "size", "error"),
    [
        ([(0, 4)], [1], (4, 4), ParameterError),
        ([(-1, 0)], [1], (4, 4), ParameterError),
        ([(0, 0)], [-1], (4, 4), ParameterError),
        ([(0, 0)], [1, 0], (4, 4), ShapeError),
        ([(0, 0, 0)], [1], (4, 4), ShapeError),
        ([(0.5, 0)], [1], (4, 4), ParameterError),
        ([(0, 0)], [1], (0, 4), ShapeError),
    ],
)
def test_what_does_not_fit_is_refused(points, labels, size, error):
    with pytest.raises(error, match="Markers"):
        Markers(points, labels, size)


def test_another_image_size_is_one_clear_error():
    with pytest.raises(FormatError, match="4 x 4 pixels, but image 'a' has 5 x 4"):
        Markers([(0, 0)], [1], (4, 4)).check_fits((5, 4), "image 'a'")


# -- PARITY --------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(8))
def test_strokes_are_scipys_components(seed):
    rng = np.random.default_rng(seed)
    mask = rng.random((31, 27)) < rng.random()
    drawn = Markers.from_image(np.where(mask, rng.integers(0, 2, mask.shape), -1))
    drawn = drawn.only(rng.permutation(len(drawn)))
    known, _ = ndimage.label(mask, np.ones((3, 3)))
    assert (known[tuple(drawn.points.T)] == drawn.strokes(by_label=False)).all()
