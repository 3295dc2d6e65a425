"""Masks by name, decoders by validation, networks side by side, conversions by suffix."""

from __future__ import annotations

import json

import numpy as np
import pytest

import spel
from spel.cli.main import run as program
from spel.core.markers import Markers
from spel.errors import FormatError, ParameterError
from spel.flim import linear_decoder
from spel.flim.backprop import backprop_decoder
from spel.jobs.choose import alarms_of, channel_alarms, decoders_of
from spel.jobs.masks import evaluate_masks
from spel.jobs.report import learning_sheet
from spel.nn import Decode, Scale, chain

from .test_learn import PLACES, field, network, strokes


def run(arguments: list[str]) -> int:
    try:
        return program(arguments)
    except SystemExit as stop:
        return int(stop.code or 0)


@pytest.fixture(scope="module")
def marked():
    images = [field(i, *place)[0] for i, place in enumerate(PLACES)]
    drawn = [strokes(*place) for place in PLACES]
    return spel.learn(network(), images, drawn), images, drawn


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


def test_masks_that_do_not_fit_are_refused(tmp_path):
    answers = save(tmp_path / "a", x=np.zeros((4, 4)))
    with pytest.raises(FormatError, match="no true mask for x"):
        evaluate_masks(answers, save(tmp_path / "t", y=np.zeros((4, 4))))
    with pytest.raises(FormatError, match="spels"):
        evaluate_masks(answers, save(tmp_path / "u", x=np.zeros((4, 5))))


def test_collapse_is_told():
    assert alarms_of([np.zeros((3, 3, 1), np.float32)])
    assert "all kernels come from objects" in alarms_of([], Decode("lm", (True, True)))[0]
    assert channel_alarms([np.random.default_rng(0).random((9, 9, 2))]) == ()


# -- LAW -----------------------------------------------------------------------------------------


def test_decoders_are_ranked_and_can_be_used(marked):
    net, images, drawn = marked
    masks = [field(i, *place)[1] for i, place in enumerate(PLACES)]
    for truth in ((), masks):
        ranked = decoders_of(net, images, drawn, masks=truth)
        assert len(ranked) == 2 * 8 + 1
        free = [choice.score for choice in ranked if not choice.alarms]
        assert free == sorted(free, reverse=True)
        assert ranked[0].score > 0.95
        assert ranked[0].network(images[0]).shape == (80, 90, 1)
    with pytest.raises(ParameterError, match="unknown"):
        decoders_of(net, images, drawn, methods=["best"])


def test_backpropagation_fits_masks():
    image, truth = field(0, 30, 30)
    features = image.astype(np.float32) / 255
    layer = backprop_decoder([features], [truth], epochs=400)
    found = layer(features)[..., 0] > 0
    assert 2 * (found & truth).sum() / (found.sum() + truth.sum()) > 0.8


def test_the_report_shows_strokes_masks_and_kernels(marked):
    net, images, drawn = marked
    picture = learning_sheet(net, images, drawn, ["0", "1"])
    assert picture.ndim == 3
    assert picture.dtype == np.uint8


def test_the_linear_decoder_ignores_dead_channels():
    image = np.zeros((4, 4, 3), np.float32)
    image[:2, :, 0] = 1
    image[..., 2] = 5
    drawn = Markers([(0, 0), (0, 1), (3, 0), (3, 1)], [1, 1, 0, 0], (4, 4))
    assert linear_decoder([image], [drawn]).weights[1:].tolist() == [0, 0]


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
