"""detect: mapping through strides, options, carried decisions, reasons."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import spel
from spel.core.window import Window
from spel.decide import Decision, decision_of, detect, segment, with_decision
from spel.errors import ParameterError, ShapeError
from spel.nn.geometry import Geometry, geometry

BOX = spel.Adjacency.box


# LITERAL


def test_a_pooled_spot_comes_back_around_where_it_was() -> None:
    image = np.zeros((12, 16), dtype=np.float32)
    image[4:8, 8:12] = 1
    net = spel.chain(spel.MeanPool(spel.Adjacency.from_mask(np.ones((4, 4)), (0, 0)), stride=4))
    assert detect(net, image, threshold=0.9).boxes.tolist() == [[8.0, 4.0, 12.0, 8.0]]


def test_stride_1_networks_box_the_very_spels() -> None:
    image = np.zeros((9, 9), dtype=np.float32)
    image[2:4, 5:8] = 1
    net = spel.chain(spel.Scale([2.0]), spel.Activation())
    assert detect(net, image, threshold=1).boxes.tolist() == [[5.0, 2.0, 8.0, 4.0]]


def test_an_even_pooling_moves_nothing() -> None:
    image = np.zeros((1, 21), dtype=np.float32)
    image[0, 10] = 1
    net = spel.chain(spel.MaxPool(spel.Adjacency.rectangle(width=4, height=1)))
    (box,) = detect(net, image, threshold=0.5).boxes.tolist()
    assert (box[0] + box[2]) / 2 == 10.5


def test_valid_windows_start_later() -> None:
    image = np.zeros((7, 9), dtype=np.float32)
    image[3, 4] = 1
    net = spel.chain(spel.MaxPool(BOX(3), border="valid"))
    assert detect(net, image, threshold=0.5).boxes.tolist() == [[3.0, 2.0, 6.0, 5.0]]


def test_geometry_composes_strides_and_starts() -> None:
    first = Window(BOX(3), stride=2, border="valid")
    place = Geometry.identity(2).then(first).then(first)
    # Output 0 stands on 1 of the middle image, which stands on 1 + 2 of the input.
    assert place.scale == (4.0, 4.0)
    assert place.boxes([[0, 0, 1, 1]]).tolist() == [[1.5, 1.5, 5.5, 5.5]]
    assert place.spel((0, 0), (20, 20)) == (3, 3)


def test_branches_of_different_strides_are_refused() -> None:
    parts = spel.branch(spel.MaxPool(BOX(1)), spel.MaxPool(BOX(1), stride=2))
    with pytest.raises(ShapeError, match="strides"):
        geometry(parts)


# REASONS


def test_why_names_kernel_margin_and_the_input_spels() -> None:
    image = np.zeros((7, 9), dtype=np.float32)
    image[:, 5:] = 3
    net = spel.chain(
        edges=spel.Convolution(spel.KernelBank.sobel("col")), positive=spel.Activation()
    )
    found = detect(net, image, threshold=5, why=True)
    (why,) = found.why
    assert why.at == (1, 4)
    assert (why.saliency, why.threshold, why.margin) == (12.0, 5.0, 7.0)
    assert why.kernels == (("edges", 0, 12.0),)
    assert why.spels == ((1, 5), (0, 5), (2, 5))


def test_why_lists_the_channels_of_a_weighted_sum_by_their_share() -> None:
    image = np.array([[0, 4, 0]], dtype=np.float32)
    bank = spel.KernelBank.from_array(np.array([[[1.0]], [[2.0]], [[-3.0]]]))
    net = spel.chain(bank=spel.Convolution(bank), sum=spel.WeightedSum([1.0, 5.0, 0.5], bias=1.0))
    (why,) = detect(net, image, threshold=2, why=True).why
    assert why.kernels == (("bank", 1, 40.0), ("bank", 2, -6.0), ("bank", 0, 4.0))
    assert why.spels == ((0, 1),)


def test_without_why_nothing_is_traced() -> None:
    net = spel.chain(spel.Scale([1.0]))
    assert detect(net, [[0.0, 1.0]], threshold=0.5).why == ()


# CARRIED


def test_a_network_carries_its_decision_through_its_file(tmp_path: Path) -> None:
    decision = Decision(threshold=0.5, select="widest", aspect=(2, 9))
    net = with_decision(spel.chain(spel.Scale([1.0])), decision)
    net.save(tmp_path / "net.safetensors")
    again = spel.load(tmp_path / "net.safetensors")
    assert decision_of(again) == decision
    image = [[1, 1, 0, 0, 1, 1, 1, 1, 0, 1]]
    assert spel.detect(again, image).boxes.tolist() == [[4.0, 0.0, 8.0, 1.0]]
    assert len(spel.detect(again, image, select="all")) == 2
    assert len(spel.detect(again, image, decision=Decision(threshold=0.5))) == 3


def test_unknown_options_are_named() -> None:
    with pytest.raises(ParameterError, match="treshold"):
        detect(spel.chain(spel.Scale([1.0])), [[1.0]], treshold=1)


def test_a_network_with_many_channels_is_refused() -> None:
    with pytest.raises(ShapeError, match="WeightedSum"):
        detect(spel.chain(spel.Color("rgb")), np.zeros((4, 4, 3), dtype=np.uint8))


@pytest.mark.parametrize("wrong", [None, "plates", 3])
def test_what_is_no_network_is_refused_by_name(wrong: Any) -> None:
    for function in (spel.detect, segment):
        with pytest.raises(ParameterError, match="expected Network"):
            function(wrong, [[1.0]])
    with pytest.raises(ParameterError, match="expected KernelBank"):
        spel.nn.Convolution(wrong)
    with pytest.raises(ParameterError, match="expected real numbers"):
        spel.nn.Scale({"a": 1})
    with pytest.raises(ShapeError, match="rows of different lengths"):
        spel.ops.threshold([[1, 2], [3]], 1)
    with pytest.raises(ParameterError, match="Network: node"):
        spel.Network([wrong])
