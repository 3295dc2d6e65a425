"""Detection figures by class and with crowds, as COCO defines them."""

from __future__ import annotations

import pytest

from spel.metrics.detection import Answers, coco_average_precision, evaluate


def test_a_crowd_takes_answers_by_their_own_area() -> None:
    one = Answers(
        "a",
        [[10, 10, 30, 30], [92, 92, 100, 100]],
        [0.9, 0.8],
        [[0, 0, 90, 90], [92, 92, 100, 100]],
        crowd=[True, False],
    )
    assert coco_average_precision([one]) == pytest.approx(1.0)
    figures = evaluate([one])
    assert (figures.average_precision, figures.truths, figures.boxes) == (1.0, 1, 1)
    assert figures.false_alarms == 0.0


def test_another_class_on_the_same_box_is_a_miss_and_a_false_alarm() -> None:
    box = [[5, 5, 9, 9]]
    figures = evaluate([Answers("a", box, [0.9], box, ["y"], ["x"])])
    assert (figures.average_precision, figures.recall, figures.false_alarms) == (0.0, 0.0, 1.0)
    assert figures.by_class["x"].recall == 0.0
    assert figures.by_class["y"].boxes == 1
    assert evaluate([Answers("a", box, [0.9], box, ["x"], ["x"])]).average_precision == 1.0
