"""Boxes by the script beside an ONNX file, against those of the package."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import spel
from spel import Adjacency
from spel.decide import Decision
from spel.decide.boxes_script import boxes_script
from spel.decide.detection import with_decision
from spel.nn import MaxPool, Scale, chain


@pytest.mark.parametrize(
    "decision",
    [
        Decision(),
        Decision(threshold="p70", area=(8, 300)),
        Decision(threshold=0.6, adjacency=Adjacency.disk(1), select="widest", aspect=(0.5, 4)),
        Decision(threshold=0.55, select="largest"),
        Decision(threshold=0.55, select="closest", size=(12, 6), width=(2, 30), height=(2, 30)),
    ],
)
@pytest.mark.parametrize("stride", [1, 2])
def test_the_script_gives_the_boxes_of_the_package(decision: Decision, stride: int) -> None:
    network = with_decision(chain(pool=MaxPool(Adjacency.box(3), stride=stride)), decision)
    space: dict[str, Any] = {}
    exec(boxes_script(network), space)  # type: ignore[arg-type]
    for seed in range(4):
        image = np.random.default_rng(seed).random((25, 31, 1)).astype(np.float32) ** 2
        mine = spel.detect(network, image)
        boxes, scores = space["boxes"](network(image)[..., 0], (25, 31))
        assert boxes.tolist() == mine.boxes.tolist()
        assert np.allclose(scores, mine.scores)
        with_channel, _ = space["boxes"](network(image), (25, 31))
        assert with_channel.tolist() == mine.boxes.tolist()
    with pytest.raises(ValueError, match="output of one image"):
        space["boxes"](network(image)[None], (25, 31))


@pytest.mark.parametrize(
    ("low", "high"), [(1.0, 1.0000005), (16.0, 16.00001), (-3e38, 3e38), (0, 1e-12)]
)
def test_otsu_counts_values_a_rounding_apart(low: float, high: float) -> None:
    """256 edges between neighbouring floats are equal, and of huge ones the squares overflow."""
    network = with_decision(chain(Scale([1.0])), Decision(threshold="otsu"))
    image = np.full((6, 8, 1), low, np.float32)
    image[1:3, 2:5] = high
    space: dict[str, Any] = {}
    exec(boxes_script(network), space)  # type: ignore[arg-type]
    assert spel.detect(network, image).boxes.tolist() == [[2, 1, 5, 3]]
    assert space["boxes"](image[..., 0], (6, 8))[0].tolist() == [[2, 1, 5, 3]]


def test_volumes_have_boxes_of_six_numbers() -> None:
    voxels = np.zeros((6, 8, 10, 1), np.float32)
    voxels[1:3, 2:5, 4:9] = 3
    network = with_decision(
        chain(pool=MaxPool(Adjacency.from_mask(np.ones((1, 1, 1))))), Decision(threshold=1.0)
    )
    space: dict[str, Any] = {}
    exec(boxes_script(network), space)  # type: ignore[arg-type]
    assert space["boxes"](network(voxels)[..., 0], (6, 8, 10))[0].tolist() == [[4, 2, 1, 9, 5, 3]]


def test_windows_have_no_such_script() -> None:
    from spel.rigid import Windows

    network = with_decision(chain(same=Scale([1.0])), Windows(sizes=((36, 36),)))
    assert boxes_script(network) is None
