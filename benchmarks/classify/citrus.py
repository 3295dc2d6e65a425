"""Citrus leaves: a FLIM encoder from 17 marked images and a linear SVM, over repeated splits."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

import spel
from spel import Adjacency
from spel.io.annotation.markers import read_markers
from spel.metrics.classification import confusion
from spel.nn import Activation, Color, MaxPool, Network, Unlearned, chain
from spel.sklearn import PooledFeatures

SPLITS = 10
TEST = 10
"""Images of each class on which a split tests, drawn from those without markers."""

PUBLISHED = (("CNN", 0.75, 0.683), ("FLIM + MLP", 0.88, 0.850), ("FLIM + linear SVM", 0.91, 0.883))
"""Figures of the course, on 250 images and one split."""


def compare(data: Path) -> dict[str, Any]:
    """Accuracy and kappa over the splits, for colour alone, the encoder, and both."""
    place = data / "citrus"
    paths = sorted((place / "images").glob("*.png"))
    images = np.stack([spel.read(path)[..., :3] for path in paths])
    classes = np.array([int(path.stem.split("_")[0]) for path in paths])
    began, cpu = time.perf_counter(), time.process_time()
    network, marked = learn_encoder(place, paths, images)
    colors = PooledFeatures(
        chain(color=Color("lab")), statistics=("quantiles", "mean", "deviation")
    ).fit_transform(images)
    steps = [name for name in network.names if name.startswith("positive")]
    maps = PooledFeatures(network, steps, ("mean", "max")).fit_transform(images)
    seconds = {"clock": time.perf_counter() - began, "cpu": time.process_time() - cpu}
    vectors = {
        "colour statistics": colors,
        "FLIM encoder": maps,
        "FLIM encoder and colour statistics": np.concatenate([maps, colors], axis=1),
    }
    rows = {name: splits(x, classes, marked) for name, x in vectors.items()}
    return {
        "rows": rows,
        "splits": SPLITS,
        "train": len(paths) - 5 * TEST,
        "test": 5 * TEST,
        "marked": len(marked),
        "encoder": network.parameters,
        "seconds": {k: round(v, 1) for k, v in seconds.items()},
    }


def learn_encoder(place: Path, paths: list[Path], images: Any) -> tuple[Network, list[int]]:
    """Two layers of 32 and 64 kernels of 5 x 5, from the course's strokes."""
    names = [path.stem for path in paths]
    files = sorted((place / "libift" / "markers").glob("*-seeds.txt"))
    marked = [names.index(file.name.removesuffix("-seeds.txt")) for file in files]
    box, wide = Adjacency.box(3), Adjacency.box(5)
    network = chain(
        color=Color("labnorm2"),
        conv1=Unlearned(wide, kernels=32, per_stroke=8),
        positive1=Activation(),
        pool1=MaxPool(box, 2),
        conv2=Unlearned(wide, kernels=64, per_stroke=8),
        positive2=Activation(),
    )
    strokes = [read_markers(file) for file in files]
    return spel.learn(network, [images[i] for i in marked], strokes, seed=0), marked


def splits(vectors: Any, classes: Any, marked: list[int]) -> dict[str, Any]:
    """Accuracy and kappa over stratified splits; C is chosen within each training part."""
    free = np.setdiff1d(np.arange(len(classes)), marked)
    accuracies, kappas, total = [], [], 0
    for seed in range(SPLITS):
        draw = np.random.default_rng(seed)
        test = np.concatenate(
            [draw.permutation(free[classes[free] == c])[:TEST] for c in np.unique(classes)]
        )
        train = np.setdiff1d(np.arange(len(classes)), test)
        inner = StratifiedKFold(5, shuffle=True, random_state=seed)
        search = GridSearchCV(
            make_pipeline(StandardScaler(), LinearSVC(max_iter=20_000)),
            {"linearsvc__C": [0.001, 0.003, 0.01, 0.03, 0.1]},
            cv=inner,
        )
        search.fit(vectors[train], classes[train])
        found = confusion(classes[test], search.predict(vectors[test]), np.unique(classes))
        accuracies.append(found.accuracy)
        kappas.append(found.kappa)
        total = total + found.counts
    return {
        "values": int(vectors.shape[1]),
        "accuracy": round(float(np.mean(accuracies)), 4),
        "deviation": round(float(np.std(accuracies)), 4),
        "kappa": round(float(np.mean(kappas)), 4),
        "confusion": np.asarray(total).tolist(),
    }


def table(found: dict[str, Any]) -> str:
    """A Markdown table, the published figures first."""
    lines = ["| | values | accuracy | deviation | kappa |", "|---|---:|---:|---:|---:|"]
    lines += [f"| published: {n} | | {a:.2f} | | {k:.3f} |" for n, a, k in PUBLISHED]
    for name, row in found["rows"].items():
        lines.append(
            f"| {name} + linear SVM | {row['values']} | {row['accuracy']:.3f} | "
            f"{row['deviation']:.3f} | {row['kappa']:.3f} |"
        )
    return "\n".join(lines)
