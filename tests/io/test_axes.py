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
    with pytest.raises(ImageReadError, match="none with the number 3"):
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


@pytest.mark.parametrize("options", [{"ome": True}, {"ome": True, "compression": "zlib"}])
@pytest.mark.parametrize("axes", ["CYX", "TYX", "ZCYX", "CZYX", "TZCYX"])
def test_windows_have_the_axes_of_the_whole(tmp_path, axes, options):
    saved(tmp_path / "a.tif", axes, **options)
    times = 2 if "T" in axes else 1
    if times > 1:
        with pytest.raises(ImageReadError, match=r"2 points in time .*page=0 to 1"):
            LargeImage(tmp_path / "a.tif")
    for page in range(times) if times > 1 else [None]:
        whole = read(tmp_path / "a.tif", page=page)
        with LargeImage(tmp_path / "a.tif", page=page) as image:
            assert (image.shape, image.pages) == (whole.shape, describe(tmp_path / "a.tif").pages)
            assert np.array_equal(image[:], whole)
            part = (slice(1, 3),) * (whole.ndim - 1)
            assert np.array_equal(image[part], whole[part])


@pytest.mark.parametrize("order", ["ZC", "CZ"])
def test_levels_of_planes_and_channels_stand_in_their_order(tmp_path, order):
    """Full pages, then pages marked as reduced: each level lists its pages as the metadata say."""
    sizes = [SIZES[axis] for axis in order]
    pages = np.arange(12 * 20, dtype=np.uint8).reshape(12, 4, 5).repeat(8, 1).repeat(8, 2)
    text = f'{{"shape": {[*sizes, 32, 40]}, "axes": "{order}YX"}}'
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        for step, kind in ((1, 0), (2, 1)):
            for page in pages[:, ::step, ::step]:
                file.write(page, subfiletype=kind, metadata=None, description=text)
    wanted = pages.reshape(*sizes, 32, 40)
    wanted = wanted.transpose([order.index("Z"), 2, 3, order.index("C")])
    for level, step in ((0, 1), (1, 2)):
        with LargeImage(tmp_path / "a.tif", level=level) as image:
            assert np.array_equal(image[:], wanted[:, ::step, ::step])


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
