"""Intervals of figures of plates: a bootstrap draws photos, with all their boxes."""

import numpy as np
import pytest

from benchmarks.plates.intervals import (
    average_precisions,
    precision_interval,
    recall_interval,
)
from spel.metrics.detection import Answers, average_precision

PLATE = np.array([[0.0, 0.0, 10.0, 5.0]])


def answered(seed, photos=12):
    """Photos of one plate with up to three boxes near it, with scores of which some are equal."""
    random = np.random.default_rng(seed)
    boxes = [PLATE + random.normal(0, 1.2, (random.integers(0, 4), 4)) for _ in range(photos)]
    return [
        Answers(str(n), own, np.round(random.random(len(own)), 1), PLATE)
        for n, own in enumerate(boxes)
    ]


def test_average_precision_of_photos_that_are_drawn_several_times():
    answers = answered(1)
    counts = np.random.default_rng(2).multinomial(12, np.full(12, 1 / 12), 5)
    drawn = [[a for a, n in zip(answers, own) for _ in range(n)] for own in counts]
    expected = [average_precision(one) for one in drawn]
    assert average_precisions(answers, counts) == pytest.approx(expected)


def test_an_interval_holds_the_mean_of_all_runs():
    runs = [answered(1), answered(2)]
    for text, mean in (
        (precision_interval(runs), np.mean([average_precision(run) for run in runs])),
        (recall_interval(runs), np.mean([one.best_iou >= 0.5 for run in runs for one in run])),
    ):
        low, high = (float(end) for end in text.strip("[]").split(", "))
        assert 0 <= low < mean < high <= 1
    same = [Answers(str(n), PLATE, [0.9], PLATE) for n in range(4)]
    assert precision_interval([same], 2) == recall_interval([same], 2) == "[1.00, 1.00]"
    none = [Answers(str(n), np.zeros((0, 4)), [], PLATE) for n in range(4)]
    assert precision_interval([none], 2) == "[0.00, 0.00]"
