"""A file of several classes: learned, detected, written and judged class by class."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import spel
from spel.data import street
from spel.decide import decision_of
from spel.io.annotation.annotations import ImageBoxes
from spel.io.annotation.labels import read_coco, write_coco
from spel.learning.detector import learn_from_boxes
from spel.learning.detector_sheet import detector_sheet
from spel.rigid import RigidConfig, Windows

QUICK = RigidConfig(orientations=4, min_crops=4, crops=16, rounds=1, hard_negatives=60)

Program = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Streets whose truth names plates, their left halves, and a crowd."""
    folder = tmp_path_factory.mktemp("classes")
    truth = []
    for seed in range(4):
        scene = street(seed, size=(160, 240), plate_width=60)
        spel.write(folder / f"{seed}.png", scene.image)
        x0, y0, x1, y1 = scene.boxes[0]
        boxes = [[x0, y0, x1, y1], [x0, y0, (x0 + x1) / 2, y1], [x0 - 5, y0 - 5, x1, y1]]
        names = ("plate", "half", "half")
        truth.append(ImageBoxes(f"{seed}.png", (160, 240), boxes, names, [False, False, True]))
    write_coco(folder / "truth.json", truth)
    return folder


def test_each_class_is_learned_found_and_judged(folder: Path, program: Program) -> None:
    told: list[str] = []
    network, answers = learn_from_boxes(
        read_coco(folder / "truth.json"), folder, QUICK, folds=2, on_step=told.append
    )
    assert [line for line in told if line.startswith("class ")] == [
        "class 1 of 2: half, 4 boxes",
        "class 2 of 2: plate, 4 boxes",
    ]
    assert sorted(network.meta["card"]["threshold"]) == ["half", "plate"]
    assert {name for one in answers for name in one.truth_classes} == {"half", "plate"}
    assert {name for one in answers for name in one.classes} == {"half", "plate"}
    assert detector_sheet(network, answers, folder, worst=1).shape[2] == 3
    network.save(folder / "net.safetensors")
    detect = ["detect", folder / "net.safetensors", folder / "1.png", "--threshold", "0.01"]
    code, _, err = program(*detect, "--out", folder / "run", "--format", "csv,coco")
    assert code == 0, err
    found = json.loads((folder / "run" / "results.jsonl").read_text())["boxes"]
    assert {box["class"] for box in found} == {"half", "plate"}
    for file in ("results.csv", "results.coco.json"):
        text = (folder / "run" / file).read_text()
        assert "plate" in text
        assert "half" in text
    figures = json.loads(program("eval", folder / "run", folder / "truth.json", "--json")[1])
    assert sorted(figures["classes"]) == ["half", "plate"]
    # A half lies inside its plate: across classes only the better one of both remains.
    across = json.loads(program(*detect, "--suppress", "across")[1])["boxes"]
    assert 0 < len(across) < len(found)
    assert all(box in found for box in across)


def test_the_boxes_of_all_classes_can_be_one_class(folder: Path) -> None:
    truth = read_coco(folder / "truth.json")
    one = learn_from_boxes(truth.as_one_class(), folder, QUICK)[0]
    assert isinstance(decision_of(one), Windows)
    assert one.meta["card"]["boxes"] == 8
    plates = learn_from_boxes(truth.only_classes(["plate"]), folder, QUICK)[0]
    assert isinstance(decision_of(plates), Windows)
    assert plates.meta["card"]["boxes"] == 4
    assert spel.detect(plates, np.zeros((40, 60, 3), np.uint8)).classes == ()
