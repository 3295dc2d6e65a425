"""Marker files: round trips, conventions, and one clear error for whatever is malformed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from spel.core.markers import Markers
from spel.errors import FormatError, ParameterError
from spel.io.annotation.annotations import AnnotationWarning
from spel.io.annotation.marker_folder import find_markers
from spel.io.annotation.markers import convention_of, read_markers, write_markers

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"

# -- LITERAL -------------------------------------------------------------------------------------


def test_seeds_are_columns_first(tmp_path):
    file = tmp_path / "a-seeds.txt"
    file.write_text("2 4 3\n3 0 -1 0\n1 2 7 1\n")
    read = read_markers(file)
    assert read == Markers([(0, 3), (2, 1)], [0, 1], (3, 4), 0, [-1, 7])


def test_seeds_of_a_volume(tmp_path):
    file = tmp_path / "a.txt"
    file.write_text("1 4 3 2\n3 2 1 -1 1 0\n")
    read = read_markers(file)
    assert read.size == (2, 3, 4)
    assert read.points.tolist() == [[1, 2, 3]]


@pytest.mark.parametrize(
    ("labels", "convention", "background"),
    [
        ("0 1", "auto", 0),
        ("1 2", "auto", 1),
        ("1 3", "auto", None),
        ("1 1", "auto", None),
        ("1 2", "from-0", 0),
        ("1 1", "from-1", 1),
        ("1 3", "from-3", 3),
        ("0 1", "classes", None),
    ],
)
def test_label_conventions(tmp_path, labels, convention, background):
    file = tmp_path / "a.txt"
    first, second = labels.split()
    file.write_text(f"2 4 4\n0 0 -1 {first}\n3 3 -1 {second}\n")
    assert read_markers(file, convention=convention).background == background


@pytest.mark.parametrize("convention", ["", "from", "from-", "from--1", "from-1.0", "from-²", "x"])
def test_other_conventions_are_refused(tmp_path, convention):
    with pytest.raises(ParameterError, match="which label is the background"):
        read_markers(tmp_path / "a.txt", convention=convention)


def test_label_images_say_by_minus_one_that_0_is_a_label(tmp_path):
    image = np.array([[-1, 0, 1], [2, -1, -1]])
    np.save(tmp_path / "a.npy", image)
    assert read_markers(tmp_path / "a.npy") == Markers.from_image(image)
    np.save(tmp_path / "a.npy", np.maximum(image, 0))
    assert read_markers(tmp_path / "a.npy") == Markers([(0, 2), (1, 0)], [1, 2], (2, 3), 1)
    np.save(tmp_path / "a.npy", image - 1)
    with pytest.raises(FormatError, match="the label -2; expected labels of at least 0"):
        read_markers(tmp_path / "a.npy")


def test_a_file_of_objects_alone_follows_its_neighbours(tmp_path):
    (tmp_path / "a-seeds.txt").write_text("1 4 4\n0 0 -1 1\n")
    (tmp_path / "b-seeds.txt").write_text("1 4 4\n0 0 -1 0\n")
    found = find_markers(tmp_path)
    assert list(found) == ["a", "b"]
    assert found["a"].background == 0
    assert "label 0 is background" in convention_of(found["a"])


def test_a_folder_of_labels_from_1_is_judged_together(tmp_path):
    (tmp_path / "a.txt").write_text("1 4 4\n0 0 -1 1\n")
    (tmp_path / "b.txt").write_text("1 4 4\n0 0 -1 2\n")
    assert [m.background for m in find_markers(tmp_path).values()] == [1, 1]
    (tmp_path / "c.txt").write_text("1 4 4\n0 0 -1 3\n")
    assert [m.background for m in find_markers(tmp_path).values()] == [None] * 3


BAD = {
    "empty": "",
    "cut short": "3 4 4\n0 0 -1 1\n",
    "too long": "1 4 4\n0 0 -1 1\n1 1 -1 1\n",
    "negative count": "-1 4 4\n",
    "negative size": "1 -4 4\n0 0 -1 1\n",
    "zero size": "0 0 4\n",
    "huge size": "0 1000000 1000000\n",
    "text": "1 4 4\nzero 0 -1 1\n",
    "text count": "many 4 4\n0 0 -1 1\n",
    "outside": "1 4 4\n4 0 -1 1\n",
    "negative point": "1 4 4\n-1 0 -1 1\n",
    "fraction": "1 4 4\n0.5 0 -1 1\n",
    "nan": "1 4 4\nnan 0 -1 1\n",
    "infinite": "1 4 4\n1e999 0 -1 1\n",
    "negative label": "1 4 4\n0 0 -1 -3\n",
    "three words": "1 4 4\n0 0 1\n",
    "ragged": "2 4 4\n0 0 -1 1\n0 0 -1 1 0\n",
    "two in head": "1 4\n0 0 -1 1\n",
    "huge number": "1 4 4\n99999999999999999999 0 -1 1\n",
}


@pytest.mark.parametrize("name", BAD)
def test_malformed_seeds_are_one_format_error(tmp_path, name):
    file = tmp_path / "bad-seeds.txt"
    file.write_text(BAD[name])
    with pytest.raises(FormatError, match=r"bad-seeds\.txt"):
        read_markers(file)


@pytest.mark.parametrize(
    "value",
    [
        3,
        [],
        {},
        {"size": [4, 4]},
        {"size": [4], "strokes": []},
        {"size": [4, -1], "strokes": []},
        {"size": [4, 4], "strokes": [{"label": 1}]},
        {"size": [4, 4], "strokes": [3]},
        {"size": [4, 4], "strokes": [{"label": "a", "points": []}]},
        {"size": [4, 4], "strokes": [{"label": 1, "points": [[0]]}]},
        {"size": [4, 4], "strokes": [{"label": 1, "points": [[0, 9]]}]},
        {"size": [4, 4], "strokes": [{"label": True, "points": [[0, 0]]}]},
        {"size": [4, 4], "strokes": [{"label": 1, "points": [[0, 1e300]]}]},
    ],
)
def test_malformed_strokes_are_one_format_error(tmp_path, value):
    file = tmp_path / "bad.json"
    file.write_text(json.dumps(value))
    with pytest.raises(FormatError, match=r"bad\.json"):
        read_markers(file)


@pytest.mark.parametrize("data", [b"\xff\xfe", b"{", b"[" * 100_000, b'{"size": NaN}'])
def test_bytes_that_are_no_json(tmp_path, data):
    file = tmp_path / "bad.json"
    file.write_bytes(data)
    with pytest.raises(FormatError):
        read_markers(file)


def test_folders_are_checked_against_their_images(tmp_path):
    (tmp_path / "a-seeds.txt").write_text("1 4 4\n0 0 -1 1\n")
    with pytest.raises(FormatError, match="4 x 4"):
        find_markers(tmp_path, {"a": (5, 4)})
    with pytest.raises(FormatError, match="no image named 'a'"):
        find_markers(tmp_path, {"b": (4, 4)})
    (tmp_path / "a.txt").write_text("1 4 4\n0 0 -1 1\n")
    with pytest.raises(FormatError, match="two marker files"):
        find_markers(tmp_path)
    with pytest.raises(FormatError, match="not a folder"):
        find_markers(tmp_path / "absent")


def test_files_that_are_no_markers_are_named(tmp_path):
    (tmp_path / "a-seeds.txt").write_text("1 4 4\n0 0 -1 1\n")
    (tmp_path / "b-label.gif").write_bytes(b"")
    (tmp_path / ".hidden").write_bytes(b"")
    with pytest.warns(AnnotationWarning, match=r"1 file left out, no marker files, .*b-label\.gif"):
        assert set(find_markers(tmp_path)) == {"a"}


def test_unknown_suffix_is_refused(tmp_path):
    with pytest.raises(ParameterError, match="suffix"):
        write_markers(tmp_path / "a.xml", Markers([(0, 0)], [1], (2, 2)))


# -- LAW -----------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_what_is_written_is_read_back(tmp_path_factory, data):
    ndim = data.draw(st.sampled_from([2, 3]))
    size = data.draw(st.lists(st.integers(2, 9), min_size=ndim, max_size=ndim))
    count = data.draw(st.integers(0, 12))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    drawn = Markers(
        rng.integers(0, size, (count, ndim)),
        rng.integers(0, 3, count),
        tuple(size),
        0,
        rng.integers(-1, 5, count),
    )
    folder = tmp_path_factory.mktemp("markers")
    for suffix in (".txt", ".json"):
        write_markers(folder / f"m{suffix}", drawn)
        assert read_markers(folder / f"m{suffix}", convention="from-0") == drawn


# -- PARITY --------------------------------------------------------------------------------------


@pytest.mark.skipif(not DATA.is_dir(), reason="shared data are absent")
@pytest.mark.parametrize(
    ("folder", "files", "spels"),
    [
        ("parasites/libift/markers", 8, 3064),
        ("citrus/libift/markers", 17, 11824),
        ("schistosoma/markers", 5, None),
        ("mo445/dataset1/markers", 2, None),
    ],
)
def test_published_markers(folder, files, spels):
    found = find_markers(DATA / folder)
    assert len(found) == files
    assert spels is None or sum(map(len, found.values())) == spels
