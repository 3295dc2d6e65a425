"""Objects cut out of images along strokes on these images."""

from __future__ import annotations

import numpy as np
import pytest

import spel
from spel import runs
from spel.core.markers import Markers
from spel.errors import FormatError
from spel.io.annotation.markers import write_markers
from spel.jobs import CutJob


@pytest.fixture
def folders(tmp_path):
    """Two photographs of 24 x 30 pixels with a green disk, one in 16 bits, and strokes of both."""
    images, strokes = tmp_path / "images", tmp_path / "strokes"
    images.mkdir()
    strokes.mkdir()
    random = np.random.default_rng(0)
    row, col = np.mgrid[:24, :30]
    disk = (row - 12) ** 2 + (col - 15) ** 2 < 60
    picture = np.where(disk[..., None], (40, 180, 60), (150, 90, 70)) + random.normal(
        0, 9, (24, 30, 3)
    )
    spel.write(images / "one.png", picture.round().clip(0, 255).astype(np.uint8))
    spel.write(images / "two.tif", (picture.clip(0, 255) * 257).astype(np.uint16))
    spel.write(images / "unmarked.png", np.zeros((8, 8, 3), np.uint8))
    points = [(12, 15), (12, 16), (3, 3), (3, 4)]
    for name in ("one", "two"):
        write_markers(strokes / f"{name}-seeds.txt", Markers(points, [1, 1, 0, 0], (24, 30)))
    return images, strokes, disk


def test_a_mask_for_each_image_with_strokes(program, folders, tmp_path):
    images, strokes, disk = folders
    code, out, err = program("cut", images, "--markers", strokes, "--out", tmp_path / "cut")
    assert code == 0, err
    assert "left out: 1 image without strokes" in err
    assert [line.rsplit("/")[-1] for line in out.split()] == ["one.png", "two.png"]
    for name in ("one.png", "two.png"):
        mask = spel.read(tmp_path / "cut" / name)[..., 0]
        np.testing.assert_array_equal(mask, np.where(disk, 255, 0))
    code, _, err = program("cut", images, "--markers", strokes, "--out", tmp_path / "cut")
    assert code == 0
    assert "resuming: 2 of 2 images" in err


def test_classes_keep_their_labels(program, folders, tmp_path):
    images, strokes, disk = folders
    write_markers(strokes / "two-seeds.txt", Markers([(12, 15), (3, 3)], [7, 2], (24, 30)))
    options = ("--markers", strokes, "--labels", "classes", "--out", tmp_path / "cut")
    code, _, err = program("cut", images / "two.tif", *options)
    assert code == 0, err
    labels = spel.read(tmp_path / "cut" / "two.png")[..., 0]
    np.testing.assert_array_equal(labels, np.where(disk, 7, 2))


def test_a_volume(program, folders, tmp_path):
    images, strokes, disk = folders
    volume = np.where(np.stack([disk] * 4), 200, 30).astype(np.uint8)
    spel.write(images / "deep.tif", volume[..., None])
    write_markers(
        strokes / "deep-seeds.txt", Markers([(2, 12, 15), (1, 3, 3)], [1, 0], volume.shape)
    )
    code, _, err = program(
        "cut", images / "deep.tif", "--markers", strokes, "--out", tmp_path / "cut"
    )
    assert code == 0, err
    mask = spel.read(tmp_path / "cut" / "deep.tif")
    np.testing.assert_array_equal(mask[..., 0], np.where(volume > 100, 255, 0))


def test_strokes_that_do_not_fit_are_named(program, folders, tmp_path):
    images, strokes, _ = folders
    write_markers(strokes / "one-seeds.txt", Markers([(1, 1), (5, 5)], [1, 0], (20, 20)))
    code, _, err = program("cut", images, "--markers", strokes, "--out", tmp_path / "a")
    assert code == 4
    assert "belong to an image of 20 x 20" in err
    assert "1 failed" in err
    write_markers(strokes / "one-seeds.txt", Markers([(1, 1)], [1], (24, 30)))
    code, _, err = program("cut", images / "one.png", "--markers", strokes, "--out", tmp_path / "b")
    assert code == 3
    assert "expected strokes of at least two" in err
    code, _, err = program(
        "cut", images / "unmarked.png", "--markers", strokes, "--out", tmp_path / "c"
    )
    assert code == 3
    assert "none of the 1 images has a marker file there" in err


def test_images_of_one_name_in_two_folders_are_refused(program, folders, tmp_path):
    """The strokes of one would cut the other, too, where both have the same size."""
    images, strokes, _ = folders
    (images / "sub").mkdir()
    spel.write(images / "sub" / "one.png", np.zeros((24, 30, 3), np.uint8))
    code, _, err = program("cut", images, "--markers", strokes, "--out", tmp_path / "cut")
    assert code == 3
    assert "both fit the markers of 'one'" in err


def test_an_image_with_one_object_gets_its_label_where_others_have_several(
    program, folders, tmp_path
):
    images, strokes, disk = folders
    write_markers(strokes / "one-seeds.txt", Markers([(12, 15), (3, 3)], [2, 0], (24, 30)))
    code, _, err = program("cut", images, "--markers", strokes, "--out", tmp_path / "cut")
    assert code == 0, err
    for name, label in (("one.png", 2), ("two.png", 1)):
        labels = spel.read(tmp_path / "cut" / name)[..., 0]
        np.testing.assert_array_equal(labels, np.where(disk, label, 0))


@pytest.mark.parametrize("ending", [".png", "-label.png", ".tif", "-label.tif", ".tiff", ".npy"])
def test_label_images_of_any_form_are_strokes(program, folders, tmp_path, ending):
    images, strokes, disk = folders
    drawn = np.zeros((24, 30), np.uint8)
    drawn[12, 15:17], drawn[3, 3:5] = 2, 1
    for old in list(strokes.iterdir()):
        old.unlink()
    if ending == ".npy":
        np.save(strokes / "two.npy", drawn)
    else:
        spel.write(strokes / f"two{ending}", drawn)
    code, _, err = program("cut", images, "--markers", strokes, "--out", tmp_path / "cut")
    assert code == 0, err
    mask = spel.read(tmp_path / "cut" / "two.png")[..., 0]
    np.testing.assert_array_equal(mask, np.where(disk, 255, 0))


@pytest.mark.parametrize("command", ["cut", "detect", "features"])
def test_a_folder_of_zarr_is_refused_by_name_where_none_is_written(
    program, folders, tmp_path, command
):
    images, strokes, _ = folders
    words = ["--markers", strokes] if command == "cut" else []
    net = [] if command == "cut" else ["plate-lecture"]
    code, _, err = program(command, *net, images / "one.png", *words, "--out", tmp_path / "a.zarr")
    assert code == 2
    assert "a.zarr is one picture of OME-Zarr, which spel segment and spel apply write" in err


def test_two_images_of_one_name_are_refused(folders, tmp_path):
    images, strokes, _ = folders
    (tmp_path / "more").mkdir()
    spel.write(tmp_path / "more" / "one.png", spel.read(images / "one.png"))
    both = [images / "one.png", tmp_path / "more" / "one.png"]
    with pytest.raises(FormatError, match="both fit the markers of 'one'; keep one"):
        runs.run(CutJob(markers=str(strokes)), both, tmp_path / "cut")


def test_files_that_are_left_out_are_said_once(program, folders, tmp_path):
    images, strokes, _ = folders
    (strokes / "notes.md").write_text("Drawn on Monday.")
    code, _, err = program("cut", images, "--markers", strokes, "--out", tmp_path / "cut")
    assert code == 0
    assert err.count("1 file left out") == 1
