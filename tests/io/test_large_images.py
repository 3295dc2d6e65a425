"""Windows of large images: every window is the whole's, pyramids by level, volumes by plane."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings, strategies as st

import spel
from spel.errors import ImageReadError, ParameterError
from spel.io.large import LargeImage


def halved(image: np.ndarray, count: int) -> list[np.ndarray]:
    """An image and its halvings."""
    levels = [image]
    for _ in range(count):
        levels.append(levels[-1][::2, ::2])
    return levels


@pytest.fixture
def levels(rng) -> list[np.ndarray]:
    return halved(rng.integers(0, 256, (150, 200, 3), np.uint8), 2)


def ome(path: Path, levels: list[np.ndarray]) -> Path:
    with tifffile.TiffWriter(path) as file:
        file.write(levels[0], subifds=len(levels) - 1, tile=(64, 64), photometric="rgb")
        for level in levels[1:]:
            file.write(level, subfiletype=1, tile=(32, 32), photometric="rgb")
    return path


def cog(path: Path, levels: list[np.ndarray], mask: bool = False) -> Path:
    with tifffile.TiffWriter(path) as file:
        for i, level in enumerate(levels):
            file.write(
                level,
                subfiletype=int(i > 0),
                tile=(64, 64),
                photometric="rgb",
                compression="deflate",
                metadata=None,
            )
            if mask:
                inside = np.ones(level.shape[:2], bool)
                file.write(inside, subfiletype=4 + (i > 0), tile=(64, 64), metadata=None)
    return path


def scanner(path: Path, levels: list[np.ndarray]) -> Path:
    with tifffile.TiffWriter(path) as file:
        file.write(levels[0], tile=(64, 64), photometric="rgb", metadata=None)
        file.write(levels[0][::9, ::7], photometric="rgb", metadata=None)  # a preview, in strips
        for level in levels[1:]:
            file.write(level, tile=(64, 64), photometric="rgb", metadata=None)
    return path


# LITERAL


@pytest.mark.parametrize("writer", [ome, cog, scanner])
def test_levels_of_a_pyramid(tmp_path, levels, writer):
    path = writer(tmp_path / "a.tif", levels)
    for k, expected in enumerate(levels):
        with LargeImage(path, level=k) as image:
            assert image.levels == tuple(one.shape[:2] for one in levels)
            assert image.shape == expected.shape
            assert image.scale == pytest.approx((0.5**k, 0.5**k), rel=0.02)
            assert np.array_equal(image[:, :], expected)
            assert np.array_equal(image[7:31, 20:45], expected[7:31, 20:45])
    with pytest.raises(ImageReadError, match="3 levels, but none with the number 3"):
        LargeImage(path, level=3)


def test_masks_and_unlike_pages_are_no_levels(tmp_path, levels):
    with LargeImage(cog(tmp_path / "a.tif", levels, mask=True)) as image:
        assert image.levels == tuple(one.shape[:2] for one in levels)
    path = tmp_path / "b.tif"
    with tifffile.TiffWriter(path) as file:
        file.write(levels[0], tile=(64, 64), photometric="rgb", metadata=None)
        file.write(levels[0][::2], tile=(64, 64), photometric="rgb", metadata=None)  # squeezed
        file.write(levels[1][..., 0], tile=(64, 64), metadata=None)  # grey
    assert LargeImage(path).levels == ((150, 200),)


def test_a_volume_is_read_by_plane(tmp_path, rng):
    volume = rng.integers(0, 60000, (5, 40, 50), np.uint16)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, volume, photometric="minisblack")
    with LargeImage(path) as image:
        assert image.shape == (5, 40, 50, 1)
        assert np.array_equal(image[1:4, 3:9, 10:50][..., 0], volume[1:4, 3:9, 10:50])
        assert image[2:2].shape == (0, 40, 50, 1)
    with LargeImage(path, page=3) as image:
        assert np.array_equal(image[:, :][..., 0], volume[3])
    assert np.array_equal(spel.read(path)[..., 0], volume)


def test_a_volume_with_levels(tmp_path, rng):
    volume = rng.integers(0, 255, (3, 64, 64), np.uint8)
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as file:
        for plane in volume:
            file.write(plane, subifds=1, tile=(32, 32), metadata=None)
            file.write(plane[::2, ::2], subfiletype=1, tile=(32, 32), metadata=None)
    with LargeImage(path, level=1) as image:
        assert image.shape == (3, 32, 32, 1)
        assert np.array_equal(image[:, 4:9][..., 0], volume[:, ::2, ::2][:, 4:9])


@pytest.mark.parametrize("shape", [(9, 11), (9, 11, 3), (4, 9, 11, 2)])
def test_numpy_files(tmp_path, rng, shape):
    array = rng.random(shape)
    np.save(tmp_path / "a.npy", array)
    with LargeImage(tmp_path / "a.npy") as image:
        full = array if array.ndim > 2 else array[..., None]
        assert image.shape == full.shape
        window = (slice(1, 3),) * (full.ndim - 1)
        assert np.array_equal(image[window], full[window])


def test_options_are_checked(tmp_path, levels):
    path = ome(tmp_path / "a.tif", levels)
    for options in ({"level": -1}, {"level": True}, {"page": -2}, {"level": 1.0}):
        with pytest.raises(ParameterError, match="expected a number from 0"):
            LargeImage(path, **options)
    with pytest.raises(ImageReadError, match="max_pixels"):
        LargeImage(path, max_pixels=1000)
    assert LargeImage(path, level=2, max_pixels=4000).shape == (38, 50, 3)


# LAW


@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_any_window_is_the_whole_s(tmp_path_factory, data):
    rng = np.random.default_rng(0)
    path = tmp_path_factory.getbasetemp() / "windows.tif"
    whole = rng.integers(0, 256, (130, 90, 3), np.uint8)
    if not path.exists():
        ome(path, halved(whole, 1))
    spans = [sorted(data.draw(st.tuples(*[st.integers(0, n)] * 2))) for n in (130, 90)]
    window = tuple(slice(*span) for span in spans)
    with LargeImage(path) as image:
        assert np.array_equal(image[window], whole[window])


def test_it_travels_to_other_processes(tmp_path, levels):
    with LargeImage(ome(tmp_path / "a.tif", levels), level=1) as image:
        image[:3, :3]
        again = pickle.loads(pickle.dumps(image))
        assert np.array_equal(again[:, :], levels[1])
        again.close()


def test_directories_that_hang_in_a_circle(tmp_path, levels):
    path = ome(tmp_path / "a.tif", levels)
    with tifffile.TiffFile(path) as file:
        tag = file.pages[0].tags[330]
        place, first = tag.valueoffset, file.pages[0].offset
    data = bytearray(path.read_bytes())
    data[place : place + 4] = first.to_bytes(4, "little")  # the page hangs from itself
    path.write_bytes(data)
    assert len(LargeImage(path).levels) == 2  # the other one is still there
    data[place : place + 4] = (len(data) - 2).to_bytes(4, "little")
    path.write_bytes(data)
    with pytest.raises(ImageReadError, match=r"directory|cut short or damaged"):
        LargeImage(path)
