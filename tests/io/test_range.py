"""Values of black and white: the type's, unless the metadata of the file state fewer bits."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
import tifffile

from spel.io import Decoder, describe, image_range, read, value_range, write
from spel.io.large import LargeImage


@pytest.mark.parametrize(
    ("dtype", "white"),
    [("bool", 1), ("uint8", 255), ("uint16", 65535), ("float32", 1), ("float64", 1)],
)
def test_of_types(dtype, white, tmp_path):
    assert value_range(dtype) == (0, white)
    image = np.zeros((3, 4, 1), dtype)
    write(tmp_path / "a.tif", image)
    assert describe(tmp_path / "a.tif").range == (0, white)
    assert image_range(image) == (0, white)


def test_signed_numbers_go_from_zero_to_their_largest():
    assert value_range("int16") == (0, 32767)


@pytest.mark.parametrize(("maximum", "white"), [(4095, 4095), (1023, 1023), (3000, 65535)])
def test_tiff_of_12_bits_in_16(tmp_path, maximum, white):
    image = np.arange(12, dtype=np.uint16).reshape(3, 4)
    tifffile.imwrite(tmp_path / "a.tif", image, extratags=[(281, "H", 1, maximum, True)])
    assert describe(tmp_path / "a.tif").range == (0, white)


def test_ome_tiff_of_12_bits_in_16(tmp_path):
    image = np.arange(12, dtype=np.uint16).reshape(3, 4)
    metadata = {"axes": "YX", "SignificantBits": 12}
    tifffile.imwrite(tmp_path / "a.ome.tif", image, metadata=metadata)
    assert 'SignificantBits="12"' in tifffile.tiffcomment(tmp_path / "a.ome.tif")
    assert describe(tmp_path / "a.ome.tif").range == (0, 4095)
    with Decoder() as decoder:
        assert decoder.describe(tmp_path / "a.ome.tif").range == (0, 4095)


def png(value: int, significant: int) -> io.BytesIO:
    def chunk(name: bytes, data: bytes) -> bytes:
        check = zlib.crc32(name + data)
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", check)

    head = struct.pack(">IIBBBBB", 1, 1, 16, 0, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"sBIT", bytes([significant]))
    body += chunk(b"IDAT", zlib.compress(b"\0" + struct.pack(">H", value))) + chunk(b"IEND", b"")
    return io.BytesIO(b"\x89PNG\r\n\x1a\n" + body)


def test_png_of_12_bits_in_16():
    assert describe(png(7, 12)).range == (0, 4095)
    assert describe(png(7, 16)).range == (0, 65535)


def test_12_bits_that_are_spread_over_16_reach_beyond_4095():
    for value, white in ((4000, 4095), (65520, 65535)):
        file = png(value, 12)
        assert image_range(read(file), describe(file)) == (0, white)


def test_netpbm_states_its_white():
    assert describe(io.BytesIO(b"P5 1 1 1000 \0\1")).range == (0, 1000)
    assert describe(io.BytesIO(b"P5 1 1 100 \1")).range == (0, 255)  # stretched to 8 bits


@pytest.mark.parametrize("words", ['<Image SignificantBits="12"/>', ""])
def test_windows_have_the_white_of_the_whole(tmp_path, words):
    stored = np.full((3, 4), 4000, np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", stored, description=words, metadata=None)
    with LargeImage(tmp_path / "a.tif") as image:
        assert image.white == describe(tmp_path / "a.tif").range[1] == (4095 if words else 65535)
