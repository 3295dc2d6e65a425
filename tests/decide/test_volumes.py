"""Boxes of volumes: from a saliency, in results and tables, and against true boxes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import spel
from spel import Adjacency
from spel.core.detections import Detections
from spel.decide import Decision
from spel.decide.delineate import Delineation
from spel.errors import FormatError, ParameterError, ShapeError
from spel.io.annotation.labels import read_labels, write_as
from spel.io.annotation.results import Result, parse_line
from spel.metrics.detection import Answers, evaluate, iou
from spel.nn import MaxPool, Scale, chain
from spel.ops.label import label

BOX = Adjacency.box(3, ndim=3)


def volume() -> np.ndarray:
    """A bar of 2 x 3 x 5 voxels with intensity 3, and one voxel in the last plane."""
    voxels = np.zeros((6, 8, 10, 1), np.float32)
    voxels[1:3, 2:5, 4:9] = 3
    voxels[5, 0, 0] = 1
    return voxels


def test_boxes_have_planes() -> None:
    found = spel.detect(chain(same=Scale([1.0])), volume(), threshold=0.5, why=True)
    assert found.boxes.tolist() == [[4, 2, 1, 9, 5, 3], [0, 0, 5, 1, 1, 6]]
    assert found.areas.tolist() == [30, 1]
    assert found.image_size == (6, 8, 10)
    assert found.why[0].at == (1, 2, 4)


def test_strides_of_a_network_are_undone_along_planes() -> None:
    halving = chain(pool=MaxPool(Adjacency.from_mask(np.ones((2, 2, 2)), origin=(0, 0, 0)), 2))
    found = spel.detect(halving, volume(), threshold=2)
    # Planes 1 and 2 lie in two cells of two planes, rows 2 to 4 in two, columns 4 to 8 in three.
    assert found.boxes.tolist() == [[4, 2, 0, 10, 6, 4]]


@pytest.mark.parametrize(
    ("neighbours", "objects"),
    [(Adjacency.ball(1), 3), (Adjacency.ball(2**0.5), 2), (Adjacency.ball(3**0.5), 1)],
)
def test_6_18_and_26_neighbours(neighbours: Adjacency, objects: int) -> None:
    steps = np.zeros((4, 4, 4))
    steps[0, 0, 0] = steps[1, 1, 0] = steps[2, 2, 1] = 1  # an edge apart, then a corner
    found = spel.detect(chain(same=Scale([1.0])), steps[..., None], threshold=0.5,
                        adjacency=neighbours)  # fmt: skip
    assert len(found) == objects
    stored = Decision.from_dict(Decision(adjacency=neighbours).to_dict())
    assert stored.adjacency == neighbours


def test_ranges_and_sizes_along_planes() -> None:
    net = chain(same=Scale([1.0]))
    assert len(spel.detect(net, volume(), threshold=0.5, depth=(2, 2))) == 1
    nearest = spel.detect(net, volume(), threshold=0.5, select="closest", size=(1, 1, 1))
    assert nearest.areas.tolist() == [1]
    with pytest.raises(ParameterError, match="depth"):
        spel.detect(net, volume()[0], threshold=0.5, depth=(1, 2))
    with pytest.raises(ParameterError, match=r"expected \(width, height, depth\)"):
        spel.detect(net, volume(), threshold=0.5, select="closest", size=(1, 1))


def test_a_network_of_planes_refuses_a_volume() -> None:
    with pytest.raises(ShapeError, match="is a volume"):
        spel.detect(chain(pool=MaxPool(Adjacency.box(3))), volume())


def result() -> Result:
    boxes = [[4, 2, 1, 9, 5, 3], [0, 0, 5, 1, 1, 6]]
    return Result("a.tif", (6, 8, 10), boxes, [0.75, 0.5], [30, 1])


def test_a_line_of_results_holds_them() -> None:
    line = result().to_line()
    assert '"size": [6, 8, 10]' in line
    assert '"xyzxyz": [4.0, 2.0, 1.0, 9.0, 5.0, 3.0]' in line
    assert parse_line(line) == result()
    with pytest.raises(FormatError, match="xyzxyz: not six numbers"):
        parse_line(line.replace("xyzxyz", "xyxy"))


def test_a_table_holds_them(tmp_path: Path) -> None:
    write_as("csv", tmp_path / "a.csv", [result()])
    head, first, _ = (tmp_path / "a.csv").read_text().splitlines()
    assert head.endswith("class,planes,z0,z1")
    assert first == "a.tif,8,10,1,4.0,2.0,9.0,5.0,0.75,30.0,,6,1.0,3.0"
    (read,) = read_labels(tmp_path / "a.csv")
    assert read.size == (6, 8, 10)
    assert np.array_equal(read.boxes, result().boxes)


@pytest.mark.parametrize("form", ["coco", "voc", "yolo", "geojson", "label-studio"])
def test_formats_without_planes_refuse_them(form: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"a\.tif is a volume.*write jsonl or csv"):
        write_as(form, tmp_path / "out", [result()])
    assert not (tmp_path / "out").exists()


def test_overlap_is_that_of_volumes() -> None:
    assert iou([[0, 0, 0, 2, 2, 2]], [[1, 0, 0, 3, 2, 2], [0, 0, 1, 2, 2, 3]]).tolist() == [
        [1 / 3, 1 / 3]
    ]
    one = Answers("a", [[0, 0, 0, 2, 2, 2]], [0.9], [[0, 0, 0, 2, 2, 2], [5, 5, 5, 6, 6, 6]])
    figures = evaluate([one, Answers("b", [], [], [[0, 0, 0, 1, 1, 1]])])
    assert (figures.recall, figures.precision) == (1 / 3, 1.0)


def test_a_level_keeps_or_enlarges_planes() -> None:
    found = Detections([[1, 2, 3, 4, 5, 6]], [1.0], [8], (9, 9, 9))
    whole = found.enlarged((9, 18, 27), (1.0, 0.5, 1 / 3))
    assert whole.boxes.tolist() == [[3, 4, 3, 12, 10, 6]]
    assert (whole.areas.tolist(), whole.image_size) == ([48], (9, 18, 27))


def test_each_component_of_a_volume_is_delineated_by_itself() -> None:
    image = np.random.default_rng(0).random((9, 12, 24, 1))
    rough = np.zeros(image.shape[:3], bool)
    rough[2:7, 2:8, 2:8] = rough[2:7, 4:10, 14:20] = rough[1:3, 1:3, 14:20] = True
    line = Delineation(inner=1, outer=2)
    alone = [line.refine(image, rough & (label(rough, BOX) == one)) for one in (1, 2, 3)]
    assert np.array_equal(line.refine(image, rough), np.any(alone, axis=0))
