"""A file's colours are a colour space, not a number of channels."""

from __future__ import annotations

import io

import numpy as np
import pytest
import tifffile
from PIL import Image

from spel.errors import ImageReadError
from spel.io import Decoder, describe, read
from spel.io.large import LargeImage


@pytest.mark.parametrize("form", ["TIFF", "JPEG"])
def test_cmyk_becomes_rgb(form, rng):
    ink = Image.fromarray(rng.integers(0, 256, (20, 30, 4), dtype=np.uint8), "CMYK")
    file = io.BytesIO()
    ink.save(file, form)
    with Image.open(io.BytesIO(file.getvalue())) as other:
        wanted = np.asarray(other.convert("RGB"))
    assert np.array_equal(read(io.BytesIO(file.getvalue())), wanted)
    info = describe(io.BytesIO(file.getvalue()))
    assert (info.shape, info.color, info.note) == ((20, 30, 3), "rgb", "cmyk in the file")
    with Decoder() as decoder:
        assert np.array_equal(decoder.read(io.BytesIO(file.getvalue())), wanted)


def test_cmyk_by_hand(tmp_path):
    # paper, pure inks, black ink, and half cyan on half black
    ink = [[0, 0, 0, 0], [255, 0, 0, 0], [0, 255, 0, 0], [0, 0, 0, 255], [127, 0, 0, 127]]
    stored = np.array([ink], np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="separated")
    colors = [[255, 255, 255], [0, 255, 255], [255, 0, 255], [0, 0, 0], [64, 128, 128]]
    assert read(tmp_path / "a.tif").tolist() == [colors]
    tifffile.imwrite(tmp_path / "b.tif", stored.astype(np.uint16) * 257, photometric="separated")
    found = read(tmp_path / "b.tif")
    assert found.dtype == np.uint16
    assert found[0, 1].tolist() == [0, 65535, 65535]


def test_cmyk_with_a_fifth_channel_is_no_colour(tmp_path):
    stored = np.zeros((3, 4, 5), np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="separated", planarconfig="contig")
    info = describe(tmp_path / "a.tif")
    assert (info.channels, info.color) == (5, "channels")


def test_lab_becomes_rgb(tmp_path):
    # CIE values of sRGB white, black, red and blue, rounded to the bytes of the file
    lab = [[100, 0, 0], [0, 0, 0], [53.24, 80.09, 67.2], [32.3, 79.19, -107.86]]
    stored = np.array([[[round(2.55 * x), round(a) % 256, round(b) % 256] for x, a, b in lab]])
    tifffile.imwrite(tmp_path / "a.tif", stored.astype(np.uint8), photometric="cielab")
    wanted = [[255, 255, 255], [0, 0, 0], [255, 0, 0], [0, 0, 255]]
    assert np.abs(read(tmp_path / "a.tif")[0].astype(int) - wanted).max() <= 6
    assert describe(tmp_path / "a.tif").note == "lab in the file"


@pytest.mark.parametrize("colors", ["separated", "cielab"])
def test_windows_of_cmyk_and_lab_are_the_whole_s(tmp_path, rng, colors):
    stored = rng.integers(0, 256, (40, 50, 4 if colors == "separated" else 3), dtype=np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric=colors, tile=(16, 16))
    with LargeImage(tmp_path / "a.tif") as image:
        assert image.shape == (40, 50, 3)
        assert np.array_equal(image[7:30, 12:41], read(tmp_path / "a.tif")[7:30, 12:41])
    tifffile.imwrite(tmp_path / "a.tif", stored.astype(np.float32), photometric=colors)
    with pytest.raises(ImageReadError, match="colours are float32"):
        LargeImage(tmp_path / "a.tif")


@pytest.mark.parametrize(
    ("mode", "color", "channels"),
    [("L", "grey", 1), ("LA", "grey+alpha", 2), ("RGB", "rgb", 3), ("RGBA", "rgba", 4)],
)
def test_other_colours_are_as_they_were(mode, color, channels, rng):
    picture = Image.fromarray(rng.integers(0, 256, (5, 6, 4), dtype=np.uint8)).convert(mode)
    file = io.BytesIO()
    picture.save(file, "PNG")
    info = describe(file)
    assert (info.color, info.channels) == (color, channels)
    assert np.array_equal(read(file), np.atleast_3d(picture).reshape(5, 6, channels))
