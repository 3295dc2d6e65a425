"""Small files that ask for much time or memory: refused, or read within bounds."""

from __future__ import annotations

import io
import struct
import time
import tracemalloc
import zlib

import numpy as np
import pytest
from PIL import Image

from spel.errors import ImageReadError
from spel.io import describe, read


def quick(data, words=None, seconds=3.0, most=64 << 20, **options):
    """Read within bounds; the array, or nothing if it was refused with ``words``."""
    tracemalloc.start()
    start = time.process_time()
    try:
        if words is None:
            array = read(io.BytesIO(data), **options)
        else:
            with pytest.raises(ImageReadError, match=words):
                read(io.BytesIO(data), **options)
            array = None
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert time.process_time() - start < seconds
    assert peak < most + (4 * array.nbytes if array is not None else 0)
    return array


def tiff(entries, data=b"", pages=1, step=None):
    """A little-endian TIFF file; with ``step`` the directories overlap, that many bytes apart."""
    body = struct.pack("<H", len(entries)) + b"".join(
        struct.pack("<HHII", tag, kind, count, value) for tag, kind, count, value in sorted(entries)
    )
    return b"II*\0" + struct.pack("<I", 8) + body + struct.pack("<I", 0) + data


BASE = [(256, 4, 1, 4), (257, 4, 1, 4), (258, 3, 1, 8), (262, 3, 1, 1), (273, 4, 1, 0)]


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(rows, cols, depth, color, raw, *chunks):
    head = struct.pack(">IIBBBBB", cols, rows, depth, color, 0, 0, 0)
    body = chunk(b"IHDR", head) + b"".join(chunks)
    return b"\x89PNG\r\n\x1a\n" + body + chunk(b"IDAT", raw) + chunk(b"IEND", b"")


class TestTiff:
    def test_directories_that_overlap(self):
        # every directory is the rest of the file from another byte on, with 1000 entries
        count = 20_000
        data = bytearray(b"II*\0" + struct.pack("<I", 8))
        data += bytes([0xE8, 0x03]) * (count // 2)
        for place in range(8, len(data) - 12_100, 2):
            end = place + 2 + 12 * 1000
            if end + 4 <= len(data):
                struct.pack_into("<I", data, end, place + 2)
        quick(bytes(data), "TIFF")

    def test_many_strips_of_the_same_bytes(self):
        rows = 5000
        packed = zlib.compress(bytes(300_000), 0)
        strips = 2 * rows * 4
        place = 8 + 2 + 12 * 9 + 4
        entries = [
            (256, 4, 1, 1),
            (257, 4, 1, rows),
            (258, 3, 1, 8),
            (259, 3, 1, 8),
            (262, 3, 1, 1),
            (273, 4, rows, place),
            (277, 3, 1, 1),
            (278, 4, 1, 1),
            (279, 4, rows, place + 4 * rows),
        ]
        offsets = struct.pack("<I", place + strips) * rows
        counts = struct.pack("<I", len(packed)) * rows
        quick(tiff(entries, offsets + counts + packed), "overlap again and again")

    def test_circle_of_pages(self):
        data = bytearray(tiff([*BASE, (279, 4, 1, 16)], bytes(16)))
        place = 8 + 2 + 12 * 6
        struct.pack_into("<I", data, place, 8)
        struct.pack_into("<I", data, 8 + 2 + 12 * 4 + 8, place + 4)
        assert quick(bytes(data)).shape == (4, 4, 1)

    @pytest.mark.parametrize(
        ("tag", "words"),
        [
            ((273, 4, 0xFFFFFFFF, 8), "cut short"),
            ((256, 4, 1, 0xFFFFFFFF), "exceed"),
            ((257, 4, 1, 0), "at least one"),
            ((258, 3, 1, 0), "0 bits"),
            ((277, 3, 1, 65535), "65535"),
            ((322, 4, 1, 1 << 30), "at least one"),
            ((339, 3, 1, 6), "complex"),
            ((259, 3, 1, 34925), "damaged"),
            ((317, 3, 1, 9), "unknown"),
        ],
    )
    def test_tags_that_lie(self, tag, words):
        entries = [e for e in [*BASE, (279, 4, 1, 16)] if e[0] != tag[0]] + [tag]
        if tag[0] == 322:
            entries = [e for e in entries if e[0] not in (273, 279)]
            entries += [(323, 4, 1, 0), (324, 4, 1, 8), (325, 4, 1, 16)]
        data = tiff(entries, bytes(64))
        quick(data, words)

    def test_tile_far_larger_than_the_image(self):
        entries = [
            (256, 4, 1, 1),
            (257, 4, 1, 1),
            (258, 3, 1, 8),
            (259, 3, 1, 8),
            (262, 3, 1, 1),
            (322, 4, 1, 1 << 16),
            (323, 4, 1, 1 << 16),
            (324, 4, 1, 8),
            (325, 4, 1, 16),
        ]
        quick(tiff(entries, bytes(64)), "tiles are far larger")


class TestJpeg:
    def test_scans_without_end(self):
        out = io.BytesIO()
        Image.new("L", (3000, 3000), 99).save(out, "JPEG", progressive=True)
        data = out.getvalue()
        last = data.rfind(b"\xff\xda")
        bomb = data[:last] + data[last:-2] * 999 + data[-2:]
        quick(bomb, "takes too long", seconds=5)

    def test_markers_without_end(self):
        out = io.BytesIO()
        Image.new("L", (8, 8)).save(out, "JPEG")
        quick(b"\xff\xd8" + b"\xff\xd0" * 300_000 + out.getvalue()[2:], "markers", seconds=8)

    def test_end_mark_behind_half_a_scan(self):
        out = io.BytesIO()
        Image.new("RGB", (500, 500), (1, 200, 3)).save(out, "JPEG")
        data = out.getvalue()
        start = data.index(b"\xff\xda") + 14
        quick(data[: start + 50] + b"\xff\xd9", "cut short")

    @pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.98])
    @pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
    def test_end_mark_behind_a_part_of_a_picture(self, share, mode):
        # libjpeg fills the rest with grey and only warns
        rng = np.random.default_rng(0)
        picture = Image.fromarray(rng.integers(0, 256, (90, 110, 3), dtype=np.uint8))
        for options in ({}, {"subsampling": 0}, {"optimize": True}, {"restart_marker_rows": 1}):
            out = io.BytesIO()
            picture.convert(mode).save(out, "JPEG", quality=80, **options)
            data = out.getvalue()
            start = data.index(b"\xff\xda") + 14
            cut = start + int(share * (len(data) - 2 - start))
            quick(data[:cut].rstrip(b"\xff") + b"\xff\xd9", "cut short")
            with Image.open(io.BytesIO(data)) as other:
                wanted = other.convert("RGB") if mode == "CMYK" else other
                assert np.array_equal(np.atleast_3d(wanted), read(io.BytesIO(data)))

    @pytest.mark.parametrize("color", [(0, 0, 0), (255, 255, 255), (255, 2, 251), (201, 201, 201)])
    def test_pictures_of_one_colour_are_whole(self, color):
        for size in ((1, 1), (8, 8), (16, 17), (300, 200)):
            out = io.BytesIO()
            Image.new("RGB", size, color).save(out, "JPEG")
            assert quick(out.getvalue()).shape == (size[1], size[0], 3)


class TestPng:
    def test_text_that_inflates_is_left_alone(self):
        bomb = b"c\0\0" + zlib.compress(bytes(50 << 20), 9)
        data = png(1, 1, 8, 0, zlib.compress(b"\0\7"), chunk(b"zTXt", bomb), chunk(b"iTXt", bomb))
        assert quick(data, most=4 << 20).tolist() == [[[7]]]

    def test_pixels_that_inflate_to_more_than_the_image(self):
        data = png(1, 1, 8, 0, zlib.compress(b"\0\7" + bytes(50 << 20), 9))
        quick(data, None, most=4 << 20)

    def test_more_pixels_than_the_limit_are_not_inflated(self):
        raw = zlib.compress(bytes(20_000 * 2501), 9)
        quick(png(20_000, 20_000, 1, 0, raw), "exceed the limit", seconds=0.5, most=1 << 20)
        # one bit per pixel may be much: honest users raise the limit
        data = png(9000, 9000, 1, 0, zlib.compress(bytes(9000 * 1126), 9))
        assert quick(data).shape == (9000, 9000, 1)

    @pytest.mark.parametrize("size", [(0, 5), (5, 0), (1 << 31, 1), (1, (1 << 31) - 1)])
    def test_impossible_sizes(self, size):
        quick(png(*size, 8, 0, zlib.compress(b"\0")), "pixels|rows")


class TestOthers:
    def test_bmp_run_lengths_by_hand(self):
        head = b"BM" + struct.pack("<IHHI", 0, 0, 0, 54 + 16)
        head += struct.pack("<IiiHHIIiiII", 40, 4, 4, 1, 8, 1, 0, 0, 0, 4, 0)
        colors = bytes([0, 0, 0, 0, 1, 1, 2, 0, 2, 2, 9, 0, 3, 3, 3, 0])
        rows = b"\4\1\0\0" + b"\0\0" + b"\0\3\1\2\3\0\0\0" + b"\1\3\0\2\1\0\2\2\0\1"
        red = quick(head + colors + rows)[:, :, 0]
        assert red.tolist() == [[3, 0, 9, 9], [2, 9, 3, 0], [0, 0, 0, 0], [2, 2, 2, 2]]

    def test_bmp_run_lengths_of_black_and_white(self):
        head = b"BM" + struct.pack("<IHHI", 0, 0, 0, 54 + 8)
        head += struct.pack("<IiiHHIIiiII", 40, 3, 1, 1, 8, 1, 0, 0, 0, 2, 0)
        data = head + b"\0\0\0\0\xff\xff\xff\0" + b"\2\1\1\0\0\1"
        assert quick(data)[0, :, 0].tolist() == [True, True, False]
        info = describe(io.BytesIO(data))
        assert (info.shape, info.dtype) == ((1, 3, 1), "bool")

    def test_gif_of_a_vast_canvas(self):
        frame = b",\0\0\0\0\1\0\1\0\0\2\2D\1\0"
        data = b"GIF89a\xff\xff\xff\xff\x80\0\0" + bytes(6) + frame + b";"
        quick(data, "exceed")

    def test_bmp_run_lengths_of_a_wide_image(self):
        head = b"BM" + struct.pack("<IHHI", 0, 0, 0, 54 + 8)
        head += struct.pack("<IiiHHIIiiII", 40, 2_000_000, 30, 1, 8, 1, 0, 0, 0, 2, 0)
        data = head + bytes(8) + b"\0\0" * 30 + b"\0\1"
        assert quick(data, seconds=5).shape == (30, 2_000_000, 3)

    @pytest.mark.parametrize(
        "data",
        [
            b"P6 9999999999 9999999999 255\n",
            b"P5 30000 30000 255\n",
            b"P5 2 2 0\n....",
            b"P2 1 1 255\n" + b"9" * 200_000,
            b"P5 -2 2 255\n....",
            b"P1 3 1\n012",
            b"P2 2 1 9 1 10 ",
            b"P7\nWIDTH 1\nHEIGHT 1\nDEPTH 1\nENDHDR\n.",
            b"Pf\n1 1\nnan\n....",
            b"P5 " + b"1" * 5000,
        ],
    )
    def test_netpbm(self, data):
        quick(data, "PNM")

    def test_npy(self):
        def npy(text):
            text = text.ljust(117) + "\n"
            return b"\x93NUMPY\1\0" + struct.pack("<H", len(text)) + text.encode()

        head = "{{'descr': {}, 'fortran_order': False, 'shape': {}, }}"
        for kind, shape, words in (
            ("'<f8'", (65536, 65536), "exceed"),
            ("'|O'", (1, 1), "run code"),
            ("'<f8'", (2, 2), "announces"),
            ("'<c16'", (2, 2), "real"),
            ("'<f8'", (2,), "1 axis"),
            ("'<f8'", (-1, 2), "damaged"),
            ("[('a', '<f8')]", (2, 2), "real"),
            ("'<M8[s]'", (2, 2), "real"),
            ("'<f16'", (2, 2), "real"),
        ):
            quick(npy(head.format(kind, shape)), words)
        quick(b"\x93NUMPY\2\0\xf0\xff\xff\xff{", "header has")
        quick(npy("(" * 100), "damaged")
        quick(npy("__import__('os').system('true')"), "damaged")

    def test_webp_header_alone(self):
        body = b"VP8L" + struct.pack("<I", 5) + b"\x2f" + struct.pack("<I", 16383 | 16383 << 14)
        data = b"RIFF" + struct.pack("<I", 4 + len(body) + 1) + b"WEBP" + body + b"\0"
        quick(data, "exceed")


def test_no_format_reads_outside_of_a_cut_file():
    """Every cut of a small file of every format is refused or gives a whole image."""
    rng = np.random.default_rng(0)
    image = Image.fromarray(rng.integers(0, 256, (5, 6, 3), dtype=np.uint8))
    for form in ("PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP", "PPM"):
        out = io.BytesIO()
        image.save(out, form)
        data = out.getvalue()
        whole = read(io.BytesIO(data))
        for length in range(len(data)):
            try:
                array = read(io.BytesIO(data[:length]))
            except ImageReadError:
                continue
            # what lies behind the pixels may be missing: links and end marks
            assert np.array_equal(array, whole), (form, length)
            assert length > 0.9 * len(data), (form, length)
