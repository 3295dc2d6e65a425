"""Boxes against true boxes: LITERAL figures, crowds, and results that do not belong."""

from __future__ import annotations

import numpy as np
import pytest

from spel.errors import FormatError
from spel.evaluation import evaluate_boxes
from spel.io.annotation.annotations import Annotations, ImageBoxes
from spel.io.annotation.results import Result

PLATE = np.array([[10.0, 10.0, 20.0, 14.0]])


def result(image: str, boxes: object) -> Result:
    array = np.array(boxes, dtype=float).reshape(-1, 4)
    return Result(image, (40, 40), array, np.ones(len(array)), np.ones(len(array)))


def test_crowds_are_neither_to_be_found_nor_wrong() -> None:
    crowd = np.array([[0.0, 0.0, 9.0, 9.0]])
    boxes = ImageBoxes("a", (40, 40), np.vstack([PLATE, crowd]), crowd=np.array([False, True]))
    truth = Annotations((boxes,), ("object",))
    found = evaluate_boxes([result("x/a", np.vstack([PLATE, crowd]))], truth)
    assert (found.metrics.recall, found.metrics.precision) == (1.0, 1.0)
    assert evaluate_boxes([result("a", PLATE)], truth).metrics.recall == 1.0


def test_results_that_do_not_belong_are_told_or_refused() -> None:
    truth = Annotations((ImageBoxes("a", (40, 40), PLATE),), ("object",))
    found = evaluate_boxes([result("a", PLATE), result("b", PLATE)], truth)
    assert found.unknown == ("b",)
    with pytest.raises(FormatError, match="none of the 1 results"):
        evaluate_boxes([result("b", PLATE)], truth)
    with pytest.raises(FormatError, match="twice"):
        evaluate_boxes([result("a", PLATE), result("a", PLATE)], truth)
