"""Ridge from moments: literals by hand, and scikit-learn's as an oracle."""

import numpy as np
import pytest

from spel.linear import ClassMoments, fit_softmax, ridge_from_moments


def test_a_line_by_hand():
    # x = 0, 1, 2 and y = 1, 3, 5: variance 2/3, covariance 4/3.
    model = ridge_from_moments(np.array([1.0]), np.array([[2 / 3]]), 3.0, np.array([4 / 3]), 1e-12)
    assert np.allclose([model.weights[0], model.bias], [2.0, 1.0])
    # A penalty of 2/3 halves the slope.
    half = ridge_from_moments(np.array([1.0]), np.array([[2 / 3]]), 3.0, np.array([4 / 3]), 2 / 3)
    assert np.allclose([half.weights[0], half.bias], [1.0, 2.0])


@pytest.mark.parametrize("unit", [1e-60, 1e-30, 1e-10, 1e10, 1e30])
def test_columns_of_any_unit_count_and_constant_ones_do_not(unit):
    draw = np.random.default_rng(4)
    rows = draw.normal(size=(60, 3)) + [5, 0.3, 0]
    rows[:, 1] = 0.3
    labels = (rows[:, 0] > 5).astype(int)
    answers = []
    for factor in (1.0, unit):
        moments = ClassMoments(factor * rows[:10].mean(axis=0), 2)
        moments.add(factor * rows, labels)
        model = moments.ridge(0.01)
        assert (model.weights[1] == 0).all()
        answers.append(factor * rows @ model.weights + model.bias)
    assert np.allclose(*answers)
    weights, bias = fit_softmax(unit * rows, labels, np.full(60, 1 / 60), ridge=1e-4)
    assert ((unit * rows @ weights + bias).argmax(axis=1) == labels).mean() > 0.9


def test_class_moments_equal_scikit_learn_on_standardized_columns():
    from sklearn.linear_model import Ridge
    from sklearn.preprocessing import StandardScaler

    draw = np.random.default_rng(3)
    rows = draw.normal(size=(200, 4)) * [1, 10, 0.1, 1] + [5, 0, 2, 0]
    rows[:, 3] = 7.0  # A column that never varies.
    labels = draw.integers(0, 3, 200)
    moments = ClassMoments(rows[:10].mean(axis=0), 3)
    moments.add(rows[:70], labels[:70])
    moments.add(rows[70:], labels[70:])
    model = moments.ridge(0.01)
    scaled = StandardScaler().fit_transform(rows)
    oracle = Ridge(alpha=0.01 * 200).fit(scaled, np.where(labels[:, None] == np.arange(3), 1, -1))
    assert np.allclose(rows @ model.weights + model.bias, oracle.predict(scaled))
    assert (model.weights[3] == 0).all()
