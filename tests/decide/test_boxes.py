"""Saliency to boxes: literals by hand, filters, selections, places."""

from __future__ import annotations

import numpy as np
import pytest

from spel.core.adjacency import Adjacency
from spel.decide import Decision, decide
from spel.errors import FormatError, ParameterError, ShapeError
from spel.nn.geometry import Geometry

SALIENCY = np.array(
    [
        [0, 0, 0, 0, 0, 0, 0, 9],
        [0, 4, 4, 4, 4, 4, 0, 9],
        [0, 0, 0, 0, 0, 0, 0, 9],
        [6, 6, 6, 0, 0, 0, 0, 0],
        [6, 6, 6, 0, 0, 0, 5, 0],
    ],
    dtype=np.float32,
)
TALL, WIDE, LARGE, ONE = [7, 0, 8, 3], [1, 1, 6, 2], [0, 3, 3, 5], [6, 4, 7, 5]


def boxes(**options: object) -> list[list[float]]:
    decided = decide(SALIENCY, Decision(threshold=1, **options))  # type: ignore[arg-type]
    return decided.detections.boxes.tolist()


# LITERAL


def test_all_components_come_best_first_with_their_areas_masks_and_strongest_spels() -> None:
    decided = decide(SALIENCY, Decision(threshold=1))
    found = decided.detections
    assert found.boxes.tolist() == [TALL, LARGE, ONE, WIDE]
    assert found.scores.tolist() == [9, 6, 5, 4]
    assert found.areas.tolist() == [3, 6, 1, 5]
    assert decided.strongest == ((0, 7), (3, 0), (4, 6), (1, 1))
    assert found.mask(3).sum() == 5
    assert found.mask(3)[1, 1:6].all()


def test_selections() -> None:
    assert boxes(select="widest") == [WIDE]
    assert boxes(select="largest") == [LARGE]
    assert boxes(select="closest", size=(1, 2)) == [TALL]
    assert boxes(select="closest", size=(1, 1)) == [ONE]
    assert boxes(select="widest", height=(2, 9)) == [LARGE]


def test_filters_keep_both_ends() -> None:
    assert boxes(area=(3, 5)) == [TALL, WIDE]
    assert boxes(width=(3, 5)) == [LARGE, WIDE]
    assert boxes(height=(2, 2)) == [LARGE]
    assert boxes(aspect=(1.5, 5)) == [LARGE, WIDE]
    assert boxes(aspect=(6, 7)) == []


def test_adjacency_decides_what_is_one_component() -> None:
    diagonal = np.eye(3)
    assert len(decide(diagonal, Decision(threshold=0)).detections) == 1
    four = Decision(threshold=0, adjacency=Adjacency.disk(1))
    assert len(decide(diagonal, four).detections) == 3
    far = Adjacency.from_displacements([(0, 2)])
    assert len(decide([[1, 0, 1]], Decision(threshold=0, adjacency=far)).detections) == 1


def test_boxes_go_to_the_input_and_are_cut_to_it() -> None:
    place = Geometry((4.0, 4.0), (-2.0, -2.0))
    decided = decide([[1, 0], [0, 0]], Decision(threshold=0), place=place, image_size=(5, 6))
    assert decided.detections.boxes.tolist() == [[0.0, 0.0, 2.0, 2.0]]
    assert decided.detections.image_size == (5, 6)
    area = Decision(threshold=0, area=(16, 16))
    assert len(decide([[1, 0], [0, 0]], area, place=place, image_size=(5, 6)).detections) == 1


@pytest.mark.parametrize("shape", [(0, 0), (0, 5), (1, 1), (3, 4, 1)])
def test_empty_and_constant_saliencies_have_no_component(shape: tuple[int, ...]) -> None:
    for rule in ("otsu", "p95", 0.0):
        found = decide(np.zeros(shape), Decision(threshold=rule)).detections
        assert len(found) == 0
        assert found.image_size == shape[:2]


def test_nan_is_never_above_a_threshold() -> None:
    found = decide([[np.nan, 2.0]], Decision(threshold=1)).detections
    assert found.boxes.tolist() == [[1.0, 0.0, 2.0, 1.0]]


# VALUE


@pytest.mark.filterwarnings("error")
def test_thresholds_beyond_float32_are_above_or_below_all_it_holds() -> None:
    values = np.array([[0, 3e38]], np.float32)
    assert len(decide(values, Decision(threshold=1e308)).detections) == 0
    assert len(decide(values, Decision(threshold=-1e308)).detections) == 1


def test_a_decision_survives_json() -> None:
    decision = Decision(
        threshold="p95",
        adjacency=Adjacency.disk(1),
        aspect=(2, 6),
        select="closest",
        size=(90, 30),
    )
    assert Decision.from_dict(decision.to_dict()) == decision
    assert Decision().to_dict() == {}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threshold": "max"}, "percentile"),
        ({"select": "tallest"}, "widest"),
        ({"select": "closest"}, "size"),
        ({"area": (3, 1)}, "low <= high"),
        ({"area": 3}, "expected"),
        ({"aspect": (float("nan"), 1)}, "low <= high"),
        ({"size": (0, 1)}, "above 0"),
        ({"adjacency": 8}, "Adjacency"),
    ],
)
def test_bad_decisions_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        Decision(**options)  # type: ignore[arg-type]


@pytest.mark.parametrize("values", [{"colour": 1}, {"select": "x"}, {"area": "ab"}, {"size": 3}])
def test_bad_stored_decisions_are_format_errors(values: dict[str, object]) -> None:
    with pytest.raises(FormatError):
        Decision.from_dict(values)


def test_more_than_one_channel_is_refused_with_the_remedy() -> None:
    with pytest.raises(ShapeError, match="WeightedSum"):
        decide(np.zeros((3, 3, 2)))
