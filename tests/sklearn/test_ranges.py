"""Encoders give the same features of a picture in 8 bits, 16 bits and 0 to 1."""

from __future__ import annotations

import numpy as np
import pytest

import spel
from spel.nn import Activation, Color, Convolution, chain

pytest.importorskip("sklearn")

FORMS = {
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
    assert np.allclose(features["8"], features["16"], atol=1e-5)
    assert np.allclose(features["8"], features["float"], atol=1e-5)


def test_patches_learned_from_one_range_take_another():
    from spel.sklearn import PatchEncoder

    images = np.random.default_rng(0).integers(0, 256, (12, 16, 16, 1), np.uint8)
    encoder = PatchEncoder(kernels=4, components=8, size=4, count=300).fit(images)
    expected = encoder.transform(images)
    for form, make in FORMS.items():
        assert np.allclose(encoder.transform(make(images)), expected, atol=1e-4), form
