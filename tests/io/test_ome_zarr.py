"""OME-Zarr: what zarr-python writes comes back by windows; files that lie are one line."""

from __future__ import annotations

import json
import os
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import spel
from spel.errors import BackendMissingError, ImageReadError
from spel.io.large import LargeImage

AXES = [{"name": name} for name in "tczyx"]


def group(path: Path, levels: list[np.ndarray], *, version: int = 2, axes: Any = None, **how: Any):
    """An OME-Zarr image as zarr-python writes it."""
    zarr = pytest.importorskip("zarr")
    named = axes or AXES[-levels[0].ndim :]
    scales = {
        "axes": named,
        "datasets": [{"path": f"s/{i}"} for i in range(len(levels))],
        "version": "0.4",
    }
    attributes: dict[str, Any] = {"multiscales": [scales]}
    if version == 3:
        attributes = {"ome": {"version": "0.5", **attributes}}
    root = zarr.create_group(str(path), zarr_format=version, attributes=attributes)
    for i, level in enumerate(levels):
        array = root.create_array(f"s/{i}", shape=level.shape, dtype=level.dtype, **how)
        array[...] = level
    return path


def plain(path: Path, shape: list[int], chunks: list[int], **more: Any) -> Path:
    """A bare array of version 2, written by hand."""
    path.mkdir(parents=True, exist_ok=True)
    said = {
        "zarr_format": 2,
        "shape": shape,
        "chunks": chunks,
        "dtype": "|u1",
        "fill_value": 7,
        "order": "C",
        "filters": None,
        "compressor": None,
        **more,
    }
    (path / ".zarray").write_text(json.dumps(said))
    return path


def refused(path: Path, words: str, **options: Any) -> None:
    with (
        pytest.raises(ImageReadError, match=words) as caught,
        LargeImage(path, **options) as image,
    ):
        image[(slice(0, 8),) * (image.ndim - 1)]
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) <= 300


# LITERAL


def test_a_plain_array_and_its_missing_chunks(tmp_path):
    path = plain(tmp_path / "a.zarr", [5, 6], [4, 4])
    (path / "0.1").write_bytes(bytes(range(16)))
    with LargeImage(path) as image:
        assert image.shape == (5, 6, 1)
        expected = np.full((5, 6), 7, np.uint8)
        expected[:4, 4:] = np.arange(16).reshape(4, 4)[:, :2]
        assert image[:, :][..., 0].tolist() == expected.tolist()
        assert image[3:5, 3:5][..., 0].tolist() == expected[3:5, 3:5].tolist()


@pytest.mark.parametrize(
    ("fill", "kind", "value"),
    [(None, "<i2", 0), ("NaN", "<f4", np.nan), ("-Infinity", "<f8", -np.inf), (2.5, ">f4", 2.5)],
)
def test_fill_values(tmp_path, fill, kind, value):
    path = plain(tmp_path / "a.zarr", [3, 3], [2, 2], fill_value=fill, dtype=kind)
    found = LargeImage(path)[:, :]
    assert found.dtype == np.dtype(kind).newbyteorder("=")
    np.testing.assert_array_equal(found, np.full((3, 3, 1), value))


# PARITY: with zarr-python


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("packing", ["default", "none", "blosc", "gzip", "zstd"])
def test_levels_and_packings(tmp_path, rng, version, packing):
    image = rng.integers(0, 9, (3, 70, 90), np.uint16)
    levels = [image, image[:, ::2, ::2]]
    path = tmp_path / "a.ome.zarr"
    how: dict[str, Any] = {"chunks": (1, 32, 40)}
    if packing != "default":
        how["compressors"] = _packer(packing, version)
    group(path, levels, version=version, axes=AXES[1:2] + AXES[3:], **how)
    for k, level in enumerate(levels):
        with LargeImage(path, level=k) as found:
            assert found.levels == ((70, 90), (35, 45))
            assert found.shape == (*level.shape[1:], 3)
            assert found.dtype == np.uint16
            assert np.array_equal(found[5:40, 30:45], level.transpose(1, 2, 0)[5:40, 30:45])


def _packer(name: str, version: int) -> Any:
    if name == "none":
        return None
    if version == 2:
        numcodecs = pytest.importorskip("numcodecs")
        return {"blosc": numcodecs.Blosc(), "gzip": numcodecs.GZip(), "zstd": numcodecs.Zstd()}[
            name
        ]
    codecs = pytest.importorskip("zarr.codecs")
    kind = {"blosc": "BloscCodec", "gzip": "GzipCodec", "zstd": "ZstdCodec"}[name]
    return getattr(codecs, kind)()


@pytest.mark.parametrize("version", [2, 3])
def test_all_five_axes(tmp_path, rng, version):
    image = rng.random((2, 3, 4, 20, 24)).astype(np.float32)
    path = group(tmp_path / "a.zarr", [image], version=version, chunks=(1, 2, 3, 8, 8))
    with LargeImage(path, page=1) as found:
        assert found.shape == (4, 20, 24, 3)
        assert found.pages == 2
        expected = image[1].transpose(1, 2, 3, 0)
        assert np.array_equal(found[1:4, 3:19, 5:], expected[1:4, 3:19, 5:])
    assert np.array_equal(LargeImage(path, page=0)[:], image[0].transpose(1, 2, 3, 0))
    refused(path, "2 points in time")
    refused(path, "2 points in time, but none with the number 2", page=2)


def test_shards(tmp_path, rng):
    image = rng.integers(0, 255, (100, 90), np.uint8)
    path = group(tmp_path / "a.zarr", [image], version=3, shards=(64, 48), chunks=(16, 16))
    with LargeImage(path) as found:
        assert np.array_equal(found[:, :][..., 0], image)
        assert np.array_equal(found[60:70, 40:60][..., 0], image[60:70, 40:60])


def test_orders_and_separators(tmp_path, rng):
    zarr = pytest.importorskip("zarr")
    image = rng.integers(0, 255, (30, 21), np.int16)
    for number, how in enumerate(
        (
            {"zarr_format": 2, "order": "F"},
            {"zarr_format": 2, "chunk_key_encoding": {"name": "v2", "separator": "/"}},
            {"zarr_format": 3, "filters": [zarr.codecs.TransposeCodec(order=(1, 0))]},
            {"zarr_format": 3, "serializer": zarr.codecs.BytesCodec(endian="big")},
        )
    ):
        path = tmp_path / f"{number}.zarr"
        array = zarr.create_array(
            str(path), shape=image.shape, dtype=image.dtype, chunks=(8, 8), **how
        )
        array[...] = image
        assert np.array_equal(LargeImage(path)[:, :][..., 0], image), how


def test_read_gives_the_whole_within_its_limits(tmp_path, rng):
    image = rng.integers(0, 255, (3, 20, 30), np.uint8)
    path = group(tmp_path / "a.zarr", [image, image[:, ::2, ::2]], axes=AXES[1:2] + AXES[3:])
    assert np.array_equal(spel.read(path), image.transpose(1, 2, 0))
    info = spel.io.describe(path)
    assert (info.shape, info.note, info.color) == ((20, 30, 3), "2 levels", "rgb")
    with pytest.raises(ImageReadError, match="max_pixels"):
        spel.read(path, max_pixels=100)
    many = plain(tmp_path / "b.zarr", [100, 100], [100, 100], dtype="<f8")
    with pytest.raises(ImageReadError, match="max_pixels"):
        spel.read(many, max_pixels=10_000)  # as many, but of eight bytes each


def test_a_missing_zarr_says_what_to_install(tmp_path, monkeypatch):
    path = plain(tmp_path / "a.zarr", [4, 4], [4, 4])
    monkeypatch.setitem(sys.modules, "zarr", None)
    with pytest.raises(BackendMissingError, match=r"spel\[zarr\]"):
        LargeImage(path)


# LAW: files that lie


def test_claims_that_are_too_large(tmp_path):
    refused(plain(tmp_path / "a.zarr", [10**6, 10**6], [512, 512]), "max_pixels")
    refused(plain(tmp_path / "b.zarr", [10**5, 10**5], [10**5, 10**5]), "smaller ones")
    refused(plain(tmp_path / "c.zarr", [2**62, 8], [8, 8]), "impossible")
    refused(plain(tmp_path / "d.zarr", [8, 8], [0, 8]), "impossible")
    refused(plain(tmp_path / "e.zarr", [8, 8], [8, 8, 8]), "shape")
    big = plain(tmp_path / "f.zarr", [10**4, 10**4], [1, 1])
    with pytest.raises(ImageReadError, match="too small"):
        LargeImage(big)[:, :]


@pytest.mark.parametrize("size", [0, 15, 17, 1 << 20])
def test_a_chunk_of_the_wrong_size(tmp_path, size):
    path = plain(tmp_path / "a.zarr", [4, 4], [4, 4])
    (path / "0.0").write_bytes(bytes(size))
    refused(path, "one of its chunks is damaged|a file has")


def test_a_chunk_that_unpacks_to_too_much(tmp_path):
    path = plain(tmp_path / "a.zarr", [4, 4], [4, 4], compressor={"id": "zlib"})
    for data, words in (
        (zlib.compress(bytes(1 << 24)), "chunks is damaged"),
        (zlib.compress(bytes(16))[:-6], "chunks is damaged"),
        (b"nonsense", "chunks is damaged"),
        (zlib.compress(bytes(15)), "chunks is damaged"),
    ):
        (path / "0.0").write_bytes(data)
        refused(path, words)


@pytest.mark.parametrize(
    "path", ["..", "../b.zarr", "/etc", "a/../../b", "", ".", "a\\b", "C:/x", 7]
)
def test_levels_stay_in_their_folder(tmp_path, path):
    plain(tmp_path / "b.zarr", [4, 4], [4, 4])
    root = tmp_path / "a.zarr"
    root.mkdir()
    scales = {"axes": ["y", "x"], "datasets": [{"path": path}]}
    (root / ".zattrs").write_text(json.dumps({"multiscales": [scales]}))
    refused(root, "leads elsewhere")


def test_links_do_not_lead_out_or_in_a_circle(tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(bytes(16))
    path = plain(tmp_path / "a.zarr", [4, 8], [4, 4])
    os.symlink(secret, path / "0.0")
    refused(path, "leads out")
    (path / "0.0").unlink()
    os.symlink("0.0", path / "0.0")
    refused(path, "cannot be read")
    (path / "0.0").unlink()
    os.mkfifo(path / "0.0")
    refused(path, "folder, device or pipe|cannot be read")
    (path / "0.0").unlink()
    (path / "0.0").mkdir()
    refused(path, "folder, device or pipe|cannot be read")
    os.symlink(path, tmp_path / "link.zarr")  # the folder itself may be a link
    assert LargeImage(tmp_path / "link.zarr")[:, 4:].shape == (4, 4, 1)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"dtype": "|O"}, "type"),
        ({"dtype": [["a", "<i4"]]}, "type"),
        ({"compressor": {"id": "pickle"}}, "codec"),
        ({"compressor": {"id": "lzma"}}, "codec"),
        ({"compressor": 3}, "codec"),
        ({"filters": [{"id": "delta"}]}, "filtered"),
        ({"fill_value": "x"}, "metadata"),
        ({"fill_value": 300}, "metadata"),
        ({"order": "Z"}, "order"),
        ({"dimension_separator": "../"}, "separator"),
        ({"zarr_format": 1}, "version"),
        ({"shape": [4]}, "axes"),
        ({"shape": "44"}, "shape"),
        ({"shape": [True, 4]}, "shape"),
    ],
)
def test_metadata_that_cannot_be(tmp_path, change, words):
    more = {k: v for k, v in change.items() if k != "shape"}
    shape = change.get("shape", [4, 4])
    chunks = [4] * len(shape) if isinstance(shape, list) else [4, 4]
    refused(plain(tmp_path / "a.zarr", shape, chunks, **more), words)


@pytest.mark.parametrize(
    "text", ["", "[]", "{", "[" * 100_000, '{"a": 1, "a": 2}', '{"a": NaN}', "\0", "null", "3"]
)
@pytest.mark.parametrize("name", ["zarr.json", ".zattrs", ".zarray"])
def test_damaged_json(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    refused(tmp_path, "it|its")


def test_shards_that_lie(tmp_path, rng):
    image = rng.integers(0, 255, (32, 32), np.uint8)
    path = group(tmp_path / "a.zarr", [image], version=3, shards=(32, 32), chunks=(16, 16))
    shard = path / "s" / "0" / "c" / "0" / "0"
    good = shard.read_bytes()
    for data, words in (
        (good[:30], "cut short"),
        (good[:-1] + bytes([good[-1] ^ 1]), "checksum"),
        (good[:-60] + b"\xff" * 8 + good[-52:], "checksum"),
        (b"", "cut short"),
    ):
        shard.write_bytes(data)
        refused(path, words)


def test_several_images_are_not_guessed(tmp_path):
    for number, mark in enumerate(("plate", "well", "bioformats2raw.layout")):
        root = tmp_path / str(number)
        root.mkdir()
        (root / ".zattrs").write_text(json.dumps({mark: {}}))
        refused(root, "several images")


def test_random_metadata_never_end_in_another_error(tmp_path, rng):
    path = plain(tmp_path / "a.zarr", [8, 8], [4, 4])
    (path / "0.0").write_bytes(bytes(16))
    text = (path / ".zarray").read_bytes()
    for _ in range(300):
        bad = bytearray(text)
        for at in rng.integers(0, len(bad), rng.integers(1, 4)):
            bad[at] = rng.integers(32, 127)
        (path / ".zarray").write_bytes(bad)
        try:
            with LargeImage(path) as image:
                image[(slice(0, 9),) * (image.ndim - 1)]
        except ImageReadError as error:
            assert "\n" not in str(error)  # noqa: PT017
