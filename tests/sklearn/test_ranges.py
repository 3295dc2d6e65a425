"""Encoders give the same features of a picture in 8 bits, 16 bits and 0 to 1."""

from __future__ import annotations

import numpy as np
import pytest

import spel
from spel.nn import Activation, Color, Convolution, chain

make_pipeline = pytest.importorskip("sklearn.pipeline").make_pipeline

FORMS = {
    "int16": lambda images: np.rint(images * (32767 / 255)).astype(np.int16),
    "int64 of 8 bits": lambda images: images.astype(np.int64),
    "int32 in full": lambda images: np.rint(images * ((2**31 - 1) / 255)).astype(np.int32),
    "float of 8 bits": lambda images: images.astype(np.float64),
    "8": lambda images: images,
    "16": lambda images: images.astype(np.uint16) * 257,
    "float": lambda images: (images / 255).astype(np.float32),
}


@pytest.mark.parametrize("kind", ["network", "pooled"])
def test_features_of_a_stated_network(kind):
    from spel.sklearn import NetworkFeatures, PooledFeatures

    images = np.random.default_rng(0).integers(0, 256, (4, 12, 14, 3), np.uint8)
    bank = spel.KernelBank.random(spel.Adjacency.box(3), kernels=2, channels=3, seed=0)
    net = chain(Color("labnorm2"), Convolution(bank), Activation())
    encoder = NetworkFeatures(net) if kind == "network" else PooledFeatures(net)
    features = {form: encoder.fit_transform(make(images)) for form, make in FORMS.items()}
    for form in FORMS:
        assert np.allclose(features["8"], features[form], atol=2e-3 if form == "int16" else 1e-5)


def test_patches_learned_from_one_range_take_another():
    from spel.sklearn import PatchEncoder

    images = np.random.default_rng(0).integers(0, 256, (12, 16, 16, 1), np.uint8)
    encoder = PatchEncoder(kernels=4, components=8, size=4, count=300).fit(images)
    expected = encoder.transform(images)
    for form, make in FORMS.items():
        close = 1e-2 if form == "int16" else 1e-4
        assert np.allclose(encoder.transform(make(images)), expected, atol=close), form


@pytest.mark.parametrize("learned", ["8", "16", "float"])
@pytest.mark.parametrize("kind", ["flat", "pooled", "several sizes"])
def test_plain_numbers_are_taken_in_the_units_of_the_fit(kind, learned, tmp_path):
    from spel.sklearn import FlattenImages, PooledFeatures, RidgeHead, load, save

    images = np.random.default_rng(0).integers(0, 256, (8, 6, 5, 3), np.uint8)
    images[::2] //= 3
    make, shown = FORMS[learned], list(FORMS) if learned == "8" else ["8", "16", "float"]
    fitted = list(make(images)) if kind == "several sizes" else make(images)
    if kind == "several sizes":
        fitted[1] = fitted[1][:3]
    features = FlattenImages() if kind == "flat" else PooledFeatures()
    model = make_pipeline(features, RidgeHead()).fit(fitted, ["dark", "light"] * 4)
    save(model, tmp_path / "model.safetensors")
    for one in (model, load(tmp_path / "model.safetensors")):
        expected = one.decision_function(make(images))
        for form in shown:
            scores = one.decision_function(FORMS[form](images))
            assert np.allclose(scores, expected, atol=1e-3), form


def test_a_list_of_images_of_several_types_is_in_the_units_of_the_first():
    from spel.sklearn import FlattenImages, PooledFeatures

    images = np.random.default_rng(0).integers(0, 256, (6, 6, 5), np.uint8)
    several = [(images if i % 2 else FORMS["16"](images))[i] for i in range(6)]
    for features in (FlattenImages(), PooledFeatures()):
        expected = features.fit_transform(FORMS["16"](images))
        assert np.allclose(features.fit_transform(several), expected)
