"""Scale space and suppression: sizes, places, and what stays."""

from __future__ import annotations

import numpy as np
import pytest

from spel.errors import ParameterError, ShapeError
from spel.rigid.nms import non_maximum_suppression, vote_boxes
from spel.rigid.pyramid import Pyramid, scale_series


def test_steps_are_equal_in_ratio_and_end_within() -> None:
    scales = scale_series(1.0, 0.3, 4)
    np.testing.assert_allclose(np.divide(scales[1:], scales[:-1]), 2 ** (-1 / 4))
    assert scales[-1] >= 0.3 > scales[-1] * 2 ** (-1 / 4)
    for bad in [(0.1, 1.0, 4), (1.0, 0.0, 4), (1.0, 0.5, 0)]:
        with pytest.raises(ParameterError, match="scales per octave"):
            scale_series(*bad)


def test_halvings_are_means_of_four_spels() -> None:
    image = np.arange(32, dtype=np.float32).reshape(4, 8)
    (half,) = Pyramid(image).levels([0.5])
    np.testing.assert_array_equal(half.image, image.reshape(2, 2, 4, 2).mean(axis=(1, 3)))
    assert half.scale == (0.5, 0.5)


def test_levels_say_their_true_scale_and_leave_out_the_too_small() -> None:
    levels = list(Pyramid(np.zeros((30, 50))).levels([1.3, 0.7, 0.1], min_side=8))
    assert [level.image.shape for level in levels] == [(39, 65), (21, 35)]
    assert levels[1].scale == (21 / 30, 35 / 50)


def test_a_spot_stays_in_its_place_at_every_scale() -> None:
    image = np.zeros((64, 96), dtype=np.float32)
    image[20:24, 60:64] = 1
    for level in Pyramid(image).levels([1.5, 1.0, 0.8, 0.5, 0.3, 0.25]):
        weights = level.image / level.image.sum()
        rows, cols = np.indices(weights.shape) + 0.5
        middle = (weights * rows).sum() / level.scale[0], (weights * cols).sum() / level.scale[1]
        np.testing.assert_allclose(middle, (22, 62), atol=0.15)


def test_a_crop_shows_its_centre_in_its_middle_turned_and_mirrored() -> None:
    image = np.zeros((40, 60), dtype=np.float32)
    image[18:22, 30:34] = 1
    image[18:22, 34:38] = 0.5
    pyramid = Pyramid(image)
    straight = pyramid.crop((20, 34), (1, 1), (8, 12))
    np.testing.assert_array_equal(straight[3, 2:10], [1] * 4 + [0.5] * 4)
    mirrored = pyramid.crop((20, 34), (1, 1), (8, 12), mirrored=True)
    np.testing.assert_allclose(mirrored, straight[:, ::-1], atol=1e-6)
    upright = pyramid.crop((20, 34), (1, 1), (12, 8), degrees=90)
    assert {upright[4, 4], upright[8, 4]} == {1.0, 0.5}
    double = pyramid.crop((20, 34), (2, 1), (16, 12))
    np.testing.assert_allclose(double.sum(), 2 * straight.sum(), rtol=0.05)


def test_images_of_several_channels_are_refused() -> None:
    with pytest.raises(ShapeError, match="one channel"):
        Pyramid(np.zeros((4, 4, 3)))


def test_suppression_keeps_the_best_of_those_that_share_their_place() -> None:
    boxes = [[0, 0, 4, 4], [1, 0, 5, 4], [1, 1, 2, 2], [3, 0, 7, 4], [20, 20, 21, 21]]
    assert non_maximum_suppression(boxes, [5, 4, 3, 2, 1]).tolist() == [0, 3, 4]
    assert non_maximum_suppression(boxes, [1, 2, 3, 4, 5], overlap=0.1).tolist() == [4, 3, 2]
    assert non_maximum_suppression(boxes, [5, 4, 3, 2, 1], overlap=1.0).tolist() == [0, 1, 2, 3, 4]
    assert non_maximum_suppression(boxes, [5, 4, 3, 2, 1], max_boxes=1).tolist() == [0]
    assert non_maximum_suppression(np.zeros((0, 4)), []).tolist() == []


def test_boxes_agree_by_their_odds_and_only_with_their_own_kind() -> None:
    boxes = [[0, 0, 10, 4], [2, 0, 12, 4], [0, 0, 10, 5], [50, 50, 60, 54]]
    kept = np.array([0, 3])
    alone = vote_boxes(boxes, [2.0, -30.0, 0.0, 1.0], kept, [0, 0, 1, 0])
    np.testing.assert_allclose(alone, [boxes[0], boxes[3]], atol=1e-9)
    even = vote_boxes(boxes, [2.0, 2.0, 2.0, 1.0], kept, [0, 0, 1, 0])
    np.testing.assert_allclose(even[0], [1, 0, 11, 4])
    assert vote_boxes([], [], np.zeros(0, dtype=np.int64), []).shape == (0, 4)
