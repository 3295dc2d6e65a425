"""Ridge from moments: literals by hand, and scikit-learn's as an oracle."""

import numpy as np

from spel.linear import ClassMoments, ridge_from_moments


def test_a_line_by_hand():
    # x = 0, 1, 2 and y = 1, 3, 5: variance 2/3, covariance 4/3.
    model = ridge_from_moments(np.array([1.0]), np.array([[2 / 3]]), 3.0, np.array([4 / 3]), 1e-12)
    assert np.allclose([model.weights[0], model.bias], [2.0, 1.0])
    # A penalty of 2/3 halves the slope.
    half = ridge_from_moments(np.array([1.0]), np.array([[2 / 3]]), 3.0, np.array([4 / 3]), 2 / 3)
    assert np.allclose([half.weights[0], half.bias], [1.0, 2.0])


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
