"""LAW: <push x, y> = <x, pull y> for every layer that can be inverted; and push is the slope."""

import numpy as np
import pytest

from spel import Adjacency, KernelBank, UnsupportedLayerError, chain, residue
from spel.nn import (
    Activation,
    Add,
    Center,
    Clip,
    Color,
    Concatenate,
    Convolution,
    DivisiveNormalize,
    GroupedConvolution,
    MaxPool,
    MeanPool,
    MinPool,
    Multiply,
    PReLU,
    Residue,
    Scale,
    Softmax,
    TransposedConvolution,
    Upsample,
    WeightedSum,
)
from spel.synthesis.linearized import Linearized
from spel.synthesis.tangent import tangent

BOX = Adjacency.box(3)
BANK = KernelBank.random(BOX, kernels=4, channels=3, seed=1)
LAYERS = [
    Convolution(BANK, stride=2, border="edge"),
    Convolution(KernelBank(BOX, BANK.weights, [1.0, 2.0, 3.0, 4.0]), border=(1.0, 2.0, 3.0)),
    GroupedConvolution(KernelBank.random(BOX, kernels=3, channels=1, seed=2), groups=3),
    TransposedConvolution(KernelBank.random(BOX, kernels=3, channels=2, seed=2), stride=2),
    Activation("relu"),
    Activation("tanh"),
    PReLU([0.1, 0.2, 0.3]),
    Clip(-0.5, 0.5),
    MaxPool(BOX, 2),
    MinPool(BOX),
    MeanPool(BOX, 2),
    Upsample(2),
    Center(),
    Scale([1.0, 2.0, 3.0], [4.0, 5.0, 6.0]),
    WeightedSum([1.0, -2.0, 3.0], 7.0),
    DivisiveNormalize(BOX),
    Color("grey", white=1.0),
    Color("labnorm2", white=1.0),
]
PAIRS = [Add(), Multiply(), Concatenate(), Residue(), Residue(scale="max")]


def is_adjoint(layer, images):
    rng = np.random.default_rng(3)
    at = tangent(layer, *images)
    changes = [rng.normal(size=i.shape).astype(np.float32) for i in images]
    forth = at.push(*changes).astype(np.float64)
    y = rng.normal(size=forth.shape).astype(np.float32)
    back = at.pull(y)
    assert forth.shape == layer.shape(*[i.shape for i in images])
    right = sum(np.vdot(c.astype(np.float64), b) for c, b in zip(changes, back))
    return np.isclose(
        np.vdot(forth, y), right, atol=2e-6 * np.linalg.norm(forth) * np.linalg.norm(y)
    )


def image(channels=3):
    return np.random.default_rng(channels).uniform(0.1, 0.9, (7, 9, channels)).astype(np.float32)


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: type(layer).__name__)
def test_push_and_pull_are_adjoint(layer):
    assert is_adjoint(layer, [image()])


@pytest.mark.parametrize("layer", PAIRS, ids=lambda layer: type(layer).__name__)
def test_layers_of_two_images_have_adjoints(layer):
    assert is_adjoint(layer, [image(), image()[::-1].copy()])


@pytest.mark.parametrize("layer", [la for la in LAYERS if "labnorm2" not in la.describe()], ids=str)
def test_push_is_the_change_of_the_activation(layer):
    if isinstance(layer, (Center, DivisiveNormalize)):
        pytest.skip("its medians or norms are taken as given")
    step = np.random.default_rng(5).normal(size=(7, 9, 3)) * 1e-4
    change = step.astype(np.float32)
    moved = layer(image() + change).astype(np.float64) - layer(image())
    assert np.abs(moved - tangent(layer, image()).push(change)).max() < 3e-5


def test_a_network_is_pulled_back_through_branches():
    net = chain(Convolution(BANK), residue(DivisiveNormalize(BOX)))
    images = {"input": image(), **net.activations(image())}
    linear = Linearized(net, images, [net.output])
    rng = np.random.default_rng(3)
    x = rng.normal(size=(7, 9, 3)).astype(np.float32)
    y = rng.normal(size=(7, 9, 4)).astype(np.float32)
    forth = linear.push(x)[net.output].astype(np.float64)
    assert np.isclose(
        np.vdot(forth, y), np.vdot(x.astype(np.float64), linear.pull({net.output: y}))
    )
    assert linear.reach == [4, 4]


def test_what_has_no_adjoint_is_refused_with_its_node():
    net = chain(share=Softmax())
    with pytest.raises(UnsupportedLayerError) as caught:
        Linearized(net, {"input": image(), **net.activations(image())}, ["share"])
    assert "share" in " ".join(caught.value.__notes__)
    with pytest.raises(UnsupportedLayerError, match=r"spel\.residue"):
        tangent(Residue(DivisiveNormalize(BOX)), image())
