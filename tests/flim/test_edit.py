"""Editing kernels, relearning what follows, the robot user and marker checks."""

from __future__ import annotations

import numpy as np
import pytest

import spel
from spel.core.adjacency import Adjacency
from spel.core.markers import Markers
from spel.errors import ParameterError, ShapeError
from spel.flim import (
    check_markers,
    choose,
    drop,
    invert,
    points_bank,
    relearn,
    robot_correction,
    robot_markers,
    unlearned,
)
from spel.nn import Unlearned

from .test_learn import scene, two_blocks

DISK = np.hypot(*(np.mgrid[:60, :70] - np.array([30, 35])[:, None, None])) < 15


@pytest.fixture(scope="module")
def learned():
    image, drawn = scene()
    return spel.learn(two_blocks(), [image], [drawn]), image, drawn


# -- LITERAL -------------------------------------------------------------------------------------


def test_chosen_kernels_stay_and_what_follows_is_unlearned(learned):
    net, image, drawn = learned
    edited = choose(net, "conv1", [2, 0])
    assert np.array_equal(edited["conv1"].bank.weights, net["conv1"].bank.weights[[2, 0]])
    assert edited["conv1"].bank.provenance[0] == net["conv1"].bank.provenance[2]
    assert isinstance(edited["conv2"], Unlearned)
    again = relearn(edited, [image], [drawn])
    assert again["conv1"] == edited["conv1"]
    assert again["conv2"].bank.channels == 2
    assert again(image).shape == (40, 44, len(again["conv2"].bank))


def test_inverting_turns_the_half_space_around(learned):
    net, image, _ = learned
    one, other = net.upto("conv1"), invert(net, "conv1", [1]).upto("conv1")
    assert np.allclose(one(image)[..., 1], -other(image)[..., 1], atol=1e-3)
    assert np.array_equal(one(image)[..., 0], other(image)[..., 0])


def test_relearning_all_gives_the_same_network(learned):
    net, image, drawn = learned
    assert relearn(net, [image], [drawn], after="conv1").fingerprint() == net.fingerprint()


@pytest.mark.parametrize(
    "call",
    [
        lambda net: choose(net, "conv1", []),
        lambda net: choose(net, "conv1", [0, 0]),
        lambda net: choose(net, "conv1", [99]),
        lambda net: drop(net, "conv1", [-1]),
        lambda net: invert(net, "relu1", [0]),
        lambda net: invert(net, "conv1", [99]),
        lambda net: choose(net, "nowhere", [0]),
    ],
)
def test_what_cannot_be_edited_is_refused(learned, call):
    with pytest.raises(ParameterError):
        call(learned[0])


@pytest.mark.parametrize("geometry", ["disks", "strokes", "skeleton", "contour", "uniform"])
def test_the_robot_marks_what_the_mask_says(geometry):
    drawn = robot_markers(DISK, geometry=geometry, seed=3)
    assert drawn.classes == (0, 1)
    assert (DISK[tuple(drawn.points.T)] == drawn.labels).all()
    assert robot_markers(DISK, geometry=geometry, seed=3) == drawn
    assert robot_markers(np.zeros((30, 30)), geometry=geometry).classes == (0,)


def test_the_robot_marks_tiny_and_whole_objects():
    tiny = np.zeros((30, 30))
    tiny[10:15, 10:15] = 1
    assert robot_markers(tiny).classes == (0, 1)
    assert robot_markers(np.ones((30, 30))).classes == (1,)
    with pytest.raises(ParameterError, match="geometry"):
        robot_markers(DISK, geometry="stars")  # type: ignore[arg-type]


def test_checks_speak():
    image, drawn = scene()
    assert check_markers([drawn], [image]) == ()
    assert "no stroke is drawn" in check_markers([drawn.only([])])[0]
    assert "all strokes have label 1" in check_markers([drawn.only(drawn.is_object)])[0]
    assert "uniform in colour" in check_markers([drawn], [np.where(image > 0.5, 1, 0)])[0]
    assert "markers of (40, 44) spels" in check_markers([drawn], [image[1:]])[0]
    many = Markers.from_image(np.where(np.arange(900).reshape(30, 30) < 5, 1, 0))
    assert any("background spels against 5" in text for text in check_markers([many]))
    touching = Markers([(0, 0), (0, 1)], [0, 1], (4, 4))
    assert any("touch at" in text for text in check_markers([touching]))


def test_lists_that_are_too_short_are_refused(learned):
    """No image is left out in silence."""
    _, image, drawn = learned
    with pytest.raises(ParameterError, match="1 names for 2 images"):
        check_markers([drawn, drawn], names=["a"])
    with pytest.raises(ShapeError, match="1 images for 2 markers"):
        check_markers([drawn, drawn], [image])
    with pytest.raises(ParameterError, match="1 names for 2 images"):
        points_bank([image, image], [drawn, drawn], Adjacency.box(3), names=["a"])
    with pytest.raises(ShapeError, match="1 images and 2 markers"):
        points_bank([image], [drawn, drawn], Adjacency.box(3))
    with pytest.raises(ShapeError, match=r"channels; expected the same number"):
        spel.learn(two_blocks(), [image, image[..., :1]], [drawn, drawn])


def test_relearning_does_not_mix_settings(learned):
    net, image, drawn = learned
    records = {**net.meta["learned"], "conv2": {**net.meta["learned"]["conv2"], "seed": 7}}
    other = unlearned(net.with_meta(learned=records), ["conv1", "conv2"])
    with pytest.raises(ParameterError, match="different settings"):
        relearn(other, [image], [drawn])


def test_the_robot_corrects_the_largest_error():
    mask, answer = np.zeros((40, 60), bool), np.zeros((40, 60), bool)
    mask[10:20, 5:45] = True  # 10 x 40, missed
    answer[25:35, 5:25] = True  # 10 x 20, found by mistake
    stroke = robot_correction(mask, answer, reach=8, width=3)
    rows, cols = stroke.points.T
    assert stroke.classes == (1,)
    assert (rows.min(), rows.max()) in {(13, 15), (13, 16), (14, 16)}  # the middle, 3 spels wide
    assert cols.max() - cols.min() <= 18
    answer |= mask
    assert robot_correction(mask, answer).classes == (0,)
    assert len(robot_correction(mask, mask)) == 0
    with pytest.raises(spel.ShapeError, match="same size"):
        robot_correction(mask, mask[1:])


def test_a_uniform_stroke_is_told_in_an_image_with_infinity():
    image = np.random.default_rng(0).random((9, 9, 1))
    image[2, :5], image[8, 8] = 0.5, np.inf
    drawn = Markers([(2, c) for c in range(5)] + [(6, 2)], [1] * 5 + [0], (9, 9))
    assert [note for note in check_markers([drawn], [image]) if "uniform in colour" in note]
