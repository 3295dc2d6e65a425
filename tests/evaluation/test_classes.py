"""Label images class by class: LITERAL counts, void pixels, and what is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest

import spel
from spel.cli.main import run as program
from spel.errors import FormatError
from spel.evaluation import evaluate_classes, evaluate_masks

TRUE = [[1, 1, 2, 255], [0, 3, 3, 3]]
ANSWER = [[1, 2, 2, 1], [0, 255, 3, 3]]


@pytest.fixture(params=[np.uint8, np.uint16])
def folders(tmp_path, request):
    highest = np.iinfo(request.param).max
    for name, labels in (("answers", ANSWER), ("truth", TRUE)):
        array = np.array(labels, request.param)
        (tmp_path / name).mkdir()
        spel.write(tmp_path / name / "a.png", np.where(array == 255, highest, array))
    return tmp_path / "answers", tmp_path / "truth"


def test_every_class_is_compared_and_void_pixels_are_left_out(folders):
    figures = evaluate_classes(*folders).to_dict()
    assert figures["dice_1"] == pytest.approx(2 * 1 / (1 + 2))
    assert figures["dice_2"] == pytest.approx(2 * 1 / (2 + 1))
    assert figures["dice_3"] == pytest.approx(2 * 2 / (2 + 3))
    assert figures["iou_3"] == pytest.approx(2 / 3)
    assert figures["mean_dice"] == pytest.approx((2 / 3 + 2 / 3 + 4 / 5) / 3)
    assert not [name for name in figures if name.endswith(("255", "65535"))]


def test_a_true_image_without_an_answer_counts(folders):
    answers, truth = folders
    spel.write(truth / "b.png", np.full((2, 2), 2, np.uint8))
    both = evaluate_classes(answers, truth)
    assert both.missing == ("b",)
    assert both.to_dict()["dice_2"] == pytest.approx((2 / 3 + 0) / 2)
    assert evaluate_classes(answers, truth, only_answered=True).missing == ()


def test_several_labels_as_one_object_are_said(folders, capsys):
    found = evaluate_masks(*folders)
    assert found.several == ("a",)
    assert "1 true mask with several labels" in found.text()
    with pytest.raises(SystemExit) as stop:
        program(["eval", *map(str, folders), "--classes", "--json"])
    assert not stop.value.code
    assert json.loads(capsys.readouterr().out)["mean_dice"] == pytest.approx(32 / 45)


def test_what_does_not_fit_is_refused(folders, tmp_path):
    answers, truth = folders
    spel.write(truth / "a.png", np.zeros((3, 3), np.uint8))
    with pytest.raises(FormatError, match="2 x 4 pixels"):
        evaluate_classes(answers, truth)
    for folder in folders:
        spel.write(folder / "a.png", np.zeros((3, 3), np.uint8))
    with pytest.raises(FormatError, match="no label but 0"):
        evaluate_classes(*folders)
