"""Kernel ridge: literals by hand, and features whose digits float32 would lose."""

import numpy as np
import pytest

from spel.errors import ParameterError
from spel.linear import RadialKernel, fit_kernel_ridge, median_squared_distance


def test_kernel_values_by_hand():
    kernel = RadialKernel(np.array([[0.0, 0.0], [3.0, 4.0]]), 0.1)
    assert np.allclose(kernel(np.array([[0.0, 0.0]])), [[1.0, np.exp(-2.5)]])
    assert np.isclose(median_squared_distance(np.array([[0.0], [1.0], [4.0]])), 9.0)
    assert median_squared_distance(np.array([[7.0]])) == 1.0


@pytest.mark.parametrize("seed", range(40))
def test_any_scale_and_offset_of_float32_features(seed):
    """LAW: weights solve the penalized system, whatever the features' units."""
    draw = np.random.default_rng(seed)
    count = int(draw.integers(5, 120))
    rows = draw.normal(size=(count, int(draw.integers(1, 40)))) * 10.0 ** draw.integers(-3, 4)
    rows = (rows + 10.0 ** draw.integers(-3, 5)).astype(np.float32)
    labels = np.arange(count) % 2
    kernel = RadialKernel(rows, 1.5 / median_squared_distance(rows))
    weights = fit_kernel_ridge(rows, labels, 2, kernel, 0.03)
    assert np.isfinite(weights).all()
    assert np.allclose(kernel(rows) @ weights.sum(axis=1), 0, atol=1e-6)


def test_rows_that_repeat():
    rows = np.repeat(np.array([[1.0], [2.0]], dtype=np.float32), 10, axis=0)
    labels = np.repeat([0, 1], 10)
    kernel = RadialKernel(rows, 1.0)
    scores = kernel(rows) @ fit_kernel_ridge(rows, labels, 2, kernel, 0.03)
    assert (scores.argmax(axis=1) == labels).all()


def test_values_that_overflow_are_refused():
    rows = np.array([[1e200], [-1e200], [3e200]])
    with np.errstate(all="ignore"), pytest.raises(ParameterError, match="scale the features"):
        fit_kernel_ridge(rows, np.array([0, 1, 0]), 2, RadialKernel(rows, 1.0), 0.1)
