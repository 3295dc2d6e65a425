"""A network described: LITERAL values, and what JSON cannot hold."""

from __future__ import annotations

import json

import pytest

from spel.core.adjacency import Adjacency
from spel.core.bank import KernelBank
from spel.nn import Activation, Convolution, GlobalPool, Threshold, chain
from spel.nn.info import default_shape, network_info, plain


def convolution(adjacency, channels):
    return chain(Convolution(KernelBank.random(adjacency, kernels=2, channels=channels, seed=0)))


def test_a_network_in_values_and_in_words():
    edges = chain(edges=Convolution(KernelBank.sobel("col")), relu=Activation("relu"))
    values, text = network_info(edges.with_meta(note="x"), "edges.net", (10, 20, 1))
    assert json.loads(json.dumps(values)) == values
    assert values["parameters"] == 10
    assert values["multiply_adds"] == 10 * 20 * 9
    assert [node["shape"] for node in values["nodes"]] == [[10, 20, 1]] * 2
    assert "network of 2 nodes, 10 parameters" in text
    assert "a halo of 1 rows before and 1 after, 1 columns before and 1 after" in text
    assert 'note: "x"' in text
    assert (
        "a tile reads the whole image" in network_info(chain(Threshold("otsu")), "a", (4, 4, 1))[1]
    )


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        (
            chain(Convolution(KernelBank.random(Adjacency.box(3), kernels=2, channels=5, seed=0))),
            (480, 640, 5),
        ),
        (
            chain(Convolution(KernelBank.random(Adjacency.ball(1, ndim=3), kernels=2, seed=0))),
            (32, 480, 640, 1),
        ),
        (chain(Activation("relu")), (480, 640, 3)),
        (chain(GlobalPool()), (480, 640, 3)),
    ],
)
def test_the_image_is_one_that_the_network_accepts(network, expected):
    assert default_shape(network) == expected


def test_values_that_json_cannot_hold():
    assert plain({1: (float("inf"), {"a": float("nan")}, 2.5)}) == {"1": [None, {"a": None}, 2.5]}
