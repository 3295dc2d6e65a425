"""COCO in and out: literals, a round trip, every problem listed with its place."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from spel.errors import FormatError
from spel.io import Annotations, ImageBoxes, read_coco, write_coco

PLATES = Path("../shared/data/plates/annotations.json")

GOOD = {
    "images": [
        {"id": 7, "file_name": "b/a.png", "width": 9, "height": 5},
        {"id": 2, "file_name": "c.png", "width": 3, "height": 4},
    ],
    "categories": [{"id": 5, "name": "plate"}, {"id": 3, "name": "car"}],
    "annotations": [
        {"id": 1, "image_id": 7, "category_id": 5, "bbox": [1, 2, 3.5, 2], "iscrowd": 1},
        {"id": 2, "image_id": 7, "category_id": 3, "bbox": [0, 0, 9, 5]},
    ],
}


def put(tmp_path, content):
    path = tmp_path / "truth.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_literal(tmp_path):
    truth = read_coco(put(tmp_path, GOOD))
    first, second = truth
    assert first.image == "b/a.png"
    assert first.size == (5, 9)
    assert first.boxes.tolist() == [[1, 2, 4.5, 4], [0, 0, 9, 5]]
    assert first.classes == ("plate", "car")
    assert first.crowd.tolist() == [True, False]
    assert len(second) == 0
    assert truth.classes == ("car", "plate")


def test_images_are_found_by_the_end_of_their_path(tmp_path):
    truth = read_coco(put(tmp_path, GOOD))
    assert truth.of("b/a.png").image == "b/a.png"
    assert truth.of("data/b/a.png").image == "b/a.png"
    assert truth.of("a.png").image == "b/a.png"
    with pytest.raises(KeyError):
        truth.of("xa.png")


def test_round_trip(tmp_path):
    truth = read_coco(put(tmp_path, GOOD))
    write_coco(tmp_path / "again.json", truth)
    assert read_coco(tmp_path / "again.json").images == truth.images


def test_without_categories_there_is_one_class(tmp_path):
    content = {k: v for k, v in GOOD.items() if k != "categories"}
    assert read_coco(put(tmp_path, content)).classes == ("object",)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c: c.pop("images"), "images: the list is missing"),
        (lambda c: c["images"].append(3), r"images\[2\]: 3 is not an object"),
        (lambda c: c["images"][1].update(id=7), r"images\[1\].id: 7 is not"),
        (lambda c: c["images"][1].update(file_name="b/a.png"), "it stands twice"),
        (lambda c: c["images"][0].update(width=0), r"images\[0\].width: 0"),
        (lambda c: c["images"][0].update(height=True), r"images\[0\].height"),
        (lambda c: c["annotations"][0].update(image_id=99), r"annotations\[0\].image_id: 99"),
        (lambda c: c["annotations"][0].update(image_id=[7]), r"annotations\[0\].image_id"),
        (lambda c: c["annotations"][1].update(category_id=4), "no category of this file"),
        (lambda c: c["annotations"][1].update(bbox=[1, 2, 3]), r"annotations\[1\].bbox"),
        (lambda c: c["annotations"][1].update(bbox=[1, 2, "3", 4]), "not .x, y, width, height"),
        (lambda c: c["annotations"][1].update(bbox=[1, 2, 0, 4]), "has no area"),
        (lambda c: c["annotations"][1].update(bbox=[9, 2, 2, 2]), "lies outside"),
        (lambda c: c["annotations"][1].update(iscrowd=2), "neither 0 nor 1"),
        (lambda c: c["categories"][0].update(name=""), r"categories\[0\].name"),
    ],
)
def test_problems_have_places(tmp_path, change, words):
    content = json.loads(json.dumps(GOOD))
    change(content)
    with pytest.raises(FormatError, match=words):
        read_coco(put(tmp_path, content), strict=True)


def test_all_problems_are_listed(tmp_path):
    content = json.loads(json.dumps(GOOD))
    content["annotations"][0]["bbox"] = None
    content["annotations"][1]["image_id"] = -1
    with pytest.raises(FormatError, match="2 problems") as caught:
        read_coco(put(tmp_path, content), strict=True)
    assert "annotations[0].bbox" in str(caught.value)
    assert "annotations[1].image_id" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[]", "a list"),
        ("", "it is empty"),
        ("hello", "it begins with 'hello'"),
        ("{", "correct the JSON"),
        ("[" * 1000, "deeper"),
        ('{"images": [], "images": []}', "stands twice"),
        ('{"a": NaN}', "NaN"),
        ('{"a": 1e999}', "too large"),
        ('{"a": ' + "9" * 5000 + "}", "digits"),
    ],
)
def test_not_json(tmp_path, text, words):
    with pytest.raises(FormatError, match=words):
        read_coco(put(tmp_path, text))


def test_missing_folder_and_pipe(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "none.json", tmp_path / "pipe"):
        with pytest.raises(FormatError):
            read_coco(path)


def test_writing_refuses_two_images_of_one_name(tmp_path):
    one = ImageBoxes("a.png", (2, 2), np.zeros((0, 4)))
    with pytest.raises(FormatError, match="same name"):
        write_coco(tmp_path / "a.json", Annotations((one, one), ()))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not PLATES.exists(), reason="../shared/data/plates is absent")
def test_plates():
    truth = read_coco(PLATES)
    assert len(truth) == 61 + 47 + 69
    assert all(len(one) == 1 for one in truth)
    assert truth.classes == ("plate",)
