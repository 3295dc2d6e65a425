"""Jobs over volumes: in blocks they give the files of the whole, plane by plane."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile

import spel
from spel import Adjacency
from spel.decide import Decision, with_decision
from spel.decide.segmentation import Segmentation, with_segmentation
from spel.io.large import LargeImage
from spel.io.large.pyramid import write_pyramid
from spel.jobs import ApplyJob, DetectJob, SegmentJob
from spel.runs import run

NET = spel.chain(
    range=spel.LinearNormalize(axes=3),
    mean=spel.MeanPool(Adjacency.ball(1.5)),
    join=spel.MaxPool(Adjacency.box((1, 3, 5))),
)


@pytest.fixture(scope="module")
def volume(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("volume") / "v.tif"
    noise = np.random.default_rng(3).integers(0, 256, (11, 50, 60), np.uint8)
    tifffile.imwrite(path, noise, photometric="minisblack", compression="zlib")
    return path


def test_a_volume_is_written_plane_by_plane_as_pyramids(tmp_path: Path) -> None:
    labels = np.arange(3 * 600 * 5, dtype=np.uint16).reshape(3, 600, 5, 1)
    path = tmp_path / "a.ome.tif"
    write_pyramid(path, [labels[:2], labels[2:]], labels.shape, np.uint16)
    assert np.array_equal(spel.read(path), labels)
    assert np.array_equal(tifffile.imread(path), labels[..., 0])
    with LargeImage(path, level=1) as half:
        assert half.shape == (3, 300, 3, 1)
        assert half.scale == (1.0, 0.5, 0.6)
        assert np.array_equal(half[1:3], labels[1:, ::2, ::2])
    again = tmp_path / "b.ome.tif"
    write_pyramid(again, [labels], labels.shape, np.uint16)
    assert again.read_bytes() == path.read_bytes()


def test_steps_in_blocks_are_those_of_the_whole(volume: Path, tmp_path: Path) -> None:
    assert run(ApplyJob(NET, tile=16), volume, tmp_path / "tiles").failed == 0
    assert run(ApplyJob(NET, formats=("ome-tiff",)), volume, tmp_path / "whole").failed == 0
    tiled, whole = (tmp_path / f / "v.03-join.ome.tif" for f in ("tiles", "whole"))
    assert tiled.read_bytes() == whole.read_bytes()
    assert np.array_equal(spel.read(whole), NET(spel.read(volume)))


def test_pyramids_of_steps_state_the_sides_of_their_voxels(tmp_path: Path) -> None:
    shape, voxel = (4, 20, 20, 1), {"spacing": (3.0, 0.5, 0.5), "unit": "µm"}
    write_pyramid(tmp_path / "v.tif", [np.ones(shape)], shape, np.uint8, **voxel)
    net = spel.chain(half=spel.MeanPool(Adjacency.box(3, ndim=3), stride=2))
    for out, options in (("tiles", {"tile": 16}), ("whole", {"formats": ("ome-tiff",)})):
        assert run(ApplyJob(net, **options), tmp_path / "v.tif", tmp_path / out).failed == 0
        with LargeImage(tmp_path / out / "v.01-half.ome.tif") as image:
            assert (image.spacing, image.unit) == ((6.0, 1.0, 1.0), "µm")


def test_masks_in_blocks_are_those_of_the_whole(volume: Path, tmp_path: Path) -> None:
    net = with_segmentation(NET, Segmentation())  # Otsu's threshold, of all blocks
    job = SegmentJob(net, formats=("ome-tiff",), save=("saliency",))
    report = run(job, volume, tmp_path / "whole")
    assert report.failed == 0
    blocks = SegmentJob(net, tile=16, save=("saliency",))
    assert run(blocks, volume, tmp_path / "tiles").failed == 0
    mask = spel.read(tmp_path / "tiles" / "v.ome.tif")
    assert mask.shape == (11, 50, 60, 1)
    assert set(np.unique(mask)) == {0, 255}
    assert np.array_equal(mask, spel.read(tmp_path / "whole" / "v.ome.tif"))
    (line,) = (tmp_path / "tiles" / "results.jsonl").read_text().splitlines()
    assert json.loads(line)["size"] == [11, 50, 60]
    assert json.loads(line)["area"] == np.count_nonzero(mask)


@pytest.mark.parametrize("neighbours", [None, Adjacency.ball(1)])
def test_boxes_in_blocks_are_those_of_the_whole(
    volume: Path, tmp_path: Path, neighbours: Adjacency | None
) -> None:
    net = with_decision(NET, Decision(threshold="p90", adjacency=neighbours))
    assert run(DetectJob(net, tile=16), volume, tmp_path / "tiles").failed == 0
    assert run(DetectJob(net), volume, tmp_path / "whole").failed == 0
    lines = [(tmp_path / f / "results.jsonl").read_text() for f in ("tiles", "whole")]
    assert lines[0] == lines[1]
    assert len(json.loads(lines[0])["boxes"]) > 3
