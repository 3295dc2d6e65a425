"""Two stages in crowds: what the scan of all scales finds, the proposals find too."""

from __future__ import annotations

import numpy as np
import pytest

import spel
from spel.metrics.detection import Answers, evaluate
from spel.rigid import RigidConfig, learn_detector


def crowd(seed: int, count: int = 90) -> tuple[np.ndarray, np.ndarray]:
    """Disks with pale middles, of different contrast, on noise; and their boxes."""
    random = np.random.default_rng(seed)
    rows, cols = np.mgrid[:260, :360].astype(np.float32)
    image = np.full((260, 360), 200, np.float32) + 12 * np.sin(cols / 40)
    centres: list[tuple[float, float, float]] = []
    while len(centres) < count:
        radius = random.uniform(8, 12)
        row, col = random.uniform(12, 248), random.uniform(12, 348)
        if all(np.hypot(row - r, col - c) > 0.9 * (radius + s) for r, c, s in centres):
            centres.append((row, col, radius))
            distance = np.hypot(rows - row, cols - col) / radius
            ring = np.clip((1 - distance) * radius, 0, 1) * (0.5 + 0.5 * np.minimum(distance, 1))
            image -= ring * random.uniform(15, 110)
    image += random.normal(0, 6, image.shape)
    boxes = np.array([[c - s, r - s, c + s, r + s] for r, c, s in centres])
    return image.clip(0, 255).astype(np.uint8), boxes


@pytest.fixture(scope="module")
def network() -> spel.Network:
    pictures = [crowd(seed) for seed in range(2)]
    config = RigidConfig(
        orientations=4,
        crops=120,
        min_crops=2,
        rounds=1,
        hard_negatives=600,
        min_objects_for_proposals=1,
    )
    return learn_detector(
        [image for image, _ in pictures], [boxes for _, boxes in pictures], config
    )


def figures(network: spel.Network, **options: object) -> tuple[float, float]:
    answers = []
    for seed in range(10, 13):
        image, boxes = crowd(seed)
        found = spel.detect(network, image, threshold=0.01, **options)
        answers.append(Answers(str(seed), found.boxes, found.scores, boxes))
    metrics = evaluate(answers)
    return metrics.recall, metrics.average_precision


def test_a_crowd_is_detected_as_by_a_scan_of_all_scales(network: spel.Network) -> None:
    recall, precision = figures(network)
    full_recall, full_precision = figures(network, proposals=None)
    assert full_recall > 0.85
    assert recall >= full_recall - 0.005
    assert precision >= full_precision - 0.005


def test_boxes_beyond_the_largest_number_are_counted(network: spel.Network) -> None:
    image, _ = crowd(10)
    every = spel.detect(network, image, threshold=0.2, max_detections=1000)
    assert len(every) > 40
    assert every.left_out == 0
    few = spel.detect(network, image, threshold=0.2, max_detections=30)
    assert few.left_out == len(every) - 30
    np.testing.assert_array_equal(few.boxes, every.boxes[:30])


def test_a_scan_considers_as_many_windows_as_the_boxes_call_for(
    network: spel.Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    image, _ = crowd(10)
    options = {"threshold": 0.2, "max_detections": 1000, "proposals": None}
    every = spel.detect(network, image, **options)
    monkeypatch.setattr("spel.rigid.detect.MAX_WINDOWS", 5)
    assert len(spel.detect(network, image, **options)) == len(every) > 40
