"""Detect, segment, apply, classify and features run alike: killed, resumed, refused, stopped."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import spel
from spel.data import street
from spel.errors import ParameterError, TaskError, WriteError
from spel.jobs import ApplyJob, ClassifyJob, DetectJob, FeaturesJob, SegmentJob
from spel.learning.classifier import ClassifierConfig
from spel.runs import FunctionJob, ImageJob, RunFiles, Shard, run

NET = spel.chain(grey=spel.Color("grey"), blur=spel.MeanPool(spel.Adjacency.box(3)))


def classifier() -> ImageJob:
    images = [np.full((8, n, 3), v, np.uint8) for n, v in ((8, 10), (9, 20), (8, 200), (9, 220))]
    model = ClassifierConfig("pooled", "ridge").fit(images, ["dark", "dark", "bright", "bright"])
    return ClassifyJob(model, "dark or bright", formats=("csv",), isolate=False)


JOBS: dict[str, Callable[[], ImageJob]] = {
    "detect": lambda: DetectJob(
        spel.zoo.plate_lecture(), save=("mask",), formats=("csv",), isolate=False
    ),
    "segment": lambda: SegmentJob(NET, save=("saliency",), isolate=False),
    "apply": lambda: ApplyJob(NET, save=("all",), formats=("npy",), isolate=False),
    "classify": classifier,
    "features": lambda: FeaturesJob(NET, formats=("npz", "csv"), isolate=False),
}


@pytest.fixture(params=JOBS)
def job(request: pytest.FixtureRequest) -> ImageJob:
    return JOBS[request.param]()


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("drawn")
    for seed in range(12):
        spel.write(place / f"{seed:02d}.png", street(seed, size=(120, 160)).image)
    (place / "05-broken.png").write_bytes(b"no image")
    return place


@pytest.fixture
def photos(drawn: Path, tmp_path: Path) -> Path:
    """A dozen small streets, and a file that is no image."""
    return Path(shutil.copytree(drawn, tmp_path / "photos"))


def contents(folder: Path) -> dict[str, bytes]:
    """All but the times."""
    times = ("manifest.jsonl", "run.json")
    return {p.name: p.read_bytes() for p in sorted(folder.iterdir()) if p.name not in times}


def killed(job: ImageJob, photos: Path, out: Path, seconds: float) -> None:
    """Run in a child process, which is killed after some time."""
    child = os.fork()
    if child == 0:
        try:
            run(job, photos, out)
        finally:
            os._exit(0)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_killed_at_random_instants_each_job_ends_with_the_same_bytes(job, photos, tmp_path):
    report = run(job, photos, tmp_path / "whole")
    assert (report.images, report.failed) == (13, 1)
    random = np.random.default_rng(5)
    for _ in range(6):
        killed(job, photos, tmp_path / "killed", random.uniform(0, 0.7) * report.seconds)
    run(job, photos, tmp_path / "killed")
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")
    rows = (tmp_path / "killed" / "manifest.jsonl").read_text().splitlines()[1:]
    assert len({json.loads(row)["entry"]["image"] for row in rows}) == len(rows) == 13


def test_shards_of_each_job_are_parts_of_the_whole(job, photos, tmp_path):
    run(job, photos, tmp_path / "whole")
    for i in (1, 2):
        run(job, photos, tmp_path / "parts", shard=Shard(i, 2))
    lines = b"".join(p.read_bytes() for p in (tmp_path / "parts").glob("results.*-of-2.jsonl"))
    whole = RunFiles(tmp_path / "whole").results.read_bytes()
    assert sorted(lines.splitlines()) == sorted(whole.splitlines())


def test_what_each_job_writes(photos, tmp_path):
    whole = {name: make() for name, make in JOBS.items()}
    reports = {name: run(job, photos, tmp_path / name) for name, job in whole.items()}
    image = spel.read(photos / "03.png")
    assert np.array_equal(
        spel.read(tmp_path / "segment" / "03.png")[..., 0] > 0,
        spel.ops.threshold(NET(image)[..., 0], "otsu"),
    )
    assert np.array_equal(spel.read(tmp_path / "segment" / "03.saliency.tif"), NET(image))
    assert np.array_equal(np.load(tmp_path / "apply" / "03.02-blur.npy"), NET(image))
    table = np.load(tmp_path / "features" / "results.npz")
    assert table["images"].tolist() == sorted(map(str, photos.glob("[01]?.png")))
    assert table["names"].tolist() == ["blur0_mean", "blur0_max"]
    assert np.allclose(table["features"][3], [NET(image).mean(), NET(image).max()])
    rows = (tmp_path / "classify" / "results.csv").read_text().splitlines()
    assert rows[0] == "image,class,bright,dark"
    assert len(rows) == 13
    assert [p.name for p in reports["detect"].collected] == ["results.csv"]


# What goes wrong: one line each


def test_a_folder_of_images_that_vanishes_ends_the_run_and_comes_back(photos, tmp_path):
    def vanish(result: object) -> None:
        if photos.exists():
            photos.rename(tmp_path / "away")

    job = JOBS["segment"]()
    sources = sorted(map(str, photos.iterdir()))
    with pytest.raises(TaskError, match="photos: the folder has vanished"):
        run(job, sources, tmp_path / "out", on_result=vanish)
    assert (tmp_path / "out" / "failures.jsonl").read_bytes() == b""
    (tmp_path / "away").rename(photos)
    assert run(job, sources, tmp_path / "out").resumed == 1
    run(job, sources, tmp_path / "whole")
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


@pytest.mark.parametrize("name", ["segment", "features"])
def test_a_run_whose_folder_vanishes_says_so_and_blames_no_image(photos, tmp_path, name):
    out = tmp_path / "out"
    with pytest.raises(WriteError, match="the folder of the run has vanished"):
        run(JOBS[name](), photos, out, on_result=lambda result: shutil.rmtree(out, True))


OWN = """
import os, signal, time

def hang(image):
    time.sleep(600)

def crash(image):
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize(
    ("name", "seconds", "message"),
    [("hang", 0.5, "more than 0.5 seconds"), ("crash", 60, "SIGKILL")],
)
def test_an_image_that_hangs_or_crashes_is_one_failure(
    photos, tmp_path, monkeypatch, name, seconds, message
):
    (tmp_path / "own_jobs.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    function = getattr(importlib.import_module("own_jobs"), name)
    (failure,) = run(function, photos / "00.png", tmp_path / "out", seconds=seconds).failures
    assert message in failure.message


@pytest.mark.parametrize("name", ["classify", "features", "apply"])
def test_what_a_job_cannot_do_is_refused_by_name(name):
    job = JOBS[name]()
    with pytest.raises(ParameterError, match=f"{name}: save 'overlay'"):
        replace(job, save=("overlay",))
    if not job.TILES:
        with pytest.raises(ParameterError, match=f"{name} reads images whole; leave out tile"):
            replace(job, tile=64)


# A function as a job


def test_a_function_is_a_job_and_its_arrays_are_files(photos, tmp_path):
    def measure(image):
        return {"mean": image.mean(), "size": list(image.shape), "profile": image.mean((0, 2))}

    report = run(measure, photos, tmp_path / "out")
    assert (report.images, report.failed) == (13, 1)
    first = json.loads((tmp_path / "out" / "results.jsonl").read_text().splitlines()[0])
    assert first["size"] == [120, 160, 3]
    assert np.load(tmp_path / "out" / first["profile"]).shape == (160,)
    assert run(measure, photos, tmp_path / "out").resumed == 13

    def measure(image):  # the same name, another text
        return {"mean": 1 + image.mean()}

    with pytest.raises(ParameterError, match="--fresh"):
        run(measure, photos, tmp_path / "out")


def test_what_is_no_job_is_refused(photos, tmp_path):
    with pytest.raises(ParameterError, match="is no job"):
        run("detect", photos, tmp_path / "out")  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="cannot import the function"):
        run(lambda image: {}, photos, tmp_path / "out", workers=2)
    report = run(lambda image: {"mean": float("nan")}, photos / "00.png", tmp_path / "nan")
    assert "return finite numbers" in report.failures[0].message
    report = run(lambda image: 7, photos / "00.png", tmp_path / "seven")  # type: ignore[arg-type]
    assert "return a mapping" in report.failures[0].message
    assert FunctionJob(np.mean, level=1).to_dict()["level"] == 1


def test_what_a_function_returns_may_hold_numbers_of_numpy_anywhere(tmp_path):
    spel.write(tmp_path / "a.png", np.full((4, 4), 7, np.uint8))

    def measured(image):
        return {"pair": (1, np.int16(3)), "named": {"a": np.float32(1.5)}, "good": np.bool_(True)}

    report = spel.run(measured, tmp_path / "a.png", tmp_path / "out")
    line = json.loads((report.folder / "results.jsonl").read_text())
    assert line.pop("image").endswith("a.png")
    assert line == {"pair": [1, 3], "named": {"a": 1.5}, "good": True}


@pytest.mark.parametrize("name", ["image", "../a", "a/b", "", "a.b"])
def test_names_that_a_function_cannot_give_are_refused(tmp_path, name):
    spel.write(tmp_path / "a.png", np.full((4, 4), 7, np.uint8))
    report = spel.run(lambda image: {name: image}, tmp_path / "a.png", tmp_path / "out")
    (failure,) = report.failures
    assert repr(name) in failure.message
