"""What is special in TIFF: bits, tags, colours, strips and pages."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from spel.errors import ImageReadError
from spel.io import describe, read, write

from .image_bytes import get


def tiff(tags, data, order="<"):
    """One page whose only strip is ``data``."""
    place = 8 + 2 + 12 * (len(tags) + 2) + 4
    extra = b""
    entries = b""
    for tag, values in sorted({**tags, 273: (place,), 279: (len(data),)}.items()):
        kind = 4 if tag in (273, 279) else 3
        raw = struct.pack(f"{order}{len(values)}{'HI'[kind - 3]}", *values)
        if len(raw) > 4:
            raw, extra = struct.pack(order + "I", place + len(data) + len(extra)), extra + raw
        entries += struct.pack(order + "HHI", tag, kind, len(values)) + raw.ljust(4, b"\0")
    start = b"II*\0" if order == "<" else b"MM\0*"
    head = start + struct.pack(order + "IH", 8, len(tags) + 2)
    return head + entries + bytes(4) + data + extra


class TestTiff:
    @pytest.mark.parametrize(
        ("tags", "data", "pixels"),
        [
            ({258: (1,), 262: (1,)}, b"\xa0", [True, False, True]),
            ({258: (1,), 262: (0,)}, b"\xa0", [False, True, False]),
            ({258: (2,), 262: (1,)}, b"\x1b", [0, 85, 170]),
            ({258: (4,), 262: (0,)}, b"\x0f\x80", [255, 0, 119]),
            ({258: (8,), 262: (0,)}, b"\0\1\xff", [255, 254, 0]),
            ({258: (12,), 262: (1,)}, b"\x12\x3f\xff\x00\x40", [0x123, 0xFFF, 4]),
            ({258: (10,), 262: (1,)}, b"\xff\xc0\x10\x04", [1023, 1, 1]),
            ({258: (16,), 262: (1,)}, b"\1\0\2\0\0\1", [1, 2, 256]),
            ({258: (24,), 262: (1,)}, b"\0\0\1\0\1\0\xff\xff\xff", [1, 256, 0xFFFFFF]),
            ({258: (8,), 262: (1,), 339: (2,)}, b"\xff\x80\x01", [-1, -128, 1]),
            ({258: (8,), 262: (1,), 317: (2,)}, b"\1\1\xff", [1, 2, 1]),
            ({258: (8,), 262: (1,), 266: (2,)}, b"\1\2\x80", [128, 64, 1]),
            ({258: (8,), 262: (1,), 259: (32773,)}, b"\xfe\7", [7, 7, 7]),
            ({258: (8,), 262: (1,), 259: (32773,)}, b"\x80\2\1\2\3", [1, 2, 3]),
        ],
    )
    def test_bits_by_hand(self, tags, data, pixels):
        array = get(tiff({256: (3,), 257: (1,), **tags}, data))
        assert array[0, :, 0].tolist() == pixels

    def test_big_endian_and_float(self):
        data = struct.pack(">3f", 1.5, -2, np.inf)
        array = get(tiff({256: (3,), 257: (1,), 258: (32,), 262: (1,), 339: (3,)}, data, ">"))
        assert array[0, :, 0].tolist() == [1.5, -2, np.inf]
        assert array.dtype.isnative

    def test_palettes(self):
        # 8-bit colours spread over 16 bits come back as 8; true 16-bit colours stay
        base = {256: (2,), 257: (1,), 258: (1,), 262: (3,)}
        assert get(tiff({**base, 320: (257, 514, 0, 65535, 771, 0)}, b"\x40")).tolist() == [
            [[1, 0, 3], [2, 255, 0]]
        ]
        assert get(tiff({**base, 320: (1000, 514, 0, 65535, 771, 0)}, b"\x40")).tolist() == [
            [[1000, 0, 771], [514, 65535, 0]]
        ]
        with pytest.raises(ImageReadError, match="palette"):
            get(tiff({**base, 320: (1, 2, 3)}, b"\x40"))

    @pytest.mark.parametrize(
        ("tags", "words"),
        [
            ({258: (8, 16, 8), 277: (3,), 262: (2,)}, "different bits"),
            ({339: (5,)}, "complex"),
            ({258: (24,), 339: (3,)}, "24 bits"),
            ({258: (12,), 339: (2,)}, "12 bits"),
            ({259: (6,)}, "TIFF"),
            ({259: (34887,)}, "compression"),
            ({317: (3,)}, "floating"),
            ({259: (4,)}, "one bit"),
            ({262: (6,), 258: (16,)}, "YCbCr"),
            ({259: (5,)}, "TIFF"),
        ],
    )
    def test_refusals(self, tags, words):
        with pytest.raises(ImageReadError, match=words):
            get(tiff({256: (3,), 257: (1,), 258: (8,), 262: (1,), **tags}, b"\1\2\3"))

    @pytest.mark.parametrize(
        "options",
        [
            {"compression": "jpeg"},
            {"compression": "lzma"},
            {"compression": "packbits"},
            {"compression": "lzw", "predictor": True},
            {"compression": "zstd", "tile": (16, 16)},
            {"compression": "jpeg", "tile": (16, 16), "photometric": "ycbcr"},
            {"compression": "lzw", "tile": (16, 32)},
            {"compression": "lzw", "planarconfig": "separate"},
            {"compression": "jpeg", "planarconfig": "separate"},
            {"bigtiff": True, "tile": (32, 16)},
            {"compression": "deflate", "rowsperstrip": 7},
            {"compression": "lzma", "tile": (16, 16)},
            {"compression": "packbits", "rowsperstrip": 5},
        ],
    )
    def test_against_tifffile(self, tmp_path, options):
        tifffile = pytest.importorskip("tifffile")
        ramp = np.add.outer(np.arange(45), np.arange(52)).astype(np.uint8)
        image = np.stack([ramp, 200 - ramp, ramp // 2], axis=2)
        stored = image.transpose(2, 0, 1) if "planarconfig" in options else image
        tifffile.imwrite(tmp_path / "a.tif", stored, **{"photometric": "rgb", **options})
        wanted = tifffile.imread(tmp_path / "a.tif")
        if "planarconfig" in options:
            wanted = wanted.transpose(1, 2, 0)
        array = read(tmp_path / "a.tif")
        if options.get("compression") == "jpeg":  # two decoders may round otherwise
            assert np.abs(array.astype(int) - wanted).max() <= 3
        else:
            assert np.array_equal(array, wanted)
            assert np.array_equal(array, image)

    @pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
    @pytest.mark.parametrize("options", [{}, {"tile": (16, 16)}])
    def test_floating_point_prediction(self, tmp_path, rng, dtype, options):
        tifffile = pytest.importorskip("tifffile")
        image = rng.normal(size=(20, 33, 3)).astype(dtype)
        for compression in ("zlib", "lzw"):
            tifffile.imwrite(
                tmp_path / "a.tif",
                image,
                photometric="rgb",
                predictor=3,
                compression=compression,
                **options,
            )
            assert np.array_equal(read(tmp_path / "a.tif"), image)

    def test_jpeg_2000(self, tmp_path, rng):
        tifffile = pytest.importorskip("tifffile")
        image = rng.integers(0, 256, (40, 48, 3), dtype=np.uint8)
        for options in ({}, {"tile": (16, 16)}, {"rowsperstrip": 16}):
            tifffile.imwrite(
                tmp_path / "a.tif", image, photometric="rgb", compression="jpeg2000", **options
            )
            array = read(tmp_path / "a.tif")
            assert np.array_equal(array, tifffile.imread(tmp_path / "a.tif"))
            array[...] = 0
        data = (tmp_path / "a.tif").read_bytes()
        place = data.index(b"\xff\x4f\xff\x51") + 8
        vast = data[:place] + struct.pack(">I", 1 << 20) + data[place + 4 :]
        with pytest.raises(ImageReadError, match="larger than announced"):
            get(vast)

    def test_alpha_is_named(self, tmp_path):
        for channels, color in (
            (1, "grey"),
            (2, "grey+alpha"),
            (3, "rgb"),
            (4, "rgba"),
            (5, "channels"),
        ):
            write(tmp_path / "a.tif", np.zeros((3, 4, channels), np.uint8))
            assert describe(tmp_path / "a.tif").color == color


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("big", [False, True])
def test_a_file_that_is_cut_between_its_pages_is_refused(order, big, tmp_path):
    planes, path = np.arange(4 * 9 * 8, dtype=np.uint16).reshape(4, 9, 8), tmp_path / "cut.tif"
    tifffile = pytest.importorskip("tifffile")
    tifffile.imwrite(path, planes, byteorder=order, bigtiff=big, photometric="minisblack")
    assert np.array_equal(read(path)[..., 0], planes)
    with tifffile.TiffFile(path) as tiff:
        last = tiff.pages[3].offset
    path.write_bytes(path.read_bytes()[:last])
    with pytest.raises(ImageReadError, match=r"cut short: page [1-3] lies beyond its end"):
        read(path)
    with pytest.raises(ImageReadError, match="cut short"):
        describe(path)
