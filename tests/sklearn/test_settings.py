"""What no estimator can use, settings and inputs alike, is refused in one line that names it."""

import numpy as np
import pytest
from sklearn.base import clone

from spel import Adjacency, KernelBank
from spel.errors import ParameterError, ShapeError
from spel.nn import Convolution, chain
from spel.sklearn import (
    FlattenImages,
    FlimEncoder,
    ImageClassifier,
    KernelHead,
    NetworkFeatures,
    PatchEncoder,
    PooledFeatures,
    RidgeHead,
)

NET = chain(edges=Convolution(KernelBank.random(Adjacency.box(3), kernels=2, channels=1, seed=0)))
IMAGES = np.random.default_rng(0).integers(0, 256, (8, 6, 7), np.uint8)
CLASSES = ["a", "b"] * 4
PATCHES = PatchEncoder(kernels=4, size=3, components=4, count=200, pool=4)


@pytest.mark.parametrize(
    ("estimator", "words"),
    [
        (FlattenImages(image_shape=42), "image_shape 42; expected"),
        (FlattenImages(image_shape=(-6, 7)), r"image_shape \(-6, 7\)"),
        (NetworkFeatures("plates"), "NetworkFeatures: network 'plates'; expected a network"),
        (NetworkFeatures(NET, steps="edges"), "steps 'edges'; expected a list of names"),
        (NetworkFeatures(steps=["edges"]), "there is no network"),
        (PooledFeatures(batch="all"), "PooledFeatures: batch 'all'; expected a whole number"),
        (PooledFeatures(batch=0), "batch 0"),
        (PooledFeatures(levels=2), "levels 2; expected whole numbers from 1"),
        (PooledFeatures(levels=(1.5,)), r"levels \(1.5,\)"),
        (PooledFeatures(statistics=5), "statistics 5; expected some of mean"),
        (PooledFeatures(statistics="mean"), "statistics 'mean'"),
        (FlimEncoder(per_class=0), "FlimEncoder: per_class 0"),
        (FlimEncoder("plates"), "architecture 'plates'; expected Network"),
        (FlimEncoder(marked=[IMAGES[0]]), r"expected pairs \(image, markers\)"),
        (FlimEncoder(seed="one"), "seed 'one'; expected a whole number from 0"),
        (clone(PATCHES).set_params(kernels="ten"), "PatchEncoder: kernels 'ten'"),
        (clone(PATCHES).set_params(size=(3, 3)), r"size \(3, 3\)"),
        (clone(PATCHES).set_params(white=np.nan), "white nan"),
        (ImageClassifier(components=1.5), "ImageClassifier: components 1.5"),
        (ImageClassifier(batch=-1), "batch -1"),
        (RidgeHead(alpha=None), "RidgeHead: alpha None; expected a finite number above 0"),
        (RidgeHead(alpha=np.inf), "alpha inf"),
        (KernelHead(centres="many"), "KernelHead: centres 'many'"),
        (KernelHead(seed=-1), "KernelHead: seed -1"),
    ],
    ids=str,
)
def test_settings(estimator, words):
    of_rows = isinstance(estimator, RidgeHead | KernelHead) or "image_shape" in words
    with pytest.raises(ParameterError, match=words) as refusal:
        estimator.fit(IMAGES.reshape(8, -1) if of_rows else IMAGES, CLASSES)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("y", [CLASSES[:-1], np.eye(2)[[0, 1] * 4], [0.5] * 7 + [np.nan], None])
def test_classes_that_patches_cannot_be_chosen_by(y):
    with pytest.raises(ParameterError, match=r"FlimEncoder: .*y"):
        FlimEncoder(per_class=2).fit(IMAGES, y)


@pytest.mark.parametrize("images", [IMAGES, np.stack([IMAGES] * 3, axis=-1)], ids=["grey", "rgb"])
@pytest.mark.parametrize("model", [FlattenImages(), ImageClassifier()], ids=str)
def test_one_image_is_no_batch(model, images):
    model = clone(model).fit(images, CLASSES)
    use = model.predict if hasattr(model, "predict") else model.transform
    assert len(use(images[:1])) == 1
    with pytest.raises(ShapeError, match=r"one image of .* give image\[None\]"):
        use(images[0])


@pytest.mark.parametrize("model", [FlattenImages(), ImageClassifier(), RidgeHead()], ids=str)
def test_the_mask_of_a_masked_array_is_not_dropped(model):
    X = IMAGES.reshape(8, -1) if isinstance(model, RidgeHead) else IMAGES
    with pytest.raises(ParameterError, match="masked"):
        clone(model).fit(np.ma.masked_greater(X, 200), CLASSES)


def test_more_features_than_memory_holds_are_refused_before_the_work():
    with pytest.raises(ParameterError, match=r"ridge regression over 4,000,000 features would"):
        ImageClassifier().fit(np.zeros((2, 2000, 2000), np.uint8), ["a", "b"])
