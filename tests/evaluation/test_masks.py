"""Masks by name, networks side by side, conversions by suffix."""

from __future__ import annotations

import json

import numpy as np
import pytest

import spel
from spel.cli.main import run as program
from spel.errors import FormatError, SpelError
from spel.evaluation import compare_on_masks, evaluate_masks
from spel.nn import Activation, Color, Scale, chain


def run(arguments: list[str]) -> int:
    try:
        return program(arguments)
    except SystemExit as stop:
        return int(stop.code or 0)


def save(folder, **masks):
    folder.mkdir(exist_ok=True)
    for name, mask in masks.items():
        spel.write(folder / f"{name}.png", np.asarray(mask, dtype=np.uint8))
    return folder


# -- LITERAL -------------------------------------------------------------------------------------


def test_masks_are_paired_by_name(tmp_path):
    full, none = np.full((4, 6), 255), np.zeros((4, 6))
    half = full.copy()
    half[:2] = 0
    answers = save(tmp_path / "a", x=half, y=none, z=full)
    truth = save(tmp_path / "t", x_label=full, y_mask=none, z_gt=none)
    found = evaluate_masks(answers, truth).to_dict()
    assert found["dice"] == pytest.approx(2 / 3)
    assert found["false_alarms"] == 0.5
    assert found["dice_all"] == pytest.approx((2 / 3 + 1 + 0) / 3)
    assert found["dice_all_if_empty"] == pytest.approx(2 / 3)


def test_masks_without_an_answer_count_as_missed(tmp_path):
    full = np.full((4, 6), 255)
    answers = save(tmp_path / "a", x=full)
    truth = save(tmp_path / "t", x=full, y=full, z=full)
    figures = evaluate_masks(answers, truth)
    assert figures.to_dict()["images"] == 3
    assert figures.to_dict()["dice"] == pytest.approx(1 / 3)
    assert figures.to_dict()["missing"] == 2
    assert "2 of 3 true masks have no answer and count as missed" in figures.text()
    assert evaluate_masks(answers, truth, only_answered=True).to_dict()["dice"] == 1.0


def test_a_name_with_dots_is_a_mask(tmp_path):
    full = np.full((4, 6), 255)
    for folder in ("a", "t"):
        save(tmp_path / folder, **{"photo.v2": full})
    assert evaluate_masks(tmp_path / "a", tmp_path / "t").to_dict()["images"] == 1


def test_masks_that_do_not_fit_are_refused(tmp_path):
    answers = save(tmp_path / "a", x=np.zeros((4, 4)))
    with pytest.raises(FormatError, match="no true mask for x"):
        evaluate_masks(answers, save(tmp_path / "t", y=np.zeros((4, 4))))
    with pytest.raises(FormatError, match="pixels"):
        evaluate_masks(answers, save(tmp_path / "u", x=np.zeros((4, 5))))


def test_a_network_is_compared_at_any_full_intensity(tmp_path):
    picture = np.random.default_rng(1).integers(0, 256, (12, 12, 3)).astype(np.uint8)
    mask = tmp_path / "mask.png"
    spel.write(mask, (picture[..., 0] > 99).astype(np.uint8))
    spel.write(tmp_path / "8.png", picture)
    spel.write(tmp_path / "16.png", picture * np.uint16(257))
    network = chain(Color("grey"), Activation("sigmoid"))
    figures = [
        compare_on_masks(network, {"a": (tmp_path / name, mask)}) | {"ms": 0}
        for name in ("8.png", "16.png")
    ]
    assert figures[0] == figures[1]
    assert 0 < figures[0]["MAE"] < 1


def test_the_image_that_a_comparison_cannot_take_is_named(tmp_path):
    network, mask = chain(Color("grey"), Activation("sigmoid")), tmp_path / "mask.png"
    spel.write(mask, np.ones((12, 12), np.uint8))
    spel.write(tmp_path / "small.png", np.ones((4, 12), np.uint8))
    with pytest.raises(FormatError, match=r"small\.png: 4 x 12 pixels.*mask\.png has 12 x 12"):
        compare_on_masks(network, {"a": (tmp_path / "small.png", mask)})
    spel.write(tmp_path / "bands.tif", np.ones((12, 12, 5), np.uint8))
    with pytest.raises(SpelError, match="channels") as refused:
        compare_on_masks(network, {"a": (tmp_path / "bands.tif", mask)})
    assert str(tmp_path / "bands.tif") in refused.value.__notes__


def test_the_command_line_compares_and_converts(tmp_path, capsys):
    images, masks = tmp_path / "i", tmp_path / "m"
    picture = np.zeros((12, 12))
    picture[3:8, 3:8] = 200
    save(images, a=picture)
    save(masks, a=picture > 0)
    chain(Scale([1 / 255])).save(tmp_path / "n.safetensors")
    assert (
        run(
            [
                "compare",
                str(tmp_path / "n.safetensors"),
                "--images",
                str(images),
                "--masks",
                str(masks),
                "--json",
            ]
        )
        == 0
    )
    figures = json.loads(capsys.readouterr().out)
    assert figures[str(tmp_path / "n.safetensors")]["dice"] == 1
    (tmp_path / "s.txt").write_text("1 4 4\n1 2 -1 0\n")
    assert run(["convert", str(tmp_path / "s.txt"), str(tmp_path / "s.json")]) == 0
    assert run(["convert", str(tmp_path / "s.json"), str(tmp_path / "t.txt")]) == 0
    assert (tmp_path / "t.txt").read_text() == (tmp_path / "s.txt").read_text()
    assert run(["convert", str(tmp_path / "s.txt"), str(tmp_path / "s.xml")]) == 3


@pytest.mark.parametrize("options", [[], ["--classes"], ["--instances"]])
@pytest.mark.parametrize("value", [0.37, 1.5, np.nan])
def test_probabilities_are_no_labels(tmp_path, capsys, options, value):
    """Every number but 0 would be an object: a saliency would fill the image in silence."""
    for name, number in (("answers", value), ("truth", 1.0)):
        (tmp_path / name).mkdir()
        spel.write(tmp_path / name / "a.tif", np.float32([[0, number], [0, 1]]))
    assert program(["eval", str(tmp_path / "answers"), str(tmp_path / "truth"), *options]) == 3
    message = capsys.readouterr().err
    assert "a.tif" in message
    assert f"{value:g} is no" in message


def test_masks_may_be_arrays(tmp_path):
    for name, mask in (("answers", [[1, 0, 0]]), ("truth", [[1, 1, 0]])):
        (tmp_path / name).mkdir()
        np.save(tmp_path / name / "a.npy", np.array(mask, bool))
    assert evaluate_masks(tmp_path / "answers", tmp_path / "truth").to_dict()["iou"] == 0.5


@pytest.mark.parametrize(
    "given", [["--iou", "0.7"], ["--any-class"], ["--images", "x"], ["--turn"]]
)
def test_options_of_boxes_are_refused_for_masks(tmp_path, capsys, given):
    for name in ("answers", "truth"):
        (tmp_path / name).mkdir()
        spel.write(tmp_path / name / "a.png", np.full((3, 3), 255, np.uint8))
    assert program(["eval", str(tmp_path / "answers"), str(tmp_path / "truth"), *given]) == 3
    assert f"{given[0]} compares boxes" in capsys.readouterr().err
