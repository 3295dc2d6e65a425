"""Detection figures by class and with crowds, as COCO defines them."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.suites.coco_figures import by_pycocotools, random_image
from spel.metrics.detection import Answers, coco_figures, evaluate


def test_a_crowd_takes_answers_by_their_own_area() -> None:
    one = Answers(
        "a",
        [[10, 10, 30, 30], [92, 92, 100, 100]],
        [0.9, 0.8],
        [[0, 0, 90, 90], [92, 92, 100, 100]],
        crowd=[True, False],
    )
    assert coco_figures([one]).ap == pytest.approx(1.0)
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


def rows(count: int, side: float = 10) -> np.ndarray:
    """Boxes of one size, apart from one another."""
    left = np.arange(count) * 2 * side
    return np.stack([left, 0 * left, left + side, 0 * left + side], axis=1)


def test_figures_by_size_ignore_what_lies_outside() -> None:
    # Two small true boxes, one found; a large one, found with the best score.
    truth = np.concatenate([rows(2), [[200, 200, 300, 300]]])
    one = Answers("a", truth[1:], [0.5, 0.9], truth)
    figures = coco_figures([one])
    # The first 51 of 101 points have precision 1 where one of two true boxes is found.
    assert figures.ap_small == pytest.approx(51 / 101)
    assert (figures.ar_small, figures.ap_large, figures.ar_large) == (0.5, 1.0, 1.0)
    assert np.isnan(figures.ap_medium)
    assert np.isnan(figures.ar_medium)
    # An area of its own, for example that of a mask, replaces the box's.
    smaller = Answers("a", truth[1:], [0.5, 0.9], truth, truth_areas=[100, 100, 2000])
    assert coco_figures([smaller]).ap_medium == 1.0


def test_a_false_alarm_counts_in_its_own_range_only() -> None:
    truth = [[0, 0, 10, 10], [100, 100, 200, 200]]
    alarm = [300, 300, 400, 400]
    figures = coco_figures([Answers("a", [*truth, alarm], [0.8, 0.7, 0.9], truth)])
    assert (figures.ap_small, figures.ap_large) == (1.0, 0.5)


def test_recall_by_the_number_of_answers() -> None:
    truth = rows(20)
    figures = coco_figures([Answers("a", truth, np.linspace(0.9, 0.1, 20), truth)])
    assert (figures.ar1, figures.ar10, figures.ar100) == (0.05, 0.5, 1.0)


def test_answers_after_the_hundredth_do_not_count() -> None:
    truth = rows(101)
    figures = coco_figures([Answers("a", truth, np.linspace(0.9, 0.1, 101), truth)])
    assert figures.ar100 == pytest.approx(100 / 101)


def test_the_mean_is_over_classes_with_a_true_box() -> None:
    box = [[5, 5, 9, 9]]
    figures = coco_figures(
        [
            Answers("a", box, [0.9], box, ["x"], ["x"]),
            Answers("b", box, [0.9], box, ["z"], ["y"]),
        ]
    )
    assert figures.ap == 0.5
    assert (figures.by_class["x"], figures.by_class["y"]) == (1.0, 0.0)
    assert np.isnan(figures.by_class["z"])
    assert evaluate([Answers("a", box, [0.9], box, ["x"], ["x"])]).by_class["x"].coco_ap == 1.0


def test_random_sets_have_the_figures_of_pycocotools() -> None:
    coco, cocoeval = (
        pytest.importorskip("pycocotools.coco"),
        pytest.importorskip("pycocotools.cocoeval"),
    )
    for seed in range(4):
        rng = np.random.default_rng(seed)
        images = [random_image(rng, str(i)) for i in range(3)]
        ours = list(evaluate(images).coco.to_dict().values())
        theirs = by_pycocotools(images, coco, cocoeval)
        np.testing.assert_allclose(np.nan_to_num(ours, nan=-1), theirs, rtol=0, atol=1e-12)
