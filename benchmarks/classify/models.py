"""The candidates of the Fashion-MNIST table, with the settings chosen on the validation part."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.ensemble import VotingClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import LinearSVC

import spel
from spel import Adjacency, KernelBank
from spel.nn import (
    Activation,
    Color,
    Convolution,
    DivisiveNormalize,
    MeanPool,
    Network,
    Unlearned,
    chain,
)
from spel.sklearn import (
    FlattenImages,
    FlimEncoder,
    ImageClassifier,
    KernelHead,
    NetworkFeatures,
    PatchEncoder,
    RidgeHead,
)

LINEAR: dict[str, Any] = {"kernels": 200, "pool": 8, "stride": 5}
"""Settings of the patch encoder before the linear head."""

OTHER: dict[str, Any] = {"kernels": 200, "pool": 7, "stride": 4}
"""Settings of the patch encoder before the other heads."""


def hand_made() -> Network:
    """Sobel and Gabor kernels, ReLU, divisive normalization, means over boxes; nothing learned."""
    wide = KernelBank.gabor(orientations=8, wavelength=5, sigma=2, radius=4)
    banks = [KernelBank.sobel("row"), -KernelBank.sobel("row")]
    banks += [KernelBank.sobel("col"), -KernelBank.sobel("col")]
    sobel = banks[0] + banks[1] + banks[2] + banks[3]
    edges = chain(bank=Convolution(sobel), positive=Activation())
    bars = chain(bank=Convolution(wide), positive=Activation())
    both = spel.branch(edges=edges, bars=bars)
    return chain(
        grey=Color("grey"),
        both=both,
        normalized=DivisiveNormalize(Adjacency.box(7), across_channels=True),
        pooled=MeanPool(Adjacency.box(7), 4, "valid"),
    )


def by_class() -> Network:
    """One convolution whose kernels are patches that tell classes apart (no markers drawn)."""
    return chain(
        grey=Color("grey"),
        conv=Unlearned(Adjacency.box(7), kernels=100),
        positive=Activation(),
        pooled=MeanPool(Adjacency.box(7), 4, "valid"),
    )


def mlp(seed: int = 0, epochs: int = 20, hidden: int = 256) -> MLPClassifier:
    """A perceptron with one hidden layer."""
    return MLPClassifier((hidden,), batch_size=256, max_iter=epochs, random_state=seed, tol=0)


def committee(members: int = 5) -> VotingClassifier:
    """Perceptrons that start at other weights; the class of the highest mean probability."""
    each = [(f"mlp {seed}", mlp(seed, epochs=10, hidden=512)) for seed in range(members)]
    return VotingClassifier(each, voting="soft")


def unit(images: Any) -> Any:
    """The images in 0..1."""
    return images.astype(np.float32) / 255


def candidates() -> dict[str, tuple[Any, str]]:
    """By name: the model, and its part that is learned by backpropagation."""
    scaled = FunctionTransformer(unit)
    return {
        "(a) flattened pixels + MLP": (make_pipeline(scaled, FlattenImages(), mlp()), "head"),
        "(a) flattened pixels + ridge": (
            make_pipeline(scaled, ImageClassifier(FlattenImages(), RidgeHead(0.01))),
            "nothing",
        ),
        "(b) hand-made bank + MLP": (
            make_pipeline(NetworkFeatures(hand_made()), StandardScaler(), mlp(epochs=10)),
            "head",
        ),
        "(c) patches drawn by class (FLIM) + ridge": (
            ImageClassifier(FlimEncoder(by_class(), per_class=10, pooled=None), RidgeHead(0.01)),
            "nothing",
        ),
        "(c) patch-learned encoder + ridge": (
            ImageClassifier(PatchEncoder(**LINEAR), RidgeHead(0.01)),
            "nothing",
        ),
        "(c) patch-learned encoder, 400 components + linear SVM": (
            ImageClassifier(PatchEncoder(**OTHER), LinearSVC(C=0.02, dual=False), components=400),
            "nothing",
        ),
        "(c) patch-learned encoder, 400 components + MLP": (
            ImageClassifier(PatchEncoder(**OTHER), mlp(epochs=10), components=400),
            "head",
        ),
        "(c) patch-learned encoder, 1,000 components + five MLPs": (
            ImageClassifier(PatchEncoder(**OTHER), committee(), components=1000),
            "head",
        ),
        "(c) patch-learned encoder, 400 components + kernel head": (
            ImageClassifier(PatchEncoder(**OTHER), KernelHead(6000), components=400),
            "nothing",
        ),
    }
