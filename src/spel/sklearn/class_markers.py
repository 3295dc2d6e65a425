"""Markers by class, if nobody drew any: pixels whose patches distinguish the classes.

The idea of SPiFiL (medoids of superpixels, Fisher scores, a diverse choice), with candidates at
random places instead of superpixels.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from spel.core.markers import Markers
from spel.errors import ParameterError
from spel.nn import Network, Unlearned
from spel.nn.node import INPUT
from spel.ops import patches

Batch = npt.NDArray[Any]
Real = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]

CANDIDATES = 24
"""Number of candidates of each class for every pixel that is chosen."""


def markers_by_class(
    images: Batch,
    classes: npt.NDArray[Any],
    network: Network,
    per_class: int,
    *,
    seed: int = 0,
    weight: float = 0.5,
) -> tuple[list[Batch], list[Markers]]:
    """Images and markers from which `spel.learn` can learn: `per_class` pixels of every class.

    Candidates are taken at random places. Each gets a Fisher score: the mean distance to candidates
    of other classes over the mean distance to those of its own class, in the metric of the
    candidates' covariance (shrunk as by Ledoit and Wolf). Then, class by class, the next pixel is
    the one of the largest ``weight * rank + (1 - weight) * distance to those chosen``.

    Raises
    ------
    ParameterError
        If there are fewer than two classes, or the network has no Unlearned convolution.
    """
    names = np.unique(classes)
    if len(names) < 2:
        raise ParameterError(
            f"markers_by_class: only one class ({names[0] if len(names) else 'none'}); expected at "
            "least two, so that patches can distinguish them"
        )
    values, places, sources, labels = _candidates(images, classes, network, per_class, seed)
    chosen = _choose(_whiten(values), labels, per_class, weight)
    places, sources, labels = places[chosen], sources[chosen], labels[chosen]
    marked, markers = [], []
    for index in np.unique(sources):
        here = sources == index
        marked.append(images[index])
        size = images[index].shape[:-1]
        markers.append(Markers(places[here], labels[here], size, background=None))
    return marked, markers


def _candidates(
    images: Batch, classes: npt.NDArray[Any], network: Network, per_class: int, seed: int
) -> tuple[Real, Whole, Whole, Whole]:
    """Patches at random places: their values, places, images and class numbers."""
    node = next((n for n in network.nodes if isinstance(n.layer, Unlearned)), None)
    if node is None or not isinstance(node.layer, Unlearned):
        raise ParameterError("markers_by_class: the network has no Unlearned convolution")
    before = None if node.inputs[0] == INPUT else network.upto(node.inputs[0])
    random = np.random.default_rng(seed)
    values: list[Any] = []
    places: list[Any] = []
    sources: list[int] = []
    labels: list[int] = []
    for number, name in enumerate(np.unique(classes)):
        pool = np.flatnonzero(classes == name)
        count = CANDIDATES * per_class
        drawn = np.sort(random.choice(pool, size=min(len(pool), count), replace=False))
        per_image = -(-count // len(drawn))
        for index in drawn:
            activation = images[index] if before is None else before(images[index])
            size = activation.shape[:-1]
            at = np.stack([random.integers(0, n, size=per_image) for n in size], axis=1)
            at = np.unique(at, axis=0)
            values.append(patches(activation, node.layer.adjacency, at=at))
            places.append(at * (np.array(images[index].shape[:-1]) // np.array(size)))
            sources += [int(index)] * len(at)
            labels += [number] * len(at)
    return (
        np.concatenate(values).astype(np.float64),
        np.concatenate(places),
        np.array(sources),
        np.array(labels),
    )


def _whiten(values: Real) -> Real:
    """Values in the space where the covariance, shrunk, is the identity."""
    from sklearn.covariance import ledoit_wolf

    centred = values - values.mean(axis=0)
    covariance, _ = ledoit_wolf(centred, assume_centered=True)
    variance, vectors = np.linalg.eigh(np.atleast_2d(covariance))
    floor = max(float(variance.max()) * 1e-6, 1e-12)
    whitened: Real = (centred @ vectors) / np.sqrt(np.maximum(variance, floor))
    return whitened


def _choose(points: Real, labels: Whole, count: int, weight: float) -> Whole:
    """Indices of at most `count` points of each class: discriminative ones, far from each other."""
    squares = (points**2).sum(axis=1)
    distances = np.sqrt(np.maximum(squares[:, None] - 2 * points @ points.T + squares, 0))
    chosen: list[int] = []
    for number in np.unique(labels):
        own = np.flatnonzero(labels == number)
        others = np.flatnonzero(labels != number)
        score = distances[own][:, others].mean(1) / (distances[own][:, own].mean(1) + 1e-6)
        rank = score.argsort(kind="stable").argsort(kind="stable") / max(len(own) - 1, 1)
        picked = [int(rank.argmax())]
        while len(picked) < min(count, len(own)):
            nearest = distances[own][:, own[picked]].min(axis=1)
            worth = weight * rank + (1 - weight) * nearest / max(float(nearest.max()), 1e-12)
            worth[picked] = -np.inf
            picked.append(int(worth.argmax()))
        chosen += own[picked].tolist()
    return np.array(chosen, dtype=np.int64)
