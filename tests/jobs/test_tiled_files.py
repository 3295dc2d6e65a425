"""Segment and apply over images that are read by windows: the files of the whole, as pyramids."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile

import spel
from spel.atomic import remove_leftovers
from spel.cli.main import run as program
from spel.decide.delineate import Delineation
from spel.decide.segmentation import ObjectClass, Segmentation, with_segmentation
from spel.decide.segmented import segment, segment_image
from spel.errors import ParameterError
from spel.io.large import LargeImage
from spel.io.large.pyramid import write_pyramid
from spel.io.large.zarr_pyramid import write_zarr_pyramid
from spel.jobs import ApplyJob, SegmentJob
from spel.runs import run

NET = spel.chain(
    grey=spel.Color("grey"),
    range=spel.LinearNormalize(),
    edges=spel.Convolution(spel.KernelBank.sobel("col")),
    positive=spel.Activation("relu"),
    join=spel.MaxPool(spel.Adjacency.rectangle(width=9, height=5)),
)


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A TIFF of tiles, larger than two bands."""
    path = tmp_path_factory.mktemp("scan") / "scan.tif"
    image = np.random.default_rng(3).integers(0, 256, (600, 700, 3), np.uint8)
    tifffile.imwrite(path, image, tile=(128, 128), photometric="rgb")
    return path


# ------------------------------------------------------------------------------------- LITERAL


def test_a_pyramid_keeps_labels_and_averages_numbers(tmp_path):
    labels = np.arange(4, dtype=np.uint16).repeat(200).reshape(4, 200, 1)[:, :, 0]
    labels = np.ascontiguousarray(labels.repeat(200, axis=0)[..., None])  # 800 x 200
    write_pyramid(tmp_path / "l.ome.tif", [labels[:512], labels[512:]], labels.shape, np.uint16)
    with LargeImage(tmp_path / "l.ome.tif") as image:
        assert image.levels == ((800, 200), (400, 100))
        assert np.array_equal(image[:], labels)
    with LargeImage(tmp_path / "l.ome.tif", level=1) as image:
        assert np.unique(image[:]).tolist() == [0, 1, 2, 3]
    wide = np.float32([[0, 2, 6] * 200, [2, 4, 8] * 200])[..., None]
    write_pyramid(tmp_path / "f.ome.tif", [wide], wide.shape, np.float32)
    with LargeImage(tmp_path / "f.ome.tif", level=1) as image:
        assert image[:][0, :3, 0].tolist() == [2.0, (6 + 8 + 0 + 2) / 4, (2 + 4 + 6 + 8) / 4]
    again = tmp_path / "again.ome.tif"
    write_pyramid(again, [wide], wide.shape, np.float32)
    assert again.read_bytes() == (tmp_path / "f.ome.tif").read_bytes()
    with tifffile.TiffFile(again) as file:
        assert 'SizeX="600" SizeY="2"' in str(file.ome_metadata)
    with pytest.raises(ParameterError, match="dtype float64"):
        write_pyramid(again, [wide], wide.shape, np.float64)


# ----------------------------------------------------------------------------------------- LAW


@pytest.mark.parametrize("rule", [2.0, "otsu", "p90"])
@pytest.mark.parametrize("tile", [256, 300])
def test_masks_tile_by_tile_are_those_of_the_whole(scan, tmp_path, rule, tile):
    net = with_segmentation(NET, Segmentation(threshold=rule))
    report = run(SegmentJob(net, save=("saliency",), tile=tile, isolate=False), scan, tmp_path)
    assert report.failed == 0, report.failures
    expected = segment(net, spel.read(scan))
    written = spel.read(tmp_path / "scan.ome.tif")[..., 0]
    assert np.array_equal(written, np.where(expected, 255, 0))
    assert 0 < expected.sum() < expected.size
    assert np.array_equal(spel.read(tmp_path / "scan.saliency.ome.tif"), NET(spel.read(scan)))
    (line,) = (tmp_path / "results.jsonl").read_text().splitlines()
    assert json.loads(line)["area"] == int(expected.sum())


def test_label_images_tile_by_tile_are_those_of_the_whole(scan, tmp_path):
    bank = spel.KernelBank.random(spel.Adjacency.box(3), kernels=3, channels=3, seed=2)
    labels = (0, 3, 300)
    classes = tuple(ObjectClass(label, background=label == 0) for label in labels)
    how = Segmentation(classes=classes, undecided=100.0 / 255)
    net = with_segmentation(spel.chain(spel.Convolution(bank), spel.Scale([1 / 255] * 3)), how)
    report = run(SegmentJob(net, tile=256, isolate=False), scan, tmp_path)
    assert report.failed == 0, report.failures
    expected = segment_image(net, spel.read(scan))
    written = spel.read(tmp_path / "scan.ome.tif")[..., 0]
    assert written.dtype == np.uint16
    assert np.array_equal(written, np.where(expected.labels < 0, 65535, expected.labels))
    assert set(np.unique(written)) == {*labels, 65535}
    (line,) = (tmp_path / "results.jsonl").read_text().splitlines()
    assert json.loads(line)["area"] == int(expected.mask.sum())


def test_steps_tile_by_tile_are_those_of_the_whole(scan, tmp_path):
    strided = spel.chain(
        blur=spel.MeanPool(spel.Adjacency.box(3), stride=2),
        mix=spel.Convolution(
            spel.KernelBank.random(spel.Adjacency.box(3), kernels=4, channels=3, seed=1)
        ),
    )
    report = run(ApplyJob(strided, tile=256, isolate=False, save=("all",)), scan, tmp_path)
    assert report.failed == 0, report.failures
    for name, array in strided.activations(spel.read(scan)).items():
        (path,) = tmp_path.glob(f"scan.*-{name}.ome.tif")
        assert np.array_equal(spel.read(path), array)


@pytest.mark.parametrize("tile", [None, 256])
def test_steps_as_bytes_or_refused_where_nothing_would_be_left(tmp_path, tile):
    """A 400th of 0..255 is within 0..1: a factor brings it back, and without one it is refused."""
    image = np.random.default_rng(3).integers(0, 256, (300, 24, 1), np.uint8)
    tifffile.imwrite(tmp_path / "scan.tif", image[..., 0], tile=(128, 128))
    net = spel.chain(spel.MeanPool(spel.Adjacency.box(3)), small=spel.Scale([1 / 400]))
    options = {"formats": ("ome-tiff",), "tile": tile, "isolate": False}
    scaled = ApplyJob(net, uint8=400.0, **options)
    assert run(scaled, tmp_path / "scan.tif", tmp_path / "some").failed == 0
    (path,) = (tmp_path / "some").glob("scan.*-small.ome.tif")
    assert spel.read(path).dtype == np.uint8
    assert np.array_equal(spel.read(path), np.rint(net(image) * np.float32(400)))
    plain = ApplyJob(net, uint8=1.0, **options)
    (failure,) = run(plain, tmp_path / "scan.tif", tmp_path / "none").failures
    assert "step small: its values lie within" in failure.message
    assert "as 8 bits would be only 0 and 1" in failure.message
    assert not list((tmp_path / "none").glob("*.tif"))
    with pytest.raises(ParameterError, match="png draws a picture with its scale"):
        ApplyJob(net, uint8=1.0, formats=("png",))


def test_the_command_writes_a_pyramid(scan, tmp_path, capsys):
    net = tmp_path / "net.safetensors"
    NET.save(net)
    out = tmp_path / "out"
    with pytest.raises(SystemExit) as left:
        program(["segment", str(net), str(scan), "--out", str(out), "--tile", "256"])
    assert left.value.code == 0
    assert capsys.readouterr().out.split() == [str(out / "scan.ome.tif")]
    plain = run(SegmentJob(NET, formats=("ome-tiff",)), scan, tmp_path / "plain")
    assert plain.failed == 0
    tiled, whole = (tmp_path / f / "scan.ome.tif" for f in ("out", "plain"))
    assert tiled.read_bytes() == whole.read_bytes()


@pytest.mark.parametrize("tile", [None, 256])
def test_folders_of_zarr_hold_what_the_pyramids_hold(scan, tmp_path, tile):
    zarr = pytest.importorskip("zarr")
    net = with_segmentation(NET, Segmentation(threshold=2.0))
    options = {"tile": tile, "isolate": False}
    for job, name in (
        (SegmentJob(net, **options, formats=("ome-zarr",)), "scan.ome.zarr"),
        (ApplyJob(net, **options, formats=("ome-zarr",)), "scan.05-join.ome.zarr"),
    ):
        folders = [tmp_path / f"{job.NAME}-{form}" for form in ("zarr", "again", "tiff")]
        assert run(job, scan, folders[0]).failed == run(job, scan, folders[1]).failed == 0
        run(replace(job, formats=("ome-tiff",)), scan, folders[2])
        group = zarr.open_group(str(folders[0] / name), mode="r")
        (image,) = group.attrs["ome"]["multiscales"]
        assert [axis["name"] for axis in image["axes"]] == ["c", "y", "x"]
        for level, dataset in enumerate(image["datasets"]):
            with LargeImage((folders[2] / name).with_suffix(".tif"), level=level) as pyramid:
                written = np.moveaxis(group[dataset["path"]][:], 0, -1)
                assert np.array_equal(written, pyramid[:])
        files = [sorted(p for p in f.rglob("*") if p.is_file()) for f in folders[:2]]
        own = [[p for p in one if ".zarr" in str(p)] for one in files]
        assert [p.read_bytes() for p in own[0]] == [p.read_bytes() for p in own[1]]
        assert not list(folders[0].glob(".*part*"))


def test_a_folder_of_zarr_is_whole_or_absent(tmp_path):
    pytest.importorskip("zarr")
    path = tmp_path / "a.ome.zarr"

    def bands():
        yield np.ones((256, 4, 1))
        assert not path.exists()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_zarr_pyramid(path, bands(), (300, 4, 1), np.uint8)
    assert list(tmp_path.iterdir()) == []
    left = tmp_path / ".a.ome.zarr.0123456789ab.part"
    (left / "0").mkdir(parents=True)
    assert remove_leftovers(tmp_path, {"a.ome.zarr"}) == [left]
    assert list(tmp_path.iterdir()) == []
    volume = np.arange(24.0).reshape(2, 3, 4, 1)
    voxel = {"spacing": (3.0, 0.5, 0.5), "unit": "µm"}
    write_zarr_pyramid(path, [volume], volume.shape, np.float32, **voxel)
    with LargeImage(path) as image:
        assert np.array_equal(image[:], volume)
        assert (image.spacing, image.unit) == (voxel["spacing"], "µm")


# ------------------------------------------------------------------------------------- REFUSED


def test_what_needs_the_whole_image_is_refused_by_name(scan, tmp_path):
    classes = (ObjectClass(0, background=True), ObjectClass(1))
    lined = with_segmentation(NET, Segmentation(classes=classes, delineation=Delineation("trees")))
    with pytest.raises(ParameterError, match="delineates classes by Dynamic Trees, whose means"):
        SegmentJob(lined, tile=256)
    with pytest.raises(ParameterError, match="tile by tile it is ome-tiff or ome-zarr"):
        SegmentJob(NET, tile=256, formats=("png",))
    with pytest.raises(ParameterError, match="cannot be written tile by tile"):
        ApplyJob(NET, tile=256, formats=("npy",))
    np.save(tmp_path / "volume.npy", np.zeros((3, 9, 9, 3), np.float32))
    (failure,) = run(ApplyJob(NET, tile=256), tmp_path / "volume.npy", tmp_path / "b").failures
    assert "volumes give volumes tile by tile" in failure.message
    assert "give one plane of a stack (--page)" in failure.message
    assert not list((tmp_path / "b").glob("*.tif"))
