"""Folders of runs by spel 0.1 are read and resumed.

`run-0.1` was written by spel 0.1 and cut after the third of four images; `whole.jsonl` is what the
whole run gave.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from spel import zoo
from spel.decide import Decision
from spel.io.annotation.results import read_results
from spel.jobs import DetectJob
from spel.runs import run

OLD = Path(__file__).parent / "run-0.1"
SOURCES = ["0.png", "3.png", "1.png", "2.png"]


@pytest.fixture
def old(tmp_path, monkeypatch):
    shutil.copytree(OLD, tmp_path / "old")
    monkeypatch.chdir(tmp_path / "old")
    return tmp_path / "old"


def test_a_run_of_0_1_is_resumed_to_the_same_bytes(old):
    job = DetectJob(zoo.plate_lecture(), Decision(threshold=0.05, select="widest"))
    report = run(job, SOURCES, old / "run")
    assert (report.resumed, report.images, report.failed) == (3, 4, 1)
    assert (old / "run" / "results.jsonl").read_bytes() == (old / "whole.jsonl").read_bytes()
    assert len(read_results(old / "run" / "results.jsonl")) == 3


def test_the_decision_of_a_detector_of_0_1_is_the_same():
    job = DetectJob(zoo.plates())
    now = job.to_dict()
    old = {
        "kind": "windows",
        "sizes": [[8.0, 4.0]],
        "largest": 1.0,
        "smallest": 0.5,
        "steps": 4,
        "threshold": 0.02,
        "overlap": 0.5,
        "most": 100,
        "refine": "score_refine",
        "score": "score",
        "first": None,
        "places": 16,
        "turns": [-8.0, 8.0],
    }
    new = job.comparable({**now, "decision": old, "spel": "0.1.0"})["decision"]
    assert new["max_proposals"] == 16
    assert new["rotations"] == [-8.0, 8.0]
    assert json.dumps(job.comparable({**now, "decision": new})["decision"]) == json.dumps(new)
