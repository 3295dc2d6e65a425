"""One large image over workers and shards: the same bytes, and resumed at its tile."""

from __future__ import annotations

import os
import pickle
import signal
import weakref
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import tifffile

import spel
from spel.data import street
from spel.decide import Decision
from spel.decide.delineate import Delineation
from spel.decide.object_model import ObjectModel
from spel.decide.segmentation import ObjectClass, Segmentation
from spel.errors import FormatError
from spel.jobs import ApplyJob, DetectJob, SegmentJob
from spel.large import delineated
from spel.large.tiling import Lazy
from spel.runs import ImageJob, Shard, dask_, run, spread
from spel.runs.task import Outcome

NET = spel.chain(
    grey=spel.Color("grey"),
    range=spel.LinearNormalize(),
    edges=spel.Convolution(spel.KernelBank.sobel("col")),
    join=spel.MaxPool(spel.Adjacency.rectangle(width=9, height=5)),
)
FEW = ObjectModel(area=60, multiple=True, levels=(2.7,), min_score=-9, ring=3)
OPTIONS = {"tile": 256, "isolate": False}
JOBS: dict[str, ImageJob] = {
    "segment": SegmentJob(NET, Segmentation(threshold="p90"), save=("saliency",), **OPTIONS),
    "objects": SegmentJob(
        NET, Segmentation(FEW, delineation=Delineation(inner=1, outer=3)), save=("csv",), **OPTIONS
    ),
    "delineated": SegmentJob(
        NET,
        Segmentation(threshold=2.7, delineation=Delineation(inner=1, outer=3)),
        save=("instances", "coco"),
        **OPTIONS,
    ),
    "classes": SegmentJob(
        spel.chain(colours=spel.Scale([1 / 255] * 3)),
        Segmentation(
            classes=tuple(ObjectClass(k) for k in range(3)), delineation=Delineation(inner=1)
        ),
        **OPTIONS,
    ),
    "apply": ApplyJob(NET, save=("edges",), **OPTIONS),
    "detect": DetectJob(NET, Decision(threshold="otsu"), **OPTIONS),
}
PARTS = {
    "segment": 6 * 5,
    "objects": 6 * 2 + 3,
    "delineated": 6 * 2 + 3 + 3,
    "classes": 6 + 28,
    "apply": 6 * 2,
    "detect": 6 * 4,
}
"""2 x 3 tiles: extremes; two digits of a percentile, mask, saliency; ends, histogram and boxes.

For objects: extremes and pieces of all tiles, and borders in the three where objects begin.
Those of a delineated threshold are then looked for in the three tiles that its mask lies in.
Delineated classes of noise have few seeds: tiles are looked at again until no path changes.
"""


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("scan") / "scan.tif"
    image = np.random.default_rng(3).integers(0, 256, (500, 700, 3), np.uint8)
    tifffile.imwrite(path, image, tile=(128, 128), photometric="rgb")
    return path


@pytest.fixture(scope="module")
def whole(scan: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, bytes]]:
    """What one process writes in one go."""
    out = tmp_path_factory.mktemp("whole")
    for name, job in JOBS.items():
        assert run(job, scan, out / name).failed == 0
    return {name: contents(out / name) for name in JOBS}


class Pickling(ThreadPoolExecutor):
    """Threads that receive what they do as other processes would."""

    def submit(self, fn, /, *args, **kwargs):
        return super().submit(pickle.loads(pickle.dumps(fn)), *args, **kwargs)


def contents(folder: Path, results: str = "results.jsonl") -> dict[str, bytes]:
    """The images of a run and its lines."""
    names = {path.name for path in folder.glob("scan*")} | {results}
    return {name.replace(".1-of-2", ""): (folder / name).read_bytes() for name in names}


def test_two_workers_write_the_same_bytes(scan, whole, tmp_path):
    assert run(JOBS["segment"], scan, tmp_path, workers=2).failed == 0
    assert contents(tmp_path) == whole["segment"]


@pytest.mark.parametrize("name", JOBS)
def test_an_executor_computes_the_same_bytes(name, scan, whole, tmp_path):
    with Pickling(2) as executor:
        assert run(JOBS[name], scan, tmp_path, executor=executor).failed == 0
    assert contents(tmp_path) == whole[name]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("name", JOBS)
@pytest.mark.parametrize("stored", [1, 9])
def test_a_killed_run_goes_on_at_its_tile(name, stored, scan, whole, tmp_path, monkeypatch):
    calls = counted(monkeypatch)
    child = os.fork()
    if child == 0:  # it dies before it stores one more part
        monkeypatch.setattr(spread, "store", dying(stored))
        run(JOBS[name], scan, tmp_path)
        os._exit(0)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    parts = tmp_path / "scan.parts"
    assert len(list(parts.glob("??-??????.npz"))) == stored
    assert run(JOBS[name], scan, tmp_path).failed == 0
    assert len(calls) == PARTS[name] - stored
    assert contents(tmp_path) == whole[name]
    assert not parts.exists()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("stored", [15, 31])
def test_a_killed_run_goes_on_while_objects_grow(stored, scan, whole, tmp_path, monkeypatch):
    """No object fits into a window, and each grows in rounds of its tiles."""
    monkeypatch.setattr(delineated, "LARGEST", 1)
    calls = counted(monkeypatch)
    child = os.fork()
    if child == 0:
        monkeypatch.setattr(spread, "store", dying(stored))
        run(JOBS["delineated"], scan, tmp_path, shard=Shard(1, 2))
        os._exit(0)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    assert run(JOBS["delineated"], scan, tmp_path, shard=Shard(1, 2)).failed == 0
    assert len(calls) + stored == 36  # nothing is computed twice; without rounds it would be 18
    assert contents(tmp_path, "results.1-of-2.jsonl") == whole["delineated"]


def test_windows_over_workers_are_those_of_one_process(tmp_path):
    path = tmp_path / "scan.tif"
    tifffile.imwrite(path, street(3, size=(160, 220)).image, tile=(64, 64), photometric="rgb")
    job = DetectJob(spel.zoo.plates(), tile=120, isolate=False)
    run(job, path, tmp_path / "one")
    with Pickling(2) as executor:
        run(job, path, tmp_path / "two", executor=executor)
    lines = (tmp_path / "one" / "results.jsonl").read_text()
    assert lines == (tmp_path / "two" / "results.jsonl").read_text()
    assert '"xyxy"' in lines


def test_shards_compute_tiles_of_one_image_and_one_of_them_writes(
    scan, whole, tmp_path, monkeypatch
):
    calls = counted(monkeypatch)
    run(JOBS["segment"], scan, tmp_path, shard=Shard(2, 2))
    assert len(calls) == PARTS["segment"]
    assert [place.stem for place in calls[:6]] == [f"00-{i:06d}" for i in (1, 3, 5, 4, 2, 0)]
    assert not list(tmp_path.glob("scan*.tif"))
    run(JOBS["segment"], scan, tmp_path, shard=Shard(1, 2))
    assert len(calls) == PARTS["segment"]  # nothing is computed twice
    assert contents(tmp_path, "results.1-of-2.jsonl") == whole["segment"]
    assert not (tmp_path / "scan.parts").exists()
    run(JOBS["segment"], scan, tmp_path, shard=Shard(2, 2))
    assert len(calls) == PARTS["segment"]  # the image is done


def test_a_shard_makes_an_item_when_its_turn_comes(tmp_path):
    """Items may be windows of the image: of several shards, too, one is in memory at a time."""
    alive, most = weakref.WeakSet(), [0]

    class Window:
        def __init__(self, index: int) -> None:
            self.index = index
            alive.add(self)
            most[0] = max(most[0], len(alive))

    def in_turn(tasks):
        return (Outcome(task(), None, 0.0) for task in tasks)

    folder = spread.PartFolder(tmp_path / "a.parts", "key")
    folder.open()
    items = Lazy(Window, 9)
    for shard in (Shard(2, 3), Shard(1, 3)):
        workers = spread.Workers("a", None, in_turn, folder, shard=shard)
        assert [int(n) for n in workers(lambda window: np.int64(window.index**2), items)] == [
            index**2 for index in range(9)
        ]
    assert most[0] <= 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("name", ["objects", "apply"])
def test_shards_at_the_same_time_write_the_same_bytes(name, scan, whole, tmp_path):
    children = []
    for number in (1, 2):
        child = os.fork()
        if child == 0:
            failed = run(JOBS[name], scan, tmp_path, shard=Shard(number, 2)).failed
            os._exit(failed)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0]
    assert contents(tmp_path, "results.1-of-2.jsonl") == whole[name]
    assert not (tmp_path / "scan.parts").exists()


@pytest.mark.parametrize("name", ["objects", "apply"])
def test_a_dask_cluster_computes_tiles_to_the_same_bytes(name, cluster, scan, whole, tmp_path):
    assert run(JOBS[name], scan, tmp_path, executor=cluster).failed == 0
    assert contents(tmp_path) == whole[name]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Executor]:
    """Two processes of Dask."""
    pytest.importorskip("distributed", reason="needs the extra dask")
    with dask_.executor("local", workers=2) as workers:
        yield workers


def counted(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The places of the parts that are stored from now on."""
    places: list[Path] = []
    store = spread.store

    def noted(place: Path, value: object) -> None:
        places.append(place)
        store(place, value)

    monkeypatch.setattr(spread, "store", noted)
    return places


def dying(stored: int):
    """A `store` that kills its process after so many parts."""
    left, store = [stored], spread.store

    def stores(place: Path, value: object) -> None:
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
        left[0] -= 1
        store(place, value)

    return stores


def test_parts_of_other_settings_or_another_file_are_not_taken(scan, whole, tmp_path, monkeypatch):
    parts = spread.PartFolder(tmp_path / "scan.parts", "of another run")
    parts.open()
    spread.store(parts.place(0, 0), np.zeros(3))
    calls = counted(monkeypatch)
    run(JOBS["apply"], scan, tmp_path)
    assert len(calls) == PARTS["apply"]
    assert contents(tmp_path) == whole["apply"]


def test_values_of_parts_come_back_as_they_were(tmp_path):
    values = (np.arange(4, dtype=np.int32), np.float64(0.1), np.zeros((0, 3), np.float32))
    spread.store(tmp_path / "a.npz", values)
    back = spread.load(tmp_path / "a.npz")
    assert [type(one) for one in back] == [np.ndarray, np.float64, np.ndarray]
    assert all(np.array_equal(a, b) and a.dtype == b.dtype for a, b in zip(back, values))
    spread.store(tmp_path / "a.npz", values[2])
    assert spread.load(tmp_path / "a.npz").shape == (0, 3)
    spread.store(tmp_path / "a.npz", ())
    assert spread.load(tmp_path / "a.npz") == ()
    (tmp_path / "a.npz").write_bytes(b"torn")
    with pytest.raises(FormatError, match="--fresh"):
        spread.load(tmp_path / "a.npz")
