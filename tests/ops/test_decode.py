"""Decoders: the published equations by hand, and laws of all of them."""

from __future__ import annotations

import numpy as np
import pytest

from spel import ops
from spel.errors import ParameterError, ShapeError
from spel.ops.decode import (
    LABELLED,
    METHODS,
    attention_weights,
    mean_votes,
    probability_votes,
    tri_state_weights,
)

BANDS = np.random.default_rng(0).random((12, 14, 6)).astype(np.float32)
OBJECT = np.array([True, False, True, False, False, True])

# -- LITERAL -------------------------------------------------------------------------------------


def test_labelled_markers_add_and_subtract():
    image = [[[3.0, 1.0, 1.0], [0.0, 2.0, 0.0], [1.0, 0.0, 0.0]]]
    assert ops.decode(image, "lm", [True, False, False]).ravel().tolist() == [1, 0, 1]
    balanced = ops.decode(image, "lm-balanced", [True, False, False]).ravel()
    assert balanced.tolist() == [1, 0, 0.5]


def test_tri_state_takes_small_bright_bands_and_refuses_large_ones():
    small, large, middle = (np.zeros((10, 10), np.float32) for _ in range(3))
    small[:2, :2] = 1
    large[:9] = 1
    middle[:4] = 0.5
    weights = tri_state_weights(np.stack([small, large, middle], axis=-1))
    assert weights[0] == 1
    assert weights[1] == -1


def test_attention_prefers_what_is_least_like_the_mean():
    rows = np.linspace(0, 1, 20, dtype=np.float32)
    common = np.stack([rows] * 5, axis=-1)[:, None]
    odd = np.zeros((20, 1, 1), np.float32)
    odd[0] = 1
    weights = attention_weights(np.concatenate([common, odd], axis=-1))
    assert weights[-1] == 1
    assert (weights[:-1] <= 0).all()


def test_votes_agree_with_the_label():
    bands = np.zeros((5, 5, 2), np.float32)
    bands[:, :, 0], bands[:, 3:, 1] = 0.5, 1.0
    votes = mean_votes(bands, np.array([True, False]))
    assert votes[2, 0].tolist() == [1, 0]
    assert votes[2, 4].tolist() == [0, -1]


def test_of_one_class_only_votes_are_defined():
    for side in (np.ones(6, bool), np.zeros(6, bool)):
        assert np.isfinite(probability_votes(BANDS, side)).all()
        assert np.isfinite(ops.decode(BANDS, "mb", side)).all()


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: ops.decode(BANDS, "best"), ParameterError),
        (lambda: ops.decode(BANDS, "lm", [True]), ShapeError),
        (lambda: ops.decode(np.zeros((3, 3)), "ts"), ShapeError),
    ],
)
def test_what_does_not_fit_is_refused(call, error):
    with pytest.raises(error, match="decode"):
        call()


# -- LAW -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_saliency_is_in_0_to_1_and_of_one_channel(method):
    labels = OBJECT if method in LABELLED else ()
    saliency = ops.decode(BANDS, method, labels)
    assert saliency.shape == (12, 14, 1)
    assert saliency.dtype == np.float32
    assert saliency.min() >= 0
    assert saliency.max() <= 1
    assert (ops.decode(np.zeros((4, 4, 6)), method, labels) == 0).all()
    assert ops.decode(np.zeros((0, 4, 6)), method, labels).shape == (0, 4, 1)


@pytest.mark.parametrize("method", METHODS)
def test_the_order_of_channels_does_not_matter(method):
    order = [3, 1, 5, 0, 4, 2]
    labels = OBJECT if method in LABELLED else np.zeros(0, bool)
    moved = ops.decode(BANDS[..., order], method, labels[order] if len(labels) else ())
    assert np.allclose(moved, ops.decode(BANDS, method, labels), atol=1e-5)
