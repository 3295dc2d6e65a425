"""Large images: worked on at a part of their size, in coordinates of the whole image."""

import json

import numpy as np
import pytest

from spel.decide import detect
from spel.errors import ParameterError
from spel.nn import load
from spel.studio import exports, reduction
from spel.studio.session import Session
from spel.studio.sources import Source
from spel.studio.views.detections import boxes_view
from spel.studio.views.images import image_view

from .conftest import add, blobs, stroke


@pytest.fixture
def large(folder, monkeypatch):
    """A session that works on images of 128 x 192 pixels at 1/2 of their size."""
    monkeypatch.setattr(reduction, "MAX_WORKED", 64 * 96)
    doubled = [
        Source(f"image{i}", f"large {i}", lambda i=i: blobs(i).repeat(2, 0).repeat(2, 1))
        for i in range(2)
    ]
    made = Session(doubled, folder)
    for i in range(2):
        made.do(add(f"image{i}", stroke("o", 1, [[40, 44], [40, 56]], radius=4.0)))
        made.do(add(f"image{i}", stroke("b", 0, [[110, 20], [110, 120]], radius=4.0)))
    yield made
    made.close()


def test_a_large_image_gives_places_of_the_whole_image(large):
    large.do({"do": "learn", "network": "from strokes"})
    network = large.document.entry("from strokes").network
    assert reduction.factor_of(network) == 2
    places = {p.at for p in network["conv1"].bank.provenance}
    assert all(36 <= row <= 116 for row, _ in places)
    boxes = boxes_view(large, "from strokes", "image0", None)["boxes"]
    assert any(28 <= x0 <= 36 and 18 <= y0 <= 26 for x0, y0, _, _ in boxes)
    header, (picture,) = image_view(large, "image0")
    assert (header["rows"], header["cols"], header["reduced"]) == (128, 192, 2)
    assert picture.shape == (64, 96, 3)


def test_what_is_exported_of_a_large_image_gives_the_same_boxes(large, tmp_path):
    large.do({"do": "learn", "network": "from strokes"})
    view = {"network": "from strokes", "image": "image0", "page": "chain"}
    (tmp_path / "net.safetensors").write_bytes(exports.export(large, "network", view)[2])
    # A program without the studio, on the whole image.
    outside = detect(load(tmp_path / "net.safetensors"), large.load("image0").values)
    shown = boxes_view(large, "from strokes", "image0", None)["boxes"]
    assert len(shown) > 0
    np.testing.assert_allclose(outside.boxes, shown)
    line = json.loads(exports.export(large, "results", view)[2].splitlines()[0])
    np.testing.assert_allclose([one["xyxy"] for one in line["boxes"]], shown)


def test_kernels_of_another_size_are_not_mixed(large, monkeypatch):
    large.do({"do": "learn", "network": "from strokes"})
    monkeypatch.setattr(reduction, "MAX_WORKED", 32 * 48)
    with pytest.raises(ParameterError, match="learn all kernels again"):
        large.do({"do": "learn", "network": "from strokes", "start": "conv2"})
    large.do({"do": "learn", "network": "from strokes", "start": ""})
    assert reduction.factor_of(large.document.entry("from strokes").network) == 4
