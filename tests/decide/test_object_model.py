"""Component selection, delineation and segmentation: by hand, laws, round trips."""

from __future__ import annotations

import numpy as np
import pytest

import spel
from spel.core.adjacency import Adjacency
from spel.core.markers import Markers
from spel.decide import (
    Delineation,
    ObjectModel,
    Segmentation,
    components_at_levels,
    learn_object_model,
    segment,
    segmentation_of,
    with_segmentation,
)
from spel.decide.shape import fill_holes
from spel.errors import FormatError, ParameterError, ShapeError
from spel.nn import MaxPool, Scale, chain


def disk(size: int, row: int, col: int, radius: float) -> np.ndarray:
    r, c = np.mgrid[:size, :size]
    return (r - row) ** 2 + (c - col) ** 2 <= radius**2


# -- LITERAL -------------------------------------------------------------------------------------


def test_a_component_is_measured():
    image = np.zeros((12, 14))
    image[3:6, 4:12] = 0.8
    image[4, 5] = 0  # a hole
    (one,) = components_at_levels(image, [0.5], ring=2)
    assert one.origin == (3, 4)
    assert one.mask.shape == (3, 8)
    assert one.area == 24
    assert one.contrast == pytest.approx(0.8 * 23 / 24)
    assert not one.touches_border
    assert one.elongation == pytest.approx(np.sqrt((9 - 1 + 1) / (64 - 1 + 1)), rel=1e-6)
    assert one.coverage(np.array([(4, 5), (0, 0)])) == 0.5
    assert np.array_equal(one.full_mask(), image.astype(bool) | one.full_mask())


def test_an_ellipse_is_round_and_an_l_is_not():
    r, c = np.mgrid[:60, :60]
    ellipse = ((r - 30) / 10.0) ** 2 + ((c - 30) / 20.0) ** 2 <= 1
    ell = np.zeros((60, 60), bool)
    ell[10:50, 10:16] = ell[44:50, 10:50] = True
    (one,), (other,) = components_at_levels(ellipse, [0.5]), components_at_levels(ell, [0.5])
    assert one.roundness > 0.97
    assert one.elongation == pytest.approx(0.5, abs=0.02)
    assert other.roundness < 0.5


def test_what_touches_the_edge_says_so():
    image = np.zeros((9, 9))
    image[0:3, 4:7] = 1
    assert components_at_levels(image, [0.5])[0].touches_border


def test_the_object_of_the_learned_size_is_taken():
    saliency = 0.9 * disk(80, 20, 20, 8) + 0.9 * disk(80, 55, 55, 18)
    drawn = Markers([(20, 19), (20, 20), (20, 21), (70, 5)], [1, 1, 1, 0], (80, 80))
    model, evidence = learn_object_model([saliency], [drawn])
    assert model.area == disk(80, 20, 20, 8).sum() == evidence.areas[0]
    assert np.array_equal(model.mask(saliency), disk(80, 20, 20, 8))
    assert not model.mask(0.9 * disk(80, 55, 55, 18)).any()
    assert not model.mask(np.zeros((80, 80))).any()


def test_several_objects_are_selected_if_wanted():
    saliency = 0.9 * disk(80, 20, 20, 8) + 0.9 * disk(80, 55, 55, 8)
    model = ObjectModel(area=200, min_score=-1)
    assert model.mask(saliency).sum() == disk(80, 20, 20, 8).sum()
    many = ObjectModel(area=200, min_score=-1, multiple=True)
    assert np.array_equal(many.mask(saliency), saliency > 0)


def test_a_saliency_without_the_object_is_refused():
    drawn = Markers([(3, 3), (9, 9)], [1, 0], (12, 12))
    with pytest.raises(ParameterError, match="no component of the saliency contains"):
        learn_object_model([np.zeros((12, 12))], [drawn])


def test_holes_that_reach_the_edge_are_no_holes():
    ring = np.ones((5, 5), bool)
    ring[1:4, 1:4] = False
    assert fill_holes(ring).all()
    ring[2, 0] = False
    assert np.array_equal(fill_holes(ring), ring)


@pytest.mark.parametrize("method", ["watershed", "trees", "growcut"])
def test_a_rough_mask_comes_to_the_edge(method):
    truth = disk(60, 30, 30, 14)
    image = np.where(truth, 1.0, 0.0)[..., None] + [[[0.0]]]
    refined = Delineation(method, inner=3, outer=8).refine(image, disk(60, 30, 30, 11))
    assert (refined ^ truth).sum() <= 0.12 * truth.sum()


def test_no_delineation_and_no_mask():
    mask = disk(20, 10, 10, 4)
    assert np.array_equal(Delineation("none").refine(np.zeros((20, 20, 1)), mask), mask)
    assert not Delineation().refine(np.zeros((20, 20, 1)), np.zeros((20, 20), bool)).any()


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: Delineation("magic"), ParameterError),
        (lambda: Delineation(inner=-1), ParameterError),
        (lambda: Delineation().refine(np.zeros((4, 4, 1)), np.zeros((5, 4), bool)), ShapeError),
        (
            lambda: Delineation(scale=(1, 2)).refine(np.zeros((4, 4, 1)), np.ones((4, 4), bool)),
            ShapeError,
        ),
        (lambda: ObjectModel(area=0), ParameterError),
        (lambda: ObjectModel(area=5, border_factor=0), ParameterError),
        (lambda: components_at_levels(np.zeros(4), [0.5]), ShapeError),
        (lambda: ObjectModel.from_dict({"area": "x"}), FormatError),
        (lambda: ObjectModel.from_dict({"weight": 3}), FormatError),
        (lambda: Delineation.from_dict({"depth": 3}), FormatError),
        (lambda: Segmentation.from_dict({"depth": 3}), FormatError),
    ],
)
def test_what_does_not_fit_is_refused(call, error):
    with pytest.raises(error):
        call()


# -- LAW -----------------------------------------------------------------------------------------


def test_a_network_keeps_its_segmentation(tmp_path):
    how = Segmentation(
        ObjectModel(area=200, min_score=-1.5),
        delineation=Delineation(scale=(1.0,)),
        features="input",
    )
    net = with_segmentation(chain(Scale([1.0])), how)
    assert segmentation_of(net) == how
    net.save(tmp_path / "net.safetensors")
    assert segmentation_of(spel.load(tmp_path / "net.safetensors")) == how


def test_a_strided_networks_mask_has_the_images_size():
    image = np.where(disk(41, 20, 20, 9), 1.0, 0.0)
    mask = segment(chain(MaxPool(Adjacency.box(3), stride=4)), image)
    assert mask.shape == (41, 41)
    assert mask[20, 20]
    assert not mask[0, 0]


def test_moving_the_object_moves_the_mask():
    model = ObjectModel(area=200, min_score=-1)
    here = model.mask(0.9 * disk(80, 20, 20, 8))
    there = model.mask(0.9 * disk(80, 33, 47, 8))
    assert np.array_equal(np.roll(here, (13, 27), (0, 1)), there)


def test_a_segmentation_of_0_1_is_read():
    stored = {
        "objects": {
            "size": 1145.0,
            "spread": 0.5,
            "elongated": 0.4,
            "elongated_spread": 0.6,
            "round_power": 6.0,
            "contrast_power": 1.0,
            "edge": 0.7,
            "levels": [0.1, 0.2],
            "ring": 5,
            "cutoff": -2.3,
            "many": True,
        },
        "threshold": "otsu",
        "delineation": None,
        "features": "center",
    }
    model = ObjectModel(
        area=1145.0,
        area_spread=0.5,
        elongation=0.4,
        elongation_spread=0.6,
        border_factor=0.7,
        levels=(0.1, 0.2),
        ring=5,
        min_score=-2.3,
        multiple=True,
    )
    expected = Segmentation(model, features="center")
    assert Segmentation.from_dict(stored) == expected
    assert Segmentation.from_dict(expected.to_dict()) == expected
    assert expected.to_dict()["version"] == 2
    with pytest.raises(FormatError, match="version 3"):
        Segmentation.from_dict({**stored, "version": 3})
