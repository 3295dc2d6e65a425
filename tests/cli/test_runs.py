"""Runs from the command line: resuming, shards, tiles, limits, progress."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import spel
from spel.cli import progress
from spel.cli.progress import Progress
from spel.data import street
from spel.decide import Decision
from spel.decide.detection import with_decision
from spel.decide.segmentation import Segmentation, with_segmentation
from spel.io.annotation.markers import write_markers
from spel.io.annotation.results import read_results


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "images"
    place.mkdir()
    for seed in range(5):
        spel.write(place / f"{seed}.png", street(seed, size=(120, 160)).image)
    return place


def test_the_same_command_goes_on(program, folder, tmp_path):
    out = tmp_path / "run"
    program("detect", "plate-lecture", folder / "0.png", "--out", out)
    code, _, err = program("detect", "plate-lecture", folder, "--out", out)
    assert code == 0
    assert "resuming: 1 of 5 images were done before" in err
    code, _, err = program("detect", "plate-lecture", folder, "--out", out, "--fresh")
    assert code == 0
    assert "resuming" not in err
    assert len(read_results(out / "results.jsonl")) == 5


def test_another_decision_in_the_same_folder_is_refused(program, folder, tmp_path):
    out = tmp_path / "run"
    program("detect", "plate-lecture", folder, "--out", out)
    code, _, err = program("detect", "plate-lecture", folder, "--out", out, "--threshold", "p90")
    assert code == 3
    assert "its decision was" in err
    assert "--fresh" in err


def test_shards_write_their_own_files(program, folder, tmp_path):
    out = tmp_path / "run"
    for shard in ("1/2", "2/2"):
        code, said, _ = program("detect", "plate-lecture", folder, "--out", out, "--shard", shard)
        assert code == 0
    assert said == f"{out / 'results.2-of-2.jsonl'}\n"
    counts = [len(read_results(p)) for p in sorted(out.glob("results.*.jsonl"))]
    assert counts == [3, 2]
    code, _, err = program("detect", "plate-lecture", folder, "--shard", "3/2")
    assert code == 3
    assert "i/n" in err


def test_stopping_at_the_first_failure(program, folder, tmp_path):
    (folder / "1.png").write_bytes(b"no image")
    out = tmp_path / "run"
    code, _, err = program("detect", "plate-lecture", folder, "--out", out, "--on-error", "stop")
    assert code == 3
    assert "1.png" in err
    assert len(read_results(out / "results.jsonl")) == 1


def test_tiles_give_the_boxes_of_the_whole(program, tmp_path):
    image = street(3, cars=2, size=(240, 420)).image
    spel.write(tmp_path / "a.tif", image)
    net = spel.chain(
        grey=spel.Color("grey"),
        edges=spel.Convolution(spel.KernelBank.sobel("col")),
        join=spel.MaxPool(spel.Adjacency.rectangle(width=11, height=3)),
    )
    path = tmp_path / "net.safetensors"
    with_decision(net, Decision(threshold=1.0)).save(path)
    whole = json.loads(program("detect", path, tmp_path / "a.tif")[1])
    tiled = json.loads(program("detect", path, tmp_path / "a.tif", "--tile", "64")[1])
    assert tiled["boxes"] == whole["boxes"]
    assert len(whole["boxes"]) > 2
    found = [  # normalized over the image, and a percentile: more passes, the same boxes
        json.loads(program("detect", "plate-lecture", tmp_path / "a.tif", *options)[1])["boxes"]
        for options in ((), ("--tile", "64"))
    ]
    assert found[0] == found[1]


def test_limits_make_failures(program, folder):
    code, out, err = program("detect", "plate-lecture", folder, "--max-pixels", "100")
    assert code == 3
    assert not out
    assert err.count("exceed the limit of 100") == 5
    code, _, err = program("detect", "plate-lecture", folder / "0.png", "--max-seconds", "0.001")
    assert code == 3
    assert "more than 0.001 seconds" in err


def test_isolated_decoding_gives_the_same(program, folder):
    (folder / "1.png").write_bytes((folder / "1.png").read_bytes()[:500])
    code, out, err = program("detect", "plate-lecture", folder, "--isolate")
    assert code == 4
    assert len(out.splitlines()) == 4
    assert "1.png" in err
    _, plain, _ = program("detect", "plate-lecture", folder)
    boxes = [[json.loads(line)["boxes"] for line in lines.splitlines()] for lines in (out, plain)]
    assert boxes[0] == boxes[1]


@pytest.mark.parametrize("name", [b"\xff\xfe.png", b"a\nb.png", b"esc\x1b[31m.png", b"-d.png"])
def test_names_of_any_bytes_are_data(program, folder, tmp_path, monkeypatch, name):
    import os

    monkeypatch.chdir(tmp_path)
    odd = os.fsdecode(name)
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / odd).write_bytes((folder / "0.png").read_bytes())
    (tmp_path / "odd" / ("bad" + odd)).write_bytes(b"no image")
    code, _, err = program(
        "detect", "plate-lecture", "odd", "--out", "run", "--save", "mask", "--format", "csv"
    )
    assert code == 4
    assert all(c.isprintable() or c == "\n" for c in err)
    (result,) = read_results(tmp_path / "run" / "results.jsonl")
    assert os.fsencode(Path(result.image).name) == name
    assert (tmp_path / "run" / f"{Path(odd).stem}.mask.png").exists()
    code, _, err = program("detect", "plate-lecture", "odd", "--out", "run", "--save", "mask")
    assert code == 4
    assert "2 of 2 images were done before" in err


def test_quiet_runs_print_no_progress(program, folder, tmp_path, monkeypatch):
    monkeypatch.setattr(progress, "EVERY_ITEMS", 1)
    words = ["detect", "plate-lecture", folder]
    assert "1 of 5 images" in program(*words, "--out", tmp_path / "a")[2]
    assert " images" not in program(*words, "--out", tmp_path / "b", "-q")[2]


def test_progress_for_machines(program, folder, tmp_path):
    _, _, err = program(
        "detect", "plate-lecture", folder, "--out", tmp_path / "r", "--progress", "json", "-q"
    )
    state = json.loads(err.splitlines()[-1])
    assert (state["done"], state["total"], state["failed"]) == (5, 5, 0)


def test_photos_that_are_read_again_are_counted_anew(capsys):
    with Progress(2, "json", "photos") as progress:
        read = progress.counting(str)
        for _ in range(3):
            read("photo")
    assert json.loads(capsys.readouterr().err)["done"] == 1


def test_lines_without_a_folder_carry_their_time(program, folder):
    _, out, _ = program("detect", "plate-lecture", folder)
    lines = [json.loads(line) for line in out.splitlines()]
    assert len(lines) == 5
    assert all(line["ms"] > 0 for line in lines)
    assert np.all([Path(line["image"]).name == f"{i}.png" for i, line in enumerate(lines)])


@pytest.mark.parametrize(
    "words",
    [
        "segment NET IMAGES --out IMAGES",
        "segment NET IMAGES/0.png --out IMAGES",
        "apply NET IMAGES --out LINK",
        "detect NET IMAGES --out IMAGES --save mask",
        "cut IMAGES --markers STROKES --out IMAGES",
    ],
)
def test_images_are_never_replaced_by_what_is_written(program, folder, tmp_path, words):
    net = spel.chain(grey=spel.Color("grey"))
    how = with_segmentation(with_decision(net, Decision(threshold=0.5)), Segmentation())
    how.save(tmp_path / "net.safetensors")
    (tmp_path / "link").symlink_to(folder)
    size = spel.read(folder / "0.png").shape[:2]
    (tmp_path / "strokes").mkdir()
    write_markers(tmp_path / "strokes" / "0.json", spel.Markers([(1, 1), (9, 9)], [0, 1], size))
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    places = {"NET": tmp_path / "net.safetensors", "IMAGES": folder, "LINK": tmp_path / "link"}
    places |= {"IMAGES/0.png": folder / "0.png", "STROKES": tmp_path / "strokes"}
    code, _, err = program(*(places.get(word, word) for word in words.split()))
    assert code == 3
    assert "holds images of the run, such as 0.png" in err
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_what_a_run_wrote_below_its_images_is_none_of_them(program, folder, tmp_path):
    words = ("detect", "plate-lecture", folder, "--out", folder / "run", "--save", "overlay")
    assert program(*words)[0] == 0
    code, _, err = program(*words)
    assert code == 0
    assert "resuming: 5 of 5 images were done before" in err
    assert program("detect", "plate-lecture", folder, "--out", folder)[0] == 0  # no picture
