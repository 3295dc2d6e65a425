"""The linear decoder: a logistic regression on marked spels, over the channels of several blocks.

It needs no backpropagation: the problem is convex, and a few Newton steps solve it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spel.core.markers import Markers
from spel.errors import ParameterError, ShapeError
from spel.flim.statistics import check_finite_rows, check_pairs
from spel.linear import fit_logistic
from spel.nn.blocks import ImageLike, values_at
from spel.nn.combine import WeightedSum

Real = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class MarkedActivations:
    """Activations at marked spels: what a decoder is learned from.

    Attributes
    ----------
    values : (n, K) array of float64
    is_object : (n,) array of bool
    weights : (n,) array of float64
        They sum to 1: each class has one half, which its images share equally.
    images : (n,) array of int
        The image of each spel.
    """

    values: Real
    is_object: npt.NDArray[np.bool_]
    weights: Real
    images: npt.NDArray[np.int64]


def marked_activations(
    images: Sequence[ImageLike],
    markers: Sequence[Markers],
    extra: Sequence[npt.NDArray[np.bool_]] = (),
    *,
    most: int = 600,
    seed: int = 42,
) -> MarkedActivations:
    """Activations at the marked spels of all images, weighted by class and image.

    Parameters
    ----------
    images : sequence of (rows, cols, K) arrays
    markers : sequence of Markers
    extra : sequence of (rows, cols) arrays of bool, optional
        Spels of each image that count as background without a stroke; an image that has any gives
        them half of its background weight.
    most : int
        Largest number of extra spels of an image; of more, some are drawn with `seed`.

    Returns
    -------
    MarkedActivations

    Raises
    ------
    ShapeError
        If images, markers and extra do not fit one another.
    ParameterError
        If only objects, or only background, is marked.
    """
    check_pairs("marked_activations", images, markers)
    _check_extra(extra, markers)
    values = np.concatenate(
        [values_at(image, m.points) for image, m in zip(images, markers)]
    ).astype(np.float64)
    check_finite_rows("a linear decoder", values, markers, near=True)
    is_object = np.concatenate([m.is_object for m in markers])
    owner = np.repeat(np.arange(len(markers)), [len(m) for m in markers])
    if not is_object.any() or is_object.all():
        only = "objects" if len(is_object) and is_object.any() else "background"
        raise ParameterError(
            f"a linear decoder: only {only} marked; draw at least one stroke on an object and one "
            "on the background"
        )
    drawn = np.ones(len(values), dtype=bool)
    for number, (image, mask) in enumerate(zip(images, extra)):
        places = np.argwhere(mask)
        places = np.random.default_rng(seed).permutation(places)[:most]
        more = values_at(image, places).astype(np.float64)
        values = np.concatenate([values, more])
        is_object = np.concatenate([is_object, np.zeros(len(more), dtype=bool)])
        owner = np.concatenate([owner, np.full(len(more), number)])
        drawn = np.concatenate([drawn, np.zeros(len(more), dtype=bool)])
    return MarkedActivations(values, is_object, _balanced(is_object, owner, drawn), owner)


def _balanced(
    is_object: npt.NDArray[np.bool_], owner: npt.NDArray[np.int64], drawn: npt.NDArray[np.bool_]
) -> Real:
    """Weights of sum 1: the same for both classes, for their images, and for strokes and extra."""
    weights = np.zeros(len(owner))
    for side in (True, False):
        here = is_object == side
        holding = np.unique(owner[here])
        for number in holding:
            of = here & (owner == number)
            kinds = [kind for kind in (of & drawn, of & ~drawn) if kind.any()]
            for kind in kinds:
                weights[kind] = 0.5 / len(holding) / len(kinds) / kind.sum()
    return weights


def _check_extra(extra: Sequence[npt.NDArray[np.bool_]], markers: Sequence[Markers]) -> None:
    """Refuse extra spels unless there are none, or a mask for each image."""
    if len(extra) not in (0, len(markers)) or any(
        np.shape(mask) != m.size for mask, m in zip(extra, markers)
    ):
        raise ShapeError(
            f"marked_activations: extra of shapes {[np.shape(mask) for mask in extra]}; expected "
            "none, or one mask of each image's size"
        )


def linear_decoder(
    images: Sequence[ImageLike],
    markers: Sequence[Markers],
    *,
    ridge: float = 1e-2,
    extra: Sequence[npt.NDArray[np.bool_]] = (),
) -> WeightedSum:
    """Weights and bias of a sum that is positive on marked objects, negative on the background.

    Minimizes ``sum_i a_i log(1 + exp(-y_i (w x_i + b))) + ridge |w|^2 / 2`` over standardized
    channels; a_i gives both classes the same weight, and each image the same within its class.

    Parameters
    ----------
    images : sequence of (rows, cols, K) arrays
        Activations; concatenate those of several blocks.
    markers : sequence of Markers
        They have at least two labels; every label but the background's is an object.
    ridge : float
        Penalty on the weights of standardized channels.
    extra : sequence of (rows, cols) arrays of bool, optional
        Spels that count as background without a stroke, see `marked_activations`.

    Returns
    -------
    WeightedSum
        Weights of raw channels; `Activation("sigmoid")` turns its output into a saliency in 0..1.

    Raises
    ------
    ParameterError
        If only one class is marked, or the ridge is not positive.

    Examples
    --------
    >>> image = np.array([[[0.0], [1.0], [4.0], [5.0]]])
    >>> drawn = Markers([(0, 0), (0, 1), (0, 2), (0, 3)], [0, 0, 1, 1], (1, 4))
    >>> layer = linear_decoder([image], [drawn])
    >>> (layer(image).ravel() > 0).tolist()
    [False, False, True, True]
    """
    if not ridge > 0:
        raise ParameterError(f"linear_decoder: ridge {ridge!r}; expected a number above 0")
    marked = marked_activations(images, markers, extra)
    weights, bias = fit_logistic(marked.values, marked.is_object, marked.weights, ridge=ridge)
    return WeightedSum(weights.astype(np.float32), float(bias))
