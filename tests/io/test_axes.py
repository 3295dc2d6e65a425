"""A channel axis of a TIFF is channels, planes are planes, and time is time."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from spel.errors import ImageReadError
from spel.io import describe, read
from spel.io.info import file_info, first_bytes
from spel.io.large import LargeImage

SIZES = {"T": 2, "Z": 3, "C": 4, "Y": 5, "X": 6}


def saved(path, axes, **options):
    """An image of these axes whose values tell where they belong, and its file."""
    shape = tuple(SIZES[axis] for axis in axes)
    image = np.arange(np.prod(shape), dtype=np.uint16).reshape(shape)
    tifffile.imwrite(path, image, metadata={"axes": axes}, photometric="minisblack", **options)
    return image


@pytest.mark.parametrize("kind", ["ome", "imagej"])
def test_channels_are_channels(tmp_path, kind):
    image = saved(tmp_path / "a.tif", "CYX", **{kind: True})
    assert np.array_equal(read(tmp_path / "a.tif"), np.moveaxis(image, 0, -1))
    info = describe(tmp_path / "a.tif")
    assert (info.shape, info.color, info.pages) == ((5, 6, 4), "channels", 1)
    assert "channels (4)" in str(info)


@pytest.mark.parametrize(
    ("kind", "axes"), [("ome", "CZYX"), ("ome", "ZCYX"), ("imagej", "ZCYX"), ("shaped", "CZYX")]
)
def test_planes_of_channels(tmp_path, kind, axes):
    options = {} if kind == "shaped" else {kind: True}
    image = saved(tmp_path / "a.tif", axes, **options)
    wanted = image.transpose([axes.index(axis) for axis in "ZYXC"])
    assert np.array_equal(read(tmp_path / "a.tif"), wanted)
    assert describe(tmp_path / "a.tif").shape == (3, 5, 6, 4)
    assert np.array_equal(read(tmp_path / "a.tif", page=2), wanted[2])
    with pytest.raises(ImageReadError, match="no number 3"):
        read(tmp_path / "a.tif", page=3)


@pytest.mark.parametrize("kind", ["ome", "imagej"])
def test_time_is_neither_planes_nor_channels(tmp_path, kind):
    image = saved(tmp_path / "a.tif", "TZCYX", **{kind: True})
    with pytest.raises(ImageReadError, match=r"2 points in time .*page=0 to 1"):
        read(tmp_path / "a.tif")
    for time in range(2):
        wanted = image[time].transpose(0, 2, 3, 1)
        assert np.array_equal(read(tmp_path / "a.tif", page=time), wanted)
    info = describe(tmp_path / "a.tif")
    assert (info.shape, info.pages) == ((3, 5, 6, 4), 2)
    assert "time (2) x planes (3) x channels (4)" in str(info)


@pytest.mark.parametrize("kind", ["ome", "imagej"])
def test_time_alone(tmp_path, kind):
    image = saved(tmp_path / "a.tif", "TYX", **{kind: True})
    with pytest.raises(ImageReadError, match="2 points in time"):
        read(tmp_path / "a.tif")
    assert np.array_equal(read(tmp_path / "a.tif", page=1)[..., 0], image[1])


@pytest.mark.parametrize("kind", ["ome", "imagej", "shaped"])
def test_planes_stay_planes(tmp_path, kind):
    image = saved(tmp_path / "a.tif", "ZYX", **({} if kind == "shaped" else {kind: True}))
    assert np.array_equal(read(tmp_path / "a.tif")[..., 0], image)


def test_metadata_that_do_not_fit_the_pages_are_left_alone(tmp_path):
    image = saved(tmp_path / "a.tif", "CYX", imagej=True)
    data = (tmp_path / "a.tif").read_bytes()
    (tmp_path / "a.tif").write_bytes(data.replace(b"channels=4", b"channels=3"))
    assert np.array_equal(read(tmp_path / "a.tif")[..., 0], image)


@pytest.mark.parametrize("axes", ["CYX", "TYX"])
def test_windows_of_such_files_are_refused_by_name(tmp_path, axes):
    saved(tmp_path / "a.tif", axes, ome=True)
    with pytest.raises(ImageReadError, match="its pages are"):
        LargeImage(tmp_path / "a.tif")


@pytest.mark.parametrize(
    ("axes", "words", "shape"),
    [
        ("CYX", "pages are channels (4)", [5, 6, 4]),
        ("TYX", "pages are time (2)", [5, 6, 1]),
        ("TZCYX", "pages are time (2) x planes (3) x channels (4)", [3, 5, 6, 4]),
    ],
)
def test_info_says_what_the_axes_mean(tmp_path, axes, words, shape):
    saved(tmp_path / "a.tif", axes, ome=True)
    facts, text = file_info(tmp_path / "a.tif", first_bytes(tmp_path / "a.tif"))
    assert words in text
    assert facts["shape"] == shape
    assert facts["range"] == [0, 65535]
