"""Tracing: the numbers that the engine used, walked back to the image."""

import json

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from spel import Adjacency, KernelBank, ParameterError, ShapeError
from spel.nn import (
    Activation,
    Convolution,
    DivisiveNormalize,
    MaxPool,
    Scale,
    branch,
    chain,
    residue,
)
from spel.testing import networks

LINE = Adjacency.rectangle(width=3, height=1)


def example():
    return chain(
        edges=Convolution(KernelBank.from_array([[-1, 0, 1]], bias=[0.5])),
        keep=Activation("relu"),
        joined=MaxPool(LINE),
    )


def test_the_arithmetic_of_one_spel_by_hand():
    told = example().trace([[1.0, 4.0, 2.0, 9.0]], at=(0, 1))
    # edges: 4.5, 1.5, 5.5, -1.5; pooled at 1: max(4.5, 1.5, 5.5), won at column 2
    assert told["joined"].terms["winner"] == (0, 1)
    assert told["keep"].at == (0, 2)
    edges = told["edges"]
    assert edges.terms["patch"].ravel().tolist() == [4, 2, 9]
    assert edges.terms["products"].ravel().tolist() == [-4, 0, 9]
    assert (edges.terms["sum"], edges.terms["bias"], edges.value) == (5, 0.5, 5.5)
    assert told.value == 5.5


def test_border_spels_are_marked():
    told = example().trace([[1.0, 4.0]], at=(0, 0), node="edges")
    assert told["edges"].terms["inside"].tolist() == [False, True, True]
    assert "(border)" in told.text()


def test_normalization_and_residue_terms():
    net = residue(divided=DivisiveNormalize(LINE))
    told = net.trace([[3.0, 4.0, 0.0]], at=(0, 0))
    assert told["divided"].terms["sum of squares"] == 25
    assert told["divided"].terms["norm"] == 5
    assert np.isclose(told["residue"].value, 3 - 0.6)


def test_a_branch_is_walked_on_the_side_of_the_channel():
    net = branch(low=Scale([1.0]), high=Scale([10.0]))
    told = net.trace([[2.0]], at=(0, 0), channel=1)
    assert [s.node for s in told.steps] == ["high", "concatenate"]


@settings(max_examples=40, deadline=None)
@given(networks(channels=2), st.integers(0, 99), st.data())
def test_sums_of_a_trace_agree_with_the_engine(network, seed, data):
    image = np.random.default_rng(seed).normal(size=(14, 15, 2)).astype(np.float32)
    output = network(image)
    at = tuple(data.draw(st.integers(0, n - 1)) for n in output.shape[:2])
    told = network.trace(image, at=at)
    assert told.value == pytest.approx(float(np.abs(output[at]).max()), abs=0) or (
        -told.value == np.abs(output[at]).max()
    )
    for step in told.steps:
        if "products" in step.terms:
            size = np.abs(step.terms["products"]).sum() + abs(step.terms["bias"])
            total = step.terms["sum"] + step.terms["bias"]
            assert abs(total - step.value) <= 1e-5 * size + 1e-30
    json.loads(told.to_json())
    assert told.text()


def test_refusals():
    net, image = example(), np.ones((3, 4))
    for at in ((3, 0), (-1, 0), (0,), (0, 0, 0), ("a", 1)):
        with pytest.raises(ParameterError, match="coordinates inside"):
            net.trace(image, at=at)
    with pytest.raises(ParameterError, match="channel 1"):
        net.trace(image, at=(0, 0), channel=1)
    with pytest.raises(ParameterError, match="no node"):
        net.trace(image, at=(0, 0), node="nope")
    with pytest.raises(ShapeError, match="or a batch"):
        net.trace(np.ones((2, 3, 4, 1)), at=(0, 0))


def test_nan_can_be_traced():
    assert np.isnan(example().trace([[np.nan, 1.0]], at=(0, 1)).value)


def test_traces_are_compared():
    first, same, other = (example().trace([[value, 1.0]], at=(0, 1)) for value in (2.0, 2.0, 3.0))
    assert first == same
    assert hash(first) == hash(same)
    assert first != other
    lost = [example().trace([[np.nan, 1.0]], at=(0, 1)) for _ in range(2)]
    assert lost[0] == lost[1]
