"""A disk that fails at any write: one clear message, nothing half-written, and the run goes on.

Every call that writes below a folder (open, write, fsync, rename, truncate, mkdir) is a numbered
point. A command is run once to count them, then again and again with the fault at each point.
"""

from __future__ import annotations

import builtins
import errno
import io
import itertools
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import spel
from spel.atomic import write_text
from spel.cli import main
from spel.core.markers import Markers
from spel.data import street
from spel.errors import WriteError
from spel.io import Result, write_as
from spel.io.annotation.markers import write_markers
from spel.io.annotation.results import read_results
from spel.io.annotation.results_writer import ResultsWriter
from spel.jobs import DetectJob
from spel.runs import run
from spel.runs.manifest import Manifest

if not Path("/proc/self/fd").exists():
    pytest.skip("needs /proc to know the file of a handle", allow_module_level=True)

SHORT = -1
"""Not an error: half of what was asked is written, and the disk is full at the next call."""
KINDS = (errno.ENOSPC, errno.EIO, errno.EACCES, errno.EMFILE, errno.EROFS, SHORT)


class Disk:
    """Counts the writing calls below a folder, and fails at one of them.

    Parameters
    ----------
    folder : Path
    at : int
        The point that fails, from 0; -1 for none.
    kind : int
        Number of the error, or `SHORT`.
    stays : bool
        Whether all later points fail too, as those of a full disk do.
    """

    def __init__(self, folder: Path, at: int = -1, kind: int = 0, *, stays: bool = False) -> None:
        self.folder, self.at, self.kind, self.stays = str(folder), at, kind, stays
        self.points: list[tuple[str, str]] = []

    def reached(self, call: str, place: str | int) -> int:
        """Note a call; raises or gives `SHORT` if it is its turn."""
        path = os.readlink(f"/proc/self/fd/{place}") if isinstance(place, int) else str(place)
        if not path.startswith(self.folder):
            return 0
        now = len(self.points)
        self.points.append((call, path))
        if now == self.at or (self.stays and 0 <= self.at < now):
            if self.kind == SHORT and call == "write" and now == self.at:
                return SHORT
            number = errno.ENOSPC if self.kind == SHORT else self.kind
            raise OSError(number, os.strerror(number), None)
        if self.kind == SHORT and now == self.at + 1 > 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), None)
        return 0


def writes(mode: str) -> bool:
    return any(letter in mode for letter in "wax+")


@contextmanager
def failing(disk: Disk) -> Iterator[Disk]:
    """Inside, the process writes through `disk`."""
    opened, fill = builtins.open, os.write

    class Raw(io.FileIO):
        def write(self, data: Any) -> int | None:
            short = disk.reached("write", super().fileno()) == SHORT
            return super().write(memoryview(data)[: (len(data) + 1) // 2] if short else data)

        def fileno(self) -> int:  # nobody may write past us
            raise io.UnsupportedOperation("fileno")

    def open_(file: Any, mode: str = "r", buffering: int = -1, *rest: Any, **how: Any) -> Any:
        if not writes(mode) or isinstance(file, int):
            return opened(file, mode, buffering, *rest, **how)
        disk.reached("open", os.fspath(file))
        assert "b" in mode
        raw = Raw(os.fspath(file), mode.replace("b", ""))
        return io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)

    def write(handle: int, data: bytes) -> int:
        short = disk.reached("write", handle) == SHORT
        return fill(handle, data[: (len(data) + 1) // 2] if short else data)

    def noted(name: str) -> Callable[..., Any]:
        real = getattr(os, name)

        def call(place: Any, *rest: Any, **how: Any) -> Any:
            handle_open = name == "open" and not rest[0] & (os.O_WRONLY | os.O_RDWR)
            if not handle_open or os.path.isdir(place):
                disk.reached(name, place if isinstance(place, int) else os.fspath(place))
            return real(place, *rest, **how)

        return call

    with pytest.MonkeyPatch.context() as patch:
        for name in ("open", "fsync", "replace", "ftruncate", "truncate", "mkdir"):
            patch.setattr(os, name, noted(name))
        patch.setattr(os, "write", write)
        patch.setattr(builtins, "open", open_)
        patch.setattr(io, "open", open_)
        yield disk


@pytest.fixture(autouse=True)
def quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of real flushes would take minutes; whether they are asked for is what counts."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("images")
    for seed in (0, 1):
        spel.write(place / f"{seed}.png", street(seed, size=(120, 160)).image)
    (place / "broken.png").write_bytes(b"no image")
    return place


def command(words: list[str]) -> int:
    """The program's exit code."""
    try:
        return main.run(words)
    except SystemExit as left:
        return int(left.code or 0)


def detect(images: Path, out: Path) -> list[str]:
    words = ["detect", "plate-lecture", str(images), "--out", str(out), "-q", "--progress", "none"]
    return [*words, "--threads", "1", "--save", "overlay,mask,saliency", "--format", "csv,coco"]


def contents(folder: Path) -> dict[str, bytes]:
    """What must repeat byte for byte: all but the times in the journal and in ``run.json``."""
    times = ("manifest.jsonl", "run.json")
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.name not in times}


@pytest.fixture(scope="module")
def whole(images: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    out = tmp_path_factory.mktemp("whole") / "run"
    assert command(detect(images, out)) == 4
    return contents(out)


def half_written(out: Path, whole: dict[str, bytes]) -> list[str]:
    """Files under a final name that are neither whole nor the beginning of the lines."""
    if not out.exists():
        return []
    wrong = [p.name for p in out.iterdir() if ".part" in p.name]
    for name, data in contents(out).items():
        lines = name in ("results.jsonl", "failures.jsonl")
        good = whole[name].startswith(data) if lines else whole.get(name) == data
        wrong += [] if good else [name]
    return wrong


def complete(out: Path) -> None:
    state = json.loads((out / "run.json").read_text())
    assert (state["complete"], state["done"], state["failed"]) == (True, 3, 1)
    rows = [json.loads(row) for row in (out / "manifest.jsonl").read_text().splitlines()[1:]]
    assert len({row["entry"]["image"] for row in rows}) == len(rows) == 3


@pytest.mark.parametrize("stays", [False, True], ids=["once", "stays"])
def test_a_run_survives_a_fault_at_every_write(images, whole, tmp_path, capsys, stays):
    with failing(Disk(tmp_path / "count")) as counted:
        assert command(detect(images, tmp_path / "count")) == 4
    kinds = itertools.cycle(KINDS[::-1] if stays else KINDS)
    calls = {call for call, _ in counted.points}
    assert calls == {"mkdir", "open", "write", "fsync", "replace"}
    assert len(counted.points) > 100
    for at, kind in zip(range(len(counted.points)), kinds):
        out = tmp_path / f"{at}"
        capsys.readouterr()
        with failing(Disk(out, at, kind, stays=stays)) as disk:
            code = command(detect(images, out))
        said = capsys.readouterr().err
        call, path = disk.points[at]
        where = f"{at}: {call} {path} {kind} {said}"
        assert half_written(out, whole) == [], where
        if os.path.isdir(path) and call != "mkdir" and code == 4:
            pass  # a folder that cannot be flushed: some network file systems know no other way
        elif kind == SHORT and call == "write" and code == 4:
            assert not stays, where  # the buffer wrote the rest later, at a point that is good
        else:
            assert code == 3, where
            (line,) = [text for text in said.splitlines() if "broken.png" not in text]
            assert line.startswith("spel: cannot write '"), where
            assert os.strerror(errno.ENOSPC if kind == SHORT else kind) in line, where
        assert command(detect(images, out)) == 4, where
        assert contents(out) == whole, where
        complete(out)
    capsys.readouterr()


def test_a_resumed_run_survives_too(images, tmp_path):
    """Faults while the files of a stopped run are cleaned, and the journal is written anew."""
    job, paths = DetectJob(spel.zoo.plate_lecture()), sorted(images.glob("*.png"))
    run(job, paths, tmp_path / "good")
    good = contents(tmp_path / "good")

    def stopped(out: Path) -> None:
        run(job, paths, out)
        journal, results = out / "manifest.jsonl", out / "results.jsonl"
        journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[:3]))
        results.write_bytes(b"".join(results.read_bytes().splitlines(keepends=True)[1:]) + b"{")

    stopped(tmp_path / "count")
    with failing(Disk(tmp_path / "count")) as counted:
        run(job, paths, tmp_path / "count")
    assert {"replace", "truncate", "ftruncate"} & {call for call, _ in counted.points}
    for at, kind in zip(range(len(counted.points)), itertools.cycle(KINDS)):
        out = tmp_path / f"{at}"
        stopped(out)
        with failing(Disk(out, at, kind, stays=True)) as disk:
            try:
                run(job, paths, out)
            except WriteError:
                pass
            else:
                assert os.path.isdir(disk.points[at][1])
        assert not [p.name for p in out.iterdir() if ".part" in p.name]
        run(job, paths, out)
        assert contents(out) == good


def write_nowhere(image: np.ndarray) -> dict[str, object]:
    write_text("/proc/self/x", "no place for files, not even for root")
    return {}


@pytest.mark.parametrize("workers", [1, 2])
def test_a_fault_in_a_worker_ends_the_run_and_blames_no_image(
    images, tmp_path, monkeypatch, workers
):
    monkeypatch.syspath_prepend(Path(__file__).parents[1])
    paths = sorted(images.glob("*.png"))
    with pytest.raises(WriteError, match="cannot write"):
        run(write_nowhere, paths, tmp_path / "nowhere", workers=workers)
    failures = (tmp_path / "nowhere" / "failures.jsonl").read_text().splitlines()
    assert all("broken.png" in line for line in failures)
    fine = DetectJob(spel.zoo.plate_lecture(), save=("overlay",))
    report = run(fine, paths, tmp_path, workers=workers)
    assert (report.images, report.failed) == (3, 1)
    assert len(list(tmp_path.glob("*.overlay.jpg"))) == 2


def test_a_folder_where_a_picture_belongs_is_that_images_failure(images, tmp_path):
    (tmp_path / "0.overlay.jpg").mkdir()
    job = DetectJob(spel.zoo.plate_lecture(), save=("overlay",))
    report = run(job, sorted(images.glob("*.png")), tmp_path)
    assert report.failed == 2
    assert "it is a folder" in report.failures[0].message


@pytest.mark.parametrize("form", ["png", "npy", "tiff"])
def test_commands_that_write_a_file_per_image_stop_too(images, tmp_path, capsys, form):
    """A full disk is told once, not once for each of a thousand images."""

    def applied(out: Path) -> int:
        words = ["apply", "plate-lecture", *map(str, sorted(images.glob("[01].png")))]
        return command([*words, "--out", str(out), "--format", form, "-q", "--progress", "none"])

    with failing(Disk(tmp_path / "count")) as counted:
        assert applied(tmp_path / "count") == 0
    whole = contents(tmp_path / "count")
    for at in range(len(counted.points)):
        out = tmp_path / f"{at}"
        capsys.readouterr()
        with failing(Disk(out, at, errno.ENOSPC, stays=True)) as disk:
            code = applied(out)
        (*_, last) = capsys.readouterr().err.splitlines() or [""]
        if code == 0:  # a slower run saves its outcomes more often: this one may end before
            assert at >= len(disk.points) or os.path.isdir(disk.points[at][1])
        else:
            assert code == 3
            assert last.startswith("spel: ")
            assert os.strerror(errno.ENOSPC) in last
        assert half_written(out, whole) == []
        assert applied(out) == 0
        assert contents(out) == whole


RESULTS = [
    Result(f"{name}.png", (6, 7), np.array([[1, 2, 3.5, 4]]), [0.5], [3], ("x",)) for name in "ab"
]
OTHERS: dict[str, Callable[[Path], Any]] = {
    **{
        form: lambda place, form=form: write_as(form, place / form, RESULTS)
        for form in ("csv", "coco", "yolo", "voc", "geojson", "label-studio", "jsonl")
    },
    "network": lambda place: spel.zoo.plate_lecture().save(place / "net.safetensors"),
    "markers": lambda place: write_markers(
        place / "a.txt", Markers.from_image(np.eye(9, dtype=np.int64))
    ),
    **{
        suffix: lambda place, suffix=suffix: spel.write(
            place / f"a.{suffix}", np.arange(60, dtype=np.uint8).reshape(5, 4, 3)
        )
        for suffix in ("png", "tif", "npy", "jpg")
    },
}


@pytest.mark.parametrize("what", OTHERS)
def test_every_writer_survives_a_fault_at_every_write(what, tmp_path):
    count = tmp_path / "count"
    count.mkdir()
    with failing(Disk(count)) as counted:
        OTHERS[what](count)
    whole = {p.relative_to(count): p.read_bytes() for p in count.rglob("*") if p.is_file()}
    assert whole
    for at, kind in itertools.product(range(len(counted.points)), KINDS):
        out = tmp_path / f"{at}-{kind}"
        out.mkdir()
        with failing(Disk(out, at, kind, stays=True)) as disk:
            told = None
            try:
                OTHERS[what](out)
            except WriteError as error:
                told = str(error)
        if told is None:
            assert os.path.isdir(disk.points[at][1]), (at, kind, disk.points[at])
        else:
            assert told.startswith("cannot write")
            assert len(told) < 400
        found = {p.relative_to(out): p.read_bytes() for p in out.rglob("*") if p.is_file()}
        assert found.items() <= whole.items(), (at, kind, disk.points[at])
        OTHERS[what](out)
        found = {p.relative_to(out): p.read_bytes() for p in out.rglob("*") if p.is_file()}
        assert found == whole


def test_a_line_that_did_not_fit_leaves_no_half(tmp_path):
    path = tmp_path / "results.jsonl"
    with failing(Disk(tmp_path, 2, SHORT)), ResultsWriter(path, sync_every=9) as writer:
        writer.append(RESULTS[0])
        with pytest.raises(WriteError, match="disk is full"):
            writer.append(RESULTS[1])
    assert path.read_bytes().endswith(b"\n")
    assert read_results(path) == RESULTS[:1]


def test_a_journal_that_cannot_be_read_is_no_fresh_start(tmp_path):
    path = tmp_path / "manifest.jsonl"
    with Manifest(path, {"job": "x"}):
        pass
    with failing(Disk(tmp_path, 0, errno.EMFILE)), pytest.raises(WriteError, match="too many"):
        Manifest(path, {"job": "x"})
    assert path.stat().st_size
