"""Presence from scores by hand; ellipses of cut outlines; sizes; borders averaged."""

from __future__ import annotations

from math import log, pi, sqrt

import numpy as np
import pytest

from spel.decide import Delineation, ObjectModel
from spel.decide.ellipse import completed_ellipse
from spel.decide.presence import Presence
from spel.errors import FormatError, ParameterError, ShapeError

KNOWN = Presence((-1.0, -1.2, -1.5), (-3.0, -4.0, -3.5, -5.0))


def disk(size, row, col, tall, wide):
    r, c = np.mgrid[: size[0], : size[1]]
    return ((r - row) / tall) ** 2 + ((c - col) / wide) ** 2 <= 1


@pytest.mark.parametrize(("rate", "score"), [(0.2, -3.0), (0.39, -3.0), (0.4, -3.5), (0.99, -5.0)])
def test_rates_that_the_images_support_are_order_statistics(rate, score):
    assert KNOWN.min_score(rate) == score


def test_a_lower_rate_is_a_gumbel_quantile():
    # mean -3.875, variance (.875^2 + .125^2 + .375^2 + 1.125^2) / 3 = .7292
    scale = sqrt(6) / pi * sqrt(2.1875 / 3)
    expected = -3.875 - 0.5772156649 * scale - scale * log(-log(0.95))
    assert KNOWN.min_score(0.05) == pytest.approx(expected)


def test_the_conformal_rate_holds_on_average():
    """Of maxima drawn from any distribution, at most the stated share exceeds the threshold."""
    rng = np.random.default_rng(1)
    alarms = []
    for _ in range(400):
        drawn = -np.exp(rng.normal(size=20))
        alarms.append(drawn[19] > Presence((-0.1,), tuple(drawn[:19])).min_score(0.1))
    assert 0.05 < np.mean(alarms) < 0.15


def test_rates_and_scores_agree():
    assert KNOWN.false_alarm_rate(-2.0) == pytest.approx(1 / 5)
    assert KNOWN.false_alarm_rate(-3.5) == pytest.approx(3 / 5)
    assert KNOWN.probability(KNOWN.even_score()) == pytest.approx(0.5)
    assert -3.0 < KNOWN.even_score() < -1.5


def test_both_sides_are_separated_in_the_middle_of_the_widest_of_the_best_gaps():
    assert KNOWN.separation_score() == KNOWN.min_score("auto") == -2.25  # -1.5 and -3
    assert ObjectModel(area=9, presence=KNOWN).at_false_alarm_rate("auto").min_score == -2.25
    # An object without a component costs one of three, wherever the score lies above it.
    assert Presence((-1.0, -2.0, -8.0), (-4.0, -5.0)).separation_score() == -3.0
    # A background among the objects: above it 1 of 4 is kept, below it 4 of 4 for 1 of 4.
    mixed = Presence((-1.0, -2.0, -2.5, -2.6), (-1.5, -3.6, -4.0, -5.0))
    assert mixed.separation_score() == pytest.approx(-3.1)
    # Two gaps are worth the same, 1/2: the wider one, from -1 to -3, counts.
    assert Presence((-1.0, -3.5), (-3.0, -4.0)).separation_score() == -2.0


def test_where_nothing_separates_the_background_bounds():
    assert Presence((-3.0, -5.0), (-1.0, -2.0)).separation_score() == -1.0
    assert Presence((-2.0,), (-2.0, -2.0)).separation_score() == -2.0


@pytest.mark.parametrize("rate", ["always", True, float("nan"), None])
def test_what_is_no_rate_is_refused(rate):
    with pytest.raises(ParameterError, match="or 'auto'"):
        KNOWN.min_score(rate)


def test_only_presence_is_read_back():
    assert Presence.from_dict(KNOWN.to_dict()) == KNOWN
    for bad in (3, {"objects": [1.0]}, {"objects": [], "background": [1.0, 2.0]},
                {"objects": ["x"], "background": [1.0, 2.0]}):  # fmt: skip
        with pytest.raises(FormatError):
            Presence.from_dict(bad)
    with pytest.raises(ParameterError, match="ends excluded"):
        KNOWN.min_score(1.0)


def test_half_an_ellipse_is_completed_and_a_corner_is_not():
    whole = disk((60, 90), 40, 45, 20, 30)
    visible = whole[:40]
    found = completed_ellipse(visible[20:, 15:76], (20, 15), (40, 90))
    assert found is not None
    assert found.centre == pytest.approx([20, 30], abs=1.5)
    assert found.area == pytest.approx(pi * 20 * 30, rel=0.1)  # a fit of half an arc shrinks
    square = np.ones((10, 10), bool)
    assert completed_ellipse(square, (0, 0), (10, 10)) is None


def test_a_cut_object_is_found_where_truncated_ones_are_looked_for():
    saliency = disk((60, 90), 60, 45, 18, 24).astype(float)  # half of it below the image
    model = ObjectModel(area=pi * 18 * 24, elongation=0.75, min_score=-1.5)
    assert not model.mask(saliency).any()
    found = ObjectModel(area=pi * 18 * 24, elongation=0.75, min_score=-1.5, truncated=True)
    assert np.array_equal(found.mask(saliency), saliency > 0)
    with pytest.raises(ShapeError, match="volumes"):
        found.mask(np.zeros((4, 5, 6)))


def test_smaller_objects_are_found_within_the_range_of_sizes():
    small = disk((60, 90), 30, 45, 6, 6).astype(float)
    area = 4 * pi * 36
    assert not ObjectModel(area=area, min_score=-1.0).mask(small).any()
    assert ObjectModel(area=area, area_range=(0.25, 1), min_score=-1.0).mask(small).any()
    large = disk((90, 90), 45, 45, 25, 25).astype(float)
    assert not ObjectModel(area=area, area_range=(0.25, 1), min_score=-1.0).mask(large).any()


def test_a_stored_model_keeps_presence_and_older_ones_have_none():
    model = ObjectModel(area=9, truncated=True, area_range=(0.25, 2), presence=KNOWN)
    assert ObjectModel.from_dict(model.to_dict()) == model
    assert "presence" not in ObjectModel(area=9).to_dict()
    with pytest.raises(ParameterError, match="area_range"):
        ObjectModel(area=9, area_range=(2, 1))
    with pytest.raises(ParameterError, match="learn"):
        ObjectModel(area=9).at_false_alarm_rate(0.1)
    assert model.at_false_alarm_rate(0.2).min_score == -3.0


def test_an_averaged_border_lies_between_both():
    image = disk((60, 60), 30, 30, 16, 16).astype(np.float32)[..., None]
    rough = disk((60, 60), 30, 30, 10, 10)
    edges = Delineation(outer=9).refine(image, rough)
    mean = Delineation(outer=9, average=True).refine(image, rough)
    assert rough.sum() < mean.sum() < edges.sum()
    radius = sqrt(mean.sum() / pi)  # between 11 (10 grown by one) and 16
    assert radius == pytest.approx(13.5, abs=0.6)
    assert Delineation.from_dict(Delineation(average=True).to_dict()).average


def test_what_the_border_hides_weakens_the_evidence():
    half = disk((40, 60), 39.5, 30, 12, 12).astype(float)
    plain = ObjectModel(area=pi * 144, truncated=True, min_score=-5.0)
    ((score, one),) = plain.select(half)
    assert 0.4 < one.area / one.whole_area < 0.7
    weighed = ObjectModel(area=pi * 144, truncated=True, min_score=-5.0, visible_power=2.0)
    assert weighed.score(one) == pytest.approx(score + 2 * log(one.area / one.whole_area))
    assert "visible_power" not in plain.to_dict()
    assert ObjectModel.from_dict(weighed.to_dict()) == weighed
