"""Detectors of several classes: each box has a class, and classes do not disturb one another."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import spel
from spel import backends
from spel.core.detections import Detections
from spel.data import street
from spel.decide import decision_of, with_decision
from spel.errors import FormatError, ParameterError, ShapeError, UnsupportedLayerError
from spel.metrics.detection import Answers, evaluate
from spel.rigid import ClassWindows, RigidConfig, Windows, learn_detector
from spel.rigid.large import detect_in_levels

QUICK = RigidConfig(orientations=4, min_crops=8, crops=30, rounds=1, hard_negatives=300)

Scene = tuple[np.ndarray, np.ndarray, list[str]]


def scene(seed: int) -> Scene:
    """A street with a plate and a dark ball, which do not touch."""
    picture = street(seed, size=(240, 352))
    random = np.random.default_rng(seed)
    rows, cols = np.mgrid[:240, :352]
    while True:
        row, col, radius = random.uniform(40, 200), random.uniform(40, 310), random.uniform(14, 22)
        ball = np.array([col - radius, row - radius, col + radius, row + radius])
        apart = (ball[2:] < picture.boxes[:, :2]) | (ball[:2] > picture.boxes[:, 2:])
        if apart.any(axis=1).all():
            break
    distance = np.hypot(rows - row, cols - col) / radius
    shade = np.clip((1 - distance) * radius, 0, 1) * 120 * (0.4 + 0.6 * np.minimum(distance, 1))
    image = np.clip(picture.image - shade[..., None], 0, 255).astype(np.uint8)
    names = ["plate"] * len(picture.boxes) + ["ball"]
    return image, np.concatenate([picture.boxes, ball[None]]), names


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    return [scene(seed) for seed in range(100, 103)]


@pytest.fixture(scope="module")
def network(scenes: list[Scene]) -> spel.Network:
    images, boxes, classes = zip(*scenes)
    return learn_detector(images, boxes, QUICK, classes=classes)


def test_boxes_of_other_pictures_have_their_classes(network: spel.Network) -> None:
    answers = []
    for seed in range(4):
        image, boxes, names = scene(seed)
        found = spel.detect(network, image, threshold=0.02)
        answers.append(Answers(str(seed), found.boxes, found.scores, boxes, found.classes, names))
    figures = evaluate(answers).by_class
    assert sorted(figures) == ["ball", "plate"]
    assert all(one.average_precision > 0.9 for one in figures.values())


def test_every_class_answers_as_it_does_alone(network: spel.Network) -> None:
    image, _, _ = scene(1)
    both = spel.detect(network, image, threshold=0.02)
    decision = decision_of(network)
    assert isinstance(decision, ClassWindows)
    assert list(both.scores) == sorted(both.scores, reverse=True)
    for name, windows in decision.classes:
        alone = spel.detect(network, image, decision=windows, threshold=0.02)
        mine = [i for i, own in enumerate(both.classes) if own == name]
        assert len(alone) == len(mine) > 0
        np.testing.assert_array_equal(both.boxes[mine], alone.boxes)
        np.testing.assert_array_equal(both.scores[mine], alone.scores)


def test_classes_in_parts_are_those_of_the_whole(network: spel.Network) -> None:
    image, _, _ = scene(1)
    decision = decision_of(network)
    assert isinstance(decision, ClassWindows)
    whole = spel.detect(network, image)
    parts = detect_in_levels(network, [image], decision, size=200)
    assert {"ball", "plate"} == set(whole.classes) == set(parts.classes)
    assert np.array_equal(parts.boxes, whole.boxes)
    assert np.array_equal(parts.scores, whole.scores)


def test_boxes_suppress_one_another_within_or_across_classes(network: spel.Network) -> None:
    image, _, _ = scene(1)
    decision = decision_of(network)
    assert isinstance(decision, ClassWindows)
    _, windows = decision.classes[1]
    twice = ClassWindows((("a", windows), ("b", windows)))
    within = spel.detect(network, image, decision=twice, threshold=0.02, why=True)
    across = spel.detect(network, image, decision=twice, threshold=0.02, suppress="across")
    single = spel.detect(network, image, decision=windows, threshold=0.02)
    assert sorted(within.classes) == ["a"] * len(single) + ["b"] * len(single)
    assert {why.kernels[0][0] for why in within.why} == {"score_1"}
    assert across.classes == ("a",) * len(single)  # the first of equals
    np.testing.assert_array_equal(across.boxes, single.boxes)


def test_the_file_keeps_the_classes(
    network: spel.Network, scenes: list[Scene], tmp_path: Path
) -> None:
    network.save(tmp_path / "both.safetensors")
    again = spel.load(tmp_path / "both.safetensors")
    assert decision_of(again) == decision_of(network)
    found = spel.detect(again, scenes[1][0])
    assert found == spel.detect(network, scenes[1][0])
    assert {"ball", "plate"} == set(found.classes)
    assert found.to_dict()["boxes"][0]["class"] == found.classes[0]
    assert sorted(again.meta["validation"]) == ["ball", "plate"]
    thresholds = [windows.threshold for _, windows in decision_of(again).classes]  # type: ignore[union-attr]
    assert thresholds == [again.meta["validation"][name]["threshold"] for name in ("ball", "plate")]


def test_one_class_among_empty_photos_and_images_without_a_spel(network: spel.Network) -> None:
    found = spel.detect(network, np.zeros((0, 4, 3), np.uint8))
    assert (len(found), found.classes) == (0, ())
    flat = np.full((60, 80, 3), 9, np.uint8)
    assert spel.detect(network, flat, threshold=0.5).classes == ()


def test_an_onnx_file_finds_the_boxes_of_every_class(network: spel.Network, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    decision = decision_of(network)
    assert isinstance(decision, ClassWindows)
    ball, plate = (replace(one, min_scale=one.max_scale / 3) for _, one in decision.classes)
    three = ClassWindows((("ball", ball), ("plate", plate), ("again", ball)), suppress="across")
    report = spel.to_onnx(
        with_decision(network, three), tmp_path / "three.onnx", images=[scene(1)[0]], dtype="uint8"
    )
    assert report.boxes == len(spel.detect(network, scene(1)[0], decision=three)) > 1
    assert report.difference < 1e-5
    properties = {p.key: p.value for p in onnx.load(report.path).metadata_props}
    assert json.loads(properties["classes"]) == ["ball", "plate", "again"]


def test_a_translation_as_one_function_is_refused_by_name(network: spel.Network) -> None:
    pytest.importorskip("onnx")
    image = np.zeros((40, 40, 3), np.uint8)
    with pytest.raises(UnsupportedLayerError, match=r"2 classes.*score_0, score_1"):
        backends.compile(network, image.shape, "onnx")
    backends.compile(network.upto("score_1"), image.shape, "onnx")


def one(name: str = "score") -> Windows:
    return Windows(sizes=((36, 36),), score_node=name)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"classes": ()}, "no classes"),
        ({"classes": (("a", one()), ("a", one()))}, "each name once"),
        ({"classes": (("", one()),)}, "expected a name"),
        ({"classes": (("a", Windows(((8, 8),))),)}, "no score_node"),
        ({"classes": (("a", one()),), "suppress": "all"}, "within, across"),
        ({"classes": (("a", one()),), "overlap": 2}, "0 to 1"),
    ],
)
def test_decisions_that_do_not_fit_are_refused(values: dict, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        ClassWindows(**values)


def test_stored_decisions_are_checked() -> None:
    stored = ClassWindows((("a", one()),)).to_dict()
    assert ClassWindows.from_dict(stored).names == ("a",)
    for bad in (
        {**stored, "version": 2},
        {**stored, "colour": 1},
        {**stored, "classes": 3},
        {**stored, "classes": [{"name": "a"}]},
        {**stored, "classes": [{"name": "a", "windows": 3}]},
        {key: value for key, value in stored.items() if key != "classes"},
    ):
        with pytest.raises(FormatError, match="ClassWindows"):
            ClassWindows.from_dict(bad)


def test_options_change_all_classes_and_others_are_refused(network: spel.Network) -> None:
    decision = decision_of(network)
    assert isinstance(decision, ClassWindows)
    changed = decision.with_options(threshold=0.3, suppress="across", overlap=0.2)
    assert {windows.threshold for _, windows in changed.classes} == {0.3}
    assert {changed.overlap, *(w.overlap for _, w in changed.classes)} == {0.2}
    with pytest.raises(ParameterError, match=r"unknown option sizes.*suppress, threshold"):
        spel.detect(network, np.zeros((9, 9), np.uint8), sizes=((1, 1),))


def test_classes_for_each_box_are_needed(scenes: list[Scene]) -> None:
    images, boxes, _ = zip(*scenes)
    with pytest.raises(ShapeError, match="expected the class of each box"):
        learn_detector(images, boxes, QUICK, classes=[["a"]] * 3)
    with pytest.raises(ShapeError, match="one class per box"):
        Detections([[0, 0, 1, 1]], [1.0], [1], (4, 4), classes=("a", "b"))
