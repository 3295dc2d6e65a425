"""Citrus leaves of five classes: pooled features of learned kernels beside the controls."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

import spel
from benchmarks.science.controls import COLOR, LEARNED, encoders
from benchmarks.science.table import Table, Values, row
from spel import Adjacency
from spel.io.annotation.markers import read_markers
from spel.metrics.classification import confusion
from spel.nn import Activation, Color, MaxPool, Network, Unlearned, chain
from spel.sklearn import PooledFeatures

TOLERANCE = 0.06
SEEDS = (0, 1, 2, 3, 4)
TEST = 10
"""Images of each class on which a split tests, drawn from those without strokes."""


def measure(data: Path, seeds: tuple[int, ...] = SEEDS) -> Table:
    """Each seed is a split and a draw of kernels; C is chosen inside the training part."""
    images, names, classes, drawn = citrus(data)
    marked = [names.index(name) for name in drawn]
    table = Table(
        "citrus",
        "Citrus leaves, 5 classes, linear SVM on pooled features",
        ("accuracy", "kappa"),
        LEARNED,
        notes=[
            f"Each split tests on {TEST} images of each class that have no stroke and learns from "
            "the other images; C is chosen by five folds of those (nested).",
            "Kappa is one figure per split, so its n counts splits.",
        ],
    )
    strokes = list(drawn.values())
    for name in encoders(citrus_encoder(), [], [], 0):
        runs = []
        for seed in seeds:
            make = encoders(citrus_encoder(), [images[i] for i in marked], strokes, seed)[name]
            vectors = citrus_colors(images) if name == COLOR else pooled_vectors(make(), images)
            runs.append(_split(vectors, names, classes, marked, seed))
        table.rows.append(row(name, seeds, runs))
    return table


def citrus(data: Path) -> tuple:
    """Images, names, classes, and the strokes of those that are marked."""
    home = data / "citrus"
    paths = sorted((home / "images").glob("*.png"))
    files = sorted((home / "libift" / "markers").glob("*-seeds.txt"))
    return (
        np.stack([spel.read(path)[..., :3] for path in paths]),
        [path.stem for path in paths],
        np.array([int(path.stem.split("_")[0]) for path in paths]),
        {file.name.removesuffix("-seeds.txt"): read_markers(file) for file in files},
    )


def citrus_encoder() -> Network:
    """Two layers of 32 and 64 kernels of 5 x 5."""
    near, wide = Adjacency.box(3), Adjacency.box(5)
    return chain(
        color=Color("labnorm2"),
        conv1=Unlearned(wide, kernels=32, per_stroke=8),
        positive1=Activation(),
        pool1=MaxPool(near, 2),
        conv2=Unlearned(wide, kernels=64, per_stroke=8),
        positive2=Activation(),
    )


def pooled_vectors(network: Network, images: np.ndarray) -> np.ndarray:
    """Mean and maximum of each channel of both layers."""
    steps = [name for name in network.names if name.startswith("positive")]
    return PooledFeatures(network, steps, ("mean", "max")).fit_transform(images)


def citrus_colors(images: np.ndarray) -> np.ndarray:
    """Quantiles, mean and deviation of the colours: what no kernel has seen."""
    statistics = ("quantiles", "mean", "deviation")
    return PooledFeatures(chain(color=Color("lab")), statistics=statistics).fit_transform(images)


def _split(
    vectors: np.ndarray, names: list[str], classes: np.ndarray, marked: list[int], seed: int
) -> dict[str, Values]:
    free = np.setdiff1d(np.arange(len(classes)), marked)
    draw = np.random.default_rng(seed)
    test = np.concatenate(
        [draw.permutation(free[classes[free] == c])[:TEST] for c in np.unique(classes)]
    )
    train = np.setdiff1d(np.arange(len(classes)), test)
    search = GridSearchCV(
        make_pipeline(StandardScaler(), LinearSVC(max_iter=20_000)),
        {"linearsvc__C": [0.001, 0.003, 0.01, 0.03, 0.1]},
        cv=StratifiedKFold(5, shuffle=True, random_state=seed),
    )
    search.fit(vectors[train], classes[train])
    answers = search.predict(vectors[test])
    found = confusion(classes[test], answers, np.unique(classes))
    right = {names[i]: float(a == classes[i]) for i, a in zip(test, answers)}
    return {"accuracy": right, "kappa": {f"split {seed}": found.kappa}}
