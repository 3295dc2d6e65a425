"""Larger grids: literals, the adjoint law, PyTorch as an oracle, streams, tiles, traces."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import spel
from spel import Adjacency, KernelBank, ParameterError, ShapeError, kernels, ops
from spel.kernels import reference
from spel.large import tiles
from spel.nn import (
    Activation,
    Add,
    Concatenate,
    Convolution,
    MaxPool,
    Network,
    Node,
    TransposedConvolution,
    Upsample,
    chain,
)
from spel.nn.geometry import geometry
from spel.testing import adjacencies

RNG = np.random.default_rng(0)


def test_literals():
    assert ops.upsample([[1, 2]], 2).tolist() == [[1, 1, 2, 2], [1, 1, 2, 2]]
    assert ops.upsample([[0, 6]], (1, 3), method="linear").tolist() == [[0, 0, 2, 4, 6, 6]]
    cross = KernelBank(Adjacency.from_displacements([(0, -1), (0, 2)]), [[[2.0], [5.0]]])
    spread = ops.transposed_convolve([[1.0, 10.0, 100.0]], cross)[..., 0]
    assert spread.tolist() == [[20.0, 200.0, 5.0]]
    spread = ops.transposed_convolve([[1.0, 10.0]], cross, border="valid", bias=0.5)[..., 0]
    assert spread.tolist() == [[2.5, 20.5, 0.5, 5.5, 50.5]]


def test_linear_upsampling_is_scikit_images():
    from skimage.transform import resize

    image = RNG.normal(size=(5, 7)).astype(np.float32)
    want = resize(image, (15, 14), order=1, mode="edge", anti_aliasing=False)
    assert np.allclose(ops.upsample(image, (3, 2), method="linear"), want, atol=1e-6)


@settings(max_examples=60, deadline=None)
@given(
    area=adjacencies(),
    stride=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    border=st.sampled_from(["zero", "valid"]),
    size=st.tuples(st.integers(1, 6), st.integers(1, 7)),
)
def test_it_is_the_adjoint_of_the_convolution(area, stride, border, size):
    rng = np.random.default_rng(len(area))
    bank = KernelBank(area, rng.integers(-3, 4, size=(2, len(area), 3)))
    y = rng.integers(-9, 9, size=(*size, 2)).astype(np.float32)
    back = ops.transposed_convolve(y, bank, stride=stride, border=border)
    x = rng.integers(-9, 9, size=back.shape).astype(np.float32)
    forth = ops.convolve(x, bank, stride=stride, border=border)
    assert forth.shape == y.shape
    assert np.vdot(forth.astype(int), y.astype(int)) == np.vdot(x.astype(int), back.astype(int))


@settings(max_examples=30, deadline=None)
@given(
    area=adjacencies(),
    stride=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    border=st.sampled_from(["zero", "valid"]),
)
def test_the_engine_is_the_reference(area, stride, border):
    rng = np.random.default_rng(len(area))
    layer = TransposedConvolution(
        KernelBank(area, rng.normal(size=(2, len(area), 3))), stride, border, rng.normal(size=3)
    )
    image = rng.normal(size=(5, 6, 2)).astype(np.float32)
    ours, meant = layer(image), np.empty(layer.shape(image.shape), dtype=np.float32)
    reference.transpose(
        np.moveaxis(image, -1, 0)[None, :, None],
        area.displacements_3d,
        layer.bank.weights,
        np.asarray(layer.bias),
        start=(0, *layer.window.start),
        stride=(1, *layer.window.strides),
        out=np.moveaxis(meant, -1, 0)[None, :, None],
    )
    assert np.allclose(ours, meant, atol=1e-5)
    at = tuple(n // 2 for n in ours.shape[:2])
    told = layer.explain([image], ours, at, 1)
    total = told.terms.get("sum", 0.0) + told.terms["bias"]
    assert total == pytest.approx(ours[(*at, 1)], abs=1e-5)


def u_shaped(down=2):
    bank = KernelBank.random(Adjacency.box(3), kernels=4, channels=2, seed=0)
    deeper = KernelBank.random(Adjacency.box(3), kernels=4, channels=4, seed=1)
    up = KernelBank(Adjacency.from_mask(np.ones((2, 2)), (0, 0)), RNG.normal(size=(4, 4, 4)))
    last = KernelBank.random(Adjacency.disk(1), kernels=2, channels=12, seed=2)
    halve = MaxPool(Adjacency.from_mask(np.ones((2, 2)), (0, 0)), 2, "valid")
    return Network(
        (
            Node("a", Convolution(bank), ("input",)),
            Node("half", halve, ("a",)),
            Node("b", Convolution(deeper, border="reflect"), ("half",)),
            Node("quarter", halve, ("b",)),
            Node("up_b", TransposedConvolution(up, 2), ("quarter",)),
            Node("sum", Add(), ("b", "up_b")),
            Node("relu", Activation(), ("sum",)),
            Node("up", Upsample(2, "linear"), ("relu",)),
            Node("near", Upsample(2), ("relu",)),
            Node("join", Concatenate(), ("a", "up", "near")),
            Node("out", Convolution(last), ("join",)),
        )
    )


@pytest.mark.parametrize("size", [(4, 4), (20, 36), (128, 64), (300, 12)])
def test_streamed_is_layer_by_layer(size):
    net = u_shaped()
    image = RNG.normal(size=(*size, 2)).astype(np.float32)
    done = {"input": image}
    for node in net:
        done[node.name] = node.layer(*[done[name] for name in node.inputs])
    with spel.threads(2):
        for name, activation in net.activations(image).items():
            assert np.array_equal(activation, done[name]), name
        assert np.array_equal(net(image), done["out"])
    if kernels.choice == "native":
        assert len(net.plan(image.shape).segments) == 1
        rows = list(net.plan(image.shape).rows([image], height=7))
        assert np.array_equal(np.concatenate(rows), done["out"])


@pytest.mark.parametrize("size", [(64, 92), (100, 40)])
@pytest.mark.parametrize("tile", [8, 19, 32])
def test_tiled_equals_whole(size, tile):
    net = u_shaped()
    assert net.footprints["out"].align == (4, 4)
    assert net.footprints["out"].stride == (1, 1)
    image = RNG.normal(size=(*size, 2)).astype(np.float32)
    assert np.array_equal(tiles.apply(net, image, size=tile), net(image))


@pytest.mark.parametrize("factor", [2, 3])
def test_an_output_larger_than_the_image_runs_in_tiles(factor):
    net = chain(Upsample(factor, "linear"), MaxPool(Adjacency.disk(2)), Upsample((1, 2)))
    image = RNG.normal(size=(21, 30, 1)).astype(np.float32)
    assert np.array_equal(tiles.apply(net, image, size=8), net(image))
    place = geometry(net)
    assert place.scale == pytest.approx((1 / factor, 1 / factor / 2))


def test_boxes_come_back_to_the_image():
    halve = MaxPool(Adjacency.from_mask(np.ones((2, 2)), (0, 0)), 2)
    for up in (Upsample(2), Upsample(2, "linear"), TransposedConvolution.default(1)):
        place = geometry(chain(halve, up))
        assert place.scale == (1, 1)
        assert place.offset == (0, 0)


def test_volumes_and_batches():
    volume = RNG.normal(size=(3, 4, 5, 1)).astype(np.float32)
    net = chain(Upsample((2, 1, 3), "linear"))
    assert net(volume).shape == (6, 4, 15, 1)
    batch = RNG.normal(size=(2, 4, 5, 2)).astype(np.float32)
    net = u_shaped()
    batch = RNG.normal(size=(2, 8, 12, 2)).astype(np.float32)
    assert np.array_equal(net(batch)[1], net(batch[1]))


def test_what_does_not_fit_is_refused():
    bank = KernelBank(Adjacency.box(3), np.ones((2, 9, 1)))
    with pytest.raises(ParameterError, match="factor 0"):
        Upsample(0)
    with pytest.raises(ParameterError, match="'nearest' or 'linear'"):
        Upsample(2, "cubic")
    with pytest.raises(ParameterError, match="'zero' or 'valid'"):
        TransposedConvolution(bank, border="edge")
    with pytest.raises(ShapeError, match="one channel for each kernel"):
        TransposedConvolution(bank)(np.zeros((4, 4, 1)))
    with pytest.raises(ShapeError, match="for each of 1 channels"):
        TransposedConvolution(bank, bias=[1.0, 2.0])
    with pytest.raises(ParameterError, match="biases of a bank"):
        TransposedConvolution(
            KernelBank.sobel().__class__(Adjacency.box(3), np.ones((1, 9, 1)), [1.0])
        )
