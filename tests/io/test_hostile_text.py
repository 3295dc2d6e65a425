"""The judged corpus of hostile texts: JSON, and names that must come out as text."""

from __future__ import annotations

import base64
import csv
import json
import time
from pathlib import Path

import numpy as np
import pytest

from spel.errors import FormatError
from spel.io import Result, parse_json, parse_line, read_as, write_as
from spel.io.convert.shared import safe_stem
from spel.io.images import clean, refused

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
        assert time.monotonic() - start < 5, one["name"]


def test_json_that_asks_for_too_much():
    refused_names = set()
    for one in ALL:
        if one["format"] == "json" and one["source"].startswith("own"):
            data = base64.b64decode(one["bytes_b64"])
            start = time.monotonic()
            with pytest.raises(FormatError) as caught:
                parse_line(data)  # none of them is a result, whatever else it is
            assert time.monotonic() - start < 5, one["name"]
            assert len(str(caught.value)) < 2000
            refused_names.add(one["name"])
    assert "json-deep-20000-objects" in refused_names


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
        assert clean(one.image).isprintable()
        text = str(refused(one.image, "PNG", one.image, "go on"))
        assert text.isprintable()
        assert len(text) <= 300
    for form in ("jsonl", "csv", "coco", "geojson", "label-studio"):
        write_as(form, tmp_path / form, results)
        back = read_as(form, tmp_path / form)
        assert [(r.image, r.classes) for r in back] == [(r.image, r.classes) for r in results]
    with (tmp_path / "csv").open(newline="", encoding="utf-8") as file:
        for row in csv.reader(file):
            assert not any(cell.startswith(("=", "+", "-", "@", "\t")) for cell in row)
    write_as("voc", tmp_path / "voc", results[:1])
    for one in results:  # one folder each: many stems are alike
        write_as("voc", tmp_path / "one", [one])
        assert read_as("voc", tmp_path / "one")[0].classes == one.classes
        for path in (tmp_path / "one").iterdir():
            path.unlink()
