"""Videos in runs: a line per frame with its time, resumed to the same bytes, drawn at the end."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import spel
from spel import zoo
from spel.data import street
from spel.errors import BackendMissingError, ParameterError, TaskError
from spel.io import video
from spel.io.annotation.results import read_results
from spel.jobs import DetectJob
from spel.runs import Shard, run
from spel.runs.sources import Sources

_SPEC = importlib.util.spec_from_file_location(
    "video_clips", Path(__file__).parents[1] / "io" / "video_clips.py"
)
assert _SPEC is not None
assert _SPEC.loader is not None
clips = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(clips)
clip, stand_in, needs_ffmpeg = clips.clip, clips.stand_in, clips.needs_ffmpeg

FILES = ("results.jsonl", "failures.jsonl")


def drive(count: int, size: tuple[int, int] = (120, 160)) -> list[np.ndarray]:
    """A camera that moves past a street."""
    rows, cols = size
    wide = street(3, size=(rows, 2 * cols)).image[..., :3]
    return [wide[:, 3 * k % cols : 3 * k % cols + cols] for k in range(count)]


def lines(out: Path) -> dict[str, bytes]:
    return {name: (out / name).read_bytes() for name in FILES}


def told_until(count: int):
    seen: list[object] = []

    def tell(outcome: object) -> None:
        seen.append(outcome)
        if len(seen) == count:
            raise SystemExit

    return tell


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """An image, a whole video, another image, and a video that is cut short."""
    place = tmp_path_factory.mktemp("mixed")
    for name in ("0.png", "2.png"):
        spel.write(place / name, street(5, size=(120, 160)).image)
    clip(place / "1.mkv", drive(12))
    cut = clip(place / "3.mkv", drive(12))
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])
    return place


def sources(folder: Path) -> list[Path]:
    return [folder / name for name in ("0.png", "1.mkv", "2.png", "3.mkv")]


def job(**options: object) -> DetectJob:
    return DetectJob(zoo.plate_lecture(), **options)  # type: ignore[arg-type]


# ------------------------------------------------------------------------------------- LITERAL


def test_names_of_frames_belong_to_videos_of_the_run_only():
    sources = Sources(["a.mp4", "a.mp4#frame=1"], ["a.mp4"])
    assert sources.split("a.mp4#frame=2") == ("a.mp4", 2)
    assert sources.split("a.mp4#frame=1")[0] == "a.mp4#frame=1"  # a file that is really called so
    assert "b.mp4#frame=2" not in sources
    assert "a.mp4#frame=-2" not in sources
    assert "a.mp4#frame=" not in sources


def test_every_is_checked_at_once():
    with pytest.raises(ParameterError, match="seconds such as 2s"):
        job(every="often")
    assert "every" not in job().to_dict()  # runs made before go on
    assert job(every="2.0s").to_dict()["every"] == "2s"


def test_without_av_a_video_ends_the_run_before_it_begins(tmp_path, monkeypatch):
    path = tmp_path / "a.mp4"
    path.write_bytes(b"\0\0\0\x20ftypisom" + bytes(100))
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(BackendMissingError, match="install"):
        run(job(), [path], tmp_path / "out")


def test_a_hanging_decoder_is_a_failure_and_the_run_goes_on(tmp_path, monkeypatch):
    path = tmp_path / "a.mp4"
    path.write_bytes(b"\0\0\0\x20ftypisom" + bytes(100))
    spel.write(tmp_path / "b.png", street(5, size=(120, 160)).image)
    pytest.importorskip("av")
    monkeypatch.setattr(video.reader, "SECONDS", 3.0)
    stand_in(monkeypatch, "frame(0, 40, 60); time.sleep(600)")
    report = run(job(), [path, tmp_path / "b.png"], tmp_path / "out")
    assert (report.images, report.failed) == (3, 1)
    assert "silent for 3" in report.failures[0].message
    names = [Path(r.image).name for r in read_results(tmp_path / "out" / "results.jsonl")]
    assert names == ["a.mp4#frame=0", "b.png"]


# ----------------------------------------------------------------------------------------- LAW


@pytest.fixture(scope="module")
def expected(folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("whole")
    run(job(), sources(folder), out)
    return lines(out)


@needs_ffmpeg
def test_lines_stand_in_the_order_of_sources_and_frames(folder, tmp_path, expected):
    report = run(job(), sources(folder), tmp_path, workers=2)
    assert lines(tmp_path) == expected
    results = read_results(tmp_path / "results.jsonl")
    names = [Path(r.image).name for r in results]
    assert names[:14] == ["0.png", *(f"1.mkv#frame={k}" for k in range(12)), "2.png"]
    assert [(r.frame, r.seconds) for r in results[1:13]] == [(k, k / 10) for k in range(12)]
    assert results[0].frame is None
    assert 0 < len(names) - 14 < 12
    (failure,) = report.failures
    assert failure.image.endswith("3.mkv")
    assert f"after {len(names) - 14} frames" in failure.message
    state = json.loads((tmp_path / "run.json").read_text())
    assert (state["complete"], state["done"], state["failed"]) == (True, len(names) + 1, 1)


@needs_ffmpeg
def test_boxes_are_those_of_the_frames_alone(folder, tmp_path, expected):
    run(job(), [folder / "1.mkv"], tmp_path)
    net = zoo.plate_lecture()
    for result, frame in zip(
        read_results(tmp_path / "results.jsonl"), video.frames(folder / "1.mkv"), strict=True
    ):
        assert np.array_equal(result.boxes, spel.detect(net, frame.image).boxes)


@needs_ffmpeg
@pytest.mark.parametrize("count", [1, 2, 7, 13, 14, 15])
def test_a_run_goes_on_inside_a_video(folder, tmp_path, expected, count):
    with pytest.raises(SystemExit):
        run(job(), sources(folder), tmp_path, on_result=told_until(count))
    told: list[object] = []
    report = run(job(), sources(folder), tmp_path, on_result=told.append)
    assert report.resumed == count
    assert len(told) == report.images - count
    assert lines(tmp_path) == expected
    told.clear()
    assert run(job(), sources(folder), tmp_path, on_result=told.append).resumed == report.images
    assert told == []  # nothing is decoded twice when all is done
    assert lines(tmp_path) == expected


@needs_ffmpeg
def test_a_lost_line_opens_its_video_again(folder, tmp_path, expected):
    run(job(), sources(folder), tmp_path)
    path = tmp_path / "results.jsonl"
    kept = path.read_bytes().splitlines(keepends=True)
    del kept[4], kept[-1]  # one of each video
    path.write_bytes(b"".join(kept))
    told: list[object] = []
    run(job(), sources(folder), tmp_path, on_result=told.append)
    assert getattr(told[0], "image", "").endswith("1.mkv#frame=3")
    assert len(told) == 3  # two frames, and again the failure of the cut video
    assert lines(tmp_path) == expected


@needs_ffmpeg
def test_a_changed_video_is_done_again(folder, tmp_path):
    mine = tmp_path / "a.mkv"
    mine.write_bytes((folder / "1.mkv").read_bytes())
    run(job(), [mine], tmp_path / "out")
    clip(mine, drive(5))
    report = run(job(), [mine], tmp_path / "out")
    assert report.changed == (str(mine),)
    assert (report.images, report.resumed) == (5, 0)
    os.utime(mine, ns=(1, 1))  # touched, not changed
    assert run(job(), [mine], tmp_path / "out").resumed == 5


@needs_ffmpeg
def test_a_failed_video_is_done_again_when_asked(folder, tmp_path):
    mine = tmp_path / "a.mkv"
    mine.write_bytes((folder / "3.mkv").read_bytes())
    first = run(job(), [mine], tmp_path / "out")
    assert first.failed == 1
    again = run(job(), [mine], tmp_path / "out", retry=True)
    assert (again.resumed, again.images, again.failed) == (first.images - 1, first.images, 1)


@needs_ffmpeg
def test_another_rate_is_another_run(folder, tmp_path):
    run(job(), [folder / "1.mkv"], tmp_path)
    with pytest.raises(ParameterError, match="fresh"):
        run(job(every="2"), [folder / "1.mkv"], tmp_path)
    report = run(job(every="0.5s"), [folder / "1.mkv"], tmp_path, fresh=True)
    assert report.images == 3


@needs_ffmpeg
def test_the_frames_of_a_video_are_shared_by_shards(folder, tmp_path, expected):
    saved = job(save=("overlay",))
    for i in (1, 2, 3):
        run(saved, sources(folder), tmp_path, shard=Shard(i, 3))
        assert run(saved, sources(folder), tmp_path, shard=Shard(i, 3)).resumed > 4
    for name in FILES:
        parts = sorted(tmp_path.glob(f"{name.split('.')[0]}.*-of-3.jsonl"))
        together = [line for part in parts for line in part.read_bytes().splitlines()]
        assert len(parts) == 3
        assert sorted(together) == sorted(expected[name].splitlines())
    frames = [[r.frame for r in read_results(p) if "1.mkv" in r.image] for p in
              sorted(tmp_path.glob("results.*.jsonl"))]  # fmt: skip
    assert frames == [[0, 3, 6, 9], [1, 4, 7, 10], [2, 5, 8, 11]]
    assert sorted(p.name for p in tmp_path.glob("1.*.mp4")) == [
        f"1.overlay.{i}-of-3.mp4" for i in (1, 2, 3)
    ]


@needs_ffmpeg
def test_stopping_at_the_first_failure_keeps_what_was_done(folder, tmp_path):
    with pytest.raises(TaskError, match=r"3\.mkv"):
        run(job(), sources(folder), tmp_path, on_error="stop")
    assert len(read_results(tmp_path / "results.jsonl")) > 14


@needs_ffmpeg
def test_killed_at_random_instants(folder, tmp_path, expected):
    """SIGKILL to the whole group, again and again; then the same bytes."""
    code = (
        "import sys; from spel import zoo; from spel.jobs import DetectJob; from spel import run\n"
        "run(DetectJob(zoo.plate_lecture()), sys.argv[2:], sys.argv[1], workers=2)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "out"), *map(str, sources(folder))]
    rng = np.random.default_rng(11)
    for _ in range(6):
        process = subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL)
        time.sleep(rng.uniform(0.3, 1.2))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    subprocess.run(command, check=True, timeout=120)
    assert lines(tmp_path / "out") == expected
    journal = (tmp_path / "out" / "manifest.jsonl").read_text().splitlines()[1:]
    names = [json.loads(line)["entry"]["image"] for line in journal]
    assert len(names) == len(set(names))


@needs_ffmpeg
def test_the_annotated_video_shows_the_boxes_at_their_times(folder, tmp_path):
    saved = job(every="3", save=("overlay", "mask"))
    run(saved, [folder / "1.mkv"], tmp_path)
    drawn = tmp_path / "1.overlay.mp4"
    results = read_results(tmp_path / "results.jsonl")
    assert [r.frame for r in results] == [0, 3, 6, 9]
    found = list(video.frames(drawn))
    assert [f.seconds for f in found] == pytest.approx([0.0, 0.3, 0.6, 0.9], abs=1e-3)
    plain = {f.index: f.image for f in video.frames(folder / "1.mkv")}
    for frame, result in zip(found, results):
        x0, y0, x1, _ = result.boxes[0].astype(int)
        edge = frame.image[y0 - 1, x0 + 2 : x1 - 2].astype(int).mean(axis=0)
        assert edge[0] > edge[2] + 60  # orange, where the street is grey
        far = np.abs(frame.image.astype(int) - plain[result.frame]).mean()
        assert far < 12
    assert sorted(p.name for p in tmp_path.glob("*.png")) == [
        f"1-{k:06d}.mask.png" for k in (0, 3, 6, 9)
    ]
    before = drawn.read_bytes()
    drawn.unlink()
    run(saved, [folder / "1.mkv"], tmp_path)  # killed before it was written
    assert drawn.read_bytes() == before
