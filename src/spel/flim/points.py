"""FLIM-BoFP (bag of feature points): spels chosen once, on the input image, for all layers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from spel.core.adjacency import Adjacency
from spel.core.bank import KernelBank
from spel.core.markers import Markers
from spel.errors import ParameterError
from spel.flim.bank import bank
from spel.flim.cluster import clusters
from spel.flim.samples import Samples, gather_samples
from spel.flim.statistics import (
    Statistics,
    check_finite_rows,
    check_pairs,
    checked_names,
    pooled_statistics,
)
from spel.nn.blocks import AnyImage, ImageLike, InBlocks, patches_at
from spel.nn.network import Network
from spel.nn.node import INPUT
from spel.nn.unlearned import Unlearned


def feature_points(
    network: Network, images: Sequence[AnyImage], markers: Sequence[Markers], *, seed: int = 42
) -> list[Markers]:
    """The bag of feature points: the marked spels nearest to the clusters of each stroke.

    The patches of the first `Unlearned` layer's input, under its adjacency, are clustered:
    ``per_stroke`` clusters for each stroke.

    Parameters
    ----------
    network : Network
        With a layer that is `Unlearned`.
    images : sequence of arrays
        As the network takes them.
    markers : sequence of Markers
        One per image.
    seed : int
        Seed of the clustering.

    Returns
    -------
    list of Markers
        The chosen spels alone, for each image.

    Raises
    ------
    ShapeError, ParameterError
        If images and markers do not fit one another, or no layer is `Unlearned`.

    Examples
    --------
    >>> from spel.nn import chain
    >>> net = chain(c=Unlearned(Adjacency.disk(0), kernels=2, per_stroke=1))
    >>> image = np.array([[[0.0], [2.0], [3.0], [9.0]]])
    >>> drawn = Markers([(0, 0), (0, 1), (0, 2)], [1, 1, 1], (1, 4))
    >>> feature_points(net, [image], [drawn])[0].points.tolist()  # 2 is nearest to the mean, 5/3
    [[0, 1]]
    """
    check_pairs("feature_points", images, markers)
    first = next((node for node in network.nodes if isinstance(node.layer, Unlearned)), None)
    if first is None:
        raise ParameterError(
            "feature_points: the network has no Unlearned convolution; add one, or turn a learned "
            "one back with spel.flim.unlearned"
        )
    layer = first.layer
    assert isinstance(layer, Unlearned)
    source = first.inputs[0]
    if source == INPUT:
        inputs = list(images)
    else:
        before = network.upto(source)
        inputs = [
            image.through(before) if isinstance(image, InBlocks) else before(image)
            for image in images
        ]
    return _choose_points(inputs, markers, layer.adjacency, layer.per_stroke, seed)


def _choose_points(
    inputs: Sequence[ImageLike],
    markers: Sequence[Markers],
    adjacency: Adjacency,
    per_stroke: int,
    seed: int,
) -> list[Markers]:
    """Markers of the `per_stroke` spels that stand for each stroke's patches."""
    names = tuple(str(number) for number in range(len(markers)))
    stats = pooled_statistics(inputs, markers, names=names)
    rows = gather_samples(inputs, markers, adjacency, stats, names)
    nearest = clusters(rows, per_stroke, seed=seed)
    chosen = []
    for number, drawn in enumerate(markers):
        here = nearest.only(nearest.images == number)
        chosen.append(Markers(here.points, here.labels, drawn.size, drawn.background, here.strokes))
    return chosen


def points_bank(
    inputs: Sequence[ImageLike],
    points: Sequence[Markers],
    adjacency: Adjacency,
    *,
    names: Sequence[str] = (),
    factor: float = 0.01,
) -> KernelBank:
    """Kernels from the patches at feature points, standardized per image and entry of the patch.

    Each image has its own mean and deviation per entry (displacement and channel), over its points.
    The kernels are in the order of the images.

    Parameters
    ----------
    inputs : sequence of (rows, cols, C) arrays
        The input of the layer, for each image.
    points : sequence of Markers
        Feature points of each image.
    adjacency : Adjacency
        The adjacency of the kernels.
    names : sequence of str, optional
        Names of the images for the provenance of kernels.
    factor : float
        Added to every deviation (libift's ``stdev_factor``).

    Raises
    ------
    ShapeError, ParameterError
        If inputs, points and names do not fit one another, or no image has a point.

    Notes
    -----
    libift, ``iftCreateLayerModel`` and ``iftMergeLayerModels``. Spels outside the image are 0, as
    in libift: since there is a mean per displacement, no value would be exact.

    Examples
    --------
    >>> image = np.array([[[0.0], [2.0], [3.0], [9.0]]])
    >>> drawn = Markers([(0, 1), (0, 3)], [1, 1], (1, 4))
    >>> kernels = points_bank([image], [drawn], Adjacency.disk(0))
    >>> [f"{w:.3f}" for w in kernels.weights.ravel()], [p.at for p in kernels.provenance]
    (['-0.285', '0.285'], [(0, 1), (0, 3)])
    """
    check_pairs("points_bank", inputs, points)
    names = checked_names("points_bank", names, len(points))
    return join_point_banks(inputs, points, adjacency, names, factor)


def join_point_banks(
    inputs: Sequence[ImageLike],
    points: Sequence[Markers],
    adjacency: Adjacency,
    names: Sequence[str],
    factor: float,
) -> KernelBank:
    """`points_bank` without checks of inputs, points and names."""
    banks = []
    for image, drawn, name in zip(inputs, points, names):
        if not len(drawn):  # an image without points has no kernels
            continue
        rows = patches_at(image, adjacency, drawn.points).astype(np.float64)
        check_finite_rows("points_bank", rows, [drawn], [name], near=True)
        stats = Statistics(rows.mean(axis=0), rows.std(axis=0) + factor)
        standard = stats.standardize(rows)
        norm = np.linalg.norm(standard, axis=1, keepdims=True)
        kernels = Samples(
            standard / np.where(norm > 0, norm, 1.0),
            drawn.labels,
            np.maximum(drawn.ids, 0),
            np.zeros(len(drawn), dtype=np.int64),
            drawn.points,
            (name,),
        )
        banks.append(bank(kernels, adjacency, stats))
    if not banks:
        raise ParameterError("points_bank: no image has a feature point; draw at least one stroke")
    joined = banks[0]
    for other in banks[1:]:
        joined = joined + other
    return joined
