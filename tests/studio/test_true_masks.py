"""Masks as the truth of pixels: loaded, judged as by the command line, and in archives."""

import io
import zipfile

import numpy as np
import pytest

from spel.errors import SpelError
from spel.evaluation import evaluate_masks
from spel.io import write
from spel.studio import exports
from spel.studio.session import Session
from spel.studio.sources import Source
from spel.studio.strokes import markers_of
from spel.studio.views.true_masks import masks_quality
from spel.studio.web import archives

from .conftest import add, sources, stroke
from .test_boxes import load_truth, npy, truth


def test_true_masks_are_judged_as_by_eval(session, tmp_path):
    mask = np.zeros((64, 96), np.uint8)
    mask[12:29, 17:34] = 255
    load_truth(session, "blobs 0_mask.npy", npy(mask), tmp_path)
    load_truth(session, "m.npy", npy(mask * 0), tmp_path, image="image1")
    assert truth(session, "image1") == ()
    assert session.document.masks.keys() == {"image0", "image1"}
    judged = masks_quality(session, "plate", lambda name, done, total: None)
    options = {"network": "plate", "image": "image0"}
    archive = zipfile.ZipFile(io.BytesIO(exports.export(session, "masks", options)[2]))
    archive.extractall(tmp_path / "out")
    (tmp_path / "true").mkdir()
    write(tmp_path / "true" / "blobs 0.png", mask)
    write(tmp_path / "true" / "blobs 1_mask.png", mask * 0)
    assert judged["figures"] == evaluate_masks(tmp_path / "out", tmp_path / "true").to_dict()
    assert judged["figures"]["object_images"] == 1
    assert {row["image"] for row in judged["rows"]} == {"image0", "image1"}
    session.undo()
    assert session.document.masks.keys() == {"image0"}
    session.do({"do": "clear_truth", "image": "image0"})
    assert masks_quality(session, "plate", lambda name, done, total: None) == {}
    load_truth(session, "blobs 0.saliency.npy", npy(mask / np.float32(300) * 0.8), tmp_path)
    (box,) = truth(session, "image0")  # where it reaches one half
    assert (box.x0, box.y0, box.x1, box.y1) == (17, 12, 34, 29)
    with pytest.raises(SpelError, match="no image here"):
        load_truth(session, "elsewhere.npy", npy(mask), tmp_path)


def test_an_image_that_the_network_cannot_take_is_named_beside_the_figures(folder, tmp_path):
    five = Source("five", "five", lambda: np.zeros((64, 96, 5), np.uint8))
    session = Session([*sources(1), five], folder)
    mask = np.zeros((64, 96), np.uint8)
    mask[12:29, 17:34] = 255
    load_truth(session, "m.npy", npy(mask), tmp_path, image="five")
    judged = masks_quality(session, "plate", lambda name, done, total: None)
    assert judged["figures"] is None
    assert "5" in judged["failed"][0]["problem"]
    load_truth(session, "n.npy", npy(mask), tmp_path, image="image0")
    judged = masks_quality(session, "plate", lambda name, done, total: None)
    assert [one["image"] for one in judged["failed"]] == ["five"]
    assert judged["figures"]["object_images"] == 1
    session.close()


def test_numbers_of_objects_and_classes_are_judged_too(drawn, tmp_path):
    labels = np.zeros((64, 96), np.uint8)
    labels[12:29, 17:34], labels[32:49, 62:79] = 1, 2
    for i in range(2):
        load_truth(drawn, f"blobs {i}.labels.npy", npy(labels), tmp_path)
    drawn.do({"do": "learn", "network": "from strokes"})
    judged = masks_quality(drawn, "from strokes", lambda name, done, total: None)
    assert judged["figures"]["several_labels"] == 2
    assert judged["instances"]["images"] == 2
    drawn.do(add("image0", stroke("k", 2, [[40, 67], [40, 73]])))
    drawn.do({"do": "learn", "network": "from strokes"})
    judged = masks_quality(drawn, "from strokes", lambda name, done, total: None)
    assert judged["kind"] == "classes"
    assert {"dice_1", "dice_2"} <= judged["figures"].keys()
    load_truth(drawn, "blobs 0.npy", npy(labels), tmp_path, network="from strokes")
    assert [box.label for box in truth(drawn)] == [1, 2]


def test_an_archive_of_the_studio_comes_back_at_once(drawn, tmp_path, monkeypatch):
    before = drawn.document
    packed = [
        exports.export(drawn, kind, {"network": "plate"})[2] for kind in ("markers-all", "masks")
    ]
    drawn.do({"do": "clear_strokes", "image": "image0"})
    for data in packed:
        (tmp_path / "a.zip").write_bytes(data)
        reply = archives.take_archive(drawn, {}, tmp_path / "a.zip", "")
        assert reply["files"] == 2
    assert drawn.document.masks.keys() == {"image0", "image1"}
    marked = [
        markers_of(d.strokes["image0"], (64, 96)).labels.tolist() for d in (before, drawn.document)
    ]
    assert sorted(marked[0]) == sorted(marked[1])
    assert "left out: 4 files" in reply["notes"][0]
    drawn.undo()
    assert drawn.document.masks == {}
    for bad in (
        b"PK",
        packed[0][:-40],
        packed[0].replace(b"blobs", b"other"),
    ):
        (tmp_path / "a.zip").write_bytes(bad)
        with pytest.raises(SpelError, match="archive"):
            archives.take_archive(drawn, {}, tmp_path / "a.zip", "")
    monkeypatch.setattr(archives, "MAX_FILES", 1)
    (tmp_path / "a.zip").write_bytes(packed[0])
    with pytest.raises(SpelError, match="2 files; at most 1"):
        archives.take_archive(drawn, {}, tmp_path / "a.zip", "")
