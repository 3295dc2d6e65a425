"""What parsers, journals and writers refuse, and rarer things that they take, each by its words."""

from __future__ import annotations

import errno
import fcntl
import io
import json
import os
import struct
from pathlib import Path

import numpy as np
import pytest

import spel
from spel.core.markers import Markers
from spel.errors import (
    FormatError,
    ImageReadError,
    ParameterError,
    ShapeError,
    WriteError,
)
from spel.io import (
    AnnotationWarning,
    Result,
    expand,
    parse_json,
    parse_line,
    read,
    read_as,
    read_labels,
    write,
    write_as,
)
from spel.io.annotation.libift import read_model
from spel.io.annotation.libift_write import write_model
from spel.io.annotation.marker_folder import find_markers
from spel.io.annotation.markers import convention_of, read_markers
from spel.io.json_files import read_json
from spel.io.text_files import read_limited
from spel.lines import LineWriter
from spel.runs import Manifest

GOOD = {"image": "a.png", "size": [4, 6], "boxes": [{"xyxy": [0, 0, 1, 2], "score": 0.5}]}


def changed(**values: object) -> str:
    return json.dumps({**GOOD, **values})


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("[]", "no JSON object"),
        (changed(image=""), "image: no name"),
        (changed(size=[4]), "size: not"),
        (changed(boxes=7), "boxes: not a list"),
        (changed(boxes=[7]), r"boxes\[0\]: not an object"),
        (changed(boxes=[{"xyxy": [0, 0, 1], "score": 1}]), "not four numbers"),
        (changed(boxes=[{"xyxy": [2, 0, 1, 1], "score": 1}]), "wrong order"),
        (changed(boxes=[{"xyxy": [0, 0, 1, 1], "score": "x"}]), "score: not a number"),
        (changed(boxes=[{"xyxy": [0, 0, 1, 1], "score": 1, "class": 3}]), "class: not a string"),
        (changed(boxes=[{"xyxy": [0, 0, 1, 1], "score": 1, "area": "x"}]), "area: not a number"),
        (changed(boxes=[*GOOD["boxes"], {**GOOD["boxes"][0], "class": "x"}]), "some have a class"),
        (changed(orientation=9), "orientation"),
        (changed(orientation=1.0), "orientation"),
        (changed(ms="x"), "ms: not a number"),
        (changed(model=3), "model: not a string"),
    ],
)
def test_lines_that_are_no_results(line, words):
    with pytest.raises(FormatError, match=words):
        parse_line(line)


def test_a_box_without_an_area_has_that_of_its_sides():
    assert parse_line(json.dumps(GOOD)).areas.tolist() == [2.0]
    assert parse_line(json.dumps(GOOD)) != "something else"


def test_texts_under_limits(tmp_path):
    with pytest.raises(FormatError, match="more than 3 bytes"):
        parse_json("[1, 2]", max_bytes=3)
    with pytest.raises(ParameterError, match="path of type int"):
        read_limited(3, 10)  # type: ignore[arg-type]
    (tmp_path / "a.json").write_text("[1, 2]")
    with pytest.raises(FormatError, match="more than 3 bytes"):
        read_json(tmp_path / "a.json", max_bytes=3)
    with pytest.raises(FormatError, match="a folder"):
        read_json(tmp_path)


CSV = "image,rows,cols,orientation,x0,y0,x1,y1,score,area,class\n"


@pytest.mark.parametrize(
    ("form", "text", "words"),
    [
        ("csv", CSV + "a.png,4,6,9,,,,,,,\n", "impossible"),
        ("csv", CSV + "a.png,4,6,1,,,,,,,\na.png,5,6,1,,,,,,,\n", "two sizes"),
        ("csv", CSV + "a.png,4,6,1,0,0,nan,1,1,1,\n", "not finite"),
        ("csv", CSV + "a.png,4,6,1,2,0,1,1,1,1,\n", "wrong order"),
    ],
)
def test_tables_that_lie(tmp_path, form, text, words):
    empty = Result("a.png", (4, 6), np.zeros((0, 4)), np.zeros(0), np.zeros(0))
    write_as(form, tmp_path / "head.csv", [empty])
    first = (tmp_path / "head.csv").read_text(encoding="utf-8").splitlines()[0]
    columns = first.lstrip("\ufeff").split(",")
    lines = [dict(zip(CSV.strip().split(","), row.split(","))) for row in text.splitlines()[1:]]
    rows = [",".join(line.get(name, "") for name in columns) for line in lines]
    path = tmp_path / "a.csv"
    path.write_text("\n".join([",".join(columns), "", *rows, ""]), encoding="utf-8")
    with pytest.raises(FormatError, match=words):
        read_as(form, path)


def test_folders_without_what_is_asked_for(tmp_path):
    with pytest.raises(FormatError, match=r"no \.xml file"):
        read_as("voc", tmp_path)
    with pytest.raises(ParameterError, match="give paths"):
        expand([3])  # type: ignore[list-item]
    with pytest.raises(ParameterError, match="the list is empty"):
        expand("-", stdin=io.BytesIO(b"\n \n"))


# -- NumPy files -----------------------------------------------------------------------------------


def numpy_file(header: str, data: bytes = b"", version: tuple[int, int] = (1, 0)) -> io.BytesIO:
    text = header.encode()
    size = struct.pack("<H" if version[0] == 1 else "<I", len(text))
    return io.BytesIO(b"\x93NUMPY" + bytes(version) + size + text + data)


def head(descr: object = "|u1", shape: object = (2, 3), order: object = False) -> str:
    return repr({"descr": descr, "fortran_order": order, "shape": shape})


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (numpy_file(head(), b"123456", (9, 0)), r"version 9\.0"),
        (numpy_file("x" * 20_000, b"", (2, 0)), "header has 20000 bytes"),
        (numpy_file("{'descr': ("), "header is damaged"),
        (numpy_file("[]"), "header is damaged"),
        (numpy_file(head(order=1), b"123456"), "header is damaged"),
        (numpy_file(head(shape=(2, -3)), b"123456"), "header is damaged"),
        (numpy_file(head("|O"), b"123456"), "could run code"),
        (numpy_file(head("<c8"), b"x" * 48), "real numbers"),
        (numpy_file(head("nonsense"), b"123456"), "not a valid dtype"),
        (numpy_file(head([("a", "u1")]), b"123456"), "real numbers"),
        (numpy_file(head(shape=(6,)), b"123456"), "1 axis"),
        (numpy_file(head(), b"12345"), "announces 6 bytes"),
        (numpy_file(head(), b"1234567"), "announces 6 bytes"),
    ],
)
def test_numpy_files_that_lie(file, words):
    with pytest.raises(ImageReadError, match=words):
        read(file)


@pytest.mark.parametrize(
    ("start", "words"),
    [
        (b"\0" * 128 + b"DICM" + b"\2\0\0\0UL\4\0", "DICOM, which is not read.*pydicom"),
        (b"II*\0".rjust(128, b"\1") + b"DICM", "DICOM, which is not read"),
        (struct.pack("<i", 348) + b"\0" * 340 + b"n+1\0", "NIfTI or Analyze, which is not read"),
        (struct.pack(">i", 540) + b"n+2\0\r\n\x1a\n", "NIfTI or Analyze, which is not read"),
        (b"\x1f\x8b\x08" + b"\0" * 40, "gzip, which is not read; unpack it"),
        (b"\0" * 200, "begins with zeros; copy"),
    ],
)
def test_files_of_hospitals_and_archives_are_refused_by_name(start, words):
    with pytest.raises(ImageReadError, match=words):
        read(io.BytesIO(start))


def test_a_numpy_file_has_one_page():
    assert read(numpy_file(head(), b"123456")).shape == (2, 3, 1)
    with pytest.raises(ImageReadError, match="one page"):
        read(numpy_file(head(), b"123456"), page=1)


# -- writers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "image", "error", "words"),
    [
        ("a.png", [[1]], ShapeError, "NumPy array"),
        ("a.png", np.ma.masked_array([[1]]), ParameterError, "masked"),
        ("a.tif", np.zeros((2, 2, 3), bool), ShapeError, "1 channel of bool"),
        ("a.jpg", np.zeros((65501, 1), np.uint8), ShapeError, "65500"),
        ("a.xyz", np.zeros((2, 2), np.uint8), ParameterError, "give one of"),
        ("a.png", np.zeros((0, 2), np.uint8), ShapeError, "no pixels"),
        ("a.png", np.zeros((2, 2), complex), ParameterError, "complex128"),
    ],
)
def test_images_that_cannot_be_written(tmp_path, name, image, error, words):
    with pytest.raises(error, match=words):
        write(tmp_path / name, image)
    assert not list(tmp_path.iterdir())


def test_a_file_that_was_replaced_before_it_was_locked_is_anothers(tmp_path, monkeypatch):
    path, real = tmp_path / "results.jsonl", fcntl.flock

    def late(handle: int, how: int) -> None:
        (tmp_path / "new").touch()
        os.replace(tmp_path / "new", path)
        real(handle, how)

    monkeypatch.setattr(fcntl, "flock", late)
    with pytest.raises(ParameterError, match="another run"):
        LineWriter(path)
    monkeypatch.setattr(fcntl, "flock", lambda handle, how: (path.unlink(), real(handle, how)))
    with pytest.raises(ParameterError, match="another run"):
        LineWriter(path)


def test_a_file_system_without_locks_is_no_obstacle(tmp_path, monkeypatch):
    def none(handle: int, how: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", none)
    with LineWriter(tmp_path / "a.jsonl") as writer:
        writer.append("{}")
    assert (tmp_path / "a.jsonl").read_text() == "{}\n"


def test_a_journal_that_lost_its_settings_says_so(tmp_path):
    path = tmp_path / "manifest.jsonl"
    with Manifest(path, {}):
        pass
    with pytest.raises(ParameterError, match="its job was None, now 'x'"):
        Manifest(path, {"job": "x"})
    path.unlink()
    with Manifest(path, {"job": "x"}):
        pass
    with pytest.raises(ParameterError, match="with other settings"):
        Manifest(path, {})
    path.unlink()
    path.mkdir()
    with pytest.raises(WriteError, match="it is a folder"):
        Manifest(path, {})


# -- markers and models ----------------------------------------------------------------------------


def test_label_images_are_markers(tmp_path):
    labels = np.zeros((4, 5), np.uint8)
    labels[1, 2], labels[3, 4] = 1, 2
    write(tmp_path / "a.png", labels)
    found = read_markers(tmp_path / "a.png")
    assert found.size == (4, 5)
    assert sorted(zip(found.points.tolist(), found.labels.tolist())) == [([1, 2], 1), ([3, 4], 2)]
    write(tmp_path / "b.png", np.arange(60, dtype=np.uint8).reshape(4, 5, 3))
    with pytest.raises(FormatError, match="the channels of its pixels differ"):
        read_markers(tmp_path / "b.png")
    with pytest.raises(ParameterError, match="does not say which label is the background"):
        read_markers(tmp_path / "a.png", convention="other")


def test_seeds_of_one_plane_are_those_of_an_image(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("1 5 4 1\n2 1 0 -1 1\n")
    assert read_markers(path).points.tolist() == [[1, 2]]
    for line in ("2 1 3 -1 1", "2 1"):
        path.write_text(f"1 5 4 1\n{line}\n")
        with pytest.raises(FormatError, match="line 2"):
            read_markers(path)


def test_folders_of_markers_are_checked(tmp_path):
    with pytest.raises(FormatError, match="no marker file"):
        find_markers(tmp_path)
    (tmp_path / "a-seeds.txt").write_text("1 5 4\n2 1 -1 1\n")
    with pytest.raises(FormatError, match="no image named 'a'"):
        find_markers(tmp_path, {"b": (4, 5)})
    (tmp_path / "a-markers.json").write_text('{"size": [4, 5], "strokes": []}')
    with pytest.raises(FormatError):
        find_markers(tmp_path)
    many = Markers([(0, 0), (1, 1)], [1, 3], (4, 5), None)
    assert "none of them is background" in convention_of(many)


def model(folder: Path) -> Path:
    bank = spel.KernelBank.random(spel.Adjacency.box(3), kernels=2, channels=3, seed=0)
    write_model(folder, spel.chain(spel.Convolution(bank), spel.Activation("relu")))
    return folder


def test_models_with_means_and_deviations(tmp_path):
    place = model(tmp_path / "m")
    (place / "conv1-bias.txt").unlink()
    with pytest.raises(FormatError, match=r"bias\.txt is missing"):
        read_model(place)
    (place / "conv1-mean.txt").write_text("1 2 3\n")
    (place / "conv1-stdev.txt").write_text("1 0 1\n")
    with pytest.raises(FormatError, match="one positive deviation each"):
        read_model(place)
    (place / "conv1-stdev.txt").write_text("2 2 2\n")
    (layer,) = [n.layer for n in read_model(place).nodes if isinstance(n.layer, spel.Convolution)]
    assert layer.border == (1.0, 2.0, 3.0)
    wanted = -(layer.bank.weights.astype(float).sum(axis=1) @ [1, 2, 3])
    assert np.allclose(layer.bank.bias, wanted, atol=1e-5)


def test_a_model_folder_needs_one_architecture(tmp_path):
    with pytest.raises(FormatError, match="not a folder"):
        read_model(tmp_path / "none")
    place = model(tmp_path / "m")
    (place / "other.json").write_text("{}")
    with pytest.raises(FormatError, match=r"found arch\.json, other\.json; name the file"):
        read_model(place)
    with pytest.raises(FormatError):
        read_model(place, arch=place / "other.json")


def test_a_second_image_in_a_netpbm_file_is_not_dropped(tmp_path):
    one = b"P5 3 2 255\n" + bytes(6)
    (tmp_path / "two.pgm").write_bytes(one + one)
    with pytest.raises(ImageReadError, match="several images"):
        read(tmp_path / "two.pgm")
    (tmp_path / "one.pgm").write_bytes(one + b"\n")
    assert read(tmp_path / "one.pgm").shape == (2, 3, 1)


def test_a_table_of_classes_says_which_lines_have_none_or_another(tmp_path):
    for name in ("a.png", "b.png"):
        spel.write(tmp_path / name, np.zeros((3, 4), np.uint8))
    table = tmp_path / "t.csv"
    table.write_text("image,class\na.png,cat\na.png,dog\nb.png, \nb.png,dog\n")
    with pytest.warns(AnnotationWarning) as told:
        found = read_labels(table, images=tmp_path)
    assert [one.classes for one in found] == [("cat",), ("dog",)]
    words = " ".join(str(one.message) for one in told)
    assert "line 3: its image has the class 'cat' from a line before" in words
    assert "line 4: its cell of the class is empty" in words


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("labelme.json", '{"version": "5.0", "shapes": []}', "LabelMe and VIA files are converted"),
        ("via.json", '{"a.png1": {"filename": "a.png", "regions": []}}', "converted to COCO"),
        ("cvat.xml", "<annotations><image/></annotations>", "export it from CVAT as COCO"),
    ],
)
def test_labels_of_other_programs_are_refused_with_the_way_out(name, text, words, tmp_path):
    (tmp_path / name).write_text(text)
    with pytest.raises(FormatError, match=words):
        read_labels(tmp_path / name)
