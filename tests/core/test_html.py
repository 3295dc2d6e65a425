"""Values in notebooks: what is drawn is what they hold, in bounded size, and asks for nothing."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from spel.core.adjacency import Adjacency
from spel.core.bank import KernelBank
from spel.core.detections import Detections
from spel.core.markers import Markers
from spel.markup import grid, raster

MOST_BYTES = 300_000


def tree(value):
    """The elements of a value's HTML, which is well formed and asks nobody for anything."""
    text = value._repr_html_()
    assert not re.search(r"http|url\(|src=|href|<script|<style", text)
    assert len(text.encode()) < MOST_BYTES
    return ElementTree.fromstring(text)


def words(value):
    return " ".join(tree(value).itertext())


def covered(element):
    """Spels that the rectangles with a colour of their own cover."""
    rects = [r for r in element.iter("rect") if r.get("fill") != "none"]
    return sum(float(r.get("width")) * float(r.get("height")) for r in rects)


@pytest.mark.parametrize(
    "adjacency",
    [
        Adjacency.disk(2.5),
        Adjacency.ball(2),
        Adjacency.rectangle(width=4, height=1),
        Adjacency.from_displacements([(3, 5), (-1, 0)]),
    ],
    ids=repr,
)
def test_every_neighbour_of_an_adjacency_is_drawn(adjacency):
    shown = tree(adjacency)
    assert covered(shown) == len(adjacency)
    assert len(list(shown.iter("circle"))) == 1
    assert f"{len(adjacency)} neighbours" in words(adjacency)


def test_the_weights_of_a_bank_are_written():
    shown = tree(KernelBank.sobel("col"))
    texts = [t.text for t in shown.iter("text")]
    assert texts == ["-1", "0", "1", "-2", "0", "2", "-1", "0", "1"]
    colors = {r.get("fill-opacity"): r.get("fill") for r in shown.iter("rect")}
    assert colors["0.70"] == colors["0.35"] == "#e0761a"
    assert "bias 0" in words(KernelBank.sobel("col"))


def test_markers_in_their_frame():
    markers = Markers([(1, 2), (1, 3), (4, 4)], [1, 1, 0], (6, 8))
    shown = tree(markers)
    assert covered(next(shown.iter("g"))) == 3
    text = words(markers)
    assert "3 spels in 2 strokes on 6 x 8" in text
    assert "label 0, background: 1 spels" in text
    run = [r for r in next(shown.iter("g")) if r.get("width") == "2"]
    assert [(r.get("x"), r.get("y")) for r in run] == [("2", "1")]


def test_detections_in_their_frame_with_escaped_names():
    boxes = Detections([[2, 1, 5, 3]], [0.9], [6], (10, 12), classes=["<script>alert(1)"])
    shown = tree(boxes)
    drawn = [r for r in shown.iter("rect") if r.get("x") == "2"]
    assert [(r.get("y"), r.get("width"), r.get("height")) for r in drawn] == [("1", "3", "2")]
    assert "1 box on 10 x 12" in words(boxes)
    assert "<script>alert(1)" in words(boxes)


@pytest.mark.parametrize(
    "value",
    [
        Adjacency.disk(120),
        Adjacency.ball(14),
        Adjacency.from_displacements([(0, 1), (500_000, 900_000)]),
        KernelBank.random(Adjacency.box(11), kernels=300, channels=64, seed=0),
        KernelBank.random(Adjacency.box(101), kernels=2, channels=1, seed=0),
        Markers(np.argwhere(np.indices((300, 300)).sum(0) % 2), np.arange(45_000) % 40, (300, 300)),
        Markers([], [], (1, 1)),
        Markers([(3, 2, 1)], [7], (9, 9, 9), background=None),
        Detections(np.tile([[0, 0, 9, 9]], (5000, 1)), np.ones(5000), np.ones(5000), (10, 10)),
        Detections([], [], [], (10, 20)),
        Detections([], [], [], (0, 0)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_large_and_empty_values_stay_small(value):
    assert tree(value).tag == "div"


def test_numbers_that_are_not_finite_have_a_place():
    shown = ElementTree.fromstring(grid([[float("nan"), float("inf"), None], [1.0, -2.0, 0.0]]))
    assert [t.text for t in shown.iter("text")] == ["nan", "inf", "1", "-2", "0"]


def test_runs_join_what_lies_beside_one_another():
    points = {(0, 0): "a", (0, 1): "a", (0, 2): "b", (1, 0): "a"}
    shown = ElementTree.fromstring(raster(points, (2, 3)))
    runs = [(r.get("x"), r.get("y"), r.get("width")) for r in next(shown.iter("g"))]
    assert runs == [("0", "0", "2"), ("2", "0", "1"), ("0", "1", "1")]
