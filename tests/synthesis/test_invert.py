"""Activations inverted: exactly where they say all, near where they do not, refused by name."""

import numpy as np
import pytest

import spel
from spel import (
    Activation,
    Adjacency,
    Convolution,
    KernelBank,
    MaxPool,
    ParameterError,
    Scale,
    ShapeError,
    branch,
    chain,
    invert,
)
from spel.data import street
from spel.synthesis import invert_steps, inverted_sheet, likeness, share_of_power
from spel.synthesis.constraints import demands
from spel.synthesis.stages import is_rectified, stages

BOX = Adjacency.box(3)


def encoder(kernels=8, channels=1, axes=2, seed=0):
    bank = KernelBank.random(
        Adjacency.box(3, ndim=axes), kernels=kernels, channels=channels, seed=seed
    )
    flip = chain(flip=Scale([-1.0] * kernels), relu=Activation("relu"))
    return chain(conv=Convolution(bank), two=branch(plus=Activation("relu"), minus=flip))


def decibels(image, other):
    return 10 * np.log10(255**2 / np.mean((image - other) ** 2))


@pytest.fixture(scope="module")
def photo():
    return street(3).image[200:296, 240:336].astype(np.float32)


def test_a_maximum_demands_its_winner_and_bounds_the_others():
    net = chain(pool=MaxPool(Adjacency.rectangle(width=3, height=1), 3))
    image = np.array([[[1.0], [5.0], [2.0], [0.0], [3.0], [9.0]]], np.float32)
    wanted = np.array([[[4.0], [7.0]]], np.float32)
    asked = demands(net, "pool", wanted, {"input": image}, 0.25)["input"]
    assert asked.values.ravel().tolist() == [1, 4, 2, 0, 7, 9]
    assert asked.weights.ravel().tolist() == [0, 1, 0, 0, 1, 0]


def test_a_relu_demands_values_above_zero_and_bounds_the_others():
    net = chain(relu=Activation("relu"))
    image = np.array([[[-3.0], [-3.0], [2.0]]], np.float32)
    wanted = np.array([[[4.0], [0.0], [0.0]]], np.float32)
    asked = demands(net, "relu", wanted, {"input": image}, 0.25)
    assert asked["input"].values.ravel().tolist() == [4, -3, 0]
    assert asked["input"].weights.ravel().tolist() == [1, 0, 0.25]


@pytest.mark.parametrize("channels", [1, 3, 6])
def test_both_sides_of_a_bank_say_all(photo, channels):
    image = np.concatenate([photo, photo[::-1]], axis=-1)[..., :channels]
    net = encoder(2 * channels + 6, channels)
    found = invert(net, net(image), shape=image.shape, bounds=(0, 255), rounds=3)
    assert decibels(image, found) > 40


def test_volumes_are_inverted(photo):
    image = np.stack([photo[:24, :24, :1], photo[24:48, :24, :1], photo[48:72, :24, :1]])
    net = encoder(8, 1, axes=3)
    assert decibels(image, invert(net, net(image), shape=image.shape, rounds=3)) > 40


def test_maxima_leave_most_of_the_image(photo):
    net = chain(encoder(16, 3), pool=MaxPool(BOX, 2))
    found = invert(net, net(photo), shape=photo.shape, bounds=(0, 255))
    assert decibels(photo, found) > 28
    assert found.min() >= 0
    assert found.max() <= 255


def test_two_layers_are_inverted_one_after_the_other(photo):
    second = Convolution(KernelBank.random(BOX, kernels=24, channels=32, seed=4))
    net = chain(encoder(16, 3), deep=second, last=Activation("relu"))
    assert [part.output for part in stages(net)] == ["two.concatenate", "last"]
    assert all(map(is_rectified, stages(net)))
    calls = []
    found = invert(
        net, net(photo), shape=photo.shape, bounds=(0, 255), on_round=lambda: calls.append(1)
    )
    assert likeness(photo, found) > 0.5
    assert len(calls) == 5


def test_what_an_activation_does_not_say_comes_from_the_start(photo):
    net = chain(Scale([1.0, 0.0, 2.0]))
    start = photo[::-1].copy()
    found = invert(net, net(photo), shape=photo.shape, start=start)
    assert np.abs(found - photo)[..., [0, 2]].max() < 0.5
    assert np.corrcoef(found[..., 1].ravel(), start[..., 1].ravel())[0, 1] > 0.9


def test_wrong_activations_are_refused(photo):
    net = encoder(4, 3)
    right = net(photo)
    with pytest.raises(ShapeError, match="an activation of shape"):
        invert(net, right[1:], shape=photo.shape)
    with pytest.raises(ShapeError, match="start of shape"):
        invert(net, right, shape=photo.shape, start=photo[1:])
    with pytest.raises(ParameterError, match="rounds"):
        invert(net, right, shape=photo.shape, rounds=0)
    with pytest.raises(ParameterError, match="bounds"):
        invert(net, right, shape=photo.shape, bounds=(1, 0))
    with pytest.raises(ParameterError, match="NaN"):
        invert(net, right * np.nan, shape=photo.shape)
    with pytest.raises(ShapeError, match="or a batch"):
        invert_steps(net, photo[None])


def test_steps_of_the_plate_detector_make_a_sheet(photo):
    net = spel.load("plates")
    pictures, refused = invert_steps(net, photo, ["grey", "cells"], bounds=(0, 255))
    assert list(pictures) == ["grey", "cells"]
    assert not refused
    assert likeness(photo, pictures["grey"]) > 0.8
    assert likeness(photo, pictures["cells"]) > 0.25
    drawn = inverted_sheet(net, photo, pictures, 255.0)
    assert drawn.dtype == np.uint8
    assert drawn.shape[-1] == 3


def test_a_picture_is_found_behind_a_division_by_norms(photo):
    """A grey start has edges and norms of 0; so the search would never leave it."""
    net = spel.load("plate-lecture")
    pictures, _ = invert_steps(net, photo, ["plate.normalized", "plate.residue"], bounds=(0, 255))
    found = net.select(pictures["plate.normalized"], ["plate.normalized"])
    wanted = net.select(photo, ["plate.normalized"])
    assert share_of_power(*wanted.values(), *found.values()) > 0.7
    assert np.ptp(pictures["plate.residue"]) > 0


def test_a_step_that_says_nothing_is_told_so(tmp_path, photo, capsys):
    from spel.cli.main import run

    spel.write(tmp_path / "photo.png", photo.astype(np.uint8))
    nothing = chain(none=spel.Scale(np.zeros(3, np.float32)), relu=spel.Activation("relu"))
    nothing.save(tmp_path / "net.safetensors")
    files = [str(tmp_path / name) for name in ("net.safetensors", "photo.png", "out.png")]
    assert run(["invert", *files[:2], "--out", files[2]]) == 0
    assert "relu: says nothing of this image" in capsys.readouterr().err


def test_the_command_writes_a_picture_and_names_what_it_leaves_out(tmp_path, photo, capsys):
    from spel.cli.main import run

    spel.write(tmp_path / "photo.png", photo.astype(np.uint8))
    net = chain(encoder(8, 3), share=spel.Softmax())
    net.save(tmp_path / "net.safetensors")
    place = [str(tmp_path / "net.safetensors"), str(tmp_path / "photo.png")]
    out = tmp_path / "out.png"
    assert run(["invert", *place, "--step", "all", "--out", str(out)]) == 0
    said = capsys.readouterr()
    assert "share is left out" in said.err
    assert said.out.strip() == str(out)
    assert run(["invert", *place, "--step", "conv", "--out", str(out)]) == 0
    assert decibels(photo, spel.read(out)) > 40
    assert run(["invert", *place, "--step", "conv", "--out", str(tmp_path / "o.npy")]) == 0
    assert np.load(tmp_path / "o.npy").dtype == np.float32
    assert run(["invert", *place, "--out", str(out)]) == 3
    assert "no step can be inverted" in capsys.readouterr().err
