"""Objects of images that are read by windows: those of the whole, number by number."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile

import spel
from spel.cli.main import run as program
from spel.decide import pieces
from spel.decide.delineate import Delineation
from spel.decide.object_model import ObjectModel
from spel.decide.segmentation import ObjectClass, Segmentation, with_segmentation
from spel.jobs import SegmentJob
from spel.large import windows
from spel.runs import run

NET = spel.chain(values=spel.Scale([1 / 255]))
LISTS = ("instances", "csv", "coco", "geojson")
MANY = ObjectModel(area=113, levels=(0.1, 0.3, 0.5), min_score=-4.0, multiple=True, ring=3)
LINE = Delineation(inner=1, outer=4)
THIRDS = (ObjectClass(0, background=True), ObjectClass(3, objects=MANY), ObjectClass(7))


def disks(size: tuple[int, ...], radius: float, seed: int = 0) -> np.ndarray:
    """Disks or balls that touch, each with its own grey, some over the border of the image."""
    random = np.random.default_rng(seed)
    image, places = np.zeros(size), np.indices(size)
    for corner in np.ndindex(*(int(n // (1.8 * radius)) for n in size)):
        centre = [(c + random.uniform(0.2, 0.8)) * 1.8 * radius for c in corner]
        distance = np.sqrt(sum((p - c) ** 2 for p, c in zip(places, centre)))
        grey = random.choice([0.0, 0.6, 0.8, 1.0])
        image = np.maximum(image, grey * np.clip(radius + 1 - distance, 0, 1))
    return np.rint(255 * image).astype(np.uint8)


def both(folder: Path, job: SegmentJob, image: np.ndarray, tile: int) -> tuple[Path, Path]:
    """The folders of a run over the whole image and of one in tiles."""
    path = folder / "a.npy"
    np.save(path, image)
    whole = replace(job, formats=("ome-tiff",), isolate=False)
    for name, one in (("whole", whole), ("tiles", replace(job, tile=tile, isolate=False))):
        report = run(one, path, folder / name)
        assert report.failed == 0, report.failures
    return folder / "whole", folder / "tiles"


def assert_equal(whole: Path, tiles: Path, least: int) -> None:
    numbers = spel.read(whole / "a.instances.tif")
    assert numbers.max() >= least
    assert np.array_equal(numbers.ravel(), spel.read(tiles / "a.instances.ome.tif").ravel())
    assert (whole / "a.ome.tif").read_bytes() == (tiles / "a.ome.tif").read_bytes()
    for path in whole.glob("a.objects.*"):
        assert path.read_bytes() == (tiles / path.name).read_bytes()
    lines = [json.loads((f / "results.jsonl").read_text()) for f in (whole, tiles)]
    assert [line.pop("files")[0] for line in lines] == ["a.ome.tif"] * 2
    assert lines[0] == lines[1]


# ----------------------------------------------------------------------------------------- LAW


@pytest.mark.parametrize(
    ("how", "least"),
    [
        (Segmentation(MANY, delineation=LINE), 12),
        (Segmentation(ObjectModel(area=113, min_score=-9.0), delineation=LINE), 1),
        (Segmentation(ObjectModel(area=1e6)), 0),
        (Segmentation(threshold="otsu"), 12),
        (Segmentation(threshold="otsu", delineation=LINE), 4),
    ],
    ids=["many", "one", "none", "threshold", "delineated threshold"],
)
def test_objects_tile_by_tile_are_those_of_the_whole(how, least, tmp_path):
    image = disks((70, 90), 6.0)[..., None]
    assert_equal(*both(tmp_path, SegmentJob(NET, how, save=LISTS), image, 32), least)


def test_objects_of_classes_tile_by_tile(tmp_path):
    grey = disks((70, 80), 6.0) / 255
    first = np.where(grey < 0.7, grey, 0)
    image = np.stack([1 - grey, first, grey - first], -1).astype(np.float32)
    net = spel.chain(values=spel.Scale([1.0] * 3))
    job = SegmentJob(net, Segmentation(classes=THIRDS, undecided=0.5), save=LISTS)
    whole, tiles = both(tmp_path, job, image, 32)
    assert_equal(whole, tiles, 8)
    rows = (tiles / "a.objects.csv").read_text().splitlines()[1:]
    assert {row.split(",")[2] for row in rows} == {"3", "7"}


@pytest.mark.parametrize("method", ["watershed", "growcut"])
@pytest.mark.parametrize("size", [(70, 80), (11, 24, 26)], ids=["image", "volume"])
@pytest.mark.parametrize("sized", [True, False])
def test_delineated_classes_and_their_objects_tile_by_tile(method, size, sized, tmp_path):
    """Objects of a learned size, and parts of the label image, in one run."""
    random = np.random.default_rng(1)
    grey = disks(size, 6.0 if len(size) == 2 else 4.0) / 255 + random.normal(size=size) / 9
    first = np.where(grey < 0.7, grey, 0)
    image = np.stack([1 - grey, first, grey - first], -1).astype(np.float32)
    classes = THIRDS if sized else (THIRDS[0], ObjectClass(3), ObjectClass(7))
    line = Delineation(method, inner=1.5, outer=3)
    how = Segmentation(classes=classes, delineation=line, undecided=0.4)
    net = spel.chain(values=spel.MeanPool(spel.Adjacency.box(1, ndim=len(size))))
    job = SegmentJob(net, how, save=LISTS if len(size) == 2 else LISTS[:2])
    whole, tiles = both(tmp_path, job, image, 32 if len(size) == 2 else 13)
    assert_equal(whole, tiles, 3)
    rough = replace(job, segmentation=replace(how, delineation=None), formats=("ome-tiff",))
    run(rough, tmp_path / "a.npy", tmp_path / "rough")
    rough_labels = spel.read(tmp_path / "rough" / "a.ome.tif")
    assert not np.array_equal(rough_labels, spel.read(whole / "a.ome.tif"))


@pytest.mark.parametrize("how", [Segmentation(MANY, delineation=LINE), Segmentation(threshold=0.4)])
def test_objects_of_a_volume_in_blocks_are_those_of_the_whole(how, tmp_path):
    image = disks((12, 24, 26), 4.0)[..., None]
    net = spel.chain(values=spel.MeanPool(spel.Adjacency.box(1, ndim=3)), unit=NET["values"])
    assert_equal(*both(tmp_path, SegmentJob(net, how, save=LISTS[:2]), image, 13), 3)


@pytest.mark.parametrize("line", [LINE, replace(LINE, convex=True, outer=9), Delineation("trees")])
@pytest.mark.parametrize(("net", "scale"), [("NET", 1.0), ("HALVED", 1.3)])
def test_a_delineated_threshold_tile_by_tile(line, net, scale, tmp_path):
    """Components grow into one another, and some vanish: the mask is their union."""
    random = np.random.default_rng(3)
    noisy = disks((71, 92), 7.0) + random.integers(0, 60, (71, 92)).astype(np.uint16)
    image = noisy.clip(0, 255).astype(np.uint8)[..., None]
    how = Segmentation(threshold=0.5, delineation=line)
    whole, tiles = both(
        tmp_path, SegmentJob(globals()[net], how, save=LISTS, scale=scale), image, 32
    )
    mask = spel.read(whole / "a.ome.tif")
    rough = SegmentJob(
        globals()[net], Segmentation(threshold=0.5), scale=scale, formats=("ome-tiff",)
    )
    run(rough, tmp_path / "a.npy", tmp_path / "rough")
    assert not np.array_equal(mask, spel.read(tmp_path / "rough" / "a.ome.tif"))
    assert_equal(whole, tiles, 1)


def test_a_delineated_threshold_of_a_volume_in_blocks(tmp_path):
    image = disks((12, 24, 26), 4.0)[..., None]
    net = spel.chain(values=spel.MeanPool(spel.Adjacency.box(1, ndim=3)), unit=NET["values"])
    job = SegmentJob(net, Segmentation(threshold=0.4, delineation=LINE), save=LISTS[:2])
    assert_equal(*both(tmp_path, job, image, 13), 3)


CASES = {
    "across a seam": [(slice(10, 22), slice(20, 50))],
    "over the corner of four tiles": [(slice(22, 44), slice(25, 40))],
    "ends at a seam": [(slice(8, 20), slice(12, 32))],
    "begins at a seam": [(slice(32, 45), slice(32, 50))],
    "two that touch at a seam": [(slice(4, 20), slice(14, 33)), (slice(20, 40), slice(32, 50))],
    "one spel": [(slice(31, 32), slice(32, 33))],
    "none": [],
    "everything": [(slice(0, 71), slice(0, 92))],
}


@pytest.mark.parametrize("case", CASES)
def test_objects_of_a_delineated_threshold_at_seams_of_tiles(case, tmp_path):
    image = np.zeros((71, 92), np.uint8)
    for grey, place in zip((250, 200), CASES[case]):
        image[place] = grey
    job = SegmentJob(NET, Segmentation(threshold=0.5, delineation=LINE), save=LISTS)
    whole, tiles = both(tmp_path, job, image[..., None], 32)
    assert_equal(whole, tiles, len(CASES[case]))
    assert len((tiles / "a.objects.csv").read_text().splitlines()) == 1 + len(CASES[case])


def test_the_command_numbers_the_objects_of_a_delineated_threshold(tmp_path, capsys):
    how = Segmentation(threshold=0.5, delineation=LINE)
    net, image = tmp_path / "net.safetensors", tmp_path / "a.tif"
    with_segmentation(NET, how).save(net)
    tifffile.imwrite(image, disks((71, 92), 9.0, seed=4), tile=(32, 32))
    for folder, options in (("whole", ["--format", "ome-tiff"]), ("tiles", ["--tile", "32"])):
        command = ["segment", str(net), str(image), "--out", str(tmp_path / folder), *options]
        with pytest.raises(SystemExit) as left:
            program([*command, "--save", ",".join(LISTS)])
        assert left.value.code == 0, capsys.readouterr().err
    assert_equal(tmp_path / "whole", tmp_path / "tiles", 4)


BOX = spel.Adjacency.box(3)
HALVED = spel.chain(spel.LinearNormalize(), spel.MeanPool(BOX, stride=(2, 3)))
SHORT = spel.chain(spel.Scale([1 / 255]), blur=spel.MeanPool(BOX, stride=2, border="valid"))


@pytest.mark.parametrize("scale", [1.0, 0.6, 1.7])
@pytest.mark.parametrize("net", [NET, HALVED, SHORT], ids=["same", "halved", "valid"])
def test_objects_of_another_scale_and_of_strided_outputs_tile_by_tile(net, scale, tmp_path):
    image = disks((71, 92), 6.0)[..., None]
    how = Segmentation(MANY, delineation=LINE)
    job = SegmentJob(net, how, save=(*LISTS, "saliency"), scale=scale)
    whole, tiles = both(tmp_path, job, image, 32)
    assert_equal(whole, tiles, 5)
    saliency = [spel.read(whole / "a.saliency.tif"), spel.read(tiles / "a.saliency.ome.tif")]
    assert np.array_equal(*saliency)


def test_a_strided_output_of_a_volume_in_blocks(tmp_path):
    image = disks((12, 24, 27), 4.0)[..., None]
    box = spel.Adjacency.box(3, ndim=3)
    net = spel.chain(spel.Scale([1 / 255]), spel.MeanPool(box, stride=(1, 2, 2)))
    job = SegmentJob(net, Segmentation(threshold=0.4), save=("saliency", *LISTS[:2]))
    assert_equal(*both(tmp_path, job, image, 13), 3)


def test_masks_of_thresholds_of_another_scale_tile_by_tile(tmp_path):
    image = disks((70, 90), 6.0)[..., None]
    job = SegmentJob(HALVED, Segmentation(threshold="otsu"), save=LISTS, scale=1.3)
    assert_equal(*both(tmp_path, job, image, 32), 5)


@pytest.mark.parametrize("size", [(70, 80), (11, 24, 26)], ids=["image", "volume"])
@pytest.mark.parametrize(
    "how",
    [
        Segmentation(threshold=0.7),
        Segmentation(threshold=0.7, delineation=Delineation("growcut", inner=0.5, outer=2)),
        Segmentation(classes=(THIRDS[0], ObjectClass(3), ObjectClass(7)), delineation=LINE),
    ],
    ids=["threshold", "delineated", "classes"],
)
def test_components_that_are_too_large_for_necks_are_one_object(how, size, tmp_path, monkeypatch):
    """They wind through all tiles; the others are cut at their necks."""
    image = disks(size, 6.0 if len(size) == 2 else 4.0, seed=2) / 255
    channels = [1 - image, image * (image < 0.7), image * (image >= 0.7)]
    values = np.stack(channels if how.classes else [image], -1).astype(np.float32)
    net = spel.chain(values=spel.MeanPool(spel.Adjacency.box(1, ndim=len(size))))
    job = SegmentJob(net, how, save=LISTS if len(size) == 2 else LISTS[:2])
    rows = {}
    for largest in (1 << 25, 500):
        monkeypatch.setattr(pieces, "LARGEST", largest)
        folder = tmp_path / str(largest)
        folder.mkdir()
        whole, tiles = both(folder, job, values, 32 if len(size) == 2 else 13)
        assert_equal(whole, tiles, 1)
        rows[largest] = len((whole / "a.objects.csv").read_text().splitlines())
    assert rows[500] < rows[1 << 25]


# ------------------------------------------------------------------------------------- REFUSED


def test_what_is_connected_over_too_many_pixels_is_refused_by_name(tmp_path, monkeypatch):
    monkeypatch.setattr(windows, "LARGEST", 80 * 80)
    image = np.zeros((200, 200), np.uint8)
    image[40:160, 50] = 255
    tifffile.imwrite(tmp_path / "a.tif", image)
    job = SegmentJob(NET, Segmentation(MANY), tile=32, isolate=False)
    (failure,) = run(job, tmp_path / "a.tif", tmp_path / "out").failures
    assert "around rows 0 to 96, columns 0 to 96" in failure.message
    assert "is connected over more than 6,400 spels" in failure.message
    assert [path.name for path in (tmp_path / "out").glob("a.*")] == []
