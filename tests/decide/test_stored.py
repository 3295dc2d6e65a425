"""What a network file says about its decision is checked when the file is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import spel
from spel.decide import Segmentation, detect, segment, with_segmentation
from spel.errors import FormatError, ParameterError
from spel.nn import Scale, chain
from spel.rigid import Windows

NET = chain(same=Scale([1.0]))
WINDOWS = Windows(((8, 8),)).to_dict()


def load(folder: Path, **meta: Any) -> spel.Network:
    NET.with_meta(**meta).save(folder / "net.safetensors")
    return spel.load(folder / "net.safetensors")


@pytest.mark.parametrize(
    "decision",
    [
        3,
        "otsu",
        [1, 2],
        {"threshold": [1]},
        {"area": "big"},
        {"area": [1]},
        {"width": [5, 1]},
        {"select": ["all"]},
        {"size": [0, 1]},
        {"adjacency": 5},
        {"adjacency": "box"},
        {"adjacency": [[0, 1e9]]},
        {"adjacency": [[0, 0, 0, 0]]},
        {**WINDOWS, "max_scale": 1e308},
        {**WINDOWS, "max_scale": "1"},
        {**WINDOWS, "min_scale": 1e-300},
        {**WINDOWS, "scales_per_octave": 1e9},
        {**WINDOWS, "scales_per_octave": 10**9},
        {**WINDOWS, "sizes": [[1e40, 1]]},
        {**WINDOWS, "sizes": 7},
        {**WINDOWS, "max_detections": "5"},
        {**WINDOWS, "max_detections": 2.5},
        {**WINDOWS, "rotations": [[1]]},
        {**WINDOWS, "proposals": 4},
        {**WINDOWS, "score_node": ["same"]},
        {**WINDOWS, "score_node": "nowhere"},
        {**WINDOWS, "score_node": "same"},
        {**WINDOWS, "version": [2]},
    ],
)
def test_a_decision_that_does_not_fit_is_refused_on_loading(decision: Any, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"net\.safetensors: "):
        load(tmp_path, decision=decision)


@pytest.mark.parametrize(
    "segmentation",
    [
        4,
        {"threshold": [1, 2]},
        {"features": 3},
        {"features": "nowhere"},
        {"objects": 3},
        {"objects": {"area": "x"}},
        {"objects": {"area": 9, "ring": 10**9}},
        {"objects": {"area": 9, "ring": 2.5}},
        {"objects": {"area": 9, "levels": 3}},
        {"objects": {"area": 9, "levels": ["a"]}},
        {"objects": {"area": 9, "round_power": [1]}},
        {"objects": {"area": 9, "multiple": 1}},
        {"delineation": {"inner": "deep"}},
        {"delineation": {"outer": 1e40}},
        {"delineation": {"scale": 5}},
        {"delineation": {"scale": ["a"]}},
        {"delineation": {"convex": "yes"}},
        {"delineation": {"method": ["none"]}},
    ],
)
def test_a_segmentation_that_does_not_fit_is_refused_on_loading(
    segmentation: Any, tmp_path: Path
) -> None:
    with pytest.raises(FormatError, match=r"net\.safetensors: "):
        load(tmp_path, segmentation=segmentation)


def test_what_fits_is_loaded(tmp_path: Path) -> None:
    load(tmp_path, decision={"threshold": 0.5}, segmentation=Segmentation(threshold=0.5).to_dict())


def test_a_network_for_boxes_makes_no_masks_and_the_reverse() -> None:
    image = np.zeros((32, 32, 3), np.uint8)
    with pytest.raises(ParameterError, match="makes boxes, not masks; use detect"):
        segment(spel.zoo.plates(), image)
    masks = with_segmentation(NET, Segmentation(threshold=0.5))
    with pytest.raises(ParameterError, match="makes masks, not boxes; use segment"):
        detect(masks, image[..., :1])
    assert len(detect(masks, image[..., :1], threshold=1)) == 0
