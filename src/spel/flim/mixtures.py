"""The label of every spel of one image from strokes on it: mixtures of colours, and a cut."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.core.markers import Markers
from spel.core.memory import check_memory
from spel.errors import ParameterError
from spel.linear.mixture import Mixture
from spel.ops.cut import SMOOTHNESS, Borders, least_cost
from spel.ops.flood import dynamic_trees
from spel.ops.squares import from_squares, squares

Real = npt.NDArray[Any]
Masks = npt.NDArray[np.bool_]

CERTAIN = 1e4
"""What it costs to deny a stroke."""

BYTES_PER_CHANNEL, BYTES_PER_LABEL = 26, 42
"""Least memory of a spel, for each channel of the colours and each label of the strokes."""

REACH = 3
"""How far from a border spels are cut one by one, in sides of the squares before."""


def label_from_strokes(
    colors: npt.ArrayLike,
    markers: Markers,
    *,
    parts: int = 5,
    rounds: int = 3,
    stride: int = 2,
    on_round: Callable[[], object] = int,
) -> npt.NDArray[np.int32]:
    """The label of every spel of an image, from strokes on the image itself.

    Dynamic trees grow from the strokes over similar colours. Then a mixture of normal distributions
    describes the colours of each label, and the labels become those of the minimum cut, whose
    borders lie where colours differ; mixtures and cut follow each other as often as `rounds` says.

    Parameters
    ----------
    colors : (rows, cols[, C]) array, with planes before them for voxels
        For example LABNorm2 (`spel.nn.Color`), or activations; each channel is divided by its
        deviation.
    markers : Markers
        Strokes of at least two labels; all that is no object counts as one more label.
    parts : int
        Distributions in the mixture of a label, at most.
    rounds : int
        0 for trees alone.
    stride : int
        The rounds are of the means of squares (cubes) of this side, which have less noise; then
        the spels within three of these sides of a border are cut once more, one by one. With 1 all
        rounds are of the spels themselves.
    on_round : callable, optional
        Called before each round, the last one included; what it raises ends the work.

    Returns
    -------
    (rows, cols) array of int32
        Labels of the strokes.

    Raises
    ------
    ParameterError
        If the strokes are of fewer than two labels, a colour is not finite, or the image takes more
        memory than this process may take.
    FormatError
        If the strokes are of an image of another size.

    Notes
    -----
    Rother, Kolmogorov & Blake, "GrabCut", SIGGRAPH 2004, for any number of labels, and with trees
    to begin with; from coarse to fine as Lombaert, Sun, Grady & Xu, "A multilevel banded graph cuts
    method", ICCV 2005. The cut is found by total variation, and is nearly the minimum.

    Examples
    --------
    >>> image = np.zeros((8, 12), np.float32)
    >>> image[:, 6:] = 1
    >>> strokes = Markers([(4, 1), (4, 9)], [0, 1], (8, 12))
    >>> label_from_strokes(image, strokes)[0].tolist()
    [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1]
    """
    if parts < 1 or rounds < 0 or stride < 1:
        raise ParameterError(
            f"label_from_strokes: {parts!r} parts, {rounds!r} rounds, stride {stride!r}; expected "
            "at least 1, 0 and 1"
        )
    values, seeds = _checked(colors, markers), markers.image()
    labels = dynamic_trees(values, seeds)
    drawn = squares(seeds, stride, seeds.ndim).max(axis=0)
    classes = np.array(markers.classes, np.int32)
    if rounds and stride > 1 and np.isin(classes, drawn).all():
        means = squares(values, stride, seeds.ndim).mean(axis=0)
        coarse = squares(labels, stride, seeds.ndim)[0]
        labels = _cut(means, drawn, coarse, classes, parts, rounds, on_round)
        labels = from_squares(labels, stride, seeds.shape)
        seeds = _with_far_spels(seeds, labels, REACH * stride)
        rounds = 1
    labels = _cut(values, seeds, labels, classes, parts, rounds, on_round)
    return np.where(seeds >= 0, seeds, labels)


def _checked(colors: npt.ArrayLike, markers: Markers) -> Real:
    """The colours with a deviation of 1 in each channel."""
    values: Real = np.asarray(colors, dtype=np.float32)
    if values.ndim == markers.ndim:
        values = values[..., None]
    markers.check_fits(values.shape[:-1])
    if len(markers.classes) < 2:
        raise ParameterError(
            f"label_from_strokes: strokes of the labels {markers.classes}; expected strokes of at "
            "least two, such as an object and background"
        )
    size = " x ".join(map(str, values.shape[:-1]))
    each = BYTES_PER_CHANNEL * values.shape[-1] + BYTES_PER_LABEL * len(markers.classes)
    check_memory(
        f"label_from_strokes: an image of {size} with strokes of {len(markers.classes)} labels",
        float(each) * values[..., 0].size,
        "cut a smaller image, or a part of it",
    )
    if not np.isfinite(values).all():
        raise ParameterError("label_from_strokes: a colour is not finite; expected numbers")
    spread = values.std(axis=tuple(range(markers.ndim)))
    return values / np.where(spread > 0, spread, 1).astype(np.float32)


def _with_far_spels(seeds: Real, labels: Real, reach: int) -> Real:
    """The seeds, and as more of them all spels farther than `reach` from another label."""
    from scipy.ndimage import distance_transform_edt

    for one in np.unique(labels):
        own = labels == one
        if not own.all():
            seeds = np.where((seeds < 0) & (distance_transform_edt(own) > reach), one, seeds)
    return seeds


def _cut(
    values: Real,
    seeds: Real,
    labels: Real,
    classes: Real,
    parts: int,
    rounds: int,
    on_round: Callable[[], object],
) -> Real:
    """Mixtures of the colours that each label has, and the cut by them, again and again."""
    borders, drawn = Borders(values, SMOOTHNESS), np.stack([seeds == one for one in classes])
    for _ in range(rounds):
        on_round()
        own = np.stack([labels == one for one in classes])
        costs = _costs(values, own | drawn, drawn, parts)
        labels = classes[least_cost(costs, borders, own.astype(np.float32)).argmax(axis=0)]
    return labels


def _costs(values: Real, own: Masks, drawn: Masks, parts: int) -> npt.NDArray[np.float32]:
    """What each spel costs under each label, by a mixture of the colours that it has now."""
    costs = [-Mixture.fit(values[mask], parts).log_density(values) for mask in own]
    denied = drawn.any(axis=0) & ~drawn
    return np.where(denied, CERTAIN, np.where(drawn, 0, costs)).astype(np.float32)
