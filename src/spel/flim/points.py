"""FLIM-BoFP (bag of feature points): clusters of the input image, for all layers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from spel.core.adjacency import Adjacency
from spel.core.bank import KernelBank
from spel.core.markers import Markers
from spel.errors import ParameterError
from spel.flim.bank import bank
from spel.flim.cluster import clusters
from spel.flim.samples import Samples, samples
from spel.flim.statistics import Statistics, statistics
from spel.nn.layer import Image
from spel.nn.network import Network
from spel.nn.node import INPUT
from spel.nn.unlearned import Unlearned
from spel.ops.patches import patches


def feature_points(
    network: Network, images: Sequence[Image], markers: Sequence[Markers], *, seed: int = 42
) -> list[Markers]:
    """The bag of feature points: the marked spels nearest to the clusters of each stroke.

    Clusters are those of the patches under the first `Unlearned` layer's adjacency, on the
    activation that it takes, ``per_stroke`` of them.

    Returns
    -------
    list of Markers
        One per image, of the chosen spels alone.
    """
    first = next(node for node in network.nodes if isinstance(node.layer, Unlearned))
    layer = first.layer
    assert isinstance(layer, Unlearned)
    source = first.inputs[0]
    if source == INPUT:
        inputs = list(images)
    else:
        before = network.upto(source)
        inputs = [before(image) for image in images]
    return choose_points(inputs, markers, layer.adjacency, layer.per_stroke, seed=seed)


def choose_points(
    inputs: Sequence[npt.ArrayLike],
    markers: Sequence[Markers],
    adjacency: Adjacency,
    per_stroke: int,
    *,
    seed: int = 42,
) -> list[Markers]:
    """Markers of the `per_stroke` spels that stand for each stroke's patches."""
    stats = statistics(inputs, markers)
    found = clusters(samples(inputs, markers, adjacency, stats), per_stroke, seed=seed)
    chosen = []
    for number, drawn in enumerate(markers):
        here = found.only(found.images == number)
        chosen.append(Markers(here.points, here.labels, drawn.size, drawn.background, here.strokes))
    return chosen


def points_bank(
    inputs: Sequence[npt.ArrayLike],
    points: Sequence[Markers],
    adjacency: Adjacency,
    *,
    names: Sequence[str] = (),
    factor: float = 0.01,
) -> KernelBank:
    """Kernels of the patches at feature points, standardized per image and entry of the patch.

    Each image has its own mean and deviation per entry (displacement and channel), over its points;
    its kernels come one after the other, image by image.

    Raises
    ------
    ParameterError
        If no image has a point.

    Notes
    -----
    libift, ``iftCreateLayerModel`` and ``iftMergeLayerModels``. The border supplies zeros, as in
    libift; with a mean per displacement no fill makes it exact.
    """
    names = tuple(names) or tuple(str(number) for number in range(len(points)))
    banks = []
    for image, drawn, name in zip(inputs, points, names):
        if not len(drawn):
            continue
        rows = patches(image, adjacency, at=drawn.points).astype(np.float64)
        stats = Statistics(rows.mean(axis=0), rows.std(axis=0) + factor)
        standard = stats.standardize(rows)
        norm = np.linalg.norm(standard, axis=1, keepdims=True)
        found = Samples(
            standard / np.where(norm > 0, norm, 1.0),
            drawn.labels,
            np.maximum(drawn.ids, 0),
            np.zeros(len(drawn), dtype=np.int64),
            drawn.points,
            (name,),
        )
        banks.append(bank(found, adjacency, stats))
    if not banks:
        raise ParameterError("points_bank: no image has a feature point; draw at least one stroke")
    joined = banks[0]
    for other in banks[1:]:
        joined = joined + other
    return joined
