"""Figures of classification, by hand and against scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score, f1_score

from spel.errors import ParameterError, ShapeError
from spel.metrics.classification import confusion


def test_against_scikit_learn():
    draw = np.random.default_rng(0)
    truth, called = draw.integers(0, 4, 200), draw.integers(0, 4, 200)
    found = confusion(truth, called)
    assert found.accuracy == (truth == called).mean()
    assert found.kappa == pytest.approx(cohen_kappa_score(truth, called))
    assert found.f1 == pytest.approx(f1_score(truth, called, average=None))


def test_a_class_that_does_not_occur_has_no_recall():
    found = confusion(["a"], ["a"], classes=["a", "b"])
    assert np.isnan(found.recall[1])
    assert found.to_dict()["classes"][1]["recall"] is None
    assert found.to_dict()["kappa"] is None  # chance alone is right already
    assert "1 images, accuracy 1.0000" in found.text()


def test_what_does_not_fit_is_told():
    with pytest.raises(ShapeError, match="expected one of each"):
        confusion([1], [1, 2])
    with pytest.raises(ParameterError, match="expected one of"):
        confusion([1], [3], classes=[1, 2])
