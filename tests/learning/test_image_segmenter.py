"""The estimator of scikit-learn that gives every spel a class."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

import spel
from spel import ParameterError, ShapeError
from spel.decide import segment_image
from spel.learning.image_segmenter import ImageSegmenter


def scenes(n=4, classes=3, channels=1, seed=0):
    """Images of squares of a class each, its truth, and strokes on 3 % of the spels."""
    rng = np.random.default_rng(seed)
    truth = np.repeat(np.repeat(rng.integers(0, classes, (n, 3, 3)), 8, axis=1), 8, axis=2)
    colors = np.linspace(40, 220, classes)[:, None] * np.linspace(1, 0.6, channels)
    images = colors[truth] + rng.normal(0, 8, (*truth.shape, channels))
    strokes = np.where(rng.random(truth.shape) < 0.03, truth, -1)
    return images.clip(0, 255).astype(np.uint8), truth, strokes


@pytest.mark.parametrize("channels", [1, 3, 5])
def test_every_spel_gets_a_class(channels):
    images, truth, strokes = scenes(channels=channels)
    strokes[1] = -1  # an image without strokes is left out
    model = ImageSegmenter().fit(images[:3], np.where(strokes[:3] < 0, -1, 10 * strokes[:3]))
    assert model.classes_.tolist() == [0, 10, 20]
    assert model.score(images[3:], truth[3:] * 10) > 0.9
    probable = model.predict_proba(images[3:])
    assert probable.shape == (1, 24, 24, 3)
    assert np.allclose(probable.sum(axis=-1), 1, atol=1e-4)


def test_undecided_spels_have_the_label_minus_one():
    images, _, strokes = scenes()
    found = ImageSegmenter(undecided=0.82).fit(images, strokes).predict(images)
    share = (found == -1).mean()
    assert 0.05 < share < 0.95


def test_searches_clones_and_files(tmp_path):
    images, _, strokes = scenes(6)
    model = ImageSegmenter().fit(images, strokes)
    found = model.predict(images)
    assert (pickle.loads(pickle.dumps(model)).predict(images) == found).all()
    assert (clone(model).fit(images, strokes).predict(images) == found).all()
    model.network_.save(tmp_path / "net.safetensors")
    read = spel.load(tmp_path / "net.safetensors")
    assert (segment_image(read, images[0]).labels == found[0]).all()
    search = GridSearchCV(ImageSegmenter(), {"ridge": [1e-2, 1.0]}, cv=2).fit(images, strokes)
    assert search.best_score_ > 0.8


def test_what_does_not_fit_is_refused():
    images, _, strokes = scenes()
    with pytest.raises(ShapeError, match="one label per spel"):
        ImageSegmenter().fit(images, strokes[:, 1:])
    with pytest.raises(ShapeError, match="different sizes"):
        ImageSegmenter().fit([images[0], images[1][1:]], strokes[:2])
    with pytest.raises(ParameterError, match="at least two classes"):
        ImageSegmenter().fit(images, np.minimum(strokes, 0))
    with pytest.raises(ParameterError, match="whole numbers"):
        ImageSegmenter().fit(images, strokes + 0.5)
    model = ImageSegmenter().fit(images, strokes)
    with pytest.raises(ParameterError, match="no spel"):
        model.score(images, np.full_like(strokes, -1))
