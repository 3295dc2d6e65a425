"""Kappa at 5, 50 and 100 % of the labels: learned and random kernels, linear and hybrid heads.

A hybrid network has an encoder without backpropagation, and a head, a perceptron with one hidden
layer, that is learned by backpropagation from the labels.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from benchmarks.science.citrus import TEST, citrus, citrus_colors, citrus_encoder, pooled_vectors
from benchmarks.science.controls import COLOR, LEARNED, RANDOM, encoders, random_kernels
from benchmarks.science.table import Table, Values, row
from spel import Adjacency
from spel.metrics.classification import confusion
from spel.nn import Activation, Color, MeanPool, Network, Unlearned, chain
from spel.sklearn import FlattenImages, FlimEncoder, NetworkFeatures

TOLERANCE = 0.05
SEEDS = (0, 1, 2)
SHARES = (5, 50, 100)
"""Percentages of the labels of the training part; at least one image of each class."""

FASHION = (2000, 2000)
"""Images of Fashion-MNIST, learned from and judged, drawn anew for each seed."""

HEADS: dict[str, Callable[[int], ClassifierMixin]] = {
    "linear SVM": lambda seed: LinearSVC(C=0.01, dual=False),
    "hybrid": lambda seed: MLPClassifier((256,), max_iter=20, random_state=seed, tol=0),
}

Split = tuple[Any, Any, Any, Any]
"""Vectors and classes to learn from, vectors and classes to judge."""


def measure(data: Path, seeds: tuple[int, ...] = SEEDS) -> Table:
    """Each seed is a split, a draw of labels and a draw of kernels."""
    table = Table(
        "labels",
        "Kappa at shares of the labels, three splits",
        tuple(f"{name} {share} %" for name in ("citrus", "fashion") for share in SHARES),
        f"{LEARNED}, hybrid",
        notes=[
            f"Citrus: {TEST} images of each class are judged, at most 125 are learned from. "
            f"Fashion-MNIST: {FASHION[0]} images are learned from, {FASHION[1]} judged; learned "
            "kernels are patches that differ most between the classes of the labelled images.",
            "Kappa is one figure per split, so n counts splits.",
        ],
    )
    found: dict[str, list[dict[str, Values]]] = {}
    citrus_splits, fashion_splits = _citrus(data), _fashion(data)
    for seed in seeds:
        run: dict[str, dict[str, Values]] = {}
        for name, splits in (("citrus", citrus_splits), ("fashion", fashion_splits)):
            for encoder, share, split in splits(seed):
                print(f"seed {seed}: {name} {share} %, {encoder}", file=sys.stderr)
                for head, make in HEADS.items():
                    kappa = {f"split {seed}": _kappa(make(seed), split)}
                    run.setdefault(f"{encoder}, {head}", {})[f"{name} {share} %"] = kappa
        for name, figures in run.items():
            found.setdefault(name, []).append(figures)
    table.rows = [row(name, seeds, runs) for name, runs in found.items()]
    return table


def _kappa(head: ClassifierMixin, split: Split) -> float:
    train, labels, judge, right = split
    model = make_pipeline(StandardScaler(), head)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(train, labels)
    return confusion(right, model.predict(judge), np.unique(right)).kappa


def _few(labels: np.ndarray, share: int, seed: int) -> np.ndarray:
    """Places of a share of the labels, of each class at least one."""
    draw = np.random.default_rng([seed, share])
    places = [draw.permutation(np.flatnonzero(labels == c)) for c in np.unique(labels)]
    return np.concatenate([p[: max(1, round(len(p) * share / 100))] for p in places])


def _citrus(data: Path) -> Callable[[int], Iterator[tuple[str, int, Split]]]:
    images, names, classes, drawn = citrus(data)
    marked = [names.index(name) for name in drawn]
    learned: dict[str, np.ndarray] = {COLOR: citrus_colors(images)}

    def splits(seed: int) -> Iterator[tuple[str, int, Split]]:
        make = encoders(citrus_encoder(), [images[i] for i in marked], list(drawn.values()), seed)
        learned.setdefault(LEARNED, pooled_vectors(make[LEARNED](), images))
        vectors = {**learned, RANDOM: pooled_vectors(make[RANDOM](), images)}
        draw = np.random.default_rng(seed)
        free = np.setdiff1d(np.arange(len(classes)), marked)
        test = np.concatenate(
            [draw.permutation(free[classes[free] == c])[:TEST] for c in np.unique(classes)]
        )
        train = np.setdiff1d(np.arange(len(classes)), test)
        for share in SHARES:
            few = train[_few(classes[train], share, seed)]
            for name, rows in vectors.items():
                yield name, share, (rows[few], classes[few], rows[test], classes[test])

    return splits


def _fashion(data: Path) -> Callable[[int], Iterator[tuple[str, int, Split]]]:
    with np.load(data / "fashion-mnist" / "train.npz") as file:
        images, labels = file["images"], file["labels"]

    def splits(seed: int) -> Iterator[tuple[str, int, Split]]:
        order = np.random.default_rng(seed).permutation(len(images))
        train, test = order[: FASHION[0]], order[FASHION[0] : sum(FASHION)]
        filled = random_kernels(
            _fashion_encoder(), [i[..., None] for i in images[train[:50]]], seed
        )
        for share in SHARES:
            few = train[_few(labels[train], share, seed)]
            learned = FlimEncoder(_fashion_encoder(), per_class=10, pooled=None, seed=seed)
            for name, encoder in (
                (LEARNED, learned),
                (RANDOM, NetworkFeatures(filled)),
                (COLOR, FlattenImages()),
            ):
                encoder.fit(images[few], labels[few])
                parts = (encoder.transform(images[few]), encoder.transform(images[test]))
                yield name, share, (parts[0], labels[few], parts[1], labels[test])

    return splits


def _fashion_encoder() -> Network:
    return chain(
        grey=Color("grey"),
        conv=Unlearned(Adjacency.box(7), kernels=100),
        positive=Activation(),
        pooled=MeanPool(Adjacency.box(9), 7, "valid"),
    )
