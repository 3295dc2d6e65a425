"""Networks and traces in notebooks."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from spel.core.adjacency import Adjacency
from spel.core.bank import KernelBank
from spel.nn import Activation, Convolution, MaxPool, chain


def net():
    return chain(
        edges=Convolution(KernelBank.sobel("col")),
        relu=Activation("relu"),
        pool=MaxPool(Adjacency.box(3)),
    )


def tree(value):
    text = value._repr_html_()
    assert not re.search(r"http|url\(|src=|href|<script|<style", text)
    assert len(text.encode()) < 300_000
    return ElementTree.fromstring(text)


def test_a_network_is_a_table_of_its_nodes():
    rows = [[cell.text for cell in line] for line in tree(net()).iter("tr")]
    assert rows[0] == ["node", "layer", "takes", "parameters", "reads"]
    assert [(row[0], row[2], row[3], row[4]) for row in rows[1:]] == [
        ("edges", "input", "10", "3 x 3"),
        ("relu", "edges", "0", "3 x 3"),
        ("pool", "relu", "0", "5 x 5"),
    ]
    assert "edges: 1 of 1 kernels" in " ".join(tree(net()).itertext())


def test_a_trace_shows_patch_kernel_and_products():
    image = np.arange(25, dtype=float).reshape(5, 5)
    shown = tree(net().trace(image, at=(2, 2), node="edges"))
    texts = [t.text for t in shown.iter("text")]
    assert texts[:9] == ["6", "7", "8", "11", "12", "13", "16", "17", "18"]
    assert texts[18:] == ["-6", "0", "8", "-22", "0", "26", "-16", "0", "18"]
    words = " ".join(shown.itertext())
    assert "Trace: 8" in words
    assert "norm  3.464" in words


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_trace_of_numbers_that_are_not_finite(value):
    image = np.full((5, 5), value)
    assert tree(net().trace(image, at=(2, 2))).tag == "div"


def test_a_wide_network_and_its_trace_stay_small():
    bank = KernelBank.random(Adjacency.box(9), kernels=64, channels=64, seed=0)
    layers = {f"conv{i}": Convolution(bank) for i in range(70)}
    assert "and 10 more nodes" in " ".join(tree(chain(**layers)).itertext())
    short = chain(**dict(list(layers.items())[:2]))
    trace = short.trace(np.ones((9, 9, 64), np.float32), at=(4, 4))
    assert "and 61 more channels" in " ".join(tree(trace).itertext())
