"""Expanding files, folders, patterns and lists."""

from __future__ import annotations

import io
import os

import pytest
from PIL import Image

from spel.errors import ParameterError
from spel.io import expand, natural_key


@pytest.fixture
def tree(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in (
        "p/a10.png",
        "p/a2.PNG",
        "p/sub/b.tif",
        "p/notes.txt.bak",
        "p/.hidden.png",
        "p/.git/x.png",
        "q/readme",
        "one.jpg",
        "odd.name",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return tmp_path


def names(*inputs, **options):
    return [str(path) for path in expand(inputs, **options)]


def test_folder_in_natural_order(tree):
    assert names("p") == ["p/a2.PNG", "p/a10.png", "p/sub/b.tif"]


def test_files_whatever_their_name_and_each_once(tree):
    assert names("odd.name", "one.jpg", "./one.jpg", "p/../one.jpg") == ["odd.name", "one.jpg"]


def test_patterns(tree):
    assert names("p/*.png") == ["p/a10.png"]
    assert names("p/a*") == ["p/a2.PNG", "p/a10.png"]
    assert names("p/**/*.tif") == ["p/sub/b.tif"]
    assert names("*.name") == ["odd.name"]


def test_a_file_whose_name_looks_like_a_pattern(tree):
    (tree / "a[1].png").write_bytes(b"x")
    assert names("a[1].png") == ["a[1].png"]


def test_list_on_standard_input(tree):
    assert names("-", stdin=io.BytesIO(b"one.jpg\r\n\np/a2.PNG\n")) == ["one.jpg", "p/a2.PNG"]
    assert names("-", stdin=io.BytesIO(b"one.jpg\0p/a2.PNG\0")) == ["one.jpg", "p/a2.PNG"]


def test_list_in_a_file_is_relative_to_it(tree):
    (tree / "p" / "all.txt").write_bytes(b"a10.png\nsub/b.tif\n")
    assert names("p/all.txt") == ["p/a10.png", "p/sub/b.tif"]


def test_links_in_a_circle(tree):
    (tree / "p" / "loop").symlink_to(tree / "p")
    (tree / "p" / "sub" / "up").symlink_to("..")
    (tree / "p" / "self.png").symlink_to("self.png")
    assert names("p") == ["p/a2.PNG", "p/a10.png", "p/sub/b.tif"]


def test_names_that_are_not_utf8(tree):
    name = os.fsdecode(b"p/\xff.png")
    try:
        (tree / name).write_bytes(b"x")
    except OSError:
        pytest.skip("the file system wants UTF-8")
    assert name in names("p")


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ([], "no input"),
        (["none.png"], "no such file"),
        (["q"], "holds no image"),
        (["z/*.png"], "matches no image"),
        ([""], "empty name"),
        (["x\0y"], "check the path"),
        (["x" * 5000], "x"),
        (["dead.png"], "leads nowhere"),
    ],
)
def test_refusals(tree, inputs, words):
    (tree / "dead.png").symlink_to("gone")
    with pytest.raises(ParameterError, match=words):
        expand(inputs)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "the list is empty"),
        (b"one.jpg\nnone.png\n", "line 2: none.png does not exist"),
        (b"p\n", "is a folder"),
    ],
)
def test_refused_lists(tree, data, words):
    with pytest.raises(ParameterError, match=words):
        expand(["-"], stdin=io.BytesIO(data))


def test_all_problems_are_listed(tree):
    with pytest.raises(ParameterError) as caught:
        expand(["none1", "one.jpg", "none2"])
    assert "none1" in str(caught.value)
    assert "none2" in str(caught.value)


def test_natural_key_is_a_total_order():
    names = ["a1", "a01", "A1", "a", "a/b", "a.b", "1", "10", "2", "²", ""]
    keys = [natural_key(name) for name in names]
    assert len(set(keys)) == len(names)
    sorted(keys)


def test_files_that_a_folder_does_not_give_are_counted(tmp_path):
    for name in ("a.png", "b.npy", "c.heic", "clip.mp4", "notes.md"):
        (tmp_path / name).touch()
    with pytest.warns(UserWarning, match=r"3 files left out, for example b\.npy"):
        assert [path.name for path in expand(tmp_path)] == ["a.png"]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "BMP", "GIF"])
def test_an_image_where_a_list_is_expected_is_named_once(tree, kind):
    stream = io.BytesIO()
    Image.new("RGB", (40, 30)).save(stream, kind)
    with pytest.raises(ParameterError, match=f"holds an image .{kind}.") as caught:
        expand(["-"], stdin=io.BytesIO(stream.getvalue()))
    assert "\n" not in str(caught.value)
    (tree / "photo.txt").write_bytes(stream.getvalue())
    with pytest.raises(ParameterError, match=r"photo\.txt: it holds an image"):
        expand("photo.txt")


def test_a_list_of_names_that_begin_as_images_do_is_a_list(tree):
    with pytest.raises(ParameterError, match=r"line 1: BMW/1\.png does not exist"):
        expand(["-"], stdin=io.BytesIO(b"BMW/1.png\n"))
    (tree / "BM\u00e9.png").write_bytes(b"x")
    assert names("-", stdin=io.BytesIO("BM\u00e9.png\n".encode())) == ["BM\u00e9.png"]
