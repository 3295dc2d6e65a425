"""LAW: <A x, y> = <x, A* y> for every linear layer, adjacency, stride, border and dtype."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from spel import Adjacency, KernelBank, ParameterError, ShapeError, UnsupportedLayerError, ops
from spel.nn import (
    KINDS,
    Activation,
    Add,
    BatchNormalize,
    Concatenate,
    Convolution,
    Crop,
    DivisiveNormalize,
    GlobalPool,
    GroupedConvolution,
    MaxPool,
    MeanPool,
    MinPool,
    Multiply,
    Pad,
    TransposedConvolution,
    Upsample,
    adjoint,
    norms_of,
    undo_division,
)
from spel.testing import adjacencies
from spel.testing.examples import EXAMPLES

BORDERS = ("zero", "edge", "reflect", "symmetric", "wrap", "valid", 1.5, (0.5, -2.0))
many = settings(max_examples=100, deadline=None)


def linear_part(layer, *images):
    """The layer without what it adds: biases, shifts, a border's numbers."""
    zeros = [np.zeros_like(image) for image in images]
    return layer(*images).astype(np.float64) - layer(*zeros)


def check(layer, *images, seed=0):
    forth = linear_part(layer, *images)
    y = np.random.default_rng(seed).normal(size=forth.shape).astype(np.float32)
    back = adjoint(layer, y, *images)
    assert [b.shape for b in back] == [x.shape for x in images]
    left = np.vdot(forth, y.astype(np.float64))
    right = sum(np.vdot(x.astype(np.float64), b.astype(np.float64)) for x, b in zip(images, back))
    bound = 1e-6 * max(1.0, np.linalg.norm(forth) * np.linalg.norm(y))
    assert abs(left - right) <= bound


@st.composite
def windows(draw):
    dtype = draw(st.sampled_from(["float32", "float64", "uint8", "int16"]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    size = draw(st.tuples(st.integers(1, 9), st.integers(1, 9)))
    image = (rng.normal(size=(*size, 2)) * 10).astype(dtype)
    stride = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    return draw(adjacencies()), stride, image, rng


@many
@given(windows(), st.sampled_from(BORDERS))
def test_convolutions(window, border):
    area, stride, image, rng = window
    bank = KernelBank(area, rng.normal(size=(4, len(area), 2)), rng.normal(size=4))
    check(Convolution(bank, stride, border), image)
    bank = KernelBank(area, rng.normal(size=(4, len(area), 1)), rng.normal(size=4))
    check(GroupedConvolution(bank, 2, stride, border), image)


@many
@given(windows(), st.sampled_from(["zero", "valid"]))
def test_transposed_convolutions(window, border):
    area, stride, image, rng = window
    bank = KernelBank(area, rng.normal(size=(2, len(area), 3)))
    check(TransposedConvolution(bank, stride, border, rng.normal(size=3)), image)


@many
@given(
    windows(),
    st.sampled_from(["inside", "zero", "edge", "reflect", "symmetric", "wrap", "valid"]),
    st.sampled_from(["valid", "full"]),
)
def test_means(window, border, count):
    area, stride, image, _ = window
    check(MeanPool(area, stride, border, count), image)


@many
@given(windows(), st.integers(0, 12), st.integers(0, 12), st.sampled_from(BORDERS))
def test_sizes(window, before, after, border):
    _, stride, image, _ = window
    if border != "valid":
        check(Pad((before, after), (after, before), border), image)
    check(Crop((before // 3, 0), (0, after // 3)), image)
    for method in ("nearest", "linear"):
        check(Upsample(stride, method), image)
    check(GlobalPool(stride), image)


@many
@given(
    windows(),
    st.sampled_from([MaxPool, MinPool]),
    st.sampled_from(["inside", "edge", "wrap", "zero", "valid"]),
)
def test_a_maximum_is_linear_for_its_winners(window, kind, border):
    area, stride, image, rng = window
    layer = kind(area, stride, border)
    pooled = layer(image)
    y = rng.normal(size=pooled.shape).astype(np.float32)
    (back,) = adjoint(layer, y, image)
    left = np.vdot(pooled.astype(np.float64), y)
    right = np.vdot(image.astype(np.float64), back.astype(np.float64))
    assert abs(left - right) <= 1e-6 * max(1.0, np.linalg.norm(pooled) * np.linalg.norm(y))


def test_layers_of_several_images():
    rng = np.random.default_rng(0)
    images = [rng.normal(size=(5, 6, 2)).astype(np.float32) for _ in range(3)]
    check(Concatenate(), *images)
    check(Add(), *images)
    check(Add(), images[0], images[1][..., :1], images[2][:1, :1])
    y = rng.normal(size=(5, 6, 2)).astype(np.float32)
    gate = images[1][..., :1]
    first, second = adjoint(Multiply(), y, images[0], gate)
    assert np.allclose(first, y * gate)
    assert np.allclose(second, (y * images[0]).sum(axis=-1, keepdims=True), atol=1e-5)


@pytest.mark.parametrize(
    "kind", ["scale.v1", "weighted_sum.v1", "flatten.v1", "batch_normalize.v1"]
)
def test_the_other_linear_layers(kind):
    image = np.random.default_rng(0).normal(size=(6, 7, 2)).astype(np.float32)
    for options in EXAMPLES[kind]:
        check(KINDS[kind](**options), image)


def test_volumes_and_batches():
    rng = np.random.default_rng(0)
    ball = Adjacency.ball(1.5)
    volume = rng.normal(size=(4, 5, 6, 2)).astype(np.float32)
    bank = KernelBank(ball, rng.normal(size=(3, len(ball), 2)))
    for border in ("zero", "symmetric", "valid"):
        check(Convolution(bank, (1, 2, 2), border), volume)
    check(MeanPool(ball, 2), volume)
    batch = rng.normal(size=(3, 8, 9, 2)).astype(np.float32)
    flat = KernelBank(Adjacency.box(3), rng.normal(size=(3, 9, 2)))
    check(Convolution(flat, 2, "reflect"), batch)


def test_what_a_relu_kept_and_a_division_divided():
    image = np.array([[[3.0], [-4.0], [0.0]]], dtype=np.float32)
    y = np.array([[[10.0], [20.0], [30.0]]], dtype=np.float32)
    assert adjoint(Activation(), y, image)[0].ravel().tolist() == [10.0, 0.0, 0.0]
    assert adjoint(Activation("abs"), y, image)[0].ravel().tolist() == [10.0, -20.0, -30.0]
    layer = DivisiveNormalize(Adjacency.box(3))
    norms = norms_of(layer, image)
    assert norms.ravel().tolist() == [5.0, 5.0, 4.0]
    assert np.allclose(undo_division(layer, layer(image), norms), image)
    assert adjoint(layer, y, image)[0].ravel().tolist() == [2.0, 4.0, 7.5]


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_norms_of_very_small_and_very_large_numbers(scale):
    image = np.array([[[3.0], [4.0], [0.0]]]) * scale
    layer = DivisiveNormalize(Adjacency.box(3))
    norms = norms_of(layer, image)
    assert np.allclose(norms.ravel() / scale, [5.0, 5.0, 4.0], rtol=1e-6)
    quotients = [[[0.6], [0.8], [0.0]]]
    assert np.allclose(undo_division(layer, quotients, norms), image, rtol=1e-6, atol=0)


def test_several_windows_share_a_winner():
    row = Adjacency.rectangle(width=3, height=1)
    assert ops.unpool([[1, 2, 4]], [[0, 9, 1]], row).tolist() == [[0.0, 7.0, 0.0]]
    assert ops.unpool([[1, 2, 4]], [[0, 9, 1]], row, function="min").tolist() == [[3.0, 0.0, 4.0]]
    assert ops.unpool([[1, 2]], [[-1, -1]], row, border="zero").tolist() == [[0.0, 0.0]]


def test_what_has_no_adjoint_is_refused():
    image = np.zeros((4, 4, 2), dtype=np.float32)
    for layer in (
        KINDS["softmax.v1"](),
        Activation("tanh"),
        GlobalPool(1, "max"),
    ):
        y = np.zeros(layer.shape(image.shape), dtype=np.float32)
        with pytest.raises(UnsupportedLayerError, match="adjoint"):
            adjoint(layer, y, image)
    batch = np.zeros((2, 4, 4, 2), dtype=np.float32)
    with pytest.raises(UnsupportedLayerError, match="without statistics"):
        adjoint(BatchNormalize(), batch, batch)
    with pytest.raises(ShapeError, match="which gives"):
        adjoint(MaxPool(Adjacency.box(3), 2), image, image)
    with pytest.raises(ShapeError, match="expected"):
        ops.unpool(image, image, Adjacency.box(3), stride=2)
    with pytest.raises(ParameterError, match="'max' or 'min'"):
        ops.unpool(image, image, Adjacency.box(3), function="mean")
