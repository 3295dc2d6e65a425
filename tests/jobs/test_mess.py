"""What real folders hold: bad files, odd names, inputs that change under way, two runs at once."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import spel
from spel import zoo
from spel.data import street
from spel.io import expand
from spel.io.annotation.results import Result, read_results
from spel.jobs import DetectJob
from spel.runs import Failure, Manifest, Shard, image_task, run
from spel.runs.names import file_stems

HOSTILE = Path("../shared/data/hostile-images")


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    place = tmp_path_factory.mktemp("good")
    paths = [place / f"{seed}.png" for seed in range(6)]
    for seed, path in enumerate(paths):
        spel.write(path, street(seed, size=(120, 160)).image)
    return paths


def job(**options) -> DetectJob:
    return DetectJob(zoo.plate_lecture(), **options)


def spel_detect(*words: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "spel", "detect", "plate-lecture", "-q", *map(str, words)]
    path = os.pathsep.join(os.path.abspath(p) for p in sys.path if p)
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        errors="surrogateescape",
        cwd=cwd,
        timeout=120,
        env={**os.environ, "PYTHONPATH": path},
    )


def lines(out: Path) -> tuple[bytes, bytes]:
    return (out / "results.jsonl").read_bytes(), (out / "failures.jsonl").read_bytes()


# Bad inputs


def test_a_tenth_of_hostile_files_costs_one_line_each(good, tmp_path):
    if not HOSTILE.exists():
        pytest.skip("../shared/data/hostile-images is absent")
    files = json.loads((HOSTILE / "manifest.json").read_text())["files"]
    refused = [HOSTILE / f["name"] for f in files if f["expect"] == "refuse" and f["strong"]]
    bad = refused[:: len(refused) // 20][:20]
    paths = [tmp_path / f"{i:03d}.png" for i in range(180)]
    for i, path in enumerate(paths):
        os.link(good[i % 6], path)
    report = run(job(), sorted([*paths, *bad]), tmp_path / "out", workers=2, seconds=60)
    found = [json.loads(row) for row in lines(tmp_path / "out")[1].splitlines()]
    assert sorted(row["image"] for row in found) == sorted(map(str, bad))
    assert report.images - report.failed == 180
    for row in found:
        assert row["error"] == "ImageReadError"
        assert 0 < len(row["message"]) <= 300
        assert row["message"].isprintable()


# Inputs that change


@pytest.mark.parametrize("what", ["changed", "removed"])
def test_an_input_that_changes_while_it_is_read_is_done_again(good, tmp_path, monkeypatch, what):
    mine = tmp_path / "a.png"
    shutil.copy(good[0], mine)
    real, left = image_task.read_with_info, [1]

    def meddled(path: str, **options):
        if left and left.pop():
            shutil.copy(good[1], mine) if what == "changed" else mine.unlink()
        return real(path, **options)

    monkeypatch.setattr(image_task, "read_with_info", meddled)
    report = run(job(), [mine], tmp_path / "out")
    assert report.failed == (what == "removed")
    shutil.copy(good[1], mine)
    again = run(job(), [mine], tmp_path / "out")
    assert (again.resumed, again.failed, again.changed) == (0, 0, (str(mine),))
    clean = run(job(), [mine], tmp_path / "clean")
    assert clean.images == 1
    assert lines(tmp_path / "out") == lines(tmp_path / "clean")


def test_an_input_that_was_touched_only_is_kept(good, tmp_path):
    mine = tmp_path / "a.png"
    shutil.copy(good[0], mine)
    run(job(), [mine], tmp_path / "out")
    os.utime(mine, (1, 1))
    assert run(job(), [mine], tmp_path / "out").resumed == 1


# Two runs in one folder


def test_a_second_run_in_a_folder_is_refused_and_harms_nothing(good, tmp_path):
    run(job(), good, tmp_path)
    before = lines(tmp_path)
    config = {"any": "other"}
    with Manifest(tmp_path / "manifest.jsonl", config, fresh=True):
        done = spel_detect(*good, "--out", tmp_path)
        other = spel_detect(*good, "--out", tmp_path, "--shard", "1/2")
    assert done.returncode == 3
    assert "is being written by another run" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert lines(tmp_path) == before
    assert other.returncode == 0  # a shard has files of its own


def test_the_lock_of_a_killed_run_is_free(good, tmp_path):
    code = (
        "import sys, time\nfrom spel.runs import Manifest\n"
        "held = Manifest(sys.argv[1], {})\nprint('held', flush=True)\ntime.sleep(600)\n"
    )
    path = tmp_path / "manifest.jsonl"
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(path)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    holder.send_signal(signal.SIGKILL)
    holder.communicate()
    assert run(job(), good, tmp_path, fresh=True).images == len(good)


def test_shards_do_not_mix_their_pictures(good, tmp_path):
    """Both shards write into one folder, and each input has one name whatever the shard."""
    twins = [tmp_path / name / "0.png" for name in "ab"]
    for twin in twins:
        twin.parent.mkdir()
        os.link(good[0], twin)
    out = tmp_path / "out"
    out.mkdir()
    for i in (1, 2):
        run(job(save=("mask",)), twins, out, shard=Shard(i, 2))
    assert sorted(p.name for p in out.glob("*.png")) == ["0-2.mask.png", "0.mask.png"]


# Names


ODD = [
    b"-rf.png",
    b"--out.png",
    b"new\nline.png",
    b"tab\tand\x1b[31mred.png",
    b"\xff\xfe.png",
    "é.png".encode(),
    "e\u0301.png".encode(),
    b"Case.png",
    b"case.png",
    b" .png",
    b"=1+1.png",
    b"[1].png",
    b"x" * 251 + b".png",
    "ü".encode() * 125 + b".png",
]


@pytest.fixture
def odd(good, tmp_path) -> Path:
    folder = tmp_path / "odd"
    folder.mkdir()
    for name in ODD:
        try:
            os.link(os.fsencode(good[0]), os.fsencode(folder) + b"/" + name)
        except OSError as error:
            pytest.skip(f"the file system refuses {name!r}: {error}")
    os.link(good[0], folder / "dir.png.real")
    return folder


def test_odd_names_are_data(odd, tmp_path):
    out = tmp_path / "out"
    done = spel_detect(odd, "--out", out, "--save", "overlay,mask", "--format", "csv,coco")
    assert done.returncode == 0, done.stderr
    results = read_results(out / "results.jsonl")
    assert sorted(os.fsencode(Path(r.image).name) for r in results) == sorted(ODD)
    assert len(list(out.glob("*.overlay.jpg"))) == len(list(out.glob("*.mask.png"))) == len(ODD)
    folded = {str(p).casefold() for p in out.glob("*.mask.png")}
    assert len(folded) == len(ODD)
    again: list[Result | Failure] = []
    assert spel_detect(odd, "--out", out, "--save", "overlay,mask").returncode == 0
    report = run(job(), expand([odd]), tmp_path / "mine", on_result=again.append)
    assert (report.failed, len(again)) == (0, len(ODD))
    assert run(job(), expand([odd]), tmp_path / "mine").resumed == len(ODD)


def test_names_with_a_dash_first_are_no_options(odd, tmp_path):
    done = spel_detect("--", "-rf.png", "--out.png", cwd=odd)
    assert done.returncode == 0, done.stderr
    assert [json.loads(row)["image"] for row in done.stdout.splitlines()] == [
        "-rf.png",
        "--out.png",
    ]


def test_no_name_moves_the_cursor(odd):
    for path in odd.iterdir():
        path.write_bytes(b"no image")
    done = spel_detect(odd)
    assert done.returncode == 3
    told = [row for row in done.stderr.splitlines() if "not an image" in row]
    assert len(told) == len(ODD)
    assert all(row.isprintable() for row in done.stderr.splitlines())


def test_picture_names_never_meet():
    """Capitals, Unicode forms, long beginnings in common, numbers that look like ours."""
    paths = ["a.png", "A.png", "a-2.png", "é.png", "e\u0301.png", "É.png"]
    paths += [f"{'y' * 300}{i}.png" for i in range(3)] + ["ß.png", "SS.png"]
    chosen = file_stems(paths)
    assert len({name.casefold() for name in chosen}) == len(paths)
    assert all(len(os.fsencode(name)) < 220 for name in chosen)


def test_folders_named_like_images_are_entered(good, tmp_path):
    (tmp_path / "x.png").mkdir()
    os.link(good[0], tmp_path / "x.png" / "a.png")
    (tmp_path / "x.png" / "loop.png").symlink_to("..")
    (tmp_path / "dangling.png").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe.png")
    dangling = tmp_path / "dangling.png"  # reading it will say that it leads nowhere
    assert expand([tmp_path]) == [dangling, tmp_path / "x.png" / "a.png"]
    inside = tmp_path / "x.png"
    assert expand([inside]) == [inside / "a.png", inside / "loop.png" / "dangling.png"]
