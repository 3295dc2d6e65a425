"""ONNX files of detectors find the boxes that the engine finds, from the pixels of a batch."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import spel
from spel.backends import to_onnx
from spel.backends.onnx_detector_export import box_difference
from spel.backends.onnx_run import answers
from spel.core.detections import Detections
from spel.data import street
from spel.decide import decision_of, with_decision
from spel.errors import ParameterError, SpelError
from spel.rigid import RigidConfig, Windows, learn_detector

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

STREET = street(3, size=(240, 320)).image


def plates(**options: Any) -> spel.Network:
    """The shipped detector at few scales, so that it is quick."""
    network = spel.load("plates")
    windows = decision_of(network)
    assert isinstance(windows, Windows)
    assert windows.proposals is not None
    proposals = replace(windows.proposals, min_scale=0.3)
    changed = replace(windows, min_scale=0.3, proposals=proposals, **options)
    return with_decision(network, changed)


def test_each_image_of_a_batch_is_answered_by_itself(tmp_path: Path) -> None:
    network, path = plates(), tmp_path / "plates.onnx"
    tiny = np.full((7, 90, 3), 90, np.uint8)
    report = to_onnx(network, path, images=[STREET, tiny], dtype="uint8")
    assert report.difference < 1e-5
    assert "the same 1 box, " in str(report)
    run = answers(path.read_bytes(), "plates")
    found = run(np.stack([np.full_like(STREET, 90), STREET, STREET[:, ::-1]]))
    assert found["images"].tolist() == [1, 2]
    assert found["labels"].tolist() == [0, 0]
    for number, image in ((1, STREET), (2, STREET[:, ::-1])):
        ours, rows = spel.detect(network, image), slice(number - 1, number)
        np.testing.assert_allclose(found["boxes"][rows], ours.boxes, atol=1e-3)
        np.testing.assert_allclose(found["scores"][rows], ours.scores, atol=1e-5)


def test_surroundings_are_scored(tmp_path: Path) -> None:
    config = RigidConfig(rounds=0, min_crops=4, crops=4, object_cells=40, adjust=True, rotations=())
    scenes = [street(seed, size=(120, 160)) for seed in (1, 2)]
    network = learn_detector([s.image for s in scenes], [s.boxes for s in scenes], config)
    changed = with_decision(network, replace(decision_of(network), threshold=0.02))
    assert "around_node" in changed.meta["decision"]
    report = to_onnx(changed, tmp_path / "around.onnx", images=[scenes[0].image], dtype="uint8")
    assert report.difference < 1e-5


def test_proposals_are_refined_and_what_differs_too_much_is_not_written(tmp_path: Path) -> None:
    network = plates(enlarge=2.0, max_proposals=1, margin=(0.1, -0.1))
    path = tmp_path / "plates.onnx"
    with pytest.raises(
        SpelError, match=r"differs from the engine's by \d\.\d\de-0[567] in image 0"
    ):
        to_onnx(network, path, images=[STREET.astype(np.float32)], tolerance=0.0)
    with pytest.raises(ParameterError, match="no image to compare with"):
        to_onnx(network, path, images=[])
    assert not path.exists()


def test_a_difference_is_that_of_the_worst_box() -> None:
    ours = Detections([[0, 0, 20, 10], [30, 0, 50, 10]], [0.9, 0.5], [200, 200], (20, 60))
    theirs = {
        "boxes": np.array([[30, 0, 50, 10], [0, 1, 20, 10]]),
        "scores": np.array([0.8, 0.9]),
        "labels": np.array([0, 0]),
    }
    windows = Windows(sizes=((20, 10),))
    assert box_difference(ours, theirs, windows) == pytest.approx(0.3)
    theirs["scores"][0] = 0.5
    assert box_difference(ours, theirs, windows) == pytest.approx(0.1)
    fewer = {name: values[:1] for name, values in theirs.items()}
    assert box_difference(ours, fewer, windows) == float("inf")
