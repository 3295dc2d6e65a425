"""True boxes: drawn, loaded, undone, learned from, found again, and written in every format."""

import io
import json
import time
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from spel.errors import ImageReadError, ParameterError, SpelError
from spel.io.annotation.formats import FORMATS
from spel.io.annotation.labels import read_labels
from spel.nn import Color, chain
from spel.rigid import RigidConfig, Windows
from spel.studio import detectors, exports
from spel.studio.document import Box
from spel.studio.refusals import Refusal
from spel.studio.session import Session
from spel.studio.sources import Source
from spel.studio.views.detections import boxes_view, quality_view, why_view
from spel.studio.web import changes, truth_files

from .conftest import sources

SMALL = RigidConfig(object_cells=16, crops=24, min_crops=4, rounds=1, hard_negatives=20)
COIN = {"label": 1, "name": "coin", "color": "#e8710a"}


def draw(session, *boxes, image="image0"):
    session.do({"do": "set_truth", "image": image, "boxes": list(boxes)})


def truth(session, image="image0"):
    return session.document.truth[image]


@pytest.fixture
def quick(monkeypatch):
    """Learning in a second: a small window, few crops."""
    monkeypatch.setattr(detectors, "RigidConfig", lambda: SMALL)


def learned(session, **options):
    task = changes.learn_boxes(session, {"network": "from boxes", **options})
    end = time.monotonic() + 60
    while session.tasks.get(task["id"]).state == "running":
        assert time.monotonic() < end
        time.sleep(0.02)
    return session.tasks.get(task["id"])


def test_boxes_are_drawn_undone_and_read_back_with_their_classes(session, folder):
    session.do({"do": "set_classes", "classes": [COIN, {**COIN, "label": 2, "name": "cell"}]})
    draw(session, [1, 2, 30, 40, 2], [5, 6, 7, 8])
    assert truth(session) == (Box(1, 2, 30, 40, 2), Box(5, 6, 7, 8, 1))
    draw(session, [1, 2, 30, 41, 2])
    session.undo()
    session.close()
    again = Session(sources(), folder)
    assert truth(again) == (Box(1, 2, 30, 40, 2), Box(5, 6, 7, 8, 1))
    again.do({"do": "clear_truth", "image": "image0"})
    assert "image0" not in again.document.truth
    again.close()


@pytest.mark.parametrize("box", [[0, 0, 1, 1, 0], [0, 0, 1, 1, 256], [0, 0, 1, 1, 1, 1], [0, 0, 1]])
def test_a_box_that_does_not_fit_is_refused(session, box):
    before = session.document
    with pytest.raises(ParameterError, match="expected"):
        draw(session, box)
    assert session.document is before


def test_a_detector_is_learned_found_explained_and_judged(session, quick):
    task = learned(session)
    assert (task.state, task.result) == ("done", {"network": "from boxes"}), task.message
    assert isinstance(session.document.entry("from boxes").decision, Windows)
    found = boxes_view(session, "from boxes", "image1", None)
    assert found["truth"]["recall"] == 1
    assert found["classes"] == []
    few = boxes_view(session, "from boxes", "image1", {"threshold": 1.0})
    assert few["count"] == 0
    why = why_view(session, "from boxes", "image1", 0, None)
    x0, y0, x1, y1 = why["box"]
    assert all(y0 - 12 <= row <= y1 + 12 and x0 - 12 <= col <= x1 + 12 for row, col in why["spels"])
    assert [change["what"] for change in why["vanishes"]] == ["threshold"]
    assert quality_view(session, "from boxes", None)["total"]["recall"] == 1
    session.do({"do": "set_decision", "network": "from boxes", "decision": {"threshold": 0.25}})
    kept = session.document.entry("from boxes").decision
    assert kept.threshold == 0.25
    with pytest.raises(SpelError):
        session.do({"do": "set_decision", "network": "from boxes", "decision": {"threshold": "x"}})
    session.undo()
    session.undo()
    assert "from boxes" not in session.document.networks


@pytest.mark.slow
def test_classes_have_kernels_of_their_own(session, quick):
    session.do({"do": "set_classes", "classes": [COIN, {**COIN, "label": 2, "name": "cell"}]})
    for image in ("image0", "image1"):
        draw(session, [16, 11, 35, 30, 1], [61, 31, 80, 50, 2], image=image)
    assert learned(session).state == "done"
    found = boxes_view(session, "from boxes", "image0", None)
    assert set(found["classes"]) <= {"coin", "cell"}
    assert len(found["classes"]) == found["count"] > 0


def test_the_detector_is_that_of_the_command_line(session, quick, tmp_path):
    from spel.io import write
    from spel.learning.detector import learn_from_boxes

    for i in range(2):
        write(tmp_path / f"blobs {i}.png", session.load(f"image{i}").values)
    labels = exports.export(session, "true-boxes", {"format": "csv"})
    named = tmp_path / "boxes.csv"
    named.write_bytes(
        labels[2].replace(b"blobs 0", b"blobs 0.png").replace(b"blobs 1", b"blobs 1.png")
    )
    theirs, _ = learn_from_boxes(read_labels(named), tmp_path, replace(SMALL, adjust=True))
    assert learned(session, adjust=True).state == "done"
    mine = session.document.entry("from boxes").network
    assert [n.layer.fingerprint() for n in mine.nodes[:-3]] == [
        n.layer.fingerprint() for n in theirs.nodes[:-3]
    ]
    np.testing.assert_array_equal(mine["score"].bank.weights, theirs["score"].bank.weights)
    assert mine.meta["decision"] == theirs.meta["decision"]


def test_boxes_that_stand_twice_or_reach_beyond_the_image_are_learned_as_elsewhere(
    session, quick, monkeypatch
):
    given = []

    def learn(images, boxes, *_, **__):
        given.extend(boxes)
        return chain(grey=Color("grey"))

    monkeypatch.setattr(detectors, "learn_detector", learn)
    cols = session.load("image0").size[1]
    draw(session, [16, 11, 35, 30], [16, 11, 35, 30], [cols - 9, 5, cols, 20])
    document = session.document
    truth = document.truth["image0"]
    beyond = replace(document, truth={"image0": (*truth[:2], truth[2]._replace(x1=cols + 9.0))})
    said = []
    network = detectors.learn_from_truth(beyond, session, said.append)
    assert given[0].tolist() == [[16, 11, 35, 30], [cols - 9, 5, cols, 20]]
    assert network.meta["card"]["boxes"] == 2
    assert len(said) == 2


def test_learning_without_boxes_is_refused_and_can_be_stopped(session, quick, monkeypatch):
    draw(session)
    draw(session, image="image1")
    task = learned(session)
    assert (task.state, "no true box" in task.message) == ("failed", True)
    draw(session, [16, 11, 35, 30])

    def endless(document, workspace, say, *, adjust):
        while True:
            say("working")
            time.sleep(0.01)

    monkeypatch.setattr(changes, "learn_from_truth", endless)
    begun = changes.learn_boxes(session, {})
    with pytest.raises(Refusal, match="another task"):
        changes.learn_boxes(session, {})
    changes.stop_task(session, {"id": begun["id"]})
    session.tasks.close()
    assert session.tasks.get(begun["id"]).state == "stopped"
    with pytest.raises(Refusal, match="no such task"):
        changes.stop_task(session, {"id": "x"})


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_of_boxes_is_written(session, tmp_path, form):
    session.do({"do": "set_classes", "classes": [COIN]})
    name, media, data = exports.export(session, "true-boxes", {"format": form})
    if media == "application/zip":
        zipfile.ZipFile(io.BytesIO(data)).extractall(tmp_path)
        path = tmp_path / name.removesuffix(".zip")
    else:
        path = tmp_path / name
        path.write_bytes(data)
    images = read_labels(path, form=form).images
    assert len(images) == 2
    np.testing.assert_allclose(images[0].boxes, [b[:4] for b in truth(session)], atol=0.01)
    assert set(images[0].classes) == {"coin"}


def test_found_boxes_are_written_with_scores(session):
    _, _, data = exports.export(session, "detected-boxes", {"format": "jsonl", "network": "plate"})
    lines = [json.loads(line) for line in data.splitlines()]
    assert [line["image"] for line in lines] == ["blobs 0", "blobs 1"]
    assert all("score" in box for line in lines for box in line["boxes"])


def load_truth(session, name, data, tmp_path, **query):
    path = tmp_path / "truth.part"
    path.write_bytes(data)
    return truth_files.take_truth(session, {"name": name, **query}, path, "0")


def test_an_image_without_boxes_because_it_cannot_be_read_is_named(tmp_path):
    def torn():
        raise ImageReadError("open file: the file ends before the last row")

    session = Session([Source("torn", "torn.png", torn), *sources()], tmp_path / "session")
    try:
        options = {"format": "csv", "network": "plate"}
        name, _, data = exports.export(session, "detected-boxes", options)
    finally:
        session.close()
    archive = zipfile.ZipFile(io.BytesIO(data))
    assert sorted(archive.namelist()) == sorted(["left-out.txt", name.removesuffix(".zip")])
    assert archive.read("left-out.txt") == b"torn.png: the file ends before the last row\n"


def test_boxes_of_a_file_bring_their_classes(session, tmp_path):
    rows = "image,x0,y0,x1,y1,score,class\nblobs 0,1,2,3,4,1,coin\nblobs 0,5,6,9,9,1,cell\n"
    load_truth(session, "t.csv", rows.encode(), tmp_path)
    names = {c.label: c.name for c in session.document.classes}
    assert [(b[:4], names[b.label]) for b in truth(session)] == [
        ((1, 2, 3, 4), "coin"),
        ((5, 6, 9, 9), "cell"),
    ]


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def test_masks_and_label_images_become_boxes(session, tmp_path):
    mask = np.zeros((64, 96), np.uint8)
    mask[2:5, 3:9] = mask[10:20, 30:31] = 255
    reply = load_truth(session, "m.npy", npy(mask), tmp_path, image="image0")
    assert [b[:4] for b in truth(session)] == [(3, 2, 9, 5), (30, 10, 31, 20)]
    assert "components" in reply["notes"][0]
    mask[10:20, 30:31], mask[2:5, 3:9], mask[40, 40] = 7, 3, 3
    load_truth(session, "m.npy", npy(mask), tmp_path, image="image0")
    assert [b[:4] for b in truth(session)] == [(3, 2, 41, 41), (30, 10, 31, 20)]
    for wrong in (mask[:-1], mask + 0.5, np.dstack([mask, mask + 1])):
        with pytest.raises(SpelError):
            load_truth(session, "m.npy", npy(wrong), tmp_path, image="image0")
