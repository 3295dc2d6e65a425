"""Boxes of detected objects are adjusted in stretched views, and the objects scored again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import spel
from spel import zoo
from spel.data import street
from spel.decide import decision_of, with_decision
from spel.errors import ParameterError
from spel.metrics.detection import iou
from spel.rigid import RigidConfig, Windows, learn_adjustment
from spel.rigid.learn import training_photos
from spel.rigid.misplaced import misplace_objects
from spel.rigid.score import Scanner
from spel.rigid.stage import StageLearner
from spel.rigid.views import apply_deltas


def scanner_of(network: spel.Network) -> Scanner:
    decision = decision_of(network)
    assert isinstance(decision, Windows)
    return Scanner(network, decision)


def test_a_stretched_window_is_its_box():
    scanner, scene = scanner_of(zoo.plates()), street(1, size=(240, 352))
    boxes = np.array([[60.0, 70.0, 130.0, 90.0], [100.5, 20.25, 140.0, 48.0]])
    scored = scanner.score_stretched(scanner.pyramid(scene.image), boxes)
    assert scored.boxes == pytest.approx(boxes)
    assert scored.kernels.tolist() == [1, 0]  # aspects 3.5 and 1.4; kernels have 2.0, 3.1, 4.4
    assert len(scanner.score_stretched(scanner.pyramid(scene.image), boxes[:0])) == 0


def test_a_misplaced_box_comes_closer_to_its_plate():
    scanner, scene = scanner_of(zoo.plates()), street(1, size=(240, 352))
    pyramid = scanner.pyramid(scene.image)
    shifted = apply_deltas(scene.boxes, [[0.15, -0.1, -0.2, 0.2]])
    moved = scanner.adjust(scanner.score_stretched(pyramid, shifted)).boxes
    assert iou(moved, scene.boxes).item() > iou(shifted, scene.boxes).item() + 0.1


def test_the_score_is_the_mean_of_before_and_after_and_why_tells_it():
    image, network = street(1, size=(240, 352)).image, zoo.plates()
    found = spel.detect(network, image, threshold=0.1, why=True)
    scanner = scanner_of(network)
    (own,) = scanner.score_stretched(scanner.pyramid(image), found.boxes[:1]).log_odds
    (name, _, value), *_ = found.why[0].kernels
    assert (name, value) == ("score", pytest.approx(own, abs=0.01))
    assert found.scores[0] == pytest.approx(1 / (1 + np.exp(-found.why[0].saliency)))


def test_a_box_that_scores_lower_when_moved_stays():
    image, network = street(1, size=(240, 352)).image, zoo.plates()
    windows = decision_of(network)
    plain = with_decision(network, replace(windows, adjust_node=None))
    scanner = scanner_of(network)
    moved = {}
    for name, factor in (("away", 0.7), ("nowhere", 0.0)):
        layer = scanner.adjuster
        bank = replace(
            layer.bank, weights=layer.bank.weights * 0, bias=layer.bank.bias * 0 + factor
        )
        nodes = [
            replace(node, layer=replace(layer, bank=bank)) if node.name == "score_adjust" else node
            for node in network.nodes
        ]
        changed = spel.Network(tuple(nodes)).with_meta(**network.meta)
        moved[name] = spel.detect(changed, image, threshold=0.1).boxes
    assert moved["away"] == pytest.approx(moved["nowhere"])
    assert moved["away"] == pytest.approx(spel.detect(plain, image, threshold=0.1).boxes)


def test_deltas_of_misplaced_windows_lead_to_the_enclosing_box(monkeypatch):
    monkeypatch.setattr("spel.rigid.misplaced.as_cells", lambda config, cells, crops: crops)
    image = np.zeros((200, 300), np.uint8)
    image[90:110, 110:190] = 255
    box = np.array([110.0, 90.0, 190.0, 110.0])
    config = RigidConfig(tilt=12.0, crops=10, min_crops=5)
    photos = training_photos([image], [[box]], ())
    stage = StageLearner(config, photos, "score")
    shown = misplace_objects(
        config, stage.cells, photos.images, stage.groups[0], np.random.default_rng(1)
    )
    (size,), (rows, cols) = stage.sizes, shown.rows.shape[1:]
    own = np.array([[cols - size[0], rows - size[1], cols + size[0], rows + size[1]]]) / 2
    for crop, delta in zip(shown.rows, shown.deltas):
        row, col = np.nonzero(crop > 0.5 * crop.max())
        seen = [col.min(), row.min(), col.max() + 1, row.max() + 1]
        expected = np.clip(apply_deltas(own, [delta])[0], 0, [cols, rows] * 2)
        assert seen == pytest.approx(expected, abs=2)


def test_only_the_photos_it_was_learned_from_give_the_windows():
    scene = street(1, size=(120, 160))
    with pytest.raises(ParameterError, match="windows of"):
        learn_adjustment(zoo.plates(), [scene.image], [scene.boxes])
    with pytest.raises(ParameterError, match="no detector"):
        learn_adjustment(zoo.plate_lecture(), [scene.image], [scene.boxes])
