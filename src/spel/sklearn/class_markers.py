"""Markers drawn by class, where nobody drew any: patches that tell the classes apart.

The idea of SPiFiL (superpixels' medoids, Fisher scores, a diverse choice), with candidates drawn at
random instead of by superpixels.
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

CANDIDATES = 24
"""Candidates of each class per spel that is wanted."""


def markers_by_class(
    images: Batch,
    classes: npt.NDArray[Any],
    network: Network,
    per_class: int,
    *,
    seed: int = 0,
    weight: float = 0.5,
) -> tuple[list[Batch], list[Markers]]:
    """Images and markers from which `spel.learn` can learn: `per_class` spels of every class.

    Candidates are drawn at random; each gets a Fisher score, the mean distance to candidates of
    other classes over the mean distance to those of its own, in the metric of the candidates'
    covariance (shrunk as Ledoit and Wolf do). Then, class by class, the best next one is chosen by
    ``weight * rank + (1 - weight) * distance to those chosen``.

    Raises
    ------
    ParameterError
        If there are fewer than two classes.
    """
    names = np.unique(classes)
    if len(names) < 2:
        raise ParameterError(
            f"markers_by_class: one class only ({names[0] if len(names) else 'none'}); patches "
            "that tell classes apart need at least two"
        )
    node = next((n for n in network.nodes if isinstance(n.layer, Unlearned)), None)
    if node is None:
        raise ParameterError("markers_by_class: the network has no Unlearned convolution")
    layer: Any = node.layer
    before = None if node.inputs[0] == INPUT else network.upto(node.inputs[0])
    draw = np.random.default_rng(seed)
    which, at, values, owner = [], [], [], []
    for number, name in enumerate(names):
        pool = np.flatnonzero(classes == name)
        count = CANDIDATES * per_class
        chosen = np.sort(draw.choice(pool, size=min(len(pool), count), replace=False))
        share = -(-count // len(chosen))
        for index in chosen:
            activation = images[index] if before is None else before(images[index])
            size = activation.shape[:-1]
            spels = np.stack([draw.integers(0, n, size=share) for n in size], axis=1)
            spels = np.unique(spels, axis=0)
            values.append(patches(activation, layer.adjacency, at=spels))
            at.append(spels * (np.array(images[index].shape[:-1]) // np.array(size)))
            which += [int(index)] * len(spels)
            owner += [number] * len(spels)
    space = _metric(np.concatenate(values).astype(np.float64))
    picked = _picked(space, np.array(owner), per_class, weight)
    places, sources = np.concatenate(at)[picked], np.array(which)[picked]
    labels = np.array(owner)[picked]
    found, markers = [], []
    for index in np.unique(sources):
        here = sources == index
        found.append(images[index])
        size = images[index].shape[:-1]
        markers.append(Markers(places[here], labels[here], size, background=None))
    return found, markers


def _metric(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Values in the space where the covariance, shrunk, is the identity."""
    from sklearn.covariance import ledoit_wolf

    centred = values - values.mean(axis=0)
    covariance, _ = ledoit_wolf(centred, assume_centered=True)
    variance, vectors = np.linalg.eigh(np.atleast_2d(covariance))
    floor = max(float(variance.max()) * 1e-6, 1e-12)
    scaled: npt.NDArray[np.float64] = (centred @ vectors) / np.sqrt(np.maximum(variance, floor))
    return scaled


def _picked(
    space: npt.NDArray[np.float64], owner: npt.NDArray[Any], count: int, weight: float
) -> npt.NDArray[np.int64]:
    squares = (space**2).sum(axis=1)
    away = np.sqrt(np.maximum(squares[:, None] - 2 * space @ space.T + squares, 0))
    chosen: list[int] = []
    for number in np.unique(owner):
        own = np.flatnonzero(owner == number)
        others = np.flatnonzero(owner != number)
        score = away[np.ix_(own, others)].mean(1) / (away[np.ix_(own, own)].mean(1) + 1e-6)
        rank = score.argsort(kind="stable").argsort(kind="stable") / max(len(own) - 1, 1)
        kept = [int(own[rank.argmax()])]
        while len(kept) < min(count, len(own)):
            near = away[np.ix_(own, kept)].min(axis=1)
            worth = weight * rank + (1 - weight) * near / max(float(near.max()), 1e-12)
            worth[np.isin(own, kept)] = -np.inf
            kept.append(int(own[worth.argmax()]))
        chosen += kept
    return np.array(chosen, dtype=np.int64)
