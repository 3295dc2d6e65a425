"""Pictures of docs/classify.md: confusion, hidden space, learning curves, patch clouds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np

from benchmarks.classify.fashion import CLASSES, parts
from benchmarks.classify.measure import Row

SHORT = [name.split("/")[0] for name in CLASSES]


def fashion(data: Path, rows: list[Row], models: dict[str, Any], folder: Path) -> None:
    """Draw the confusion of the best row, and pixels beside features on two axes."""
    best = max(rows, key=lambda row: row.accuracy)
    draw_confusion(np.array(best.confusion), f"{best.name}: {best.accuracy:.4f}", folder)
    found = [m for n, m in models.items() if "components" in n and hasattr(m, "vectors")]
    if found:
        (images, labels), _ = parts(data, test=False)
        spaces(images[:3000], labels[:3000], found[0], folder)


def draw_confusion(counts: Any, title: str, folder: Path) -> None:
    """Draw a confusion matrix; rows are true classes."""
    figure, axes = plt.subplots(figsize=(6.4, 5.6), layout="constrained")
    share = counts / counts.sum(axis=1, keepdims=True)
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    for i, row in enumerate(counts):
        for j, n in enumerate(row):
            if n:
                axes.text(j, i, str(n), ha="center", va="center", fontsize=7,
                          color="white" if share[i, j] > 0.5 else "black")  # fmt: skip
    axes.set_xticks(range(len(counts)), SHORT, rotation=45, ha="right")
    axes.set_yticks(range(len(counts)), SHORT)
    axes.set_xlabel("predicted class")
    axes.set_ylabel("true class")
    axes.set_title(title, fontsize=9)
    save_figure(figure, folder / "classify-confusion.webp")


def spaces(images: Any, labels: Any, model: Any, folder: Path) -> None:
    """Draw two discriminant axes, learned on one half of the images and shown on the other."""
    from sklearn.decomposition import PCA
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    figure, panels = plt.subplots(1, 2, figsize=(10, 4.6), layout="constrained")
    half = len(images) // 2
    vectors = {
        "flattened pixels": PCA(100, random_state=0).fit_transform(
            images.reshape(len(images), -1) / 255.0
        ),
        "patch-learned encoder": model.vectors(images[..., None])[:, :100],
    }
    for axes, (name, x) in zip(panels, vectors.items()):
        plane = LinearDiscriminantAnalysis(n_components=2).fit(x[:half], labels[:half])
        shown = plane.transform(x[half:])
        axes.scatter(*shown.T, c=labels[half:], cmap="tab10", s=5)
        axes.set_title(f"{name}: two discriminant axes", fontsize=9)
        axes.set_xticks([])
        axes.set_yticks([])
    handles = [
        plt.Line2D([], [], marker="o", linestyle="", color=plt.cm.tab10(i / 9), label=name)
        for i, name in enumerate(SHORT)
    ]
    figure.legend(handles=handles, loc="outside right center", fontsize=7)
    save_figure(figure, folder / "classify-spaces.webp")


def curves(rows: list[Row], folder: Path) -> None:
    """Draw accuracy over the number of images of each class."""
    figure, axes = plt.subplots(figsize=(7, 4.2), layout="constrained")
    for name in dict.fromkeys(row.name for row in rows):
        mine = sorted((r.train // 10, r.accuracy) for r in rows if r.name == name)
        axes.plot(*zip(*mine), marker="o", label=name)
    axes.set_xscale("log")
    axes.set_xlabel("images of each class")
    axes.set_ylabel(f"accuracy ({rows[0].part})" if rows else "accuracy")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=7)
    save_figure(figure, folder / "classify-curves.webp")


def save_figure(figure: Any, path: Path) -> None:
    """Write a figure as WebP, and close it."""
    figure.savefig(path, dpi=110)
    plt.close(figure)
    print(f"  {path}")
