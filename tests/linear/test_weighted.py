"""Ridge, leaving groups out, calibration: against learning again, scikit-learn, and by hand."""

from __future__ import annotations

import numpy as np
import pytest

from spel.errors import ParameterError, ShapeError
from spel.linear import (
    Moments,
    fit_platt,
    fit_ridge,
    leave_group_out,
    models_without_groups,
    separate_classes,
)


def drawn(seed: int, n: int = 60, d: int = 5) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    rows = random.normal(size=(n, d)) @ random.normal(size=(d, d)) + 3
    targets = np.sign(rows @ random.normal(size=d) + random.normal(size=n))
    return rows, targets, random.uniform(0.5, 2, n)


def test_ridge_agrees_with_scikit_learn() -> None:
    from sklearn.linear_model import Ridge

    rows, targets, shares = drawn(1)
    plane = fit_ridge(rows, targets, shares, 0.1)
    s = shares / shares.sum()
    spread = np.cov(rows.T, aweights=s, ddof=0)
    peer = Ridge(alpha=0.1 * np.trace(spread) / 5).fit(rows, targets, sample_weight=s)
    np.testing.assert_allclose(plane.weights, peer.coef_, rtol=1e-4, atol=1e-5)
    assert plane.bias == pytest.approx(peer.intercept_, rel=1e-4, abs=1e-4)


def test_several_targets_are_several_planes() -> None:
    rows, targets, shares = drawn(2)
    both = fit_ridge(rows, np.stack([targets, 2 * targets + 1], axis=1), shares, 0.1)
    one = fit_ridge(rows, targets, shares, 0.1)
    np.testing.assert_allclose(both.weights[:, 0], one.weights, rtol=1e-4)
    np.testing.assert_allclose(both.weights[:, 1], 2 * one.weights, rtol=1e-4)
    assert both.bias[1] == pytest.approx(2 * one.bias + 1, rel=1e-4)


def test_moments_in_portions_give_the_same_plane() -> None:
    rows, targets, _ = drawn(5)
    positive, negative = Moments(5), Moments(5)
    positive.add(rows[targets > 0])
    negative.add(rows[targets < 0][:10])
    negative.add(rows[targets < 0][10:])
    plane = separate_classes(positive, negative, 0.3, 0.1)
    share = np.where(targets > 0, 0.3 / positive.count, 0.7 / negative.count)
    peer = fit_ridge(rows, targets, share, 0.1)
    np.testing.assert_allclose(plane.weights, peer.weights, rtol=1e-3, atol=1e-5)
    assert plane.bias == pytest.approx(peer.bias, rel=1e-3)


def test_leaving_groups_out_agrees_with_learning_without_the_group() -> None:
    rows, targets, shares = drawn(3)
    groups = np.arange(60) // 6
    strength = 1e-7  # with next to no ridge the mean plays no part, and the formula is exact
    plane = fit_ridge(rows, targets, shares, strength)
    outside = leave_group_out(plane, rows, targets, shares, groups)
    for group in range(10):
        rest = groups != group
        again = fit_ridge(rows[rest], targets[rest], shares[rest], strength)
        expected = rows[~rest] @ again.weights + again.bias
        np.testing.assert_allclose(outside[~rest], expected, rtol=1e-3, atol=1e-3)


def test_calibration_agrees_with_scikit_learn_on_many_samples() -> None:
    from sklearn.linear_model import LogisticRegression

    random = np.random.default_rng(4)
    x = random.normal(size=4000)
    true = random.uniform(size=4000) < 1 / (1 + np.exp(-(2 * x - 1)))
    slope, offset = fit_platt(x, true)
    peer = LogisticRegression(C=1e6).fit(x[:, None], true)
    assert slope == pytest.approx(peer.coef_.item(), rel=0.02)
    assert offset == pytest.approx(peer.intercept_.item(), rel=0.05)


def test_separable_scores_give_finite_log_odds() -> None:
    slope, offset = fit_platt([0.0, 0.1, 5.0, 5.1], [False, False, True, True])
    assert np.isfinite([slope, offset]).all()
    assert slope * 5 + offset > 0 > slope * 0.1 + offset


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ShapeError, match="targets"):
        fit_ridge(np.ones((3, 2)), [1, 2], [1, 1, 1], 0.1)
    with pytest.raises(ShapeError, match="at least 1"):
        fit_ridge(np.ones((0, 2)), [], [], 0.1)


def test_models_without_groups_predict_what_leaving_out_says() -> None:
    rows, targets, shares = drawn(6)
    groups = np.arange(60) // 6
    both = np.stack([targets, 2 * targets + 1], axis=1)
    for wanted in (targets, both):
        model = fit_ridge(rows, wanted, shares, 0.01)
        left_out = leave_group_out(model, rows, wanted, shares, groups)
        for group, without in models_without_groups(model, rows, wanted, shares, groups).items():
            here = groups == group
            predicted = rows[here] @ without.weights + without.bias
            np.testing.assert_allclose(predicted, left_out[here], rtol=1e-3, atol=1e-3)
        # Photos without an object of a class give it no crops.
        assert models_without_groups(model, rows[:0], wanted[:0], shares[:0], [], total=1.0) == {}


def test_a_group_of_all_rows_cannot_be_left_out() -> None:
    rows = np.random.default_rng(0).normal(size=(6, 3))
    targets = rows @ [1.0, -2.0, 0.5]
    model = fit_ridge(rows, targets, np.ones(6), 0.1)
    left_out = leave_group_out(model, rows, targets, np.ones(6), ["a"] * 6)
    assert np.allclose(left_out, rows @ model.weights + model.bias)


@pytest.mark.filterwarnings("ignore::scipy.linalg.LinAlgWarning")
def test_more_columns_than_rows_hardly_penalized() -> None:
    """The system of a group is then nearly singular: solved while it can be, else refused."""
    random = np.random.default_rng(0)
    rows, targets = random.normal(size=(300, 400)), random.normal(size=300)
    groups, shares = np.repeat(["a", "b"], [250, 50]), np.ones(300)
    model = fit_ridge(rows, targets, shares, 1e-6)
    assert np.isfinite(leave_group_out(model, rows, targets, shares, groups)).all()
    model = fit_ridge(rows, targets, shares, 1e-9)
    with pytest.raises(ParameterError, match="a larger one"):
        leave_group_out(model, rows, targets, shares, groups)
