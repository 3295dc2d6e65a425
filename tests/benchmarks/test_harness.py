"""The harness keeps its rules: equal results first, the minimum, losses marked."""

from __future__ import annotations

import importlib
import io
import json
import time
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def harness():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT)
        yield importlib.import_module("benchmarks.harness")


def waiting(seconds, value=1.0):
    def run():
        end = time.process_time() + seconds
        while time.process_time() < end:
            pass
        return np.array([value])

    return run


def table(harness, **options):
    return harness.Table("t", seconds=0.01, out=io.StringIO(), **options)


def test_a_contender_that_differs_is_not_timed(harness):
    row = table(harness).row("r", spel=waiting(0), right=waiting(0), wrong=waiting(0, 2.0))
    assert row.refused == ("wrong",)
    assert set(row.timings) == {"spel", "right"}
    assert row.differences == {"right": 0.0, "wrong": 1.0}


def test_another_shape_and_nan_differ(harness):
    ours = np.ones(3)
    found = harness.check(
        {"spel": lambda: ours, "shape": lambda: np.ones(2), "nan": lambda: np.full(3, np.nan)}
    )
    assert found == {"shape": np.inf, "nan": np.inf}


def test_the_minimum_counts_and_the_ratio_is_the_best_peers(harness):
    row = table(harness).row("r", spel=waiting(0.002), quick=waiting(0.001), slow=waiting(0.006))
    assert row.best_peer == "quick"
    assert 0.2 < row.ratio < 1
    assert row.timings["slow"].best >= 0.006
    assert all(timing.rounds >= 5 for timing in row.timings.values())


def test_losing_rows_stay_and_are_marked(harness, tmp_path):
    result = table(harness)
    result.row("loses", spel=waiting(0.003), peer=waiting(0.001), absent=None)
    text = result.markdown()
    assert "(loses)" in text
    assert "absent" not in text
    result.write(tmp_path, "t")
    facts = json.loads((tmp_path / "t.json").read_text())
    assert facts["rows"][0]["ratio"] < 1
    assert facts["environment"]["spel"]
    assert "processor time" in text


def test_rows_can_be_chosen(harness):
    result = table(harness, only="max")
    assert result.row("min-pooling", spel=waiting(0)) is None
    assert result.row("max-pooling", spel=waiting(0)) is not None
