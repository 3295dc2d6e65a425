"""Features and images in units far from 1."""

import numpy as np
import pytest
from sklearn.base import clone

from spel.errors import ParameterError
from spel.sklearn import FlattenImages, ImageClassifier, KernelHead, PooledFeatures, RidgeHead


@pytest.mark.parametrize("unit", [1e-300, 1e-200, 1e-30, 1e30, 1e200])
@pytest.mark.parametrize("head", [RidgeHead(), KernelHead(centres=40)], ids=repr)
def test_heads_learn_from_features_of_any_unit(head, unit):
    from sklearn.datasets import load_iris

    X, y = load_iris(return_X_y=True)
    rows = (X * unit).astype(np.float32) if 1e-40 < unit < 1e40 else X * unit
    if isinstance(head, KernelHead) and rows.dtype == np.float64:
        with pytest.raises(ParameterError, match="scale them to values around 1"):
            head.fit(rows, y)
    else:
        assert head.fit(rows, y).score(rows, y) > 0.8
        mixed = rows * [1, 1 / unit, 1, 1]
        assert clone(head).fit(mixed, y).score(mixed, y) > 0.8 or isinstance(head, KernelHead)


def test_images_that_are_zero_in_float32_are_refused():
    images = np.arange(72.0).reshape(8, 3, 3)
    classes = [0, 1] * 4
    for model in (FlattenImages(), PooledFeatures(), ImageClassifier()):
        with pytest.raises(ParameterError, match="which holds values from"):
            model.fit(images * 1e-200, classes)
