"""Guesses: what an activation has lost is learned from other images of the same kind."""

import numpy as np
import pytest

import spel
from spel import (
    Activation,
    Adjacency,
    Center,
    Convolution,
    KernelBank,
    MaxPool,
    Network,
    ParameterError,
    ShapeError,
    UnsupportedLayerError,
    chain,
)
from spel.cli.main import run
from spel.data import street
from spel.nn import GlobalPool, Upsample
from spel.synthesis import guess, invert_steps, learn_guess, likeness

BOX = Adjacency.box(3)


def photo(seed):
    return street(seed).image[180:276, 240:336].astype(np.float32)


@pytest.fixture(scope="module")
def photos():
    return [photo(seed) for seed in (1, 2, 4)]


def encoder(stride=1):
    """Two layers; the first image loses its mean colour, and strides lose places."""
    first = KernelBank.random(BOX, kernels=8, channels=3, seed=1)
    second = KernelBank.random(BOX, kernels=12, channels=8, seed=2)
    relu, pool = Activation("relu"), MaxPool(BOX, stride)
    return chain(Center(), Convolution(first), relu, Convolution(second), relu, pool=pool)


@pytest.mark.parametrize("stride", [1, 2, (1, 3)])
def test_guessed_colours_come_nearer_than_what_the_activation_says(photos, stride):
    net, image = encoder(stride), photo(3)
    alone = invert_steps(net, image, ["pool"], bounds=(0, 255), rounds=1)[0]["pool"]
    guided = invert_steps(net, image, ["pool"], bounds=(0, 255), like=photos, rounds=1)[0]["pool"]
    assert likeness(image, guided) > likeness(image, alone) + 0.1
    assert 0 <= guided.min() <= guided.max() <= 255


def test_a_guess_explains_the_activation_better_after_rounds(photos):
    net, image = encoder(), photo(3)
    wanted = net(image)
    start = learn_guess(net, photos)(wanted, image.shape).clip(0, 255)
    better = spel.invert(net, wanted, shape=image.shape, bounds=(0, 255), start=start, trust=0.1)
    assert np.square(net(better) - wanted).mean() < 0.95 * np.square(net(start) - wanted).mean()
    near = spel.invert(net, wanted, shape=image.shape, bounds=(0, 255), start=start, trust=1e6)
    assert np.abs(near - start).max() < 1


def test_guesses_of_all_steps_are_those_of_each_and_run_the_network_once(photos, monkeypatch):
    net = encoder((1, 3))
    runs, select = [], Network.select

    def counted(self, image, names):
        runs.append(list(names))
        return select(self, image, names)

    monkeypatch.setattr(Network, "select", counted)
    guesses, refused = guess.learn_guesses(net, photos, net.names)
    assert not refused
    assert runs == [list(net.names)] * len(photos)
    monkeypatch.setattr(guess, "MOST", 1)
    runs.clear()
    apart, _ = guess.learn_guesses(net, photos, net.names)
    assert [len(names) for names in runs] == [1] * len(photos) * len(net.names)
    for name in net.names:
        wanted = select(net, photos[0], [name])[name]
        alone = learn_guess(net, photos, name)(wanted, photos[0].shape)
        np.testing.assert_array_equal(guesses[name](wanted, photos[0].shape), alone)
        np.testing.assert_array_equal(apart[name](wanted, photos[0].shape), alone)


def test_steps_that_cannot_be_guessed_leave_the_others(photos):
    net = chain(center=Center(), large=Upsample(2), small=MaxPool(BOX, 2))
    pictures, refused = invert_steps(net, photos[0], bounds=(0, 255), like=photos[1:], rounds=1)
    assert list(pictures) == ["center", "small"]
    assert "more spels" in refused["large"]


def test_volumes_are_guessed():
    image = np.random.default_rng(0).random((5, 6, 7, 1)).astype(np.float32)
    bank = KernelBank.random(Adjacency.box(3, ndim=3), kernels=27, seed=0)
    net = chain(Convolution(bank))
    others = [image[::-1], image[:, ::-1], image[:, :, ::-1]]
    learned = learn_guess(net, others)
    assert likeness(image, learned(net(image), image.shape)) > 0.85


def test_what_cannot_be_guessed_is_refused(photos):
    net = encoder()
    with pytest.raises(ParameterError, match="no images"):
        learn_guess(net, [])
    with pytest.raises(ParameterError, match="odd"):
        learn_guess(net, photos, side=2)
    with pytest.raises(UnsupportedLayerError, match="more spels than the image"):
        learn_guess(chain(Upsample(2)), photos)
    with pytest.raises(UnsupportedLayerError, match="does not cover"):
        learn_guess(chain(GlobalPool()), photos)
    with pytest.raises(ShapeError, match="becomes an image"):
        learn_guess(net, photos)(net(photos[0]), (200, 96, 3))
    with pytest.raises(ParameterError, match="trust"):
        spel.invert(net, net(photos[0]), shape=photos[0].shape, trust=-1)


def test_a_folder_of_like_images_on_the_command_line(photos, tmp_path, capsys):
    like, only = tmp_path / "like", tmp_path / "only"
    like.mkdir()
    only.mkdir()
    for number, image in enumerate([*photos, photo(3)]):
        spel.write(like / f"{number}.png", image.astype(np.uint8))
    net, out = tmp_path / "net.safetensors", tmp_path / "out.png"
    encoder().save(net)
    common = ["invert", str(net), str(like / "3.png"), "--out", str(out), "--rounds", "1"]
    found = {}
    for name, more in {"alone": [], "like": ["--like", str(like)]}.items():
        assert run([*common, *more]) == 0
        said = capsys.readouterr().err
        found[name] = float(said.split("correlation with the image ")[1].split()[0])
    assert found["like"] > found["alone"] + 0.1
    (like / "3.png").rename(only / "3.png")
    common[2] = str(only / "3.png")
    assert run([*common, "--like", str(only)]) == 3
    assert "no image besides the inverted one" in capsys.readouterr().err
