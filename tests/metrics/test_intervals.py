"""Intervals, paired tests and nested choices against SciPy and against literals by hand."""

from __future__ import annotations

import numpy as np
import pytest

from spel.errors import ParameterError, ShapeError
from spel.metrics.intervals import (
    bootstrap_interval,
    holm,
    nested_choice,
    paired_difference,
)

DICE = np.random.default_rng(3).beta(8, 2, 40)


def test_the_interval_agrees_with_scipys_percentile_bootstrap():
    stats = pytest.importorskip("scipy.stats")
    found = bootstrap_interval(DICE, draws=20_000)
    oracle = stats.bootstrap(
        (DICE,), np.mean, n_resamples=20_000, method="percentile", random_state=1
    ).confidence_interval
    assert found.low == pytest.approx(oracle.low, abs=0.002)
    assert found.high == pytest.approx(oracle.high, abs=0.002)
    assert found.deviation == pytest.approx(np.std(DICE, ddof=1))


def test_a_wider_level_is_a_wider_interval_and_one_value_has_no_deviation():
    narrow, wide = (bootstrap_interval(DICE, level=level) for level in (0.5, 0.99))
    assert wide.low < narrow.low < narrow.mean < narrow.high < wide.high
    alone = bootstrap_interval([0.25])
    assert (alone.low, alone.high) == (0.25, 0.25)
    assert np.isnan(alone.deviation)


def test_the_exact_p_value_is_scipys():
    stats = pytest.importorskip("scipy.stats")
    first, second = DICE[:9], DICE[9:18]
    oracle = stats.permutation_test(
        (first, second),
        lambda x, y: np.mean(x - y),
        permutation_type="samples",
        n_resamples=np.inf,
    )
    assert paired_difference(first, second).p == pytest.approx(oracle.pvalue)


def test_the_random_p_value_is_near_the_t_tests():
    stats = pytest.importorskip("scipy.stats")
    first = DICE
    second = DICE - np.random.default_rng(5).normal(0.03, 0.1, len(DICE))
    found = paired_difference(first, second)
    assert found.p == pytest.approx(stats.ttest_rel(first, second).pvalue, abs=0.02)
    assert found.difference.mean == pytest.approx(np.mean(first - second))


def test_equal_rows_do_not_differ():
    assert paired_difference([0.5, 0.7], [0.5, 0.7]).p == 1.0


def test_holm_by_hand():
    # sorted .01 .02 .03 .04, times 4 3 2 1: .04 .06 .06 .06 after the running maximum
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.9, 0.8]).tolist() == [1.0, 1.0]


def test_a_setting_chosen_on_noise_is_worth_nothing_when_nested():
    noise = np.random.default_rng(0).normal(size=(200, 30))
    flattering = noise[noise.mean(axis=1).argmax()].mean()
    assert flattering > 0.3
    assert abs(nested_choice(noise).mean()) < 0.5 * flattering


def test_one_good_setting_is_chosen_everywhere():
    table = np.zeros((3, 10))
    table[1] = 1
    assert nested_choice(table).tolist() == [1.0] * 10


@pytest.mark.parametrize("values", [[], [[1.0]], [np.nan]])
def test_no_values_have_no_mean(values):
    with pytest.raises((ParameterError, ShapeError)):
        bootstrap_interval(values)


def test_groups_are_not_divided():
    with pytest.raises(ParameterError, match="3 folds of 2"):
        nested_choice(np.ones((1, 4)), folds=3, groups=[0, 0, 1, 1])
