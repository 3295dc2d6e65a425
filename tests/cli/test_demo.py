"""The first run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import spel
from spel.demo import place, show
from spel.errors import ParameterError
from spel.io.annotation.results import read_results


def test_demo_boxes_the_plate_and_shows_every_step(program, tmp_path, monkeypatch):
    code, out, err = program("demo", "--out", tmp_path / "d")
    assert code == 0
    names = [Path(line).name for line in out.splitlines()]
    assert names[0] == "street.png"
    assert {"steps.png", "results.jsonl", "plate-lecture.safetensors", "demo.py"} <= set(names)
    assert all(Path(line).exists() for line in out.splitlines())
    assert "IoU with the true box 0.77" in err
    assert "patch x kernel = products" in err
    assert "is the sign, IoU 0.00; with --aspect 2:5.5 the plate, IoU 0.77" in err
    assert read_results(tmp_path / "d" / "results.jsonl")[0].boxes.tolist() == [
        [253.0, 260.0, 353.0, 285.0]
    ]
    assert spel.load(tmp_path / "d" / "plate-lecture.safetensors") == spel.zoo.plate_lecture()
    monkeypatch.chdir(tmp_path)
    proposed = [line.split()[1:] for line in err.splitlines() if line.startswith("  spel ")]
    assert [words[0] for words in proposed] == ["apply", "trace"]
    own = {"PICTURE": tmp_path / "d" / "street.png", "ROW,COL": "10,20"}
    for words in proposed:
        assert program(*(own.get(word, word) for word in words))[0] == 0


def test_demo_script_gives_the_same_box(tmp_path):
    show(tmp_path, fast=True, say=lambda line: None)
    done = subprocess.run(
        [sys.executable, tmp_path / "demo.py"], capture_output=True, text=True, check=True
    )
    assert "plate [253.0, 260.0, 353.0, 285.0]" in done.stdout
    assert "IoU 0.77" in done.stdout
    assert "with an aspect of 2 to 5.5 [[203.0, 252.0, 306.0, 278.0]]" in done.stdout


def test_demo_fast_draws_nothing(tmp_path):
    done = show(tmp_path, fast=True, say=lambda line: None)
    assert "steps.png" not in {p.name for p in done.files}
    assert done.iou > 0.7


def test_demo_without_the_page_says_so(tmp_path, monkeypatch):
    from spel.demo import show as module

    monkeypatch.setattr(sys.modules["spel.demo.show"], "_page", lambda: None)
    said: list[str] = []
    module(tmp_path, fast=True, say=said.append)
    assert any("does not contain page.png" in line for line in said)


def test_demo_without_matplotlib_draws_all_the_same(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    done = show(tmp_path, say=lambda line: None)
    assert "steps.png" in {p.name for p in done.files}


def test_a_closed_folder_gives_a_temporary_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    chosen, word = place.writable_folder(None)
    assert chosen.name.startswith("spel-demo-")
    assert str(chosen) in word


def test_a_folder_that_was_asked_for_is_not_replaced(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ParameterError, match="--out"):
        place.writable_folder(tmp_path / "file")
