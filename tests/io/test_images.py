"""Reading and writing images: literals, round trips, parity with Pillow, refusals."""

from __future__ import annotations

import io
import os
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from spel.errors import ImageReadError, ParameterError, ShapeError
from spel.io import describe, read, write
from spel.io.image.decoding import apply_orientation


def png(rows, cols, depth, color, raw, *chunks, interlace=0):
    def chunk(name, data):
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    head = struct.pack(">IIBBBBB", cols, rows, depth, color, 0, 0, interlace)
    body = b"".join(chunk(name, data) for name, data in chunks)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + body
        + chunk(b"IDAT", zlib.compress(raw))
        + chunk(b"IEND", b"")
    )


def get(data, **options):
    return read(io.BytesIO(data), **options)


class TestLiteral:
    def test_png_rgb_of_16_bits_keeps_16_bits(self):
        data = png(1, 2, 16, 2, b"\0" + struct.pack(">6H", 1, 256, 65535, 7, 8, 9))
        array = get(data)
        assert array.dtype == np.uint16
        assert array.tolist() == [[[1, 256, 65535], [7, 8, 9]]]

    def test_png_row_filters_by_hand(self):
        # sub, up, average and Paeth on grey bytes, worked by hand
        raw = bytes([1, 10, 1]) + bytes([2, 3, 4]) + bytes([3, 1, 1]) + bytes([4, 5, 250])
        array = get(png(4, 2, 8, 0, raw))[:, :, 0]
        assert array.tolist() == [[10, 11], [13, 15], [7, 12], [12, 6]]

    @pytest.mark.parametrize(
        ("depth", "byte", "values"),
        [(1, 0b10100000, [True, False, True]), (2, 0b00011000, [0, 85, 170]), (4, 0x0F, [0, 255])],
    )
    def test_png_below_8_bits(self, depth, byte, values):
        cols = len(values)
        array = get(png(1, cols, depth, 0, bytes([0, byte])))
        assert array[0, :, 0].tolist() == values

    def test_png_palette_with_alpha(self):
        data = png(1, 2, 8, 3, b"\0\1\0", (b"PLTE", bytes([1, 2, 3, 4, 5, 6])), (b"tRNS", b"\x80"))
        assert get(data).tolist() == [[[4, 5, 6, 255], [1, 2, 3, 128]]]

    def test_png_transparent_colour_of_16_bits(self):
        data = png(1, 2, 16, 0, b"\0" + struct.pack(">2H", 300, 44), (b"tRNS", b"\x01\x2c"))
        assert get(data).tolist() == [[[300, 0], [44, 65535]]]

    def test_pgm_of_16_bits_keeps_its_numbers(self):
        assert get(b"P5 2 1 4095 \x0f\xff\x00\x10").tolist() == [[[4095], [16]]]

    def test_pbm_one_is_black(self):
        assert get(b"P4 3 1\n\xa0")[0, :, 0].tolist() == [False, True, False]
        assert get(b"P1 3 1\n101")[0, :, 0].tolist() == [False, True, False]

    def test_pfm_from_the_bottom(self):
        data = b"Pf\n1 2\n-1.0\n" + struct.pack("<2f", 1.5, -2.0)
        assert get(data)[:, 0, 0].tolist() == [-2.0, 1.5]

    def test_npy_is_not_unpickled(self, tmp_path):
        np.save(tmp_path / "a.npy", np.array([[{}]], object), allow_pickle=True)
        with pytest.raises(ImageReadError, match="run code"):
            read(tmp_path / "a.npy")

    def test_npy_of_two_axes_gets_a_channel(self, tmp_path):
        np.save(tmp_path / "a.npy", np.arange(6, dtype=">f4").reshape(2, 3))
        array = read(tmp_path / "a.npy")
        assert array.shape == (2, 3, 1)
        assert array.dtype == np.float32

    @pytest.mark.parametrize(("axes", "words"), [(0, "no axes"), (1, "1 axis"), (5, "5 axes")])
    def test_npy_of_too_few_or_many_axes(self, axes, words, tmp_path):
        np.save(tmp_path / "a.npy", np.zeros((1,) * axes))
        with pytest.raises(ImageReadError, match=f"its array has {words};"):
            read(tmp_path / "a.npy")


class TestOrientation:
    @pytest.mark.parametrize("orientation", range(1, 9))
    def test_as_pillow_turns(self, orientation, tmp_path):
        pixels = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
        exif = Image.Exif()
        exif[0x0112] = orientation
        Image.fromarray(pixels).save(tmp_path / "a.png", exif=exif)
        from PIL import ImageOps

        with Image.open(tmp_path / "a.png") as image:
            wanted = np.asarray(ImageOps.exif_transpose(image))
        array = read(tmp_path / "a.png")
        assert np.array_equal(array, wanted)
        info = describe(tmp_path / "a.png")
        assert info.shape == array.shape
        assert info.orientation == orientation

    def test_of_a_volume(self):
        volume = np.arange(12).reshape(2, 2, 3, 1)
        assert apply_orientation(volume, 6).shape == (2, 3, 2, 1)


class TestWriteRead:
    @pytest.mark.parametrize("suffix", [".png", ".tif", ".npy"])
    @pytest.mark.parametrize("dtype", ["bool", "uint8", "uint16"])
    @pytest.mark.parametrize("channels", [1, 2, 3, 4])
    def test_round_trip(self, tmp_path, rng, suffix, dtype, channels):
        if dtype == "bool" and channels > 1 and suffix != ".npy":
            pytest.skip("formats hold one channel of bool")
        image = rng.integers(0, 2 if dtype == "bool" else np.iinfo(dtype).max + 1, (5, 9, channels))
        image = image.astype(dtype)
        write(tmp_path / f"a{suffix}", image)
        back = read(tmp_path / f"a{suffix}")
        assert back.dtype == image.dtype
        assert np.array_equal(back, image)
        info = describe(tmp_path / f"a{suffix}")
        assert (info.shape, info.dtype) == (back.shape, back.dtype.name)

    @pytest.mark.parametrize(
        "dtype",
        ["int8", "int16", "int32", "int64", "uint32", "uint64", "float16", "float32", "float64"],
    )
    @pytest.mark.parametrize("shape", [(4, 5, 1), (4, 5, 3), (4, 5, 7), (3, 4, 5, 1), (2, 4, 5, 3)])
    @pytest.mark.parametrize("suffix", [".tif", ".npy"])
    def test_any_type_and_volumes(self, tmp_path, rng, dtype, shape, suffix):
        image = (rng.normal(0, 50, shape)).astype(dtype)
        write(tmp_path / f"a{suffix}", image)
        back = read(tmp_path / f"a{suffix}")
        assert back.dtype == image.dtype
        assert np.array_equal(back, image)

    def test_png_is_what_pillow_reads(self, tmp_path, rng):
        image = rng.integers(0, 256, (40, 30, 3), dtype=np.uint8)
        write(tmp_path / "a.png", image)
        with Image.open(tmp_path / "a.png") as other:
            assert np.array_equal(np.asarray(other), image)

    def test_large_png_crosses_bands(self, tmp_path):
        ramp = np.add.outer(np.arange(700), np.arange(1000)).astype(np.uint16)[:, :, None]
        image = np.concatenate([ramp, ramp * 3, ramp * 7], axis=2)
        write(tmp_path / "a.png", image)
        assert np.array_equal(read(tmp_path / "a.png"), image)

    @pytest.mark.parametrize(
        ("name", "image", "error"),
        [
            ("a.xyz", np.zeros((2, 2), np.uint8), ParameterError),
            ("a.png", np.zeros((2, 2), np.float32), ParameterError),
            ("a.png", np.zeros((2, 2, 5), np.uint8), ShapeError),
            ("a.png", np.zeros((2, 2, 2, 1), np.uint8), ShapeError),
            ("a.png", np.zeros((0, 2), np.uint8), ShapeError),
            ("a.tif", np.zeros((2, 2), complex), ParameterError),
            ("a.jpg", np.zeros((2, 2), np.uint16), ParameterError),
            ("no/a.png", np.zeros((2, 2), np.uint8), ParameterError),
        ],
    )
    def test_refusals_leave_nothing(self, tmp_path, name, image, error):
        with pytest.raises(error):
            write(tmp_path / name, image)
        assert list(tmp_path.iterdir()) == []


class TestParity:
    @pytest.mark.parametrize("mode", ["1", "L", "LA", "RGB", "RGBA", "P"])
    @pytest.mark.parametrize("suffix", ["png", "tiff", "bmp", "gif"])
    def test_with_pillow(self, tmp_path, rng, mode, suffix):
        if (mode == "LA" and suffix == "bmp") or (suffix == "gif" and mode != "P"):
            pytest.skip("the format has no such mode")
        base = Image.fromarray(rng.integers(0, 256, (17, 23, 4), dtype=np.uint8))
        image = base.convert("RGB").quantize(13) if mode == "P" else base.convert(mode)
        image.save(tmp_path / f"a.{suffix}")
        with Image.open(tmp_path / f"a.{suffix}") as other:
            wanted = np.asarray(other.convert("RGB") if mode == "P" else other)
        array = read(tmp_path / f"a.{suffix}")
        assert np.array_equal(array, wanted.reshape(array.shape))

    def test_interlaced_png(self, tmp_path, rng):
        # Adam7 of a 5 x 6 image: every pass picks its own pixels
        image = rng.integers(0, 65536, (5, 6, 3), dtype=np.uint16)
        raw = b""
        for row, col, row_step, col_step in (
            (0, 0, 8, 8),
            (0, 4, 8, 8),
            (4, 0, 8, 4),
            (0, 2, 4, 4),
            (2, 0, 4, 2),
            (0, 1, 2, 2),
            (1, 0, 2, 1),
        ):
            part = image[row::row_step, col::col_step]
            if part.size:
                raw += b"".join(b"\0" + line.astype(">u2").tobytes() for line in part)
        assert np.array_equal(get(png(5, 6, 16, 2, raw, interlace=1)), image)

    @pytest.mark.parametrize(
        "compression",
        ["tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg", "group3", "group4", "zstd"],
    )
    def test_tiff_compressions(self, tmp_path, rng, compression):
        smooth = np.add.outer(np.arange(50), np.arange(70)).astype(np.uint8)
        image = Image.fromarray(smooth)
        if compression.startswith("group"):
            image = image.convert("1")
        try:
            image.save(tmp_path / "a.tif", compression=compression)
        except OSError:
            pytest.skip("this Pillow does not write it")
        with Image.open(tmp_path / "a.tif") as other:
            wanted = np.asarray(other)
        assert np.array_equal(read(tmp_path / "a.tif")[:, :, 0], wanted)

    @pytest.mark.parametrize(
        "options",
        [
            {"tile": (16, 32)},
            {"rowsperstrip": 3},
            {"planarconfig": "separate"},
            {"predictor": True, "compression": "zlib"},
            {"bigtiff": True},
            {"byteorder": ">"},
            {"tile": (16, 16), "planarconfig": "separate", "compression": "zlib", "byteorder": ">"},
        ],
    )
    @pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
    def test_tiff_layouts(self, tmp_path, rng, options, dtype):
        tifffile = pytest.importorskip("tifffile")
        image = (rng.random((37, 41, 3)) * 200).astype(dtype)
        stored = image.transpose(2, 0, 1) if "planarconfig" in options else image
        tifffile.imwrite(tmp_path / "a.tif", stored, photometric="rgb", **options)
        assert np.array_equal(read(tmp_path / "a.tif"), image)


class TestRefusals:
    def test_every_cut_of_a_png_is_refused(self, rng):
        file = io.BytesIO()
        Image.fromarray(rng.integers(0, 256, (6, 5, 3), dtype=np.uint8)).save(file, "PNG")
        data = file.getvalue()
        for length in range(len(data)):
            with pytest.raises(ImageReadError):
                get(data[:length])

    def test_every_flipped_byte_of_png_pixels_is_refused(self, rng):
        file = io.BytesIO()
        Image.fromarray(rng.integers(0, 256, (6, 5, 3), dtype=np.uint8)).save(file, "PNG")
        data = bytearray(file.getvalue())
        for place in range(8, len(data)):
            wrong = bytearray(data)
            wrong[place] ^= 0x55
            with pytest.raises(ImageReadError):
                get(bytes(wrong))

    def test_cut_jpeg(self, rng):
        file = io.BytesIO()
        Image.fromarray(rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(file, "JPEG")
        data = file.getvalue()
        for length in (0, 2, 10, len(data) // 2, len(data) - 1):
            with pytest.raises(ImageReadError):
                get(data[:length])

    def test_missing_folder_empty_pipe(self, tmp_path):
        (tmp_path / "empty.png").write_bytes(b"")
        os.mkfifo(tmp_path / "pipe.png")
        for name, words in (
            ("", "is a folder"),
            ("none.png", "no such file"),
            ("empty.png", "is empty"),
            ("pipe.png", "pipe"),
        ):
            with pytest.raises(ImageReadError, match=words):
                read(tmp_path / name)

    def test_more_pixels_than_allowed(self, tmp_path):
        write(tmp_path / "a.png", np.zeros((10, 11), np.uint8))
        with pytest.raises(ImageReadError, match="110 pixels exceed the limit of 109"):
            read(tmp_path / "a.png", max_pixels=109)
        assert read(tmp_path / "a.png", max_pixels=110).shape == (10, 11, 1)

    def test_message_is_one_short_clean_line(self, tmp_path):
        name = tmp_path / ("x" * 120 + "\x1b[31m\n" + "y" * 80 + ".png")
        name.write_bytes(b"junk")
        with pytest.raises(ImageReadError) as caught:
            read(name)
        text = str(caught.value)
        assert len(text) <= 300
        assert text.isprintable()

    def test_formats_are_chosen_by_content(self, tmp_path):
        write(tmp_path / "a.png", np.zeros((2, 2), np.uint8))
        os.rename(tmp_path / "a.png", tmp_path / "a.jpg")
        assert describe(tmp_path / "a.jpg").format == "PNG"
        (tmp_path / "b.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n")
        with pytest.raises(ImageReadError, match="PostScript"):
            read(tmp_path / "b.png")

    @pytest.mark.parametrize(
        "options", [{"page": -1}, {"page": 1.5}, {"max_pixels": 0}, {"max_pixels": 1e9}]
    )
    def test_options(self, options):
        with pytest.raises(ParameterError):
            get(b"P1 1 1 0", **options)
