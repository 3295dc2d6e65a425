"""Batch normalization in practice: the cloud before and after, and whether a bias is still needed.

Every image is reduced to two numbers, the mean strengths of its horizontal and vertical edges. For
each of the 45 pairs of Fashion-MNIST's classes, a straight line that separates them is learned with
a bias and without one (through the origin), before and after batch normalization.
"""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import LogisticRegression

from benchmarks.classify.fashion import CLASSES, parts
from benchmarks.classify.pictures import save_figure
from spel import Adjacency, KernelBank
from spel.nn import Activation, BatchNormalize, Color, Convolution, MeanPool, chain

STATISTICS = ("not normalized", "by the two classes' own batch", "by the batch of all classes")


def compare(data: Path, folder: Path, count: int = 6000) -> dict[str, Any]:
    """Mean accuracy over the pairs, on images from which the lines were not learned."""
    (images, labels), (judged, truth) = parts(data, test=False)
    strengths = chain(
        grey=Color("grey"),
        edges=Convolution(KernelBank.sobel("row") + KernelBank.sobel("col")),
        strength=Activation("abs"),
        mean=MeanPool(Adjacency.box(28), border="valid"),
    )
    before = strengths(images[:count, ..., None])
    after = strengths(judged[:count, ..., None])
    learn, judge = (before, labels[:count]), (after, truth[:count])
    found: dict[str, Any] = {"pairs": 45, "train": count, "judged": count}
    for name in STATISTICS:
        for bias in (True, False):
            key = f"{name}, {'with' if bias else 'without'} a bias"
            found[key] = _accuracy(learn, judge, name, bias)
    gains = _pairs(learn, judge, STATISTICS[1], False) - _pairs(learn, judge, STATISTICS[0], False)
    pair = list(combinations(range(10), 2))[int(gains.argmax())]
    found["pair of the picture"] = [CLASSES[c] for c in pair]
    draw(before, labels[:count], pair, folder / "classify-batch.webp")
    return found


def _accuracy(learn: Any, judge: Any, statistics: str, bias: bool) -> float:
    return round(float(_pairs(learn, judge, statistics, bias).mean()), 4)


def _pairs(learn: Any, judge: Any, statistics: str, bias: bool) -> Any:
    """Accuracy of each pair."""
    right = []
    for pair in combinations(range(10), 2):
        line = LogisticRegression(C=1e4, fit_intercept=bias, max_iter=1000)
        rows, other = np.isin(learn[1], pair), np.isin(judge[1], pair)
        x, y = learn[0][rows], judge[0][other]
        if statistics != STATISTICS[0]:
            norm = BatchNormalize().fitted(x if statistics == STATISTICS[1] else learn[0])
            x, y = norm(x), norm(y)
        line.fit(x.reshape(len(x), -1), learn[1][rows])
        right.append(line.score(y.reshape(len(y), -1), judge[1][other]))
    return np.array(right)


def draw(values: Any, labels: Any, pair: tuple[int, ...], path: Path) -> None:
    """Two classes, and the line without a bias."""
    figure, panels = plt.subplots(1, 2, figsize=(9, 4.2), layout="constrained")
    rows = np.isin(labels, pair)
    values, labels = values[rows], labels[rows]
    clouds = {"before": values, "after": BatchNormalize().fitted(values)(values)}
    for axes, (name, cloud) in zip(panels, clouds.items()):
        points = cloud.reshape(len(cloud), 2)
        line = LogisticRegression(C=1e4, fit_intercept=False, max_iter=1000)
        line.fit(points, labels)
        for c in pair:
            axes.scatter(*points[labels == c].T, s=5, alpha=0.5, label=CLASSES[c])
        (a, b), limits = line.coef_[0], (axes.get_xlim(), axes.get_ylim())
        x = np.array([min(0, limits[0][0]), limits[0][1]])
        axes.plot(x, -a / b * x, color="black", label="line without a bias")
        axes.plot(0, 0, "k+", markersize=12)
        axes.set_xlim(x[0], x[1])
        axes.set_ylim(min(0, limits[1][0]), limits[1][1])
        share = line.score(points, labels)
        axes.set_title(f"{name} batch normalization: {share:.3f} on its side", fontsize=9)
        axes.set_xlabel("strength of horizontal edges")
        axes.set_ylabel("strength of vertical edges")
        axes.legend(fontsize=7)
    save_figure(figure, path)
