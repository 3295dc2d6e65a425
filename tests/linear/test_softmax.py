"""LAW: at the least loss its gradient is zero, and the scale of a column does not matter."""

from __future__ import annotations

import numpy as np
import pytest

from spel.linear import fit_softmax


def problem(k, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.arange(60) % k
    rows = rng.normal(size=(60, 4)) + labels[:, None] * [1.0, -0.5, 0, 0]
    shares = rng.random(60)
    return rows, labels, shares / shares.sum()


@pytest.mark.parametrize("k", [2, 3, 5])
def test_the_gradient_of_the_loss_is_zero(k):
    rows, labels, shares = problem(k)
    weights, bias = fit_softmax(rows, labels, shares, ridge=0.05)
    deviation = np.sqrt(shares @ (rows - shares @ rows) ** 2)
    scores = rows @ weights + bias
    p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    missing = (p - np.eye(k)[labels]) * shares[:, None]
    standard = weights * deviation[:, None]
    design = (rows - shares @ rows) / deviation
    assert np.abs(design.T @ missing + 0.05 * standard).max() < 1e-5
    assert np.abs(missing.sum(axis=0)).max() < 1e-5


def test_the_scale_of_a_column_does_not_matter_and_constant_ones_weigh_nothing():
    rows, labels, shares = problem(3)
    wide = np.column_stack([rows[:, 0] * 1e4 + 7, rows[:, 1:], np.full(60, 9.0)])
    weights, bias = fit_softmax(rows, labels, shares, ridge=0.05)
    others, shift = fit_softmax(wide, labels, shares, ridge=0.05)
    assert np.all(others[-1] == 0)
    assert np.allclose(rows @ weights + bias, wide @ others + shift, atol=1e-3)
