"""A saliency as sharp as the image, for objects that touch.

The saliency of an encoder is wider than the objects: kernels and poolings reach over their borders,
and the necks between objects that touch are as wide as the objects. Which colours the saliency
means is learned from it, by one linear regression over the spels of the marked images. Where these
colours distinguish the strokes as well as the encoder does, they make the saliency, and the encoder
says near which places.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.core.adjacency import Adjacency
from spel.core.markers import Markers
from spel.decide.object_model import LEVELS, ObjectModel
from spel.linear import fit_ridge
from spel.nn import Activation, MaxPool, MeanPool, Multiply, Node, WeightedSum
from spel.nn.blocks import AnyImage, InBlocks, applied, joined, shape_of, values_at
from spel.ops.streamed import threshold_of_parts
from spel.ops.threshold import threshold_value

Image = npt.NDArray[Any]

BORDER = 0.5
"""Value of a sharp saliency at the border of an object."""

AS_GOOD = 0.002
"""Of means over more and more adjacents the first is taken whose error is at most so much higher
than the least; the error is the share of marked spels on the wrong side of `BORDER`."""

WORSE = 0.01
"""How much higher the error of the colours may be than that of the encoder."""

LEAST = 1e-4
"""Colours of the marked objects and of the background that differ by less are the same."""

MARGIN = 2.0
"""How far the lowest accepted score lies below the median of the marked objects: less perfect ones
than with other saliencies are objects, as little else is salient."""

MOST = 20_000
"""Largest number of spels of an image that the regression takes."""

SHUFFLED = 1 << 26
"""Spels of an image up to which those are chosen from a permutation of all."""


@dataclass(frozen=True, eq=False)
class SharpSaliency:
    """The layers that make a sharp saliency, and what they give on the marked images.

    Attributes
    ----------
    adjacency : Adjacency, optional
        The colours are means over it; None if the noise of single spels confuses nothing.
    colors : WeightedSum
        ``Activation("hard_sigmoid")`` of it is `BORDER` at the borders of objects.
    saliencies : list of (rows, cols, 1) arrays, or of `spel.nn.blocks.InBlocks`
        The sharp saliency of each marked image.
    error : float
        Share of the marked spels on the wrong side of `BORDER`, both sides weighing the same.
    """

    adjacency: Adjacency | None
    colors: WeightedSum
    saliencies: list[AnyImage]
    error: float

    def in_words(self) -> str:
        """Which colours, and how many marked spels they confuse."""
        colors = colors_in_words(self.adjacency)
        return f"{colors}, {self.error:.1%} of the marked pixels on the wrong side"

    def nodes(self, score: WeightedSum, features: str, decoded: str, ndim: int) -> list[Node]:
        """Nodes for the end of an encoder, see `spel.learning.encoded.Encoded.with_decoder`.

        Parameters
        ----------
        score : WeightedSum
            The decoder of the encoder's channels, scaled for "hard_sigmoid".
        features : str
            The node whose activation holds the colours.
        decoded : str
            The node that `score` takes.
        ndim : int
            2 for images, 3 for volumes.
        """
        clip = Activation("hard_sigmoid")
        near, scale, _ = _gate(ndim)
        means = [] if self.adjacency is None else [MeanPool(self.adjacency)]
        return [
            Node("decoder.score", score, (decoded,)),
            Node("decoder.rough", clip, ("decoder.score",)),
            Node("decoder.near", near, ("decoder.rough",)),
            Node("decoder.scaled", scale, ("decoder.near",)),
            Node("decoder.gate", clip, ("decoder.scaled",)),
            *[Node("decoder.mean", layer, (features,)) for layer in means],
            Node("decoder.colors", self.colors, ("decoder.mean" if means else features,)),
            Node("decoder.sharp", clip, ("decoder.colors",)),
            Node("saliency", Multiply(), ("decoder.sharp", "decoder.gate")),
        ]


def sharp_saliency(
    images: Sequence[AnyImage], saliencies: Sequence[AnyImage], markers: Sequence[Markers]
) -> SharpSaliency | None:
    """The sharp saliency of marked images, or None if their colours do not suffice.

    The colours of single spels are tried first, then means over 5, 9 and 25 adjacents (7, 27 and
    125 in volumes); the first that confuses hardly more marked spels than the best is taken.

    Parameters
    ----------
    images : sequence of (rows, cols, C) arrays, or of `spel.nn.blocks.InBlocks`
        The colours.
    saliencies : sequence of (rows, cols, 1) arrays, or of `spel.nn.blocks.InBlocks`
        The saliency of the encoder in each image, in 0..1.
    markers : sequence of Markers

    Examples
    --------
    >>> truth = np.zeros((9, 9, 1))
    >>> truth[3:6, 3:6] = 1
    >>> wide = np.zeros((9, 9, 1))
    >>> wide[2:7, 2:7] = 0.67
    >>> drawn = Markers([(4, 4), (0, 0), (0, 1)], [1, 0, 0], (9, 9))
    >>> sharp = sharp_saliency([7 * truth], [wide], [drawn])
    >>> np.array_equal(sharp.saliencies[0] > BORDER, truth)
    True
    """
    places = [_places(int(np.prod(shape_of(one)[:-1])), shape_of(one)) for one in saliencies]
    target = [values_at(one, at).ravel() for one, at in zip(saliencies, places)]
    implied = _Implied(places, np.concatenate(target).astype(np.float64))
    tried = [
        _sharp(images, saliencies, implied, markers, one) for one in adjacencies(markers[0].ndim)
    ]
    without = _error(saliencies, [_otsu(one) for one in saliencies], markers)
    chosen = finest([one.error for one in tried], without)
    return None if chosen is None else tried[chosen]


def adjacencies(ndim: int) -> tuple[Adjacency | None, ...]:
    """Over which the colours of spels may be averaged, the smallest first."""
    return (
        None,
        Adjacency.cross(1, ndim=ndim),
        Adjacency.box(3, ndim=ndim),
        Adjacency.box(5, ndim=ndim),
    )


def colors_in_words(adjacency: Adjacency | None) -> str:
    """Over how many pixels the colours are averaged."""
    if adjacency is None:
        return "the colour of each pixel"
    return f"the mean colour of {len(adjacency)} pixels"


def finest(errors: Sequence[float], without: float) -> int | None:
    """The first of the errors that is hardly above the least; None if the encoder is better.

    Examples
    --------
    >>> finest([0.1, 0.001, 0.0], without=0.0), finest([0.2, 0.1], without=0.01)
    (1, None)
    """
    chosen = next(i for i, error in enumerate(errors) if error <= min(errors) + AS_GOOD)
    return chosen if errors[chosen] <= without + WORSE else None


def at_border(model: ObjectModel) -> ObjectModel:
    """The model with `BORDER` as its only level, unless it states levels of its own."""
    return replace(model, levels=(BORDER,)) if model.levels == LEVELS else model


def _sharp(
    images: Sequence[AnyImage],
    saliencies: Sequence[AnyImage],
    implied: _Implied,
    markers: Sequence[Markers],
    adjacency: Adjacency | None,
) -> SharpSaliency:
    """The saliency of the mean colours over an adjacency, which the given saliencies imply."""
    mean = [] if adjacency is None else [MeanPool(adjacency)]
    colors = [applied(image, *mean) for image in images]
    layer = _regression(colors, implied)
    scores = [applied(image, layer) for image in colors]
    ground, marked = (_marked_mean(scores, markers, side) for side in (False, True))
    quarter = (marked - ground) / 4
    border = marked
    if quarter > LEAST:
        border = float(np.median([_otsu(score) for score in scores]))
        border = float(np.clip(border, ground + quarter, marked - quarter))
    # 0.5 at the border and 1 at the mean of the marked objects; hard_sigmoid takes -3..3 to 0..1.
    factor = 3 / max(marked - border, LEAST)
    layer = WeightedSum(layer.weights * factor, (layer.bias - border) * factor)
    clip, gate = Activation("hard_sigmoid"), _gate(markers[0].ndim)
    sharp = [
        joined(Multiply(), applied(image, layer, clip), applied(near, *gate))
        for image, near in zip(colors, saliencies)
    ]
    error = _error(sharp, [BORDER] * len(sharp), markers)
    return SharpSaliency(adjacency, layer, sharp, error)


@dataclass(frozen=True, eq=False)
class _Implied:
    """Spels of each image, and the saliency of the encoder there, which colours shall give."""

    places: Sequence[npt.NDArray[np.int64]]
    target: npt.NDArray[np.float64]


def _places(count: int, shape: Sequence[int]) -> npt.NDArray[np.int64]:
    """At most `MOST` spels of an image, by chance."""
    random = np.random.default_rng(42)
    if count <= SHUFFLED:
        chosen = random.permutation(count)[:MOST]
    else:  # without numbers for all spels
        chosen = np.unique(random.integers(0, count, MOST))
    return np.stack(np.unravel_index(chosen, tuple(shape[:-1])), axis=1)


def _regression(colors: Sequence[AnyImage], implied: _Implied) -> WeightedSum:
    """The saliency as a linear function of the colours; objects weigh as much as background."""
    read = [values_at(i, at).astype(np.float32) for i, at in zip(colors, implied.places)]
    finite = np.isfinite(rows := np.concatenate(read)).all(axis=1) & np.isfinite(implied.target)
    rows, target = rows[finite], implied.target[finite]
    inside, outside = max(target.sum(), 1e-12), max((1 - target).sum(), 1e-12)
    shares = target / inside + (1 - target) / outside
    model = fit_ridge(rows, target, shares, 1e-3)
    return WeightedSum(model.weights.astype(np.float32), float(model.bias))


def _otsu(image: AnyImage) -> float:
    """Otsu's threshold of all values."""
    if isinstance(image, InBlocks):
        return threshold_of_parts(image.parts, "otsu")
    return threshold_value(image, "otsu")


def _gate(ndim: int) -> tuple[MaxPool, WeightedSum, Activation]:
    """1 near places where the rough saliency reaches a third, 0 far from all saliency."""
    near = MaxPool(Adjacency.box(5, ndim=ndim))
    return near, WeightedSum(np.array([18], np.float32), -3.0), Activation("hard_sigmoid")


def _marked_mean(scores: Sequence[AnyImage], markers: Sequence[Markers], is_object: bool) -> float:
    """Mean over the images of the mean score at the marked spels of one side."""
    sides = [(s, m.points[m.is_object == is_object]) for s, m in zip(scores, markers)]
    return float(np.mean([values_at(s, p).mean(dtype=np.float64) for s, p in sides if len(p)]))


def _error(
    images: Sequence[AnyImage], borders: Sequence[float], markers: Sequence[Markers]
) -> float:
    """Share of the marked spels on the wrong side of a border, both sides weighing the same."""
    answers = np.concatenate(
        [values_at(i, d.points).ravel() > border for i, border, d in zip(images, borders, markers)]
    )
    truth = np.concatenate([d.is_object for d in markers])
    return float(((~answers[truth]).mean() + answers[~truth].mean()) / 2)
