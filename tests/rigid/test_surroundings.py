"""What lies around a box tells objects from what looks like them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import spel
from spel.decide import decision_of, with_decision
from spel.errors import FormatError, ParameterError
from spel.metrics.detection import iou
from spel.rigid import RigidConfig, Windows, learn_detector
from spel.rigid.adjust import AROUND_WEIGHT
from spel.rigid.learn import training_photos
from spel.rigid.score import Scanner
from spel.rigid.stage import StageLearner

QUICK = RigidConfig(
    rounds=0, min_crops=6, crops=6, object_cells=18, size_margin_above=1.1, rotations=(),
    scales_per_octave=2, adjust=True,
)  # fmt: skip


def twins(*seeds: int) -> tuple[list[np.ndarray], list[np.ndarray], list[np.ndarray]]:
    """Pictures with the same stripes twice: the object in noise, its twin in a frame of bars."""
    images, boxes, others = [], [], []
    for seed in seeds:
        random = np.random.default_rng(seed)
        image = random.integers(90, 110, (88, 208), np.uint8)
        swap = random.integers(2)
        down, across = (int(n) for n in random.integers(0, 6, 2))
        for number, own in ((0, boxes), (1, others)):
            x, y = (36 if number == swap else 140) + across, 34 + down
            if number:
                bars = np.arange(88)[:, None] // 4 % 2 * 200 * np.ones((1, 92))
                image[:, x - 30 : x + 62] = bars
            image[y : y + 16, x : x + 32] = np.arange(32) // 4 % 2 * 200
            own.append(np.array([[x, y, x + 32, y + 16]], float))
        images.append(image)
    return images, boxes, others


def scanner_of(network: spel.Network) -> Scanner:
    decision = decision_of(network)
    assert isinstance(decision, Windows)
    return Scanner(network, decision)


@pytest.fixture(scope="module")
def network() -> spel.Network:
    images, boxes, _ = twins(*range(6))
    return learn_detector(images, boxes, QUICK)


def test_the_twin_in_other_surroundings_scores_lower(network: spel.Network) -> None:
    images, boxes, others = twins(7, 8, 9)
    scanner = scanner_of(network)
    for image, own, other in zip(images, boxes, others):
        pyramid = scanner.pyramid(image)
        around = scanner.log_odds_around(pyramid, np.concatenate([own, other]))
        assert around[0] > max(around[1] + 3, 3)
    assert len(scanner.log_odds_around(pyramid, np.zeros((0, 4)))) == 0


def test_half_of_the_log_odds_around_are_added(network: spel.Network) -> None:
    (image,), (box,), _ = twins(7)
    windows = decision_of(network)
    plain = with_decision(network, replace(windows, around_node=None))
    one, other = (spel.detect(n, image, threshold=1e-6) for n in (network, plain))
    best, same = (found.boxes[iou(found.boxes, box)[:, 0].argmax()] for found in (one, other))
    assert best == pytest.approx(same)
    odds = [
        np.log(found.scores / (1 - found.scores))[iou(found.boxes, box)[:, 0].argmax()]
        for found in (one, other)
    ]
    scanner = scanner_of(network)
    around = scanner.log_odds_around(scanner.pyramid(image), best[None])
    assert odds[0] - odds[1] == pytest.approx(AROUND_WEIGHT * around[0], abs=1e-3)
    found = spel.detect(network, image, threshold=0.01, why=True)
    assert found.scores[0] == pytest.approx(1 / (1 + np.exp(-found.why[0].saliency)))


def test_a_photo_is_judged_by_surroundings_that_it_did_not_help_to_learn() -> None:
    images, boxes, _ = twins(0, 1, 2)
    stage = StageLearner(QUICK, training_photos(images, boxes, ()), "score")
    nodes, _ = stage.learn(str)
    without = {node.name: node for node in stage.nodes_without(2)}
    assert list(without) == [node.name for node in nodes]
    weights = [n["score_around"].layer.bank.weights for n in (without, {n.name: n for n in nodes})]
    assert np.abs(weights[0] - weights[1]).max() > 1e-3


def test_without_background_the_kernel_is_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spel.rigid.surroundings.SHORTEST", np.inf)
    images, boxes, _ = twins(0, 1)
    network = learn_detector(images, boxes, QUICK)
    assert not network["score_around"].bank.weights.any()
    scanner = scanner_of(network)
    assert scanner.log_odds_around(scanner.pyramid(images[0]), boxes[0]).tolist() == [0.0]


def test_the_kernel_has_a_size_and_adjusted_boxes() -> None:
    adjusts = Windows(((48, 16),), adjust_node="score_adjust", adjust_size=(48, 20))
    with pytest.raises(ParameterError, match="around_node 'x' without around_size"):
        replace(adjusts, around_node="x")
    windows = replace(adjusts, around_node="score_around", around_size=(40, 16))
    assert Windows.from_dict(windows.to_dict()) == windows
    assert replace(windows, around_node=None) == adjusts
    assert replace(windows, adjust_node=None) == Windows(((48, 16),))


def test_a_file_whose_surroundings_have_two_kernels_is_refused(
    network: spel.Network, tmp_path
) -> None:
    windows = replace(decision_of(network), around_node="score_adjust")
    changed = network.with_meta(decision=windows.to_dict())
    changed.save(tmp_path / "two.safetensors")
    with pytest.raises(FormatError, match="around_node 'score_adjust'; expected"):
        spel.load(tmp_path / "two.safetensors")
