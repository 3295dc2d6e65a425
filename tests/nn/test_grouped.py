"""Grouped convolution: literals, and the dense convolution with zeros that it stands for."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from spel import Adjacency, KernelBank, ParameterError, ShapeError, ops
from spel.nn import BatchNormalize, Convolution, GroupedConvolution, chain, fold_batch_normalization
from spel.testing import adjacencies


def test_a_kernel_reads_its_own_group():
    bank = KernelBank.from_array(np.array([[[[1.0, 2.0]]], [[[3.0, 4.0]]]]), bias=[0.5, 0.0])
    image = [[[1.0, 10.0, 100.0, 1000.0]]]
    assert ops.convolve(image, bank, groups=2).tolist() == [[[21.5, 4300.0]]]


@settings(max_examples=30, deadline=None)
@given(
    area=adjacencies(),
    groups=st.integers(1, 5),
    kernels=st.integers(1, 13),
    channels=st.integers(1, 3),
    border=st.sampled_from(["zero", "edge", "symmetric", "wrap", "valid", 2.0]),
    stride=st.integers(1, 2),
)
def test_it_is_the_dense_convolution_with_zeros(area, groups, kernels, channels, border, stride):
    rng = np.random.default_rng(kernels)
    weights = rng.integers(-3, 4, size=(kernels * groups, len(area), channels))
    dense = np.zeros((kernels * groups, len(area), channels * groups))
    for k in range(kernels * groups):
        first = k // kernels * channels
        dense[k, :, first : first + channels] = weights[k]
    image = rng.integers(-9, 9, size=(9, 12, channels * groups)).astype(np.float32)
    options = {"stride": stride, "border": border}
    ours = ops.convolve(image, KernelBank(area, weights), groups=groups, **options)
    assert np.array_equal(ours, ops.convolve(image, KernelBank(area, dense), **options))


def test_its_trace_shows_the_channels_of_its_group():
    image = np.random.default_rng(0).normal(size=(6, 7, 4)).astype(np.float32)
    bank = KernelBank.random(Adjacency.box(3), kernels=4, channels=2, seed=0)
    layer = GroupedConvolution(bank, 2, border=(1.0, 2.0, 3.0, 4.0))
    output = layer(image)
    told = layer.explain([image], output, (0, 3), 3)
    assert told.terms["patch"].shape == (9, 2)
    assert told.terms["patch"][0].tolist() == [3.0, 4.0]
    assert told.terms["sum"] + told.terms["bias"] == pytest.approx(output[0, 3, 3], rel=1e-5)
    assert told.reads[0].channel in (2, 3)
    assert layer.parameters == 4 * 9 * 2 + 4
    assert layer.multiply_adds((6, 7, 4)) == 6 * 7 * 4 * 9 * 2


def test_batch_normalization_folds_into_it():
    image = np.random.default_rng(0).normal(size=(6, 7, 2)).astype(np.float32)
    bank = KernelBank.random(Adjacency.box(3), kernels=2, channels=1, seed=0)
    net = chain(
        GroupedConvolution(bank, 2),
        BatchNormalize([1.0, 2.0], [3.0, 4.0], 2.0, 1.0, 1e-5, "channel"),
    )
    folded = fold_batch_normalization(net)
    assert len(folded) == 1
    assert np.allclose(folded(image), net(image), atol=1e-5)
    dense = chain(Convolution(KernelBank.random(Adjacency.box(3), kernels=2, channels=2, seed=0)))
    assert len(fold_batch_normalization(dense)) == 1


def test_groups_that_do_not_divide_are_refused():
    bank = KernelBank.random(Adjacency.box(3), kernels=3, channels=1, seed=0)
    with pytest.raises(ParameterError, match="divides them"):
        GroupedConvolution(bank, 2)
    with pytest.raises(ShapeError, match="in each of 3 groups"):
        GroupedConvolution(bank, 3)(np.zeros((4, 4, 2)))
