"""Results: lines, a writer that survives a crash, converters and their way back."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import nullcontext

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from spel.errors import FormatError, ParameterError, ShapeError, WriteError
from spel.io import FORMATS, Result, ResultsWriter, parse_line, read_as, read_results, write_as
from spel.io.annotation.convert.escapes import escape_cell, unescape_cell
from spel.io.annotation.convert.file_names import safe_stem
from spel.lines import LineWriter


def found(image="a.png", n=2, classes=(), **more):
    boxes = np.array([[1, 2, 5.5, 4], [0, 0, 10, 6]], float)[:n]
    return Result(
        image, (6, 10), boxes, np.linspace(0.9, 0.25, n), np.arange(n) + 3.0, classes, **more
    )


class TestLines:
    def test_literal(self):
        line = found(n=1, ms=1.5, model="sha256:ab", orientation=6).to_line()
        assert json.loads(line) == {
            "image": "a.png",
            "size": [6, 10],
            "orientation": 6,
            "boxes": [{"xyxy": [1.0, 2.0, 5.5, 4.0], "score": 0.9, "area": 3}],
            "ms": 1.5,
            "model": "sha256:ab",
        }

    def test_round_trip(self):
        for one in (found(), found(n=0), found(classes=("car", "plate"))):
            assert parse_line(one.to_line()) == one

    def test_any_file_name_gives_one_ascii_line(self):
        name = os.fsdecode(b"\xff\xfe\n\x1b[31m\xc3\xa9.png")
        line = found(name).to_line()
        assert line.isascii()
        assert "\n" not in line
        assert parse_line(line).image == name

    def test_not_finite(self):
        with pytest.raises(ParameterError, match="finite"):
            Result("a", (1, 1), [[0, 0, np.nan, 1]], [1], [1])
        with pytest.raises(ShapeError):
            Result("a", (1, 1), [[0, 0, 1, 1]], [1, 2], [1])

    @pytest.mark.parametrize(
        ("line", "words"),
        [
            ("3", "no JSON object"),
            ("{}", "image"),
            ('{"image": "a"}', "size"),
            ('{"image": "a", "size": [1, 1], "boxes": [4]}', r"boxes\[0\]"),
            (
                '{"image": "a", "size": [1, 1], "boxes": [{"xyxy": [2, 0, 1, 1], "score": 1}]}',
                "order",
            ),
            ('{"image": "a", "size": [1, 1], "boxes": [{"xyxy": [0, 0, 1, 1]}]}', "score"),
            ('{"image": "a", "size": [1, 1], "boxes": [], "orientation": 9}', "orientation"),
            ('{"image": "a", "size": [1, 1], "boxes": [], "ms": true}', "ms"),
            ('{"image": "a", "size": [1, 1], "boxes": [], "image": "b"}', "twice"),
        ],
    )
    def test_problems(self, line, words):
        with pytest.raises(FormatError, match=words):
            parse_line(line)


class TestWriter:
    def test_a_torn_line_is_dropped_and_the_rest_continued(self, tmp_path):
        path = tmp_path / "results.jsonl"
        with ResultsWriter(path) as writer:
            writer.append(found("a"))
            writer.append(found("b"))
        whole = path.read_bytes()
        for cut in range(whole.index(b"\n") + 1, len(whole)):
            path.write_bytes(whole[:cut])
            is_torn = whole.index(b"\n") + 1 < cut < len(whole) - 1
            with pytest.warns(UserWarning, match="cut short") if is_torn else nullcontext():
                assert [r.image for r in read_results(path)][:1] == ["a"]
            with ResultsWriter(path) as writer:
                writer.append(found("c"))
            assert [r.image for r in read_results(path)] == ["a", "c"]

    def test_damage_before_the_end_is_listed(self, tmp_path):
        path = tmp_path / "results.jsonl"
        good = found().to_line()
        path.write_text("\n".join([good, "{", good, '{"image": 3}', good]) + "\n")
        with pytest.raises(FormatError, match="line 2") as caught:
            read_results(path)
        assert "line 4" in str(caught.value)

    def test_one_writer_at_a_time(self, tmp_path):
        path = tmp_path / "results.jsonl"
        with ResultsWriter(path), pytest.raises(ParameterError, match="another run"):
            ResultsWriter(path)
        ResultsWriter(path).close()

    def test_refusals(self, tmp_path):
        os.mkfifo(tmp_path / "pipe")
        for path in (tmp_path, tmp_path / "no" / "a"):
            with pytest.raises(WriteError):
                ResultsWriter(path)
        with pytest.raises(ParameterError, match="plain file"):
            ResultsWriter(tmp_path / "pipe")
        with pytest.raises(ParameterError, match="sync_every"):
            ResultsWriter(tmp_path / "a", sync_every=0)
        with LineWriter(tmp_path / "a") as writer, pytest.raises(ParameterError):
            writer.append("a\nb")

    @pytest.mark.filterwarnings("ignore:.*the last line was cut short")
    def test_a_killed_writer_leaves_whole_lines(self, tmp_path):
        path = tmp_path / "results.jsonl"
        code = (
            "import sys, numpy as np\nfrom spel.io import Result, ResultsWriter\n"
            "box = np.ones((500, 4))\n"
            "with ResultsWriter(sys.argv[1], sync_every=3) as writer:\n"
            "    for n in range(10**6):\n"
            "        writer.append(Result(f'{n}', (1, 1), box, box[:, 0], box[:, 0]))\n"
        )
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        for _ in range(3):
            process = subprocess.Popen([sys.executable, "-c", code, str(path)], env=env)
            while not path.exists() or path.stat().st_size < 100_000:
                assert process.poll() is None
                time.sleep(0.01)
            process.send_signal(signal.SIGKILL)
            process.wait()
            names = [r.image for r in read_results(path)]
            assert names[:3] == ["0", "1", "2"]
            path.unlink()


class TestConverters:
    @pytest.mark.parametrize("form", list(FORMATS))
    @pytest.mark.parametrize("classes", [(), ("car", "plate")])
    def test_round_trip(self, tmp_path, form, classes):
        results = [
            found("b/é=1.png", classes=classes),
            found('=a,"1".png', n=0),
            found("c.png", n=1, classes=classes[:1]),
        ]
        write_as(form, tmp_path / "out", results)
        back = read_as(form, tmp_path / "out")
        by_name = {one.image: one for one in back}
        assert set(by_name) == {one.image for one in results}
        for one in results:
            two = by_name[one.image]
            assert two.size == one.size
            np.testing.assert_allclose(two.boxes, one.boxes, rtol=1e-12, atol=1e-12)
            np.testing.assert_allclose(two.scores, one.scores)
            assert two.classes == one.classes
            if form != "yolo":
                np.testing.assert_allclose(two.areas, one.areas)

    @pytest.mark.parametrize("form", ["jsonl", "csv", "coco", "voc"])
    def test_exact_where_numbers_are_kept(self, tmp_path, form, rng):
        corners = rng.random((20, 2, 2)) * 100
        boxes = np.concatenate([corners.min(1), corners.max(1)], axis=1)
        results = [Result("a.png", (100, 100), boxes, rng.random(20), rng.random(20))]
        write_as(form, tmp_path / "out", results)
        assert read_as(form, tmp_path / "out") == results

    def test_literals(self, tmp_path):
        write_as("coco", tmp_path / "a.json", [found(n=1)])
        content = json.loads((tmp_path / "a.json").read_text())
        assert content["annotations"][0]["bbox"] == [1, 2, 4.5, 2]
        assert content["images"] == [{"id": 1, "file_name": "a.png", "width": 10, "height": 6}]
        write_as("yolo", tmp_path / "yolo", [found(n=1)])
        text = (tmp_path / "yolo" / "a.txt").read_text()
        assert text == "0 0.325 0.5 0.45 0.3333333333333333 0.9\n"
        write_as("label-studio", tmp_path / "ls.json", [found(n=1)])
        value = json.loads((tmp_path / "ls.json").read_text())[0]["predictions"][0]["result"][0]
        assert value["value"]["x"] == 10
        assert value["value"]["width"] == 45

    def test_csv_holds_no_formula_and_no_control_character(self, tmp_path):
        names = [
            "=1+2",
            "+cmd|' /C calc'!A0",
            "-2",
            "@x",
            "\tx",
            "a\x1b[31m\nb",
            "'quoted",
            "\\n",
            "é",
            os.fsdecode(b"\xff"),
        ]
        write_as("csv", tmp_path / "a.csv", [found(name, n=1) for name in names])
        text = (tmp_path / "a.csv").read_text(encoding="utf-8")
        assert all(c.isprintable() or c == "\n" for c in text)
        for row in csv.reader(text.splitlines()):
            assert row[0][0] not in "=+-@\t\r"
        assert [r.image for r in read_as("csv", tmp_path / "a.csv")] == names

    @given(st.text())
    def test_cells_come_back(self, text):
        assert unescape_cell(escape_cell(text)) == text

    @pytest.mark.parametrize(
        ("name", "stem"),
        [
            ("a.png", "a"),
            ("b/a.png", "b__a"),
            ("../../etc/passwd", "etc__passwd"),
            ("/a.png", "a"),
            ("..", "image"),
            (".hidden", "hidden"),
            ("a\n\x1b.png", "a__"),
            ("C:\\x.png", "C___x"),
            ("//", "image"),
            ("a//b/./c.png", "a__b__c"),
        ],
    )
    def test_stems_stay_in_their_folder(self, name, stem):
        assert safe_stem(name) == stem

    def test_two_images_of_one_stem(self, tmp_path):
        with pytest.raises(FormatError, match="share the name"):
            write_as("yolo", tmp_path / "out", [found("a.png"), found("a.jpg")])

    def test_entities_are_refused(self, tmp_path):
        (tmp_path / "a.xml").write_text(
            '<!DOCTYPE a [<!ENTITY b "c">]><annotation>&b;</annotation>'
        )
        with pytest.raises(FormatError, match="document type"):
            read_as("voc", tmp_path)

    @pytest.mark.parametrize("form", [f for f in FORMATS if f != "jsonl"])
    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"{}",
            b"[]",
            b"null",
            b"[[[",
            b"\xff\xfe",
            b"<a/>",
            b'{"images": 3}',
            b'[{"data": 1}]',
            b"image,rows\n1,2\n",
        ],
    )
    def test_damaged_files(self, tmp_path, form, data):
        for name in ("out", "classes.txt", "images.json", "a.xml"):
            (tmp_path / name).write_bytes(data)
        path = tmp_path if form in ("yolo", "voc") else tmp_path / "out"
        found = text = None
        try:
            found = read_as(form, path)
        except FormatError as error:
            text = str(error).replace("\n", " ")
        assert found == [] or text.isprintable()

    def test_unknown_format(self, tmp_path):
        with pytest.raises(ParameterError, match="label-studio"):
            write_as("xls", tmp_path / "a", [])

    @settings(max_examples=30, deadline=None)
    @given(data=st.data(), form=st.sampled_from(["csv", "coco", "geojson", "label-studio"]))
    def test_damaged_bytes_give_only_format_errors(self, data, form, tmp_path_factory):
        path = tmp_path_factory.mktemp("x") / "out.json"
        write_as(form, path, [found(), found("b.png", n=0)])
        content = bytearray(path.read_bytes())
        for _ in range(data.draw(st.integers(1, 3))):
            place = data.draw(st.integers(0, len(content) - 1))
            content[place] = data.draw(st.integers(0, 255))
        path.write_bytes(bytes(content))
        with contextlib.suppress(FormatError):
            read_as(form, path)
