"""Fashion-MNIST: the candidates on all training images, and learning curves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.classify.measure import Row, measure
from benchmarks.classify.models import candidates

CLASSES = (
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)
CURVES = ("(a) flattened pixels + MLP", "(b)", "patch-learned encoder + ridge", "kernel head")

Part = tuple[Any, Any]


def parts(data: Path, *, test: bool) -> tuple[Part, Part]:
    """Images to learn from and images to judge.

    They are those of the official split, or 50,000 and 10,000 of its training images, on which
    settings are chosen.
    """
    with np.load(data / "fashion-mnist" / "train.npz") as file:
        images, labels = file["images"], file["labels"]
    if test:
        with np.load(data / "fashion-mnist" / "t10k.npz") as file:
            return (images, labels), (file["images"], file["labels"])
    order = np.random.default_rng(0).permutation(len(images))
    learn, judge = order[:50_000], order[50_000:]
    return (images[learn], labels[learn]), (images[judge], labels[judge])


def compare(data: Path, *, test: bool, only: str = "") -> tuple[list[Row], dict[str, Any]]:
    """A row for each candidate, and the fitted models by name."""
    train, judge = parts(data, test=test)
    rows, models = [], {}
    for name, (model, backprop) in candidates().items():
        if only and only not in name:
            continue
        part = "test" if test else "validation"
        row, fitted, _ = measure(name, model, train, judge, part=part, backprop=backprop)
        rows.append(row)
        models[name] = fitted
    return rows, models


def curves(
    data: Path, *, test: bool, only: str = "", sizes: tuple[int, ...] = (10, 100, 1000)
) -> list[Row]:
    """Rows for few images of each class, the same images for all candidates."""
    train, judge = parts(data, test=test)
    rows = []
    for size in sizes:
        chosen = np.concatenate([np.flatnonzero(train[1] == c)[:size] for c in range(10)])
        few = (train[0][chosen], train[1][chosen])
        for name, (model, backprop) in candidates().items():
            if (only and only not in name) or not any(c in name for c in CURVES):
                continue
            part = "test" if test else "validation"
            row, _, _ = measure(name, model, few, judge, part=part, backprop=backprop)
            rows.append(row)
    return rows
