"""Runs killed at any instant go on to the same bytes; nothing is lost and nothing done twice."""

from __future__ import annotations

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
from spel.errors import ParameterError, TaskError
from spel.evaluation import evaluate_boxes
from spel.io.annotation.results import Result
from spel.jobs import DetectJob
from spel.runs import Failure, Shard, run

FILES = ("results.jsonl", "failures.jsonl")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty small streets and a few files that are none."""
    place = tmp_path_factory.mktemp("streets")
    for seed in range(30):
        spel.write(place / f"{seed:02d}.png", street(seed, size=(120, 160)).image)
    for i in (3, 17):
        (place / f"{i:02d}-broken.png").write_bytes(b"no image")
    return place


def sources(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.png"))


def job() -> DetectJob:
    return DetectJob(zoo.plate_lecture())


def lines(out: Path) -> dict[str, bytes]:
    return {name: (out / name).read_bytes() for name in FILES}


@pytest.fixture(scope="module")
def expected(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    out = tmp_path_factory.mktemp("whole")
    run(job(), sources(folder), out)
    return lines(out)


def stopped_after(count: int):
    """Tells nobody, and dies at the count-th outcome."""
    seen: list[Result | Failure] = []

    def tell(outcome: Result | Failure) -> None:
        seen.append(outcome)
        if len(seen) == count:
            raise SystemExit

    return tell


@pytest.mark.parametrize("count", [1, 4, 31])
def test_a_run_goes_on_where_it_stopped(folder, tmp_path, expected, count):
    with pytest.raises(SystemExit):
        run(job(), sources(folder), tmp_path, on_result=stopped_after(count))
    told: list[Result | Failure] = []
    report = run(job(), sources(folder), tmp_path, on_result=told.append)
    assert report.resumed == count
    assert len(told) == 32 - count
    assert (report.images, report.failed) == (32, 2)
    assert lines(tmp_path) == expected


def test_the_same_again_does_nothing(folder, tmp_path, expected):
    run(job(), sources(folder), tmp_path)
    told: list[Result | Failure] = []
    report = run(job(), sources(folder), tmp_path, on_result=told.append)
    assert (report.resumed, told) == (32, [])
    assert lines(tmp_path) == expected


def test_lines_that_were_not_confirmed_are_done_again(folder, tmp_path, expected):
    run(job(), sources(folder), tmp_path)
    manifest = tmp_path / "manifest.jsonl"
    kept = manifest.read_bytes().splitlines(keepends=True)
    manifest.write_bytes(b"".join(kept[:11]) + kept[11][:9])
    assert run(job(), sources(folder), tmp_path).resumed == 10
    assert lines(tmp_path) == expected


def test_lost_and_damaged_lines_are_done_again(folder, tmp_path, expected):
    run(job(), sources(folder), tmp_path)
    path = tmp_path / "results.jsonl"
    kept = path.read_bytes().splitlines(keepends=True)
    kept[5] = kept[5].replace(b"score", b"scare")
    path.write_bytes(b"".join(kept[:20]) + kept[20][:30])
    assert run(job(), sources(folder), tmp_path).resumed == 32 - 10 - 1
    assert lines(tmp_path) == expected


def test_changed_inputs_are_done_again_and_removed_ones_leave(folder, tmp_path):
    mine = tmp_path / "in"
    mine.mkdir()
    for path in sources(folder)[:6]:
        (mine / path.name).write_bytes(path.read_bytes())
    out = tmp_path / "out"
    run(job(), sources(mine), out)
    spel.write(mine / "01.png", street(99, size=(120, 160)).image)
    (mine / "02.png").unlink()
    spel.write(mine / "00a.png", street(50, size=(120, 160)).image)
    report = run(job(), sources(mine), out)
    assert [Path(name).name for name in report.changed] == ["01.png"]
    assert report.resumed == 4
    clean = tmp_path / "clean"
    run(job(), sources(mine), clean)
    assert lines(out) == lines(clean)


def test_failures_are_done_again_when_asked(folder, tmp_path):
    mine = tmp_path / "in"
    mine.mkdir()
    broken = mine / "a.png"
    broken.write_bytes(b"no image")
    out = tmp_path / "out"
    assert run(job(), [broken], out).failed == 1
    told: list[Result | Failure] = []
    run(job(), [broken], out, on_result=told.append)
    assert not told
    run(job(), [broken], out, on_result=told.append, retry=True)
    assert len(told) == 1
    broken.write_bytes(sources(folder)[0].read_bytes())
    report = run(job(), [broken], out)
    assert (report.failed, report.images) == (0, 1)
    assert (out / "failures.jsonl").read_bytes() == b""


def test_another_network_is_refused_unless_fresh(folder, tmp_path):
    run(job(), sources(folder)[:2], tmp_path)
    other = DetectJob(zoo.plate_lecture(2))
    with pytest.raises(ParameterError, match="--fresh"):
        run(other, sources(folder)[:2], tmp_path)
    report = run(other, sources(folder)[:2], tmp_path, fresh=True)
    assert report.resumed == 0
    (first, *_) = (tmp_path / "results.jsonl").read_text().splitlines()
    assert json.loads(first)["model"] == other.model


def test_stopping_at_the_first_failure(folder, tmp_path):
    with pytest.raises(TaskError, match="03-broken"):
        run(job(), sources(folder), tmp_path, on_error="stop")
    assert len((tmp_path / "results.jsonl").read_bytes().splitlines()) == 3


def test_shards_together_are_the_whole(folder, tmp_path, expected):
    for i in (1, 2, 3):
        run(job(), sources(folder), tmp_path, shard=Shard(i, 3))
    whole = b"".join(p.read_bytes() for p in tmp_path.glob("results.*-of-3.jsonl"))
    assert sorted(whole.splitlines()) == sorted(expected["results.jsonl"].splitlines())


def test_shards_are_evaluated_together(folder, tmp_path):
    from spel.io.annotation.annotations import Annotations, ImageBoxes

    for i in (1, 2):
        run(job(), sources(folder), tmp_path, shard=Shard(i, 2))
    truth = Annotations(
        tuple(
            ImageBoxes(p.name, (120, 160), street(int(p.stem), size=(120, 160)).boxes)
            for p in sources(folder)
            if p.stem.isdigit()
        ),
        ("plate",),
    )
    assert evaluate_boxes(tmp_path, truth).missing == ()


def test_a_hung_image_is_a_failure(folder, tmp_path):
    report = run(job(), sources(folder)[:2], tmp_path, workers=1, seconds=0.001)
    assert report.failed == 2
    assert "more than 0.001 seconds" in report.failures[0].message


def killed_and_resumed(folder: Path, out: Path, workers: str, random: np.random.Generator) -> int:
    """Kill the command at random instants until it is done; how often."""
    command = [sys.executable, "-m", "spel", "detect", "plate-lecture", str(folder), "--out"]
    command += [str(out), "--workers", workers, "-q"]
    times = 0
    while True:
        child = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
        )
        begin, lines_then = time.monotonic(), written(out)
        late = times >= 4  # let it end
        limit = random.uniform(0, 0.04)
        while child.poll() is None and (late or written(out) == lines_then):
            time.sleep(0.001)
            assert time.monotonic() - begin < 60
        if not late:
            time.sleep(limit)
        if child.poll() is not None:
            assert child.returncode == 4, child.stderr
            child.communicate()
            return times
        os.killpg(child.pid, signal.SIGKILL)
        child.communicate()
        times += 1


def written(out: Path) -> int:
    path = out / "manifest.jsonl"
    return path.stat().st_size if path.exists() else 0


@pytest.mark.parametrize("workers", ["1", "2"])
def test_killed_at_random_instants_it_ends_with_the_same_bytes(folder, tmp_path, expected, workers):
    random = np.random.default_rng(int(workers))
    times = killed_and_resumed(folder, tmp_path, workers, random)
    assert times > 0
    assert lines(tmp_path) == expected
    assert not list(tmp_path.glob(".*.part*"))
