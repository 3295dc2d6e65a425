"""Whatever bytes come, only the documented errors go out (more: benchmarks/reliability)."""

from __future__ import annotations

import contextlib
import io
import json
import struct
import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from PIL import Image

from spel.errors import FormatError, ImageReadError, ParameterError, printable
from spel.io import describe, expand, parse_json, parse_line, read, read_coco, write
from spel.io.image.formats import FORMATS, recognize
from spel.io.opening import DecodeError

MANY = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
STARTS = [
    b"\x89PNG\r\n\x1a\n",
    b"\xff\xd8\xff",
    b"II*\0",
    b"MM\0*",
    b"II+\0\x08\0\0\0",
    b"BM",
    b"GIF89a",
    b"RIFF\x20\0\0\0WEBP",
    b"P1 ",
    b"P2\n",
    b"P3#",
    b"P5 ",
    b"P7\n",
    b"Pf\n",
    b"\x93NUMPY\1\0",
    b"",
]


def examples():
    """A small good file of every format."""
    rng = np.random.default_rng(0)
    image = Image.fromarray(rng.integers(0, 256, (5, 6, 3), dtype=np.uint8))
    files = []
    for form, options in (
        ("PNG", {}),
        ("JPEG", {}),
        ("JPEG", {"progressive": True}),
        ("TIFF", {}),
        ("BMP", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("TIFF", {"compression": "jpeg"}),
        ("GIF", {}),
        ("WEBP", {}),
        ("WEBP", {"lossless": True}),
        ("PPM", {}),
    ):
        out = io.BytesIO()
        image.save(out, form, **options)
        files.append(out.getvalue())
    out = io.BytesIO()
    np.save(out, np.asarray(image, np.float32))
    files.append(out.getvalue())
    files.append(b"P2 3 2 9 1 2 3 4 5 6")
    return files


GOOD = examples()


def read_or_refuse(data):
    """What any bytes must do."""
    array, message = None, "x"
    try:
        array = read(io.BytesIO(data), max_pixels=1 << 20)
    except ImageReadError as error:
        message = str(error)
    assert len(message) <= 300
    assert message.isprintable()
    if array is None:
        return
    info = describe(io.BytesIO(data), max_pixels=1 << 20)
    assert (info.shape, info.dtype) == (array.shape, array.dtype.name)
    assert array.size
    assert array.flags.writeable


@MANY
@given(st.sampled_from(STARTS), st.binary(max_size=300))
def test_any_bytes(start, rest):
    read_or_refuse(start + rest)


@MANY
@given(st.data())
def test_damaged_files(data):
    file = bytearray(data.draw(st.sampled_from(GOOD)))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(file) - 1))
        way = data.draw(st.sampled_from(["byte", "word", "cut", "drop"]))
        if way == "byte":
            file[place] = data.draw(st.integers(0, 255))
        elif way == "word":
            value = data.draw(st.sampled_from([0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]))
            order = data.draw(st.sampled_from("<>"))
            file[place : place + 4] = struct.pack(order + "I", value)
        elif way == "cut" and place:
            del file[place:]
        else:
            del file[place : place + data.draw(st.integers(1, 9))]
        if not file:
            break
    read_or_refuse(bytes(file))


@MANY
@given(
    st.sampled_from([(c, d) for c in (0, 2, 3, 4, 6) for d in (1, 2, 4, 8, 16)]),
    st.integers(1, 9),
    st.integers(1, 9),
    st.booleans(),
    st.binary(max_size=900),
    st.binary(max_size=9),
    st.binary(max_size=60),
)
def test_png_with_right_checksums(kind, rows, cols, interlaced, raw, transparency, palette):
    def chunk(name, data):
        check = zlib.crc32(name + data)
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", check)

    color, depth = kind
    head = struct.pack(">IIBBBBB", cols, rows, depth, color, 0, 0, interlaced)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head)
    data += chunk(b"PLTE", palette[: len(palette) // 3 * 3]) if palette else b""
    data += chunk(b"tRNS", transparency) if transparency else b""
    packed = zlib.compress(raw)
    data += chunk(b"IDAT", packed[:7]) + chunk(b"IDAT", packed[7:]) + chunk(b"IEND", b"")
    read_or_refuse(data)


TAGS = st.tuples(
    st.sampled_from(
        [
            254,
            256,
            257,
            258,
            259,
            262,
            266,
            273,
            274,
            277,
            278,
            279,
            284,
            317,
            320,
            322,
            323,
            324,
            325,
            338,
            339,
            347,
            530,
        ]
    ),
    st.integers(0, 18),
    st.sampled_from([0, 1, 1, 1, 2, 3, 9, 1 << 16, (1 << 32) - 1]),
    st.one_of(
        st.integers(0, 12), st.sampled_from([16, 32, 64, 255, 32773, 1 << 16, (1 << 32) - 1])
    ),
)


@MANY
@given(st.lists(TAGS, max_size=14), st.sampled_from("<>"), st.binary(max_size=200))
def test_tiff_of_any_tags(tags, order, rest):
    needed = {256: 4, 257: 3, 273: 8, 279: 12}
    entries = [(tag, 4, 1, value) for tag, value in needed.items()] + tags
    body = struct.pack(order + "H", len(entries))
    for tag, kind, count, value in entries:
        body += struct.pack(order + "HHII", tag, kind, count, value)
    start = b"II*\0" if order == "<" else b"MM\0*"
    read_or_refuse(start + struct.pack(order + "I", 8) + body + bytes(4) + rest)


@MANY
@given(st.one_of(st.binary(max_size=200), st.text(max_size=200)))
def test_json_of_any_text(data):
    with contextlib.suppress(FormatError):
        parse_json(data, max_bytes=400)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "images",
                    "annotations",
                    "categories",
                    "id",
                    "image_id",
                    "file_name",
                    "width",
                    "height",
                    "bbox",
                    "name",
                    "category_id",
                    "image",
                    "size",
                    "boxes",
                    "xyxy",
                    "score",
                    "area",
                    "class",
                    "orientation",
                    "ms",
                    "model",
                ]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=40,
)


@MANY
@given(JSON)
def test_json_agrees_with_the_standard_parser(value):
    text = json.dumps(value)
    with contextlib.suppress(FormatError):
        assert parse_json(text, max_depth=200) == json.loads(text)


@MANY
@given(JSON)
def test_lines_and_annotations_of_any_json(tmp_path, value):
    with contextlib.suppress(FormatError):
        parse_line(json.dumps(value))
    (tmp_path / "a.json").write_text(json.dumps(value))
    with contextlib.suppress(FormatError):
        read_coco(tmp_path / "a.json")


@MANY
@given(st.binary(max_size=200))
def test_lists_of_any_bytes(data):
    with contextlib.suppress(ParameterError):
        expand(["-"], stdin=io.BytesIO(data))


@MANY
@given(st.text(max_size=50))
def test_any_name_as_input(name):
    if name.strip() in ("", "-", ".", "..", "/") or "/" in name or "~" in name or "*" in name:
        return
    with contextlib.suppress(ParameterError):
        expand([name])
    with pytest.raises(ImageReadError) as caught:
        read("no such folder/" + name)
    assert str(caught.value).isprintable()


@given(st.text())
def test_cleaned_text_is_printable(text):
    assert printable(text).isprintable()


@given(st.binary(max_size=32))
def test_recognize_any_start(start):
    with contextlib.suppress(DecodeError):
        assert recognize(start) in FORMATS


class TestFoundByMutants:
    """Failures that damaged files showed, kept as small cases."""

    def test_gif_frame_past_the_canvas(self):
        frame = b",\1\0\2\0\1\0\1\0\0\2\2D\1\0"
        data = b"GIF89a\1\0\1\0\x80\0\0" + bytes([9, 8, 7, 1, 2, 3]) + frame + b";"
        read_or_refuse(data)
        assert describe(io.BytesIO(data)).shape == (3, 2, 3)

    def test_gif_that_says_twice_whether_it_is_transparent(self):
        frame = b",\0\0\0\0\1\0\1\0\0\2\2D\1\0"
        yes, no = b"!\xf9\4\1\0\0\0\0", b"!\xf9\4\0\0\0\0\0"
        head = b"GIF89a\1\0\1\0\x80\0\0" + bytes(6)
        for control, channels in ((yes + no, 4), (no + yes, 4), (yes, 4), (b"", 3)):
            data = head + control + frame + b";"
            read_or_refuse(data)
            assert describe(io.BytesIO(data)).channels == channels

    def test_tiff_of_signed_bits(self):
        entries = [
            (256, 4, 1, 8),
            (257, 4, 1, 1),
            (258, 3, 1, 1),
            (262, 3, 1, 1),
            (273, 4, 1, 8 + 2 + 12 * 6 + 4),
            (339, 3, 1, 2),
        ]
        body = struct.pack("<H", 6) + b"".join(struct.pack("<HHII", *e) for e in entries)
        data = b"II*\0" + struct.pack("<I", 8) + body + bytes(4) + b"\xa0"
        read_or_refuse(data)
        with pytest.raises(ImageReadError, match="1 bits"):
            read(io.BytesIO(data))


@MANY
@given(data=st.data())
def test_what_is_written_is_read(data, tmp_path):
    """Lossless: PNG, TIFF and NPY give back the same bits."""
    suffix = data.draw(st.sampled_from([".png", ".tif", ".npy"]))
    kinds = (
        ["uint8", "uint16"]
        if suffix == ".png"
        else [
            "uint8",
            "uint16",
            "uint32",
            "int8",
            "int16",
            "int32",
            "int64",
            "float16",
            "float32",
            "float64",
        ]
    )
    dtype = np.dtype(data.draw(st.sampled_from(kinds)))
    channels = data.draw(st.integers(1, 4 if suffix == ".png" else 9))
    shape = (data.draw(st.integers(1, 20)), data.draw(st.integers(1, 20)), channels)
    planes = 0 if suffix == ".png" else data.draw(st.integers(0, 3))
    if planes > 1:
        shape = (planes, *shape)
    count = int(np.prod(shape)) * dtype.itemsize
    seed = data.draw(st.integers(0, 1 << 32))
    raw = np.random.default_rng(seed).integers(0, 256, count, dtype=np.uint8)
    image = raw.view(dtype).reshape(shape)
    if data.draw(st.booleans()):
        image = image[..., ::-1, :, :]
    write(tmp_path / f"a{suffix}", image)
    back = read(tmp_path / f"a{suffix}")
    assert back.dtype == image.dtype
    assert back.tobytes() == np.ascontiguousarray(image).tobytes()
