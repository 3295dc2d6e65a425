"""A stroke is judged by the images that it does not lie in; a misplaced one is warned of."""

from __future__ import annotations

import numpy as np
import pytest

import spel
from spel.core.markers import Markers
from spel.errors import ParameterError
from spel.learning.stroke_check import StrokeEffect, check_strokes
from spel.nn import Activation, Unlearned, chain

SIZE = (20, 24)


def field(seed):
    """Left half dark, right half light."""
    image = np.random.default_rng(seed).normal(60, 8, (*SIZE, 1))
    image[:, 12:] += 90
    return image.clip(0, 255).astype(np.uint8)


def strokes(*, swapped=False):
    """A background stroke in the dark and an object stroke in the light, or the other way round."""
    points = [(5, c) for c in range(3, 8)] + [(9, c) for c in range(15, 20)]
    return Markers(points, np.repeat([1, 0] if swapped else [0, 1], 5), SIZE)


def network():
    return chain(conv=Unlearned(spel.Adjacency.box(3), 6, per_stroke=2), relu=Activation())


def test_strokes_of_confused_labels_hurt_and_come_first():
    images = [field(seed) for seed in range(3)]
    drawn = [strokes(swapped=True), strokes(), strokes()]
    effects = check_strokes(network(), images, drawn, names=list("abc"), ridge=1e-3)
    assert len(effects) == 6
    assert [(effect.image, effect.hurts) for effect in effects[:2]] == [("a", True)] * 2
    assert not any(effect.hurts for effect in effects[2:])
    assert all(effect.images == 2 for effect in effects)


def test_warnings_need_a_loss_beyond_the_error():
    one = StrokeEffect("a", 1, 1, 9, (2, 3), -0.2, 0.05, 5)
    assert one.hurts
    assert str(one) == "image a, stroke 1 (label 1, at (2, 3)): -0.200 ± 0.050 on 5 other images"
    assert not StrokeEffect("a", 1, 1, 9, (2, 3), -0.2, 0.3, 5).hurts
    assert not StrokeEffect("a", 1, 1, 9, (2, 3), -0.004, 0.0, 5).hurts
    assert "cannot be judged" in str(StrokeEffect("a", 1, 1, 9, (2, 3), np.nan, 0.0, 0))


def test_two_images_judge_nothing():
    with pytest.raises(ParameterError, match="at least 3"):
        check_strokes(network(), [field(0), field(1)], [strokes()] * 2)


def test_the_only_stroke_of_a_class_cannot_be_judged():
    background = Markers([(5, c) for c in range(3, 8)], [0] * 5, SIZE)
    images = [field(seed) for seed in range(3)]
    effects = check_strokes(network(), images, [strokes(), background, background])
    assert [np.isfinite(one.effect) for one in effects].count(False) >= 1
