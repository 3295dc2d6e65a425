"""Detection figures: known values by hand, the empty cases, and order-independence."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, strategies as st

from spel.errors import ParameterError, ShapeError
from spel.metrics.detection import (
    Answers,
    average_precision,
    evaluate,
    iou,
    match,
    precision_recall,
)

NONE = np.zeros((0, 4))
PLATE = [10.0, 10.0, 20.0, 14.0]
AWAY = [50.0, 50.0, 60.0, 54.0]

# LITERAL


def test_iou_of_half_shifted_nested_touching_and_empty_boxes() -> None:
    a = [[0, 0, 2, 2]]
    b = [[1, 0, 3, 2], [0, 0, 1, 2], [2, 0, 4, 2], [0, 0, 0, 0], [0, 0, 2, 2]]
    assert iou(a, b).tolist() == [[2 / 6, 0.5, 0.0, 0.0, 1.0]]
    assert iou([[0, 0, 0, 0]], [[0, 0, 0, 0]]).tolist() == [[0.0]]
    assert iou(NONE, b).shape == (0, 5)


def test_the_second_answer_on_a_plate_is_a_false_alarm() -> None:
    answers = Answers("x", [PLATE, PLATE, AWAY], [0.5, 0.7, 0.6], [PLATE])
    assert answers.scores.tolist() == [0.7, 0.6, 0.5]
    assert match(answers).tolist() == [0, -1, -1]


def test_average_precision_by_hand() -> None:
    # Best first: hit, miss, hit, miss, hit; 4 true boxes, one never found.
    # Recalls 1/4, 2/4, 3/4 with precision 1, 2/3, 3/5; the last quarter counts 0.
    images = [
        Answers("a", [PLATE, AWAY], [0.9, 0.8], [PLATE]),
        Answers("b", [PLATE, AWAY], [0.7, 0.6], [PLATE]),
        Answers("c", [PLATE], [0.5], [PLATE]),
        Answers("d", NONE, [], [PLATE]),
    ]
    assert average_precision(images) == pytest.approx((1 + 2 / 3 + 3 / 5) / 4)
    scores, precision, recall = precision_recall(images)
    assert scores.tolist() == [0.9, 0.8, 0.7, 0.6, 0.5]
    assert precision.tolist() == [1.0, 1 / 2, 2 / 3, 2 / 4, 3 / 5]
    assert recall.tolist() == [0.25, 0.25, 0.5, 0.5, 0.75]


def test_precision_is_made_falling_before_the_area_is_taken() -> None:
    # miss, hit, hit: precision 0, 1/2, 2/3; the envelope is 2/3 for both recalls.
    images = [
        Answers("a", [AWAY, PLATE], [0.9, 0.8], [PLATE]),
        Answers("b", [PLATE], [0.7], [PLATE]),
    ]
    assert average_precision(images) == pytest.approx(2 / 3)


def test_figures_by_hand() -> None:
    wide = [10.0, 10.0, 20.0, 18.0]  # IoU 1/2 with the plate
    images = [
        Answers("good", [PLATE], [0.9], [PLATE]),
        Answers("half", [wide], [0.8], [PLATE]),
        Answers("wrong", [AWAY, PLATE], [0.8, 0.1], [PLATE]),
        Answers("none", NONE, [], [PLATE]),
        Answers("empty street", [AWAY], [0.4], NONE),
    ]
    figures = evaluate(images)
    assert (figures.images, figures.truths, figures.boxes) == (5, 4, 5)
    assert figures.recall == 3 / 4
    assert figures.precision == 3 / 5
    assert figures.best_recall == {0.5: 2 / 4, 0.3: 2 / 4}
    assert figures.mean_iou == 1.5 / 4
    assert figures.false_alarms == 2 / 5
    names = [row.name for row in figures.rows]
    assert names == ["none", "wrong", "half", "empty street", "good"]
    assert "none" in figures.text(worst=1)
    assert figures.to_dict()["r50"] == 0.5


# EMPTY


def test_without_truth_recall_and_ap_are_nan_and_null() -> None:
    figures = evaluate([Answers("street", [PLATE], [1.0], NONE)])
    assert math.isnan(figures.recall)
    assert math.isnan(figures.average_precision)
    assert math.isnan(figures.mean_iou)
    assert figures.precision == 0.0
    assert figures.false_alarms == 1.0
    assert figures.to_dict()["ap"] is None
    assert figures.to_dict()["rows"][0]["best_iou"] is None


def test_without_answers_precision_is_nan_and_ap_0() -> None:
    figures = evaluate([Answers("a", NONE, [], [PLATE])])
    assert math.isnan(figures.precision)
    assert (figures.recall, figures.average_precision, figures.mean_iou) == (0.0, 0.0, 0.0)


def test_no_images_at_all() -> None:
    figures = evaluate([])
    assert figures.images == 0
    assert math.isnan(figures.false_alarms)
    assert figures.rows == ()


# LAW


@given(st.permutations(range(5)))
def test_order_of_images_and_of_equal_scores_does_not_matter(order: list[int]) -> None:
    boxes = [PLATE, AWAY, [0, 0, 1, 1], PLATE, AWAY]
    images = [Answers(str(i), [box], [0.5], [PLATE]) for i, box in enumerate(boxes)]
    assert average_precision([images[i] for i in order]) == average_precision(images)
    assert evaluate([images[i] for i in order]).rows == evaluate(images).rows


@given(st.lists(st.tuples(*[st.integers(0, 9)] * 4), min_size=1, max_size=6))
def test_iou_is_symmetric_and_within_0_and_1(corners: list[tuple[int, int, int, int]]) -> None:
    boxes = np.array([(a, b, a + c, b + d) for a, b, c, d in corners], dtype=float)
    overlap = iou(boxes, boxes)
    np.testing.assert_array_equal(overlap, overlap.T)
    assert (overlap >= 0).all()
    assert (overlap <= 1).all()
    real = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
    np.testing.assert_array_equal(np.diag(overlap), real.astype(float))


# ERRORS


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ShapeError, match="2 scores"):
        Answers("a", [PLATE], [1, 2], NONE)
    with pytest.raises(ShapeError, match="expected"):
        iou([[1, 2, 3]], [PLATE])
    with pytest.raises(ParameterError, match="NaN"):
        Answers("a", [PLATE], [math.nan], NONE)
    with pytest.raises(ParameterError, match="level"):
        evaluate([], level=0)
