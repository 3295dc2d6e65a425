"""Masks cut by the colours of their own image, on rendered scenes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import spel
from spel.cli.main import run as program
from spel.core.markers import Markers
from spel.decide import Delineation, ObjectModel, Segmentation, segment, segmentation_of
from spel.decide.color_cut import cut_by_colors
from spel.decide.segmentation import ObjectClass
from spel.errors import ParameterError, ShapeError
from spel.io.annotation.markers import write_markers
from spel.large.bands import check_tiled
from spel.learning.segmenter import learn_segmenter
from spel.metrics.segmentation import dice
from spel.nn import Activation, Unlearned, chain

RED, BLUE, GREEN, OLIVE = (200, 40, 40), (60, 40, 190), (70, 150, 60), (120, 130, 60)


def scene(size=(64, 80), seed=0):
    """A disk, red above and blue below, on green; a spot of another green; and noise."""
    rows, cols = np.indices(size)
    disk = (rows - 32) ** 2 + (cols - 36) ** 2 < 18**2
    image = np.broadcast_to(np.array(GREEN, float), (*size, 3)).copy()
    image[8:20, 62:76] = OLIVE
    image[disk] = RED
    image[disk & (rows > 32)] = BLUE
    noise = np.random.default_rng(seed).normal(0, 12, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8), disk


def half_known(disk):
    """A saliency that knows the left half of a disk, and takes grass nearby for a part of it."""
    cols = np.indices(disk.shape)[1]
    saliency = np.where(disk & (cols <= 36), 0.8, np.where(disk, 0.34, 0.1))
    saliency[4:12, 4:16] = 0.41
    return saliency.astype(np.float32)


def test_colours_complete_an_object_and_take_background_away():
    image, disk = scene()
    saliency = half_known(disk)
    rough = saliency > 0.4
    assert dice(rough, disk) < 0.7
    cut = cut_by_colors(rough, saliency, image)
    assert dice(cut, disk) > 0.95
    assert not cut[4:12, 4:16].any()
    assert np.array_equal(cut, cut_by_colors(rough, saliency, image))


@pytest.mark.parametrize("spels", [0, 4])
def test_too_few_spels_for_a_mixture_stay(spels):
    image, disk = scene()
    rough = np.zeros(disk.shape, bool)
    rough.ravel()[:spels] = True
    for mask in (rough, ~rough):
        assert np.array_equal(cut_by_colors(mask, half_known(disk), image), mask)


def test_a_volume_of_one_channel_and_an_odd_size():
    values = np.random.default_rng(0).normal(0, 0.1, (9, 25, 31, 1)).astype(np.float32)
    ball = np.zeros(values.shape[:-1], bool)
    ball[2:8, 5:20, 8:24] = True
    values[ball] += 3
    saliency = np.where(ball, 0.4, 0.1).astype(np.float32)
    saliency[2:8, 5:12, 8:24] = 0.9
    cut = cut_by_colors(saliency > 0.5, saliency, values)
    assert cut.shape == ball.shape
    assert dice(saliency > 0.5, ball) < 0.7
    assert dice(cut, ball) > 0.8  # borders of cubes of 2 x 2 x 2


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_colour_that_is_not_finite_changes_little(value):
    image, disk = scene()
    saliency = half_known(disk)
    colors = image.astype(np.float32)
    colors[2, 70] = value
    whole = cut_by_colors(saliency > 0.4, saliency, image)
    saliency[2, 70] = np.nan
    assert dice(cut_by_colors(saliency > 0.4, saliency, colors), whole) > 0.98
    unknown = cut_by_colors(saliency > 0.4, saliency, np.full_like(colors, value))
    assert unknown.shape == disk.shape  # the saliency alone decides


def test_arrays_of_two_images_are_refused():
    image, disk = scene()
    with pytest.raises(ShapeError, match=r"mask of shape .* expected one size"):
        cut_by_colors(disk[1:], half_known(disk), image)


def strokes():
    drawn = np.full((64, 80), -1)
    drawn[20:26, 30:42] = drawn[40:44, 30:42] = 1
    drawn[2:6, 2:60] = drawn[56:60, 2:60] = 0
    return Markers.from_image(drawn)


def unlearned():
    return chain(conv=Unlearned(spel.Adjacency.box(3), kernels=6), relu=Activation("relu"))


def learned(**options):
    return learn_segmenter(unlearned(), [scene(seed=1)[0]], [strokes()], **options).network


def test_a_learned_network_cuts_and_its_file_says_so(tmp_path):
    network = learned(select="threshold", cut=True)
    image, disk = scene(seed=2)
    assert segmentation_of(network).cut
    assert segment(network, image).any()
    assert dice(segment(network, image), disk) > 0.9
    network.save(tmp_path / "net.safetensors")
    again = spel.load(tmp_path / "net.safetensors")
    assert np.array_equal(segment(again, image), segment(network, image))
    bare = replace(segmentation_of(network), delineation=Delineation("none"))
    assert np.array_equal(
        segment(network, image, bare),
        cut_by_colors(
            segment(network, image, replace(bare, cut=False)), network(image)[..., 0], image
        ),
    )
    plain = learned(select="threshold", sharp=False)
    assert "cut" not in segmentation_of(plain).to_dict()


def test_tiles_of_such_a_network_are_refused():
    network = learned(select="threshold", cut=True)
    with pytest.raises(ParameterError, match="cuts masks by the colours of the whole image"):
        check_tiled(network, segmentation_of(network))


def test_cut_is_for_one_class_of_any_size():
    with pytest.raises(ParameterError, match=r"cut is for objects of any size .* leave it out"):
        learned(cut=True)
    with pytest.raises(ParameterError, match=r"cut True; expected a bool, and True only"):
        Segmentation(objects=ObjectModel(area=9), cut=True)
    with pytest.raises(ParameterError, match=r"cut True; expected a bool, and True only"):
        Segmentation(classes=(ObjectClass(0), ObjectClass(1)), cut=True)
    with pytest.raises(ParameterError, match=r"cut 'yes'; expected a bool"):
        Segmentation(cut="yes")


def test_the_command_line_learns_and_applies_it(tmp_path, capsys):
    for seed, name in ((1, "marked"), (2, "other")):
        (tmp_path / name).mkdir()
        spel.write(tmp_path / name / "a.png", scene(seed=seed)[0])
    (tmp_path / "strokes").mkdir()
    write_markers(tmp_path / "strokes" / "a-seeds.txt", strokes())
    unlearned().save(tmp_path / "arch.safetensors")
    words = ["learn", tmp_path / "arch.safetensors", "--images", tmp_path / "marked", "--cut"]
    words += ["--markers", tmp_path / "strokes", "--out", tmp_path / "net.safetensors"]
    assert program([str(word) for word in words]) == 3
    assert "--objects any-size" in capsys.readouterr().err
    assert program([str(word) for word in [*words, "--objects", "any-size"]]) == 0
    assert "cut by the colours of each image" in capsys.readouterr().err
    words = ["segment", tmp_path / "net.safetensors", tmp_path / "other", "--out"]
    with pytest.raises(SystemExit) as stop:
        program([str(word) for word in [*words, tmp_path / "masks"]])
    assert stop.value.code == 0
    mask = spel.read(tmp_path / "masks" / "a.png")[..., 0] > 0
    assert dice(mask, scene(seed=2)[1]) > 0.9
