"""Boxes and photos that would take too much memory or time are refused before the work."""

from __future__ import annotations

import numpy as np
import pytest

from spel.errors import ParameterError
from spel.rigid import RigidConfig, learn_detector

PHOTO = np.random.default_rng(0).integers(0, 255, (120, 160), dtype=np.uint8)
GOOD = [20, 20, 60, 40]


@pytest.mark.parametrize(
    ("box", "words"),
    [
        ([10, 10, 11, 11], "enlarged 39.4 times; the limit is 8"),
        ([10, 10, 10.001, 10.001], "enlarged"),
        ([0, 0, 1e9, 1e9], "photo one: the box 0, 0, 1e.09, 1e.09 does not fit .* 160 x 120"),
        ([200, 10, 240, 30], "does not fit the photo of 160 x 120 pixels"),
        ([0, 10, 5000, 11], "GB of memory; the limit is 4 GB"),
        ([0, 10, np.inf, 20], "not finite"),
        ([0, 10, 0, 20], "empty"),
    ],
)
def test_boxes_that_cannot_be_learned_are_refused_by_name(box: list[float], words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        learn_detector([PHOTO, PHOTO], [[GOOD], [box]], names=["none", "one"])


def test_the_limits_can_be_raised_and_lowered() -> None:
    huge = np.broadcast_to(np.uint8(0), (40_000, 50_000))
    with pytest.raises(ParameterError, match=r"photo 0 of 50000 x 40000 pixels.*limit is 4 GB"):
        learn_detector([huge], [[GOOD]])
    with pytest.raises(ParameterError, match="max_enlargement"):
        learn_detector([PHOTO], [[GOOD]], RigidConfig(max_enlargement=0.5))
    with pytest.raises(ParameterError, match="seed -1"):
        RigidConfig(seed=-1)
