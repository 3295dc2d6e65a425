"""What is special in each format: pages, colours, bits, text, metadata."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import Image

from spel.errors import ImageReadError
from spel.io import describe, read, write

from .image_bytes import get, saved


@pytest.fixture
def pictures(rng):
    return [Image.fromarray(rng.integers(0, 256, (6, 7, 3), dtype=np.uint8)) for _ in range(3)]


class TestPages:
    def test_tiff_pages_that_are_alike_are_a_volume(self, pictures):
        data = saved(pictures[0], "TIFF", save_all=True, append_images=pictures[1:])
        volume = get(data)
        assert volume.shape == (3, 6, 7, 3)
        for page, picture in enumerate(pictures):
            assert np.array_equal(volume[page], picture)
            assert np.array_equal(get(data, page=page), picture)
        with pytest.raises(ImageReadError, match="3 pages, but none with the number 3"):
            get(data, page=3)
        assert "3 pages" in str(describe(io.BytesIO(data)))

    def test_tiff_pages_that_differ_give_the_first(self, pictures):
        data = saved(pictures[0], "TIFF", save_all=True, append_images=[pictures[1].convert("L")])
        assert np.array_equal(get(data), pictures[0])
        assert get(data, page=1).shape == (6, 7, 1)
        assert "differ" in describe(io.BytesIO(data)).note

    def test_tiff_previews_are_no_planes(self, tmp_path, rng):
        tifffile = pytest.importorskip("tifffile")
        image = rng.integers(0, 256, (32, 32), dtype=np.uint8)
        with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
            writer.write(image, metadata=None)
            writer.write(image[::2, ::2], subfiletype=1, metadata=None)
        assert np.array_equal(read(tmp_path / "a.tif")[:, :, 0], image)

    @pytest.mark.parametrize(
        ("axes", "shape"), [("ZYX", (4, 6, 7)), ("ZYXS", (4, 6, 7, 3)), ("ZCYXS", (2, 3, 6, 7, 3))]
    )
    def test_imagej_stacks_behind_one_directory(self, tmp_path, rng, axes, shape):
        tifffile = pytest.importorskip("tifffile")
        stack = rng.integers(0, 256, shape, dtype=np.uint8)
        options = {"imagej": True, "truncate": True, "metadata": {"axes": axes}}
        tifffile.imwrite(tmp_path / "a.tif", stack, **options)
        volume = read(tmp_path / "a.tif")
        wanted = np.moveaxis(stack, 1, 3) if "C" in axes else stack
        assert np.array_equal(volume, wanted.reshape(volume.shape))
        assert np.array_equal(read(tmp_path / "a.tif", page=1), volume[1])
        data = (tmp_path / "a.tif").read_bytes()
        count = np.prod(shape[: axes.index("Y")])
        lie = data.replace(b"images=%d" % count, b"images=%d" % (count + 1))
        with pytest.raises(ImageReadError, match="planes that are not there"):
            get(lie)

    def test_volumes_are_counted_as_a_whole(self, pictures):
        data = saved(pictures[0], "TIFF", save_all=True, append_images=pictures[1:])
        with pytest.raises(ImageReadError, match=r"3 x 6 x 7 = 126 pixels"):
            get(data, max_pixels=125)
        assert get(data, max_pixels=125, page=0).shape == (6, 7, 3)

    @pytest.mark.parametrize("form", ["GIF", "WEBP"])
    def test_frames(self, pictures, form):
        options = {"lossless": True} if form == "WEBP" else {}
        data = saved(pictures[0], form, save_all=True, append_images=pictures[1:], **options)
        assert describe(io.BytesIO(data)).pages == 3
        frames = [get(data, page=page)[:, :, :3] for page in range(3)]
        assert np.array_equal(get(data)[:, :, :3], frames[0])
        if form == "WEBP":
            assert all(np.array_equal(f, p) for f, p in zip(frames, pictures))
        assert not np.array_equal(frames[0], frames[1])
        with pytest.raises(ImageReadError, match="none with the number 3"):
            get(data, page=3)

    @pytest.mark.parametrize("form", ["PNG", "JPEG", "BMP", "PPM"])
    def test_formats_of_one_page(self, pictures, form):
        data = saved(pictures[0], form)
        assert get(data, page=0).shape == (6, 7, 3)
        with pytest.raises(ImageReadError, match="page"):
            get(data, page=1)


class TestJpeg:
    @pytest.mark.parametrize("orientation", range(1, 9))
    def test_orientation(self, pictures, orientation):
        exif = Image.Exif()
        exif[0x0112] = orientation
        plain, turned = saved(pictures[0], "JPEG"), saved(pictures[0], "JPEG", exif=exif)
        from spel.io.image.decoding import apply_orientation

        assert np.array_equal(get(turned), apply_orientation(get(plain), orientation))
        assert describe(io.BytesIO(turned)).orientation == orientation

    @pytest.mark.parametrize(
        "blob",
        [
            b"",
            b"II*\0",
            b"II*\0\xff\xff\xff\xff",
            b"MM\0*\0\0\0\x08\xff\xff",
            b"XX",
            b"II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\x63\0\0\0",
        ],
    )
    def test_bad_metadata_do_not_stop_a_read(self, pictures, blob):
        data = saved(pictures[0], "JPEG")
        exif = b"Exif\0\0" + blob
        data = data[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + data[2:]
        assert get(data).shape == (6, 7, 3)
        assert describe(io.BytesIO(data)).orientation == 1

    def test_what_stands_behind_the_image_is_left_alone(self, pictures):
        data = saved(pictures[0], "JPEG")
        assert np.array_equal(get(data + b"\0film" * 1000), get(data))

    def test_progressive_and_cmyk(self, pictures):
        for picture in (pictures[0], pictures[0].convert("CMYK"), pictures[0].convert("L")):
            data = saved(picture, "JPEG", progressive=True)
            with Image.open(io.BytesIO(data)) as other:
                wanted = other.convert("RGB") if other.mode == "CMYK" else other
                assert np.array_equal(get(data), np.atleast_3d(wanted))
        info = describe(io.BytesIO(saved(pictures[0].convert("CMYK"), "JPEG")))
        assert (info.color, info.channels, info.note) == ("rgb", 3, "cmyk in the file")

    def test_kinds_that_are_not_read(self, pictures):
        data = bytearray(saved(pictures[0], "JPEG"))
        place = data.index(b"\xff\xc0")
        for marker, depth, words in ((0xC3, 8, "lossless"), (0xC0, 12, "12 bits")):
            data[place + 1], data[place + 4] = marker, depth
            with pytest.raises(ImageReadError, match=words):
                get(bytes(data))

    def test_writing(self, tmp_path, rng):
        smooth = np.add.outer(np.arange(40), np.arange(50)).astype(np.uint8)
        for image in (smooth, np.stack([smooth] * 3, axis=2)):
            write(tmp_path / "a.jpg", image)
            assert np.abs(read(tmp_path / "a.jpg").astype(int) - np.atleast_3d(image)).max() < 5


class TestWebp:
    def test_alpha_orientation_and_lossless(self, pictures):
        exif = Image.Exif()
        exif[0x0112] = 6
        image = pictures[0].convert("RGBA")
        image.putalpha(77)
        assert np.array_equal(get(saved(image, "WEBP", lossless=True)), image)
        turned = get(saved(pictures[0], "WEBP", lossless=True, exif=exif))
        assert np.array_equal(turned, np.rot90(pictures[0], -1))
        assert get(saved(pictures[0], "WEBP")).shape == (6, 7, 3)


class TestNetpbm:
    @pytest.mark.parametrize(
        ("data", "pixels"),
        [
            (b"P2\n# a comment\n2 1 # and one\n255\n7 # here\n8", [[[7], [8]]]),
            (b"P3 1 2 255 1 2 3\n4\t5\r\n6", [[[1, 2, 3]], [[4, 5, 6]]]),
            (b"P2 3 1 3 0 1 3", [[[0], [85], [255]]]),
            (b"P2 2 1 1000 0 999", [[[0], [999]]]),
            (b"P1 4 1\n# white\n0 1\n01", [[[True], [False], [True], [False]]]),
            (b"P5 2 1 255\n\x07\x08rest", [[[7], [8]]]),
            (b"P6#c\n1 1 255\n\x01\x02\x03", [[[1, 2, 3]]]),
            (
                b"P7\nWIDTH 1\nHEIGHT 1\nDEPTH 2\nMAXVAL 255\nTUPLTYPE X\nENDHDR\n\x07\x80",
                [[[7, 128]]],
            ),
            (b"P7\nWIDTH 2\nHEIGHT 1\nDEPTH 1\nMAXVAL 1\nENDHDR\n\0\1", [[[False], [True]]]),
            (b"PF 1 1 1\n" + struct.pack(">3f", 1.5, -2, 0.25), [[[1.5, -2, 0.25]]]),
        ],
    )
    def test_literals(self, data, pixels):
        assert get(data).tolist() == pixels

    def test_long_text(self, rng):
        image = rng.integers(0, 65536, (300, 1000))
        text = "P2 1000 300 65535\n" + "\n".join(" ".join(map(str, row)) for row in image)
        assert np.array_equal(get(text.encode())[:, :, 0], image)
        bits = rng.integers(0, 2, (1100, 1000))
        text = "P1 1000 1100\n" + "\n".join("".join(map(str, row)) for row in bits)
        assert np.array_equal(get(text.encode())[:, :, 0], bits == 0)

    @pytest.mark.parametrize(
        "data",
        [
            b"P2 1 1 255 a",
            b"P2 1 1 255 256",
            b"P5 1 1 200\n\xff",
            b"P1 1 1 2",
            b"P2 2 1 255 1",
            b"P2 1 1 255 1234567890123",
            b"P6 1 1 255\n\1\2",
            b"P4 9 1\n\1",
            b"P2 x 1 255 1",
            b"P2 1 1",
            b"P7\nWIDTH 1\nWIDTH 1\nENDHDR\n",
            b"P7\nWIDTH x\nENDHDR\n",
            b"P7\nWIDTH 1",
            b"PF 1 1 0\n",
            b"PF 1 1 x\n",
            b"P2 1 1 70000 1",
            b"P1 2 1 0",
            b"P1 1 1 # no end",
        ],
    )
    def test_damage(self, data):
        with pytest.raises(ImageReadError, match="PNM"):
            get(data)


class TestPng:
    def test_depths_against_pillow(self, rng):
        for mode, bits in (("1", 1), ("P", 1), ("P", 2), ("P", 4), ("P", 8), ("I;16", 16)):
            values = rng.integers(0, 1 << bits, (9, 11))
            if mode == "I;16":
                image = Image.fromarray(values.astype(np.uint16))
            elif mode == "1":
                image = Image.fromarray(values.astype(bool))
            else:
                image = Image.fromarray(values.astype(np.uint8), "L").convert("P")
                image.putpalette(rng.integers(0, 256, 768, dtype=np.uint8).tobytes())
            options = {"bits": bits} if mode == "P" else {}
            data = saved(image, "PNG", **options)
            wanted = np.atleast_3d(image.convert("RGB") if mode == "P" else image)
            assert np.array_equal(get(data), wanted)

    def test_only_some_colours_are_transparent(self, rng):
        image = Image.fromarray(rng.integers(0, 3, (5, 6), dtype=np.uint8)).convert("P")
        data = saved(image, "PNG", transparency=b"\0\x80")
        assert np.array_equal(get(data), image_with_alpha(data))


def image_with_alpha(data):
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGBA"))
