"""The tables of the science benchmarks: their forms, tests and expectations; the controls."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest

import spel
from spel.core.markers import Markers
from spel.nn import Activation, Color, Convolution, MaxPool, Unlearned, chain

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def repository(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))


@pytest.fixture
def table():
    from benchmarks.science.table import Table, row

    ours = [{"Dice": {"a": 0.9, "b": 0.8}}, {"Dice": {"a": 0.7, "b": 1.0}}]
    made = Table("toy", "Toy", ("Dice",), "ours")
    made.rows = [
        row("ours", (1, 2), ours),
        row("100 % others_", (1,), [{"Dice": {"a": 0.1, "b": 0.2}}]),
    ]
    return made


def test_the_three_forms_hold_the_same_figures(table, tmp_path):
    lines = list(csv.DictReader(io.StringIO(table.csv())))
    assert [line["mean"] for line in lines] == ["0.850", "0.150"]
    # images a: .8, b: .9; seeds: .85 and .85; two pairs, so all four sign patterns: p = 1/2
    assert (lines[0]["deviation"], lines[0]["between_seeds"]) == ("0.071", "0.000")
    assert (lines[1]["p"], lines[0]["p"], lines[1]["n"]) == ("0.500", "", "2")
    assert "| ours | 2 | 2 | 0.850 [0.800, 0.900] ± 0.000 |" in table.markdown()
    assert r"100 \% others\_ & 2 & $0.150$ $[0.100, 0.200]$ \\" in table.latex()
    assert [path.suffix for path in table.write(tmp_path)] == [".md", ".csv", ".tex"]


def test_a_row_may_lack_a_metric(table):
    from benchmarks.science.table import row

    table.metrics = ("Dice", "false alarms")
    table.rows.append(row("alarms too", (1,), [{"Dice": {"a": 1.0}, "false alarms": {"c": 0.0}}]))
    assert "| ours | 2 | 2 | 0.850 [0.800, 0.900] ± 0.000 | – |" in table.markdown()
    assert "-- " in table.latex()


def test_figures_that_are_not_as_expected_are_named(table, tmp_path):
    assert table.differences(tmp_path) == ["toy.json: no expected figures yet"]
    table.expect(0.05, tmp_path)
    assert table.differences(tmp_path) == []
    data = json.loads((tmp_path / "toy.json").read_text())
    data["means"]["ours"]["Dice"] = 0.7
    (tmp_path / "toy.json").write_text(json.dumps(data))
    assert table.differences(tmp_path) == ["ours, Dice: 0.850, expected 0.700 within 0.05"]


def test_dice_is_of_objects_and_alarms_of_empty_images():
    from benchmarks.science.table import dice_and_alarms

    full, empty = np.ones((2, 2), bool), np.zeros((2, 2), bool)
    found = dice_and_alarms({"a": full, "b": full}, {"a": full, "b": empty})
    assert found == {"Dice": {"a": 1.0}, "false alarms": {"b": 1.0}}


def test_each_control_has_the_shape_of_the_learned_network():
    from benchmarks.science.controls import COLOR, LEARNED, encoders

    rng = np.random.default_rng(0)
    images = [rng.integers(0, 255, (24, 30, 3), np.uint8) for _ in range(2)]
    strokes = [Markers([(3, c) for c in range(9)] + [(20, 4)], [1] * 9 + [0], (24, 30))] * 2
    box = spel.Adjacency.box(3)
    net = chain(
        color=Color("lab"), conv1=Unlearned(box, 4, per_stroke=2), relu=Activation(),
        pool=MaxPool(box, 2), conv2=Unlearned(box, 6, per_stroke=3),
    )  # fmt: skip
    shapes, outputs = {}, {}
    for name, make in encoders(net, images, strokes, 1).items():
        made = make()
        banks = [n.layer.bank for n in made.nodes if isinstance(n.layer, Convolution)]
        shapes[name] = [(len(b), *b.weights.shape[1:]) for b in banks]
        outputs[name] = made(images[0])
    assert shapes.pop(COLOR) == [(3, 1, 3)]
    assert set(map(str, shapes.values())) == {str([(4, 9, 3), (6, 9, 4)])}
    others = [outputs[name] for name in shapes if name != LEARNED]
    assert not any(np.allclose(outputs[LEARNED], other) for other in others)


def test_printed_tables_are_found_and_written(tmp_path):
    from benchmarks.science.printed import PRINTED, PrintedTable

    text = "words\n\n| | r50 (a / b) | kept | ms |\n|---|---:|---|---|\n"
    text += "| **ours**, 2 levels | .95 / 1.00 | 2,971 | 12 |\n| theirs_ | – | 0.5 (0.25) | 3 |\n"
    text += "| interval | .5 [.25, .75] | | |\n"
    table = PrintedTable("toy", PRINTED["eggs-shipped"], text)
    assert table.means() == {
        "ours, 2 levels": {"r50 (a / b) 1": 0.95, "r50 (a / b) 2": 1.0, "kept": 2971.0},
        "theirs_": {"kept 1": 0.5, "kept 2": 0.25},
        "interval": {f"r50 (a / b) {i}": value for i, value in enumerate((0.5, 0.25, 0.75), 1)},
    }
    assert [path.suffix for path in table.write(tmp_path)] == [".md", ".csv", ".tex"]
    assert "theirs_,–,0.5 (0.25),3" in (tmp_path / "toy.csv").read_text()
    assert r"theirs\_ & – & 0.5 (0.25) & 3 \\" in (tmp_path / "toy.tex").read_text()


def test_a_tolerance_is_a_share_of_large_figures(tmp_path):
    from benchmarks.science.expectation import differences, expect

    expect("toy", {"a": {"n": 100.0, "share": 0.5}}, 0.1, tmp_path)
    assert differences("toy", {"a": {"n": 109.0, "share": 0.59}}, tmp_path) == []
    assert len(differences("toy", {"a": {"n": 111.0, "share": 0.61}}, tmp_path)) == 2
    assert "nan, expected 0.500" in differences("toy", {"a": {"n": 100.0}}, tmp_path)[0]
    assert differences("toy", {"b": {}}, tmp_path) == []


def test_each_table_has_expected_figures_and_a_place_in_the_documents():
    from benchmarks.science.__main__ import NAMES
    from benchmarks.science.expectation import EXPECTED
    from benchmarks.science.printed import PRINTED

    pages = "\n".join(page.read_text("utf-8") for page in (ROOT / "docs").rglob("*.md"))
    for name in (*NAMES, *PRINTED):
        assert (EXPECTED / f"{name}.json").is_file(), name
        assert re.search(rf"spel reproduce [a-z0-9 -]*\b{name}\b(?!-)", pages), name
    for name, source in PRINTED.items():
        assert source.words.split(" --")[0].removeprefix("-m ") in pages, name


def test_a_nested_choice_does_not_look_at_the_set_that_it_judges():
    from benchmarks.science.mo445 import _nested

    sets = ["Dice 1", "Dice 2", "Dice 3"]
    plain = {one: {f"{one}/a": value} for one, value in zip(sets, (0.9, 0.1, 0.5))}
    cut = {one: {f"{one}/a": value} for one, value in zip(sets, (0.2, 0.6, 0.5))}
    chosen = _nested(sets, (plain, cut))  # on the others: .3 or .55, .7 or .35, .5 or .4
    assert chosen["Dice"] == {"Dice 1/a": 0.2, "Dice 2/a": 0.1, "Dice 3/a": 0.5}


def test_a_benchmark_that_fails_is_named(tmp_path, monkeypatch, capsys):
    from benchmarks.science.__main__ import main

    monkeypatch.chdir(ROOT)
    assert main(["eggs-shipped", "--data", str(tmp_path)]) == 3
    assert "takes no other folder" in capsys.readouterr().err
    assert main(["plates-folds", "--data", str(tmp_path), "--seeds", "1"]) == 3
    assert main(["plates-folds", "--data", str(tmp_path), "--out", str(tmp_path)]) == 3
    assert "ended with 3 and printed 0 tables" in capsys.readouterr().err


def test_the_command_runs_in_a_copy_of_the_repository_only(tmp_path, monkeypatch, capsys):
    from spel.cli.main import run as program

    monkeypatch.chdir(tmp_path)
    assert program(["reproduce", "parasites"]) == 3
    assert "run it in a copy of the repository" in capsys.readouterr().err
    monkeypatch.chdir(ROOT)
    with pytest.raises(SystemExit) as stop:
        program(["reproduce", "parasites", "--data", str(tmp_path / "none")])
    assert stop.value.code == 3


def test_outlines_of_a_rendered_egg_and_their_limits():
    from benchmarks.science.outlines import LEARNED, _outlines
    from spel.decide import Delineation, ObjectModel, Segmentation
    from spel.metrics.segmentation import dice

    rows, cols = np.mgrid[:60, :80]
    truth = ((rows - 30) / 12) ** 2 + ((cols - 40) / 20) ** 2 <= 1
    near = ((rows - 30) / 10) ** 2 + ((cols - 40) / 18) ** 2
    saliency = np.clip(1.3 - near / 2, 0, 1).astype(np.float32)  # a soft edge around the egg's
    noise = np.random.default_rng(0).normal(0, 0.02, (60, 80, 3))
    colors = (truth[..., None] * [0.8, 0.4, 0.2] + noise).astype(np.float32)
    line = Delineation(convex=True, average=True, scale=(1.0, 1.0, 1.0))
    how = Segmentation(ObjectModel(area=float(truth.sum()), elongation=0.6), delineation=line)
    found = dict(_outlines(how, saliency, colors, truth))
    figures = {name: dice(mask, truth) for name, mask in found.items()}
    assert len(figures) == 17
    assert min(figures.values()) > 0.8
    best = figures["limit: best component, averaged"]
    assert best >= figures[LEARNED] > 0.9
    assert figures["limit: best component alone"] >= figures["component alone"]
    assert figures["limit: best distance from the averaged outline"] >= figures[LEARNED]
    assert not dict(_outlines(how, saliency * 0, colors, truth))  # nothing was found


def test_other_marked_images_are_drawn_by_seed():
    from benchmarks.science.draws import FEW, _fewer, _others

    masks = {f"{i:02}": np.zeros((40, 40), bool) for i in range(20)}
    for name in list(masks)[:12]:
        masks[name][10:30, 12:28] = True
    drawn = _others(masks, 3)
    assert sum(one.is_object.any() for one in drawn.values()) == 7
    assert len(drawn) == 8
    assert list(_others(masks, 3)) == list(drawn) != list(_others(masks, 4))
    assert len(_fewer(drawn, 0)) == FEW
    assert set(_fewer(drawn, 0)) < set(drawn)
