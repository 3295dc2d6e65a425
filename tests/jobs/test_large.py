"""Images read in parts: by themselves when they are too large, by level, from folders."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile

import spel
from spel.cli.main import run as program
from spel.data import street
from spel.decide import Decision
from spel.decide.detection import with_decision
from spel.errors import ParameterError
from spel.io import parts
from spel.io.annotation.results import Result
from spel.jobs import DetectJob, detect
from spel.metrics.detection import iou
from spel.runs import Failure, image_process, run, run_tasks


def edges() -> spel.Network:
    net = spel.chain(
        blur=spel.MeanPool(spel.Adjacency.box(3)),
        join=spel.MaxPool(spel.Adjacency.rectangle(width=7, height=3)),
    )
    return with_decision(net, Decision(threshold=60.0))


def spots(shape: tuple[int, int], count: int = 12) -> np.ndarray:
    """Bright blocks of eight spels, none of them cut by a halving."""
    rng = np.random.default_rng(4)
    image = np.zeros(shape, np.uint8)
    for _ in range(count):
        row, col = (int(rng.integers(1, n // 16 - 1)) * 16 for n in shape)
        image[row : row + 8, col : col + 8] = 200
    return image


def pyramid(path: Path, image: np.ndarray) -> Path:
    with tifffile.TiffWriter(path) as file:
        file.write(image, subifds=2, tile=(64, 64), metadata=None)
        for step in (2, 4):
            file.write(image[::step, ::step], subfiletype=1, tile=(32, 32), metadata=None)
    return path


def one(job: DetectJob, path: Path) -> Result | Failure:
    (outcome,) = run_tasks(job.tasks([str(path)]))
    result: Result | Failure = outcome.result
    return result


@pytest.fixture
def small(monkeypatch) -> int:
    """Everything above 10,000 spels counts as too large to be read whole."""
    for module in (parts, image_process):
        monkeypatch.setattr(module, "MAX_PIXELS", 10_000)
    return 10_000


@pytest.fixture
def scan(tmp_path) -> Path:
    return pyramid(tmp_path / "scan.tif", spots((240, 320)))


def test_too_large_images_are_tiled_by_themselves(scan, small, monkeypatch):
    whole = spel.detect(edges(), spel.read(scan))
    sizes = []
    known = detect.tiles.detect_tiled

    def noted(network, tiling, *options):
        sizes.append(tiling.size)
        return known(network, tiling, *options)

    monkeypatch.setattr(detect.tiles, "detect_tiled", noted)
    found = one(DetectJob(edges()), scan)
    assert isinstance(found, Result)
    assert sizes == [2048]
    assert np.array_equal(found.boxes, whole.boxes)
    assert np.array_equal(found.scores, whole.scores)
    assert np.array_equal(found.areas, whole.areas)
    assert found.size == (240, 320)


def test_a_limit_that_was_asked_for_is_kept(scan, small):
    found = one(DetectJob(edges(), max_pixels=10_000), scan)
    assert isinstance(found, Failure)
    assert "exceed the limit" in found.message


@pytest.mark.parametrize("isolate", [False, True])
def test_parts_are_the_same_in_a_worker(scan, small, isolate):
    whole = spel.detect(edges(), spel.read(scan))
    found = one(DetectJob(edges(), isolate=isolate), scan)
    assert isinstance(found, Result)
    assert np.array_equal(found.boxes, whole.boxes)


def test_few_bytes_that_claim_much_are_asked_about(tmp_path, small):
    path = tmp_path / "black.tif"
    tifffile.imwrite(path, np.zeros((900, 1000), np.uint8), compression="deflate", tile=(256, 256))
    assert path.stat().st_size < 900_000 / parts.MAX_COMPRESSION
    found = one(DetectJob(edges()), path)
    assert isinstance(found, Failure)
    assert "900 x 1000 pixels in" in found.message
    assert "--tile 2048" in found.message
    assert isinstance(one(DetectJob(edges(), tile=256), path), Result)
    root = tmp_path / "a.zarr"
    root.mkdir()
    said = {"zarr_format": 2, "shape": [9000, 9000], "chunks": [80, 80], "dtype": "|u1"}
    more = {"fill_value": 0, "compressor": None, "filters": None, "order": "C"}
    (root / ".zarray").write_text(json.dumps({**said, **more}))
    found = one(DetectJob(edges()), root)
    assert isinstance(found, Failure)
    assert "9000 x 9000 pixels in" in found.message


def test_what_cannot_be_read_in_parts_is_refused_as_before(tmp_path, small):
    spel.write(tmp_path / "a.png", spots((240, 320)))
    found = one(DetectJob(edges()), tmp_path / "a.png")
    assert isinstance(found, Failure)
    assert "exceed the limit of 10000" in found.message


@pytest.mark.parametrize("level", [0, 1, 2])
def test_a_level_tells_boxes_of_the_full_size(scan, level):
    found = one(DetectJob(edges(), level=level), scan)
    assert isinstance(found, Result)
    image = spel.read(scan)[:: 2**level, :: 2**level]
    expected = spel.detect(edges(), image)
    assert len(found) == len(expected.boxes) > 3
    assert np.array_equal(found.boxes, expected.boxes * 2**level)
    assert np.array_equal(found.areas, expected.areas * 4**level)
    assert found.size == (240, 320)
    tiled = one(DetectJob(edges(), level=level, tile=40), scan)
    assert isinstance(tiled, Result)
    assert np.array_equal(tiled.boxes, found.boxes)


def test_a_missing_level_is_a_failure(scan):
    found = one(DetectJob(edges(), level=3), scan)
    assert isinstance(found, Failure)
    assert "3 levels, but none with the number 3" in found.message
    with pytest.raises(ParameterError, match="from 0"):
        DetectJob(edges(), level=-1)


def test_windows_in_tiles_are_those_of_the_whole(tmp_path):
    path, image = tmp_path / "a.tif", street(3, size=(160, 220)).image
    spel.write(path, image)
    job = DetectJob(spel.zoo.plates())
    whole, tiled = one(job, path), one(replace(job, tile=120), path)
    assert isinstance(whole, Result)
    assert isinstance(tiled, Result)
    assert len(whole) > 0
    assert whole.to_dict() == tiled.to_dict()


def test_windows_read_each_scale_from_the_coarsest_level_that_has_it(tmp_path):
    """The levels hold different scenes, so that it shows from which one each box comes."""
    path = tmp_path / "a.tif"
    empty, small = np.full((480, 640), 90, np.uint8), street(3, size=(240, 320)).image[..., 1]
    with tifffile.TiffWriter(path) as file:
        file.write(empty, subifds=1, tile=(64, 64), metadata=None)
        file.write(small, subfiletype=1, tile=(32, 32), metadata=None)
    job = DetectJob(spel.zoo.plates(), tile=200)
    chosen, boxes = one(replace(job, level=1), path), one(job, path)
    assert isinstance(chosen, Result)
    assert isinstance(boxes, Result)
    assert len(boxes) == len(chosen) == 1
    assert iou(boxes.boxes, chosen.boxes).item() > 0.6
    finest = one(replace(job, level=0), path)
    assert isinstance(finest, Result)
    assert len(finest) == 0


def test_a_folder_of_zarr_is_one_image(tmp_path, small):
    image = spots((240, 320))
    root = tmp_path / "in" / "a.zarr"
    (root / "0").mkdir(parents=True)
    scales = {"axes": ["y", "x"], "datasets": [{"path": "0"}]}
    (root / ".zattrs").write_text(json.dumps({"multiscales": [scales]}))
    said = {"zarr_format": 2, "shape": [240, 320], "chunks": [80, 80], "dtype": "|u1"}
    said |= {"fill_value": 0, "order": "C", "filters": None, "compressor": None}
    (root / "0" / ".zarray").write_text(json.dumps(said))
    for i in range(3):
        for j in range(4):
            block = image[80 * i : 80 * i + 80, 80 * j : 80 * j + 80]
            if block.any():
                (root / "0" / f"{i}.{j}").write_bytes(block.tobytes())
    assert spel.io.expand([tmp_path / "in"]) == [root]
    out = tmp_path / "out"
    job = DetectJob(with_decision(edges(), Decision(threshold=60.0)))
    report = run(job, [root], out)
    (line,) = (out / "results.jsonl").read_text().splitlines()
    expected = spel.detect(edges(), image).boxes
    assert np.array_equal([box["xyxy"] for box in json.loads(line)["boxes"]], expected)
    assert run(job, [root], out).resumed == report.images == 1
    chunk = next(p for p in (root / "0").iterdir() if p.name[0].isdigit())
    chunk.write_bytes(bytes(6400))
    assert run(job, [root], out).changed == (str(root),)


def test_see_tells_the_levels(scan, tmp_path, capsys):
    assert program(["see", str(scan)]) == 0
    said = capsys.readouterr().out
    assert "  level 2: 60 x 80, 1 to 4" in said
    assert "channel 0" in said
    assert program(["see", str(scan), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert [one["size"] for one in facts["levels"]] == [[240, 320], [120, 160], [60, 80]]


def test_the_command_takes_a_level(scan, tmp_path, capsys):
    net = tmp_path / "net.safetensors"
    edges().save(net)
    with pytest.raises(SystemExit) as left:
        program(["detect", str(net), str(scan), "--level", "1"])
    assert left.value.code == 0
    found = json.loads(capsys.readouterr().out)
    assert found["size"] == [240, 320]
    assert len(found["boxes"]) > 3


@pytest.mark.parametrize("how", [{"tile": 64}, {"level": 0}])
def test_files_that_are_only_read_whole_are_refused_once_before_the_run(scan, tmp_path, how):
    names = ("a.png", "b.jpg")
    for name in names:
        spel.write(tmp_path / name, np.zeros((9, 9, 3), np.uint8))
    (tmp_path / "none.png").write_bytes(b"no image")  # which fails alone
    odd = tmp_path / "a TIFF.png"
    odd.write_bytes(scan.read_bytes())
    good = [str(scan), str(odd), str(tmp_path / "none.png")]
    job = DetectJob(edges(), **how)
    assert len(job.tasks(good)) == 3
    option = next(iter(how))
    with pytest.raises(ParameterError, match=rf"a\.png: {option} .*2 of 5 are of another format"):
        job.tasks([*good, *(str(tmp_path / name) for name in names)])
    with pytest.raises(ParameterError, match="this file is of another format"):
        job.tasks([str(tmp_path / "a.png")])
