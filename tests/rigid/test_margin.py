"""The margin of detected boxes: stored, applied to every class, refused where it has no meaning."""

from __future__ import annotations

import numpy as np
import pytest

from spel import zoo
from spel.decide import Decision, decision_of, detect, with_decision
from spel.errors import ParameterError
from spel.nn import Scale, chain
from spel.rigid import ClassWindows, Windows


def test_a_margin_widens_the_boxes_of_a_detector_by_its_share():
    rng = np.random.default_rng(0)
    image = rng.integers(90, 110, (200, 320, 3)).astype(np.uint8)
    image[90:110, 120:190] = rng.choice((20, 240), (20, 14, 1)).repeat(5, axis=1)
    network = zoo.plates()
    own, wide = (
        detect(network, image, threshold=0.0, max_detections=20, margin=margin).boxes
        for margin in ((0.0, 0.0), (0.1, 0.25))
    )
    step = (own[:, 2:] - own[:, :2]) * (0.1, 0.25)
    expected = np.concatenate([own[:, :2] - step, own[:, 2:] + step], axis=1).clip(0)
    inside = (own > 0).all(axis=1) & (own < (320, 200, 320, 200)).all(axis=1)  # the image cuts none
    assert inside.any()
    assert wide[inside] == pytest.approx(np.minimum(expected, (320, 200, 320, 200))[inside])


def test_margins_are_stored_and_older_files_have_none():
    windows = Windows(sizes=((48, 16),), margin=(0.05, -0.1))
    assert Windows.from_dict(windows.to_dict()) == windows
    assert "margin" not in Windows(sizes=((48, 16),)).to_dict()
    classes = ClassWindows((("coin", Windows(((9, 9),), score_node="s")),))
    assert classes.with_options(margin=(0.5, 0)).classes[0][1].margin == (0.5, 0.0)


@pytest.mark.parametrize("margin", [(0.1,), (-0.5, 0), (9, 0)])
def test_a_margin_that_leaves_no_box_is_refused(margin):
    with pytest.raises(ParameterError, match="margin"):
        Windows(sizes=((48, 16),), margin=margin)


def test_components_have_no_margin():
    network = with_decision(chain(Scale([1.0])), Decision(threshold=0.5))
    with pytest.raises(ParameterError, match="unknown option margin"):
        detect(network, np.zeros((4, 4)), margin=(0.1, 0.1))
    assert isinstance(decision_of(network), Decision)
