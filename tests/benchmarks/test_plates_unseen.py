"""The table of plates of another region: its figure, and the photos of another camera."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from spel.metrics.detection import Answers


@pytest.fixture(autouse=True)
def repository(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2]))


def test_recall_is_that_above_the_score_of_the_first_false_alarm_too_many():
    from benchmarks.science.plates import recall_per_picture

    two = [[0, 0, 10, 5], [20, 0, 30, 5]]
    first = Answers("a", [[0, 0, 10, 5], [50, 0, 60, 5], [20, 0, 30, 5]], [0.9, 0.8, 0.3], two)
    second = Answers("b", [[0, 0, 10, 5], [50, 9, 60, 15]], [0.5, 0.4], two[:1])
    # False alarms of .8 and .4 in two pictures: none, one or both are allowed.
    assert recall_per_picture([first, second], 0.4) == {"a": 0.5, "b": 0.0}
    assert recall_per_picture([first, second], 0.5) == {"a": 0.5, "b": 1.0}
    assert recall_per_picture([first, second], 1.0) == {"a": 1.0, "b": 1.0}


def test_the_white_of_a_plate_stays_in_its_box_under_every_condition():
    pytest.importorskip("scipy")
    from benchmarks.plates.conditions import ALL, CONDITIONS, Scene, under

    box = np.array([[100.0, 60.0, 180.0, 90.0]])
    image = np.zeros((160, 260, 1), np.uint8)
    image[60:90, 100:180] = 255
    scenes = [Scene(f"{k}", image, box) for k in range(4)]
    for name in ("as it is", "small", "tilted"):
        for scene in under(name, scenes):
            rows, cols = np.nonzero(scene.image[..., 0] > 127)
            shown = [cols.min(), rows.min(), cols.max() + 1, rows.max() + 1]
            assert scene.boxes[0] == pytest.approx(shown, abs=1.5), name
    dark = under("night", scenes)[0]
    assert dark.boxes.tolist() == box.tolist()
    assert dark.image.shape == image.shape
    (joined,) = under("several", scenes)
    assert joined.boxes.shape == (4, 4)
    widths = [scene.boxes[0, 2] - scene.boxes[0, 0] for scene in under("small", scenes)]
    assert all(32 <= width <= 60 for width in widths)
    assert (*CONDITIONS, "several") == ALL
    again = under("night", scenes)[0]
    assert np.array_equal(again.image, dark.image)


def test_alarms_at_a_recall_are_those_above_the_last_plate_that_is_needed():
    from benchmarks.science.regions import alarms_at_recall

    two = [[0, 0, 10, 5], [20, 0, 30, 5]]
    first = Answers("a", [[0, 0, 10, 5], [50, 0, 60, 5], [20, 0, 30, 5]], [0.9, 0.8, 0.3], two)
    second = Answers("b", [[50, 9, 60, 15]], [0.4], two[:1])
    # Plates at .9 and .3 of three; false alarms at .8 and .4 in two pictures.
    assert [alarms_at_recall([first, second], share) for share in (0.3, 0.6)] == [0.0, 1.0]
    assert alarms_at_recall([first, second], 0.9) == float("inf")


def test_a_box_drawn_exactly_keeps_what_is_not_asked_for():
    from benchmarks.science.regions import EXACT, drawn_exactly

    one = Answers("a", [[0, 0, 12, 8], [50, 0, 60, 5]], [0.9, 0.8], [[2, 2, 12, 7]])
    nothing = Answers("b", np.zeros((0, 4)), np.zeros(0), [[0, 0, 4, 2]])
    expected = {
        "middle": [1, 0.5, 13, 8.5],
        "width": [1, 0, 11, 8],
        "height": [0, 1.5, 12, 6.5],
        "all of it": [2, 2, 12, 7],
    }
    for name, what in EXACT.items():
        assert drawn_exactly(one, *what).boxes.tolist() == [expected[name], [50, 0, 60, 5]]
        assert not len(drawn_exactly(nothing, *what).boxes)
