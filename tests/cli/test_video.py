"""Videos on the command line."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import pytest

from spel.data import street
from spel.io.annotation.results import read_results

_SPEC = importlib.util.spec_from_file_location(
    "video_clips", Path(__file__).parents[1] / "io" / "video_clips.py"
)
assert _SPEC is not None
assert _SPEC.loader is not None
clips = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(clips)
needs_ffmpeg = clips.needs_ffmpeg


@pytest.fixture
def drive(tmp_path: Path) -> Path:
    wide = street(3, size=(120, 320)).image[..., :3]
    images = [wide[:, 4 * k : 4 * k + 160] for k in range(10)]
    return clips.clip(tmp_path / "gate.mkv", images)


def test_a_missing_av_is_a_missing_extra(program, tmp_path, monkeypatch):
    path = tmp_path / "a.mp4"
    path.write_bytes(b"\0\0\0\x20ftypisom" + bytes(100))
    monkeypatch.setitem(sys.modules, "av", None)
    for command in (["detect", "plate-lecture", path], ["see", path]):
        code, out, err = program(*command)
        assert code == 5
        assert out == ""
        assert 'pip install "spel[video]"' in err
        assert len(err.splitlines()) == 1
    code, out, _ = program("doctor")
    assert "extra video: not installed (detection in videos)" in out


def test_every_is_told_what_it_takes(program, tmp_path):
    code, _, err = program("detect", "plate-lecture", "a.mp4", "--every", "soon")
    assert code == 3
    assert "seconds such as 2s" in err


@needs_ffmpeg
def test_lines_with_times(program, drive, tmp_path):
    code, out, err = program("detect", "plate-lecture", drive, "--every", "0.5s")
    assert code == 0
    found = [json.loads(line) for line in out.splitlines()]
    assert [(f["frame"], f["seconds"]) for f in found] == [(0, 0.0), (5, 0.5)]
    assert "2 images" in err


@needs_ffmpeg
def test_a_folder_goes_on_and_is_converted(program, drive, tmp_path):
    out = tmp_path / "run"
    options = ("--every", "3", "--save", "overlay", "--format", "csv,yolo,voc", "--out", out)
    assert program("detect", "plate-lecture", drive, *options)[0] == 0
    assert (out / "gate.overlay.mp4").stat().st_size > 500
    rows = (out / "results.csv").read_text().splitlines()
    assert rows[0].endswith("class,frame,seconds")
    assert {row.rsplit(",", 2)[1] for row in rows[1:]} == {"0", "3", "6", "9"}
    from spel.io.annotation.labels import read_as

    assert [r.seconds for r in read_as("csv", out / "results.csv")] == [
        r.seconds for r in read_results(out / "results.jsonl")
    ]
    code, _, err = program("detect", "plate-lecture", drive, *options)
    assert code == 0
    assert "resuming: 4 of 4 images were done before" in err


@needs_ffmpeg
def test_too_large_frames_are_refused(program, drive, tmp_path):
    code, _, err = program("detect", "plate-lecture", drive, "--max-pixels", "1000")
    assert code == 3
    assert "120 x 160 pixels" in err


@needs_ffmpeg
def test_see_a_video(program, drive):
    code, out, _ = program("see", drive)
    assert code == 0
    assert "120 x 160 (rows x cols), 10 frames, 1 s, 10 a second" in out
    facts = json.loads(program("see", drive, "--json")[1])
    assert (facts["kind"], facts["frames"]) == ("video", 10)
