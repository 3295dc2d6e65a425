"""The sides of a voxel: what OME-TIFF, ImageJ and OME-Zarr state, and what is done with it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile

from spel import Adjacency
from spel.decide import Delineation
from spel.decide.parts import parts
from spel.decide.segmentation import Segmentation
from spel.decide.segmented import segment_image
from spel.errors import ParameterError
from spel.io import describe
from spel.io.large import LargeImage
from spel.io.large.pyramid import write_pyramid
from spel.nn import Scale, chain

VOXELS = np.arange(3 * 4 * 5, dtype=np.uint8).reshape(3, 4, 5)


def stated(path: Path) -> tuple[tuple[float, ...], str]:
    """Spacing and unit, which three ways of opening a file agree on."""
    info = describe(path)
    assert (info.spacing, info.unit) == (describe(path, isolate=True).spacing, info.unit)
    with LargeImage(path) as image:
        assert (image.spacing, image.unit) == (pytest.approx(info.spacing), info.unit)
    return info.spacing, info.unit


def test_ome_tiff_states_lengths_in_units(tmp_path: Path) -> None:
    path = tmp_path / "a.ome.tif"
    sizes = {"PhysicalSizeX": 400, "PhysicalSizeXUnit": "nm", "PhysicalSizeY": 0.4}
    tifffile.imwrite(path, VOXELS, metadata={"axes": "ZYX", **sizes, "PhysicalSizeZ": 2})
    assert stated(path) == (pytest.approx((2, 0.4, 0.4)), "µm")
    assert "voxels of 2 x 0.4 x 0.4 µm" in str(describe(path))


def test_imagej_states_resolutions(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    how = {"axes": "ZYX", "spacing": 3.0, "unit": "um"}
    tifffile.imwrite(path, VOXELS, imagej=True, resolution=(2, 4), metadata=how)
    assert stated(path) == (pytest.approx((3, 0.25, 0.5)), "µm")


def test_files_that_state_nothing(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", VOXELS, photometric="minisblack")
    assert stated(tmp_path / "a.tif") == ((), "")
    np.save(tmp_path / "a.npy", VOXELS[..., None])
    assert stated(tmp_path / "a.npy") == ((), "")
    odd = {"PhysicalSizeX": 0, "PhysicalSizeY": 1, "PhysicalSizeZ": 2}
    tifffile.imwrite(tmp_path / "b.ome.tif", VOXELS, metadata={"axes": "ZYX", **odd})
    assert stated(tmp_path / "b.ome.tif") == ((), "")


def test_ome_zarr_states_a_scale_per_level(tmp_path: Path) -> None:
    zarr = pytest.importorskip("zarr")
    group = zarr.open_group(tmp_path / "a.zarr", mode="w", zarr_format=2)
    group.create_array("0", data=VOXELS)
    group.create_array("1", data=VOXELS[:, ::2, ::2])
    scales = ([2, 0.5, 0.5], [2, 1, 1])
    group.attrs["multiscales"] = [
        {
            "version": "0.4",
            "axes": [{"name": n, "type": "space", "unit": "millimeter"} for n in "zyx"],
            "datasets": [
                {"path": str(k), "coordinateTransformations": [{"type": "scale", "scale": scale}]}
                for k, scale in enumerate(scales)
            ],
            "coordinateTransformations": [{"type": "scale", "scale": [3, 1, 1]}],
        }
    ]
    assert stated(tmp_path / "a.zarr") == (pytest.approx((6000, 500, 500)), "µm")
    with LargeImage(tmp_path / "a.zarr", level=1) as half:
        assert half.spacing == pytest.approx((6000, 1000, 1000))


def test_pyramids_state_it_again(tmp_path: Path) -> None:
    path = tmp_path / "a.ome.tif"
    wide = np.zeros((2, 600, 700, 1), np.uint8)
    write_pyramid(path, [wide], wide.shape, np.uint8, spacing=(2, 0.5, 0.5), unit="µm")
    assert stated(path) == ((2, 0.5, 0.5), "µm")
    with LargeImage(path, level=1) as half:
        assert half.spacing == (2, 1, 1)
    write_pyramid(path, [wide], wide.shape, np.uint8, spacing=(2, 1, 1))
    assert stated(path) == ((2, 1, 1), "")


def test_a_ball_of_the_object_has_fewer_planes() -> None:
    assert Adjacency.ball(2, spacing=(2, 0.5, 0.5)).reach == ((-1, 1), (-4, 4), (-4, 4))
    assert Adjacency.ball(1.5, spacing=(1, 1, 1)) == Adjacency.ball(1.5)
    # By hand: the planes above and below, and within the plane the 4 neighbours.
    assert len(Adjacency.ball(1, spacing=(1, 1, 1))) == 7
    assert len(Adjacency.ball(1, spacing=(3, 1, 1))) == 5
    with pytest.raises(ParameterError, match="spacing"):
        Adjacency.ball(1, spacing=(0, 1, 1))


def test_distances_count_in_the_shortest_side() -> None:
    # Two blocks of 4 planes, 13 rows and 13 columns, and between them a neck of 5 rows.
    mask = np.zeros((8, 17, 36), bool)
    mask[2:6, 2:15, 2:15] = mask[2:6, 2:15, 21:34] = True
    mask[2:6, 6:11, 15:21] = True
    # With equal sides the planes limit the depth everywhere, so that there is no narrow neck.
    assert parts(mask).cut(0.8).max() == 1
    assert parts(mask, spacing=(4.0, 1.0, 1.0)).cut(0.8).max() == 2
    found = segment_image(
        chain(same=Scale([1.0])), mask[..., None], Segmentation(threshold=0.5, neck=0.8),
        spacing=(8, 2, 2),
    )  # fmt: skip
    assert len(found.instances) == 2


def test_the_border_of_an_object_is_sought_at_a_distance() -> None:
    image = np.zeros((9, 24, 24, 1))
    image[3:6, 4:20, 4:20] = 1
    rough = np.zeros(image.shape[:-1], bool)
    rough[3:6, 7:17, 7:17] = True  # three planes: no voxel is 2 deep, unless planes are thick
    how = Delineation(inner=2, outer=5)
    assert np.array_equal(how.refine(image, rough), rough)
    refined = how.refine(image, rough, (3.0, 1.0, 1.0))
    assert refined.sum() > 1.5 * rough.sum()


def test_segment_says_it_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from spel.cli.main import run as program
    from spel.decide.segmentation import with_segmentation

    net = with_segmentation(chain(same=Scale([1 / 255])), Segmentation(threshold=0.1))
    net.save(tmp_path / "net.safetensors")
    how = {"axes": "ZYX", "PhysicalSizeX": 1, "PhysicalSizeY": 1, "PhysicalSizeZ": 3}
    for name in "ab":
        tifffile.imwrite(tmp_path / f"{name}.ome.tif", VOXELS, metadata=how)
    images = [str(tmp_path / f"{name}.ome.tif") for name in "ab"]
    args = ["segment", str(tmp_path / "net.safetensors"), *images, "--out", str(tmp_path / "o")]
    with pytest.raises(SystemExit, match="0"):
        program([*args, "--format", "ome-tiff"])
    assert capsys.readouterr().err.count("the sides of a voxel are 3 x 1 x 1") == 1
    line = json.loads((tmp_path / "o" / "results.jsonl").read_text().splitlines()[0])
    assert line["spacing"] == [3, 1, 1]
    assert stated(next((tmp_path / "o").glob("a*.ome.tif"))) == ((3, 1, 1), "µm")
