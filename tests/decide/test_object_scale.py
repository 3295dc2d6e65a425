"""Objects of another size than the marked ones, found at their scale, which images show."""

from __future__ import annotations

import numpy as np
import pytest

from spel.decide import (
    Delineation,
    ObjectModel,
    Segmentation,
    estimate_scale,
    segment,
    with_segmentation,
)
from spel.decide.object_scale import resized
from spel.errors import ParameterError, ShapeError
from spel.nn import Scale, chain

MODEL = ObjectModel(area=400, elongation=1.0, min_score=-1.0, ring=4)
NETWORK = with_segmentation(chain(Scale([1.0])), Segmentation(MODEL))


def disk(radius, size=48):
    row, col = np.mgrid[:size, :size] - (size / 2 - 0.5)
    return (row**2 + col**2 <= radius**2).astype(np.float32)


def test_objects_of_another_size_are_found_at_their_scale():
    small = disk(5.6)  # half as long as the disk of area 400
    assert not segment(NETWORK, small).any()
    found = segment(NETWORK, small, scale=0.5)
    assert found.shape == small.shape
    assert 0.9 < found.sum() / small.sum() < 1.1
    assert segment(NETWORK, disk(22.5), scale=2.0).sum() > 1400


def test_a_set_of_images_shows_its_scale():
    empty = np.zeros((48, 48), np.float32)
    for radius, scale in ((5.6, 0.5), (11.3, 1.0), (22.5, 2.0)):
        assert estimate_scale(NETWORK, [disk(radius), empty, disk(radius)]) == scale
    assert estimate_scale(NETWORK, [disk(5.6)], scales=[1.0, 2.0]) == 1.0


def test_areas_rings_and_distances_follow_the_scale():
    how = Segmentation(MODEL, delineation=Delineation(inner=2, outer=6)).scaled(0.5)
    assert (how.objects.area, how.objects.ring) == (100.0, 2)
    assert (how.delineation.inner, how.delineation.outer) == (1.0, 3.0)
    assert MODEL.scaled(0.5, ndim=3).area == 50.0
    assert Segmentation().scaled(2.0) == Segmentation()


def test_a_resized_constant_stays_and_means_are_kept():
    assert (resized(np.full((4, 6, 2), 3.0), (9, 5)) == 3.0).all()
    ramp = np.arange(12.0).reshape(3, 4, 1)
    assert resized(ramp, (3, 4))[..., 0].tolist() == ramp[..., 0].tolist()


def test_what_has_no_scale_is_refused():
    with pytest.raises(ParameterError, match="scale"):
        segment(NETWORK, disk(5), scale=0.0)
    with pytest.raises(ShapeError, match="volumes cannot"):
        segment(chain(Scale([1.0])), np.zeros((4, 5, 6, 1)), scale=0.5)
    with pytest.raises(ParameterError, match="learned with the size"):
        estimate_scale(chain(Scale([1.0])), [disk(5)])
    with pytest.raises(ParameterError, match="0 images"):
        estimate_scale(NETWORK, [])
