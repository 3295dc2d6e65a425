"""Presence learned from strokes: in the file, at another rate, on the command line, refused."""

from __future__ import annotations

import json

import numpy as np
import pytest

import spel
from spel.cli.main import run as program
from spel.decide import segment, segmentation_of
from spel.errors import ParameterError
from spel.io.annotation.markers import write_markers
from spel.learning.segmenter import learn_segmenter
from tests.learning.test_segmenter import field, network, strokes

PLACES = [(30, 30), (40, 60), (25, 50)]
IMAGES = [field(i, *place)[0] for i, place in enumerate(PLACES)]
MARKERS = [strokes(*place) for place in PLACES]


@pytest.fixture(scope="module")
def learned():
    return learn_segmenter(
        network(), IMAGES, MARKERS, multiple=False, false_alarm_rate=0.25
    ).network


def test_the_file_knows_what_the_background_scores(learned, tmp_path):
    model = segmentation_of(learned).objects
    assert len(model.presence.objects) == len(model.presence.background) == 3
    assert model.min_score == max(model.presence.background)  # one of four: 1 / (3 + 1)
    assert min(model.presence.objects) > model.min_score
    learned.save(tmp_path / "n.safetensors")
    again = spel.load(tmp_path / "n.safetensors")
    assert segmentation_of(again) == segmentation_of(learned)


def test_objects_are_found_and_a_stricter_rate_asks_for_more(learned):
    image, truth = field(9, 50, 25)
    mask = segment(learned, image)
    assert 2 * (mask & truth).sum() / (mask.sum() + truth.sum()) > 0.85
    how = segmentation_of(learned)
    scores = [how.at_false_alarm_rate(rate).objects.min_score for rate in (0.5, 0.25, 0.01)]
    assert scores == sorted(scores)


def test_no_rate_is_needed_where_the_marked_images_separate_both_sides(learned):
    said: list[str] = []
    found = learn_segmenter(
        network(), IMAGES, MARKERS, multiple=False, false_alarm_rate="auto", on_step=said.append
    ).network
    model = segmentation_of(found).objects
    assert max(model.presence.background) < model.min_score < min(model.presence.objects)
    assert model == segmentation_of(learned).at_false_alarm_rate("auto").objects
    assert "separates marked objects and backgrounds best; 3 of 3 marked objects" in said[-1]
    assert said[-1].endswith("and 0 of 3 backgrounds")
    image, truth = field(9, 50, 25)
    mask = segment(found, image)
    assert 2 * (mask & truth).sum() / (mask.sum() + truth.sum()) > 0.85


def test_half_the_size_and_cut_objects_are_found_with_their_options():
    model = segmentation_of(
        learn_segmenter(
            network(), IMAGES, MARKERS, multiple=False, scales=(0.5, 1.0), truncated=True
        ).network
    ).objects
    assert model.area_range == (0.25, 1.0)
    assert model.truncated


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"false_alarm_rate": 2.0}, "between 0 and 1"),
        ({"false_alarm_rate": 0.1, "select": "threshold"}, "their learned size"),
    ],
)
def test_rates_without_a_meaning_are_refused(options, message):
    with pytest.raises(ParameterError, match=message):
        learn_segmenter(network(), IMAGES, MARKERS, **options)


def test_two_images_cannot_judge_each_other():
    with pytest.raises(ParameterError, match="at least 3"):
        learn_segmenter(network(), IMAGES[:2], MARKERS[:2], false_alarm_rate=0.1)


def test_the_command_line_states_the_rate_and_judges_the_strokes(tmp_path, capsys):
    layer = {
        "conv": {
            "kernel_size": [3, 3, 0], "dilation_rate": [1, 1, 0], "nkernels_per_marker": 2,
            "nkernels_per_image": 100, "noutput_channels": 8, "stride": 1,
        },
        "relu": True,
        "pooling": {"type": "max_pool", "size": [3, 3, 0], "stride": 1},
    }  # fmt: skip
    (tmp_path / "arch.json").write_text(json.dumps({"nlayers": 1, "layer1": layer}))
    for name in ("images", "markers"):
        (tmp_path / name).mkdir()
    for i, (image, drawn) in enumerate(zip(IMAGES, MARKERS)):
        spel.write(tmp_path / "images" / f"f{i}.png", image)
        write_markers(tmp_path / "markers" / f"f{i}-seeds.txt", drawn)
    images, net = str(tmp_path / "images"), str(tmp_path / "net.safetensors")
    words = ["learn", str(tmp_path / "arch.json"), "--images", images, "--out", net]
    words += ["--markers", str(tmp_path / "markers"), "--objects", "one", "--check-strokes"]
    assert program([*words, "--false-alarm-rate", "0.25", "--average-border"]) == 0
    lines = capsys.readouterr().err
    assert "an order statistic of 3 backgrounds" in lines
    assert "6 strokes: 0 hurt" in lines
    out = ["--out", str(tmp_path / "masks"), "--false-alarm-rate", "0.5"]
    with pytest.raises(SystemExit) as stop:
        program(["segment", net, images, *out])
    assert stop.value.code == 0
    assert np.count_nonzero(spel.read(tmp_path / "masks" / "f0.png")) > 100
    with pytest.raises(SystemExit) as stop:
        program(["segment", net, images, *out[:2], "--fresh", "--false-alarm-rate", "auto"])
    assert stop.value.code == 0
    assert np.count_nonzero(spel.read(tmp_path / "masks" / "f0.png")) > 100
    assert program(["segment", net, images, *out[:3], "1"]) == 2
    assert "ends excluded, or auto" in capsys.readouterr().err
    assert program(["segment", "plate-lecture", images, *out]) == 3
    assert "learn the network with a false_alarm_rate" in capsys.readouterr().err
