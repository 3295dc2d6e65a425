"""Masks and saliencies: by hand, laws, and scikit-learn's F-beta."""

from __future__ import annotations

import numpy as np
import pytest

from spel.errors import ParameterError, ShapeError
from spel.metrics.saliency import (
    e_measure,
    mean_absolute_error,
    s_measure,
    weighted_f_beta,
)
from spel.metrics.segmentation import dice, f_beta, iou, overlap

TRUTH = np.zeros((20, 24), bool)
TRUTH[5:12, 6:15] = True
NONE = np.zeros((20, 24))

# -- LITERAL -------------------------------------------------------------------------------------


def test_two_empty_masks_agree_and_one_empty_mask_does_not():
    for measure in (dice, iou, f_beta):
        assert measure(NONE, NONE) == 1
        assert measure(NONE, TRUTH) == 0
        assert measure(TRUTH, NONE) == 0


def test_by_hand():
    found = overlap([1, 1, 1, 0, 0], [0, 1, 1, 1, 1])
    assert (found.both, found.answered, found.true) == (2, 3, 4)
    assert found.dice == pytest.approx(4 / 7)
    assert found.iou == pytest.approx(2 / 5)
    assert found.f_beta(0.3) == pytest.approx(1.3 * (2 / 3) * 0.5 / (0.3 * (2 / 3) + 0.5))


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: dice(NONE, NONE[:-1]), ShapeError),
        (lambda: dice(NONE + 0.3, NONE), ParameterError),
        (lambda: f_beta(TRUTH, TRUTH, beta2=0), ParameterError),
        (lambda: s_measure(NONE + 2, TRUTH), ParameterError),
        (lambda: mean_absolute_error(NONE[:-1], TRUTH), ShapeError),
        (lambda: e_measure(NONE, TRUTH, over="best"), ParameterError),
    ],
)
def test_what_does_not_fit_is_refused(call, error):
    with pytest.raises(error):
        call()


def test_empty_truths():
    assert (s_measure(NONE, NONE), e_measure(NONE, NONE), weighted_f_beta(NONE, NONE)) == (1, 1, 1)
    assert s_measure(NONE + 0.25, NONE) == 0.75
    assert weighted_f_beta(NONE + 0.25, NONE) == 0


# -- LAW -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("measure", [s_measure, e_measure, weighted_f_beta])
def test_the_truth_is_best_and_noise_is_worse(measure):
    rng = np.random.default_rng(0)
    perfect = measure(TRUTH.astype(float), TRUTH)
    assert perfect == pytest.approx(1, abs=1e-6)
    last = perfect
    for part in (0.1, 0.4, 0.8):
        noisy = np.where(rng.random(TRUTH.shape) < part, ~TRUTH, TRUTH).astype(float)
        assert measure(noisy, TRUTH) < last
        last = measure(noisy, TRUTH)


def test_a_miss_near_the_object_weighs_less_than_one_far_away():
    near, far = TRUTH.astype(float), TRUTH.astype(float)
    near[12, 6:15], far[19, 6:15] = 1, 1
    assert weighted_f_beta(near, TRUTH) > weighted_f_beta(far, TRUTH)


# -- PARITY --------------------------------------------------------------------------------------


def test_f_beta_is_scikit_learns():
    from sklearn.metrics import fbeta_score

    rng = np.random.default_rng(1)
    answer = np.where(rng.random(TRUTH.shape) < 0.2, ~TRUTH, TRUTH)
    want = fbeta_score(TRUTH.ravel(), answer.ravel(), beta=np.sqrt(0.3))
    assert f_beta(answer, TRUTH) == pytest.approx(want)


def test_measures_are_those_of_py_sod_metrics():
    """Skips unless pysodmetrics is installed; agreement was seen with 1.6.2."""
    peer = pytest.importorskip("py_sod_metrics")
    rng = np.random.default_rng(0)
    values = np.round(255 * np.clip(TRUTH * 0.9 + rng.random(TRUTH.shape) * 0.4, 0, 1))
    values.flat[:2] = 0, 255  # the peer stretches to the extremes
    ours, n = values / 255, TRUTH.size
    meters = [peer.MAE(), peer.WeightedFmeasure(beta=1), peer.Smeasure(), peer.Emeasure()]
    for meter in meters:
        meter.step(pred=values.astype(np.uint8), gt=(TRUTH * 255).astype(np.uint8))
    mae, weighted, structure, aligned = [meter.get_results() for meter in meters]
    assert mean_absolute_error(ours, TRUTH) == pytest.approx(mae["mae"])
    assert weighted_f_beta(ours, TRUTH) == pytest.approx(weighted["wfm"])
    assert s_measure(ours, TRUTH) == pytest.approx(structure["sm"])
    aligned = aligned["em"]
    for over, theirs in (
        ("adaptive", aligned["adp"]),
        ("mean", aligned["curve"].mean()),
        ("max", aligned["curve"].max()),
    ):
        assert e_measure(ours, TRUTH, over=over) == pytest.approx(theirs * (n - 1) / n)
