"""Boxes of detected objects are adjusted in stretched views, and the objects scored again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import spel
from spel import zoo
from spel.data import street
from spel.decide import decision_of
from spel.errors import ParameterError
from spel.metrics.detection import iou
from spel.rigid import RigidConfig, Windows, learn_adjustment, learn_detector
from spel.rigid.adjust import ROUNDS, SURE, adjust_boxes
from spel.rigid.learn import training_photos
from spel.rigid.misplaced import FAR, NEAR, misplace_objects
from spel.rigid.score import Scanner
from spel.rigid.stage import StageLearner
from spel.rigid.stored_rows import Scratch
from spel.rigid.views import apply_deltas

QUICK = RigidConfig(
    rounds=0, min_crops=8, crops=8, object_cells=18, size_margin_above=1.1, rotations=()
)


def textured(*seeds: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Grey noise with one rectangle of stripes in each picture."""
    images, boxes = [], []
    for seed in seeds:
        random = np.random.default_rng(seed)
        image = random.integers(90, 110, (72, 96), np.uint8)
        x, y = (int(v) for v in random.integers(15, 40, 2))
        image[y : y + 16, x : x + 32] = np.arange(32) // 4 % 2 * 200
        images.append(image)
        boxes.append(np.array([[x, y, x + 32, y + 16]], float))
    return images, boxes


def flat(crops: np.ndarray) -> np.ndarray:
    return crops.reshape(len(crops), -1)


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


def test_a_misplaced_box_comes_closer_in_every_round():
    scanner, scene = scanner_of(zoo.plates()), street(1, size=(240, 352))
    pyramid = scanner.pyramid(scene.image)
    boxes = apply_deltas(scene.boxes, [[0.15, -0.1, -0.2, 0.2]])
    overlaps = [iou(boxes, scene.boxes).item()]
    for first in ROUNDS[1:]:
        boxes = apply_deltas(boxes, scanner.adjusting_deltas(pyramid, boxes)[:, first : first + 4])
        overlaps.append(iou(boxes, scene.boxes).item())
    assert overlaps == sorted(overlaps)
    assert overlaps[-1] > overlaps[0] + 0.1


def test_the_score_is_the_greater_one_of_before_and_after():
    scanner, scene = scanner_of(zoo.plates()), street(1, size=(240, 352))
    scanner.around = None
    pyramid = scanner.pyramid(scene.image)
    for before in (-5.0, 50.0):
        objects = adjust_boxes(scanner, pyramid, scene.boxes, np.array([before]))
        (own,) = scanner.score_stretched(pyramid, objects.boxes).log_odds
        assert objects.log_odds == pytest.approx([max(before, own)])
        assert objects.log_odds - objects.prior == pytest.approx([own])
    assert len(adjust_boxes(scanner, pyramid, scene.boxes[:0], np.zeros(0))) == 0


def test_the_box_of_a_known_object_stays_and_that_of_an_unknown_one_moves():
    scanner, scene = scanner_of(zoo.plates()), street(1, size=(240, 352))
    pyramid = scanner.pyramid(scene.image)
    taken = apply_deltas(scene.boxes, [[0.1, 0.1, 0.1, -0.1]])
    stays, half, moves = (
        adjust_boxes(scanner, pyramid, taken, np.array([log_odds])).boxes
        for log_odds in (50.0, SURE, -50.0)
    )
    assert stays == pytest.approx(taken)
    assert np.abs(moves - taken).max() > 1
    assert half == pytest.approx((stays + moves) / 2)


def test_errors_of_numbers_do_not_grow_from_round_to_round():
    scanner, scene = scanner_of(zoo.plates()), street(3, size=(240, 320))
    pyramid, low = scanner.pyramid(scene.image), np.array([-50.0])
    one, other = (
        adjust_boxes(scanner, pyramid, scene.boxes + shift, low).boxes for shift in (0.0, 1e-7)
    )
    assert one == pytest.approx(other, abs=1e-6)


def test_a_box_that_would_lose_much_stays():
    scanner, scene = scanner_of(zoo.plates()), street(1, size=(240, 352))
    pyramid, bank = scanner.pyramid(scene.image), scanner.adjuster.bank
    away = np.tile(np.array([0.7, 0.7, 0, 0], np.float32), 2)
    bank = replace(bank, weights=bank.weights * 0, bias=away)
    scanner.adjuster = replace(scanner.adjuster, bank=bank)
    objects = adjust_boxes(scanner, pyramid, scene.boxes, np.array([-50.0]))
    assert objects.boxes == pytest.approx(scene.boxes)


def test_a_detector_has_the_kernels_that_adjust_and_their_size_or_neither():
    with pytest.raises(ParameterError, match="without adjust_size"):
        Windows(((48, 16),), adjust_node="score_adjust")
    with pytest.raises(ParameterError, match="sizes"):
        Windows(((48, 16),), adjust_node="score_adjust", adjust_size=(48, 0))
    windows = Windows(((48, 16),), adjust_node="score_adjust", adjust_size=(48, 20))
    assert Windows.from_dict(windows.to_dict()) == windows
    plain = replace(windows, adjust_node=None)
    assert plain == Windows(((48, 16),))


def test_why_tells_the_score_of_the_best_window():
    image, network = street(1, size=(240, 352)).image, zoo.plates()
    found = spel.detect(network, image, threshold=0.1, why=True)
    scanner = scanner_of(network)
    (own,) = scanner.score_stretched(scanner.pyramid(image), found.boxes[:1]).log_odds
    (name, _, value), *_ = found.why[0].kernels
    assert (name, value) == ("score", pytest.approx(own, abs=0.01))
    assert found.scores[0] == pytest.approx(1 / (1 + np.exp(-found.why[0].saliency)))


@pytest.mark.parametrize("part", [(0.0, 0, -0.3, 0), (0.3, 0, 0, 0), (-0.2, 0, 0.2, 0)])
def test_a_part_of_a_plate_grows_to_the_plate(part):
    scanner, scene = scanner_of(zoo.plates()), street(1, size=(240, 352))
    sides = np.tile(scene.boxes[:, 2:] - scene.boxes[:, :2], 2)
    taken = scene.boxes + np.array(part) * sides
    boxes = adjust_boxes(scanner, scanner.pyramid(scene.image), taken, np.zeros(1)).boxes
    assert iou(boxes, scene.boxes).item() > max(0.75, iou(taken, scene.boxes).item())


@pytest.mark.parametrize("misplacement", [FAR, NEAR])
def test_deltas_of_misplaced_windows_lead_to_the_enclosing_box(misplacement, monkeypatch):
    monkeypatch.setattr("spel.rigid.misplaced.as_cells", lambda config, cells, crops: flat(crops))
    image = np.zeros((200, 300), np.uint8)
    image[90:110, 110:190] = 255
    box = np.array([110.0, 90.0, 190.0, 110.0])
    config = RigidConfig(tilt=12.0, crops=10, min_crops=5)
    photos = training_photos([image], [[box]], ())
    stage = StageLearner(config, photos, "score")
    random, scratch = np.random.default_rng(1), Scratch()
    crops, deltas = misplace_objects(
        config, stage.cells, photos.images, stage.all, misplacement, random, scratch
    )
    size = np.array(stage.all.size) * config.cell
    rows, cols = ((n + 2 * (config.block // 2)) * config.cell for n in stage.all.window)
    own = np.array([[cols - size[0], rows - size[1], cols + size[0], rows + size[1]]]) / 2
    for crop, delta in zip(crops.of(range(1)), deltas.of(range(1))):
        row, col = np.nonzero(crop.reshape(rows, cols) > 0.5 * crop.max())
        seen = [col.min(), row.min(), col.max() + 1, row.max() + 1]
        expected = np.clip(apply_deltas(own, [delta])[0], 0, [cols, rows] * 2)
        assert seen == pytest.approx(expected, abs=2)


def test_only_the_photos_it_was_learned_from_give_the_windows():
    scene = street(1, size=(120, 160))
    with pytest.raises(ParameterError, match="windows of"):
        learn_adjustment(zoo.plates(), [scene.image], [scene.boxes])
    with pytest.raises(ParameterError, match="no detector"):
        learn_adjustment(zoo.plate_lecture(), [scene.image], [scene.boxes])


def test_learning_with_adjustment_adds_the_same_kernels_to_the_same_detector():
    images, boxes = textured(1, 2)
    plain = learn_detector(images, boxes, QUICK)
    at_once = learn_detector(images, boxes, replace(QUICK, adjust=True))
    later = learn_adjustment(plain, images, boxes, QUICK)
    assert at_once.names == later.names
    for name in ("score_refine", "score_adjust", "score_around", "score"):
        assert at_once[name].bank.weights.tolist() == later[name].bank.weights.tolist()
    assert decision_of(at_once).adjust_node == decision_of(later).adjust_node == "score_adjust"


def test_a_photo_is_judged_with_boxes_that_it_did_not_help_to_adjust():
    images, boxes = textured(1, 2, 3)
    stage = StageLearner(replace(QUICK, adjust=True), training_photos(images, boxes, ()), "score")
    stage.learn(str)
    names = [node.name for node in stage.nodes_without(2)]
    assert names == ["score_refine", "score_adjust", "score_around", "score"]
    without = stage.nodes_without(2)[1].layer.bank.weights
    images[2] = images[0]
    boxes[2] = boxes[0]
    other = StageLearner(stage.config, training_photos(images, boxes, ()), "score")
    nodes, _ = other.learn(str)
    assert np.abs(without - nodes[1].layer.bank.weights).max() > 1e-3
    # Crops of the photo that is left out have no effect but that on the ridge, in units of all.
    assert other.nodes_without(2)[1].layer.bank.weights == pytest.approx(without, abs=2e-3)


def test_every_class_adjusts_its_own_boxes():
    images, boxes = textured(1, 2)
    config, classes = replace(QUICK, adjust=True), [["a"], ["b"]]
    network = learn_detector(images, boxes, config, classes=classes)
    windows = [one for _, one in decision_of(network).classes]
    assert [one.adjust_node for one in windows] == ["score_0_adjust", "score_1_adjust"]
    scanners = [Scanner(network, one) for one in windows]
    assert [scanner.adjusts for scanner in scanners] == [True, True]
    assert len(spel.detect(network, images[0], threshold=0.01))
