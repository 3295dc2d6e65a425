"""Pages, channels and NaN of the images of a run, read whole and tile by tile."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

import spel
from spel.decide import Decision
from spel.jobs import DetectJob
from spel.nn import Activation, Color, chain
from spel.runs import run


def net(*, colors: bool = False) -> spel.Network:
    layers = {"color": Color("grey"), "act": Activation()} if colors else {"act": Activation()}
    return chain(**layers)


@pytest.mark.parametrize("tile", [None, 8])
def test_a_point_in_time_and_its_numbers(tmp_path, tile):
    times = np.zeros((2, 20, 30), np.float32)
    times[1, 4:9, 5:12] = 1
    times[1, 15, 3:5] = np.nan
    tifffile.imwrite(tmp_path / "a.tif", times, metadata={"axes": "TYX"}, ome=True)
    job = DetectJob(net(), page=1, tile=tile, decision=Decision(threshold=0.5))
    report = run(job, [str(tmp_path / "a.tif")], tmp_path / "out")
    assert (report.images, report.failed) == (1, 0)
    (found,) = spel.io.read_results(tmp_path / "out" / "results.jsonl")
    assert found.boxes.tolist() == [[5, 4, 12, 9]]
    assert found.non_finite == 2


@pytest.mark.parametrize("tile", [None, 8])
def test_four_channels_are_no_colours(tmp_path, tile):
    stored = np.zeros((4, 20, 30), np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", stored, metadata={"axes": "CYX"}, ome=True)
    job = DetectJob(net(colors=True), tile=tile, decision=Decision(threshold=0.5))
    report = run(job, [str(tmp_path / "a.tif")], tmp_path / "out")
    assert report.failed == 1
    assert "does not state that its" in (tmp_path / "out" / "failures.jsonl").read_text()
