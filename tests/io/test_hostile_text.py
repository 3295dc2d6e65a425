"""The judged corpus of hostile texts: JSON, and names that must come out as text."""

from __future__ import annotations

import base64
import csv
import importlib
import io
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import spel
from spel.errors import FormatError, SpelError, printable
from spel.io import Result, expand, parse_json, parse_line, read_as, write_as
from spel.io.annotation.convert.file_names import safe_stem
from spel.io.opening import image_error
from spel.runs.manifest import Manifest, checksum
from spel.runs.resume import read_lines

CASES = Path("../shared/data/hostile-text/cases.jsonl")
# JSON allows them, but in a file of ours a key that stands twice is a mistake or a trick
STRICTER = {"y_object_duplicated_key.json", "y_object_duplicated_key_and_value.json"}

if not CASES.exists():
    pytest.skip("../shared/data/hostile-text is absent", allow_module_level=True)

ALL = [json.loads(line) for line in CASES.read_text().splitlines()]
NAMES = [
    base64.b64decode(one["bytes_b64"]).decode("utf-8", "surrogateescape")
    for one in ALL
    if one["format"] == "string"
]


def test_json():
    for one in ALL:
        if one["format"] != "json" or one["source"].startswith("own") or one["name"] in STRICTER:
            continue
        start = time.monotonic()
        try:
            parse_json(base64.b64decode(one["bytes_b64"]))
            got = "accept"
        except FormatError:
            got = "refuse"
        assert one["expect"] in ("either", got), one["name"]
        assert time.monotonic() - start < 1, one["name"]


def test_json_that_asks_for_too_much():
    refused_names = set()
    for one in ALL:
        if one["format"] == "json" and one["source"].startswith("own"):
            data = base64.b64decode(one["bytes_b64"])
            start = time.monotonic()
            with pytest.raises(FormatError) as caught:
                parse_line(data)  # none of them is a result, whatever else it is
            assert time.monotonic() - start < 1, one["name"]
            assert len(str(caught.value)) < 2000
            refused_names.add(one["name"])
    assert "json-deep-20000-objects" in refused_names


def line_of(values: dict[str, object]) -> bytes:
    """A line of a journal."""
    body = json.dumps(values, separators=(",", ":")).encode()
    return b'{"crc":"' + checksum(body).encode() + b'","entry":' + body + b"}\n"


def put(path: Path, data: bytes) -> None:
    """Write a new file: many file systems flush one that is written over."""
    path.unlink(missing_ok=True)
    path.write_bytes(data)


def in_file(name: str, reader: str) -> Callable[[Path, bytes], object]:
    """A parser of files: the function's module and name, and what the file is called."""

    def parse(folder: Path, data: bytes) -> object:
        module, _, function = reader.partition(":")
        put(folder / name, data)
        return getattr(importlib.import_module(module), function)(folder / name)

    return parse


def in_form(form: str, name: str = "") -> Callable[[Path, bytes], object]:
    """A results format; `name` if it is a folder of files."""

    def parse(folder: Path, data: bytes) -> object:
        place = folder / form
        if name:
            place.mkdir(exist_ok=True)
            put(place / "classes.txt", data if name != "images.json" else b"x\n")
            put(place / "images.json", b'{"a.png": [5, 5]}')
        put(place / name if name else place, data)
        return read_as(form, place)

    return parse


def network_header(folder: Path, data: bytes) -> object:
    """The text as the architecture inside an otherwise good network file."""
    from safetensors.numpy import save

    path = folder / "net.safetensors"
    text = data.decode("utf-8", "replace")
    put(path, save({"a": np.ones(1, np.float32)}, metadata={"spel": text}))
    return spel.load(path)


def classifier_header(folder: Path, data: bytes) -> object:
    from safetensors.numpy import save

    from spel.sklearn.store import load

    path = folder / "cls.safetensors"
    text = data.decode("utf-8", "replace")
    put(path, save({"a": np.ones(1, np.float32)}, metadata={"spel": text}))
    return load(path)


def raw_header(folder: Path, data: bytes) -> object:
    """The text as the whole header of a safetensors file."""
    path = folder / "raw.safetensors"
    put(path, len(data).to_bytes(8, "little") + data)
    return spel.load(path)


def journal(folder: Path, data: bytes) -> object:
    """The text as a journal, as its head, and as an entry with a right checksum."""
    path = folder / "manifest.jsonl"
    good = line_of({"format": "spel.manifest", "version": 1, "config": {}})
    text = data.replace(b"\n", b" ").decode("utf-8", "surrogateescape")
    body = text.encode("utf-8", "surrogateescape")
    framed = b'{"crc":"' + checksum(body).encode() + b'","entry":' + body + b"}\n"
    for content in (data, data + b"\n", framed, good + framed):
        put(path, content)
        try:
            with Manifest(path, {}):
                pass
        except SpelError as error:
            refusal = error
        else:
            refusal = None
    if refusal is not None:
        raise refusal
    return None


def run_lines(folder: Path, data: bytes) -> object:
    """The text as the results of a run that goes on: never a reason to end."""
    path = folder / "results.jsonl"
    put(path, data + b"\n")
    return list(read_lines(path))


def list_of_files(folder: Path, data: bytes) -> object:
    return expand("-", stdin=io.BytesIO(data))


PARSERS: dict[str, Callable[[Path, bytes], object]] = {
    "results": in_file("a.jsonl", "spel.io.annotation.results:read_results"),
    "markers, text": in_file("a.txt", "spel.io.annotation.markers:read_markers"),
    "markers, JSON": in_file("a.json", "spel.io.annotation.markers:read_markers"),
    "arch.json": in_file("arch.json", "spel.io.annotation.libift:read_arch"),
    "arch.json, space": in_file("arch.json", "spel.io.annotation.libift:space_of"),
    "COCO truth": in_file("a.json", "spel.io.annotation.labels:read_coco"),
    "numbers": in_file("a.txt", "spel.io.json_files:read_json"),
    "csv": in_form("csv"),
    "coco": in_form("coco"),
    "geojson": in_form("geojson"),
    "label-studio": in_form("label-studio"),
    "yolo, boxes": in_form("yolo", "a.txt"),
    "yolo, sizes": in_form("yolo", "images.json"),
    "voc": in_form("voc", "a.xml"),
    "network": network_header,
    "safetensors": raw_header,
    "classifier": classifier_header,
    "journal": journal,
    "lines of a run": run_lines,
    "list of files": list_of_files,
}


@pytest.mark.filterwarnings("ignore:.*the last line was cut short")
@pytest.mark.parametrize("parser", PARSERS)
def test_every_parser_refuses_every_case_in_words(parser, tmp_path, monkeypatch):
    """All cases, of whatever language, through all parsers: an answer, or one kind of error."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)
    slow = 0.0
    for one in ALL:
        data = base64.b64decode(one["bytes_b64"])
        begin = time.process_time()
        try:
            PARSERS[parser](tmp_path, data)
        except SpelError as error:
            told = str(error)
            assert told
            assert len(told) < 10_000, one["name"]
            assert all(c.isprintable() or c == "\n" for c in told), (one["name"], told)
        slow = max(slow, time.process_time() - begin)
    assert slow < 5


def test_names_stay_text(tmp_path):
    results = [
        Result(name, (5, 5), np.array([[0, 0, 1, 1]]), [1], [1], (name,))
        for name in dict.fromkeys(NAMES)
        if name
    ]
    assert len(results) > 300
    for one in results:
        line = one.to_line()
        assert line.isascii()
        assert "\n" not in line
        assert parse_line(line) == one
        stem = safe_stem(one.image)
        assert stem
        assert "/" not in stem
        assert stem.isprintable()
        assert printable(one.image).isprintable()
        text = str(image_error(one.image, "PNG", one.image, "go on"))
        assert text.isprintable()
        assert len(text) <= 300
    for form in ("jsonl", "csv", "coco", "label-studio"):
        write_as(form, tmp_path / form, results)
        back = read_as(form, tmp_path / form)
        assert [(r.image, r.classes) for r in back] == [(r.image, r.classes) for r in results]
    with (tmp_path / "csv").open(newline="", encoding="utf-8") as file:
        for row in csv.reader(file):
            assert not any(cell.startswith(("=", "+", "-", "@", "\t")) for cell in row)
    for one in results:  # one folder each: many stems are alike
        write_as("voc", tmp_path / "one", [one])
        assert read_as("voc", tmp_path / "one")[0].classes == one.classes
        for path in (tmp_path / "one").iterdir():
            path.unlink()
        write_as("geojson", tmp_path / "one.geojson", [one])
        (back,) = read_as("geojson", tmp_path / "one.geojson")
        assert (back.image, back.classes) == (one.image, one.classes)
