"""Several classes: strokes of k labels give k probabilities, label images and counted objects."""

import io
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from spel.errors import ImageReadError, ParameterError
from spel.io import read
from spel.studio import exports
from spel.studio.refusals import Refusal
from spel.studio.session import Session
from spel.studio.sources import Source
from spel.studio.views.detections import boxes_view, why_view
from spel.studio.views.labels import labels_view

from .conftest import add, sources, stroke

CLASSES = [
    {"label": 0, "name": "ground", "color": "#2f6fd0"},
    {"label": 1, "name": "left", "color": "#e8710a"},
    {"label": 2, "name": "right", "color": "#1a9e77"},
]


@pytest.fixture
def classed(session):
    """Strokes on the left disc (1), on the right one (2) and on the ground."""
    session.do({"do": "set_classes", "classes": CLASSES})
    for i in range(2):
        session.do(add(f"image{i}", stroke("a", 1, [[20, 22], [20, 28]])))
        session.do(add(f"image{i}", stroke("b", 2, [[40, 68], [40, 74]])))
        session.do(add(f"image{i}", stroke("c", 0, [[55, 10], [55, 60]])))
        session.do(add(f"image{i}", stroke("d", 0, [[6, 60], [6, 90]])))
    return session


@pytest.mark.parametrize("decoder", ["linear", "lm"])
def test_strokes_of_two_classes_give_probabilities_labels_and_objects(classed, decoder):
    classed.do({"do": "learn", "network": "from strokes", "decoder": decoder})
    run = classed.run("from strokes", "image0")
    assert run.output.array.shape == (64, 96, 3)
    header, (labels,) = labels_view(classed, "from strokes", "image0")
    assert [one["name"] for one in header["classes"]] == ["ground", "left", "right"]
    assert labels.shape == (64, 96)
    if decoder == "linear":
        np.testing.assert_allclose(run.output.array.sum(-1), 1, atol=1e-5)
        assert labels[55, 30] == 0
        assert header["classes"][0]["objects"] is None
        boxes = boxes_view(classed, "from strokes", "image0", None)
        assert boxes["count"] == sum(c["objects"] for c in header["classes"][1:])
        assert set(boxes["classes"]) <= {"left", "right"}
        why = why_view(classed, "from strokes", "image0", 0, None)
        x0, y0, x1, y1 = why["box"]
        assert y0 <= why["spel"][0] < y1
        assert x0 <= why["spel"][1] < x1
    classed.do({"do": "clear_strokes", "image": "image1"})
    classed.do({"do": "remove_strokes", "image": "image0", "ids": ["b"]})
    classed.do({"do": "learn", "network": "from strokes", "start": ""})
    assert classed.run("from strokes", "image0").output.array.shape == (64, 96, 1)
    with pytest.raises(ParameterError, match="does not tell classes apart"):
        labels_view(classed, "from strokes", "image0")


def test_masks_and_markers_leave_in_one_archive(classed, tmp_path):
    classed.do({"do": "learn", "network": "from strokes"})
    name, media, data = exports.export(classed, "masks", {"network": "from strokes"})
    assert (name, media) == ("from-strokes-masks.zip", "application/zip")
    archive = zipfile.ZipFile(io.BytesIO(data))
    archive.extractall(tmp_path)
    assert len(archive.namelist()) == 6
    labels = read(tmp_path / "blobs 0.labels.png")[..., 0]
    header, (shown,) = labels_view(classed, "from strokes", "image0")
    np.testing.assert_array_equal(labels, shown)  # labels 0, 1, 2 are numbers 0, 1, 2
    objects = read(tmp_path / "blobs 0.instances.tif")
    assert objects.max() == sum(c["objects"] or 0 for c in header["classes"])
    _, _, data = exports.export(classed, "markers-all", {})
    names = zipfile.ZipFile(io.BytesIO(data)).namelist()
    assert names == ["blobs 0-markers.json", "blobs 1-markers.json"]


def test_a_network_of_one_saliency_gives_masks_by_its_threshold(session, tmp_path):
    _, _, data = exports.export(session, "masks", {"network": "plate"})
    zipfile.ZipFile(io.BytesIO(data)).extractall(tmp_path)
    mask = read(tmp_path / "blobs 1.labels.png")
    assert set(np.unique(mask)) <= {0, 255}  # as spel segment writes it


def test_the_archive_names_what_it_leaves_out_and_keeps_images_of_one_name_apart(tmp_path):
    def broken():
        raise ImageReadError("open file: the file ends before the last row")

    first, second = sources()
    named = [replace(first, name="a.png"), replace(second, name="A.jpg")]
    session = Session([Source("torn", "torn.png", broken), *named], tmp_path / "session")
    try:
        _, _, data = exports.export(session, "masks", {"network": "plate"})
    finally:
        session.close()
    archive = zipfile.ZipFile(io.BytesIO(data))
    assert sorted(archive.namelist()) == [
        "A-2.instances.tif",
        "A-2.labels.png",
        "A-2.saliency.tif",
        "a.instances.tif",
        "a.labels.png",
        "a.saliency.tif",
        "left-out.txt",
    ]
    assert archive.read("left-out.txt") == b"torn.png: the file ends before the last row\n"


def test_markers_of_nothing_are_refused(session):
    for kind in ("markers-json", "markers-txt", "markers-all"):
        with pytest.raises(Refusal, match="stroke"):
            exports.export(session, kind, {"image": "image0", "network": "plate"})
