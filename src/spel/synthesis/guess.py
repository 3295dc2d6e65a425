"""A first guess of the image from an activation: one hyperplane for each channel of the image.

What a layer has thrown away cannot be computed back, but images of one kind are alike. Over images
of the same kind, ridge regression finds how the spels of the image follow from the patches of the
activation: their colour, their light, and what usually stands where nothing was activated.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from spel import ops
from spel.core.adjacency import Adjacency
from spel.core.bank import KernelBank
from spel.errors import ParameterError, ShapeError, UnsupportedLayerError
from spel.linear.weighted import fit_ridge_in_portions
from spel.nn import Convolution, Network, Upsample, chain
from spel.nn.layer import Image, Shape

PLACES = 30_000
"""Largest number of spels from which a guess is learned, in all images together."""

RIDGE = 1e-4
"""Penalty of the hyperplanes, in units of the mean variance of the activation's channels."""

TRUST = 10.0
"""Weight of the distance from a guess where an activation is inverted, see `invert`."""


@dataclass(frozen=True, eq=False)
class Guess:
    """A linear network from the activation of a node to the image.

    Attributes
    ----------
    network : Network
    """

    network: Network

    def __call__(self, activation: npt.ArrayLike, shape: Shape) -> Image:
        """The image of a shape, channels last, that usually has an activation.

        Parameters
        ----------
        activation : image
        shape : tuple of int
            A smaller activation is enlarged, and what exceeds this shape is cut off.
        """
        picture = self.network(activation)
        over = [have - n for have, n in zip(picture.shape, shape)]
        if picture.ndim != len(shape) or min(over) < 0 or over[-1]:
            raise ShapeError(
                f"guess: an activation of shape {np.shape(activation)} becomes an image of "
                f"{picture.shape}; expected at least {tuple(shape)}"
            )
        return picture[tuple(map(slice, shape))]


def learn_guess(
    network: Network,
    images: Sequence[npt.ArrayLike],
    node: str | None = None,
    *,
    side: int = 3,
    seed: int = 0,
) -> Guess:
    """Learn how images follow from the activations of a node.

    Parameters
    ----------
    network : Network
    images : sequence of (rows, cols[, C]) arrays, with planes before them for voxels
        Images of the same kind as those to be guessed, but not these themselves.
    node : str, optional
        By default the last one.
    side : int
        Side of the patches of the activation, odd.
    seed : int
        Seed of the choice of spels, where the images have many.

    Returns
    -------
    Guess

    Raises
    ------
    ParameterError, ShapeError
        If there is no image, or an option or an image does not fit.
    UnsupportedLayerError
        If the activation has no place in the image.

    Examples
    --------
    >>> from spel import Scale, chain
    >>> image = np.random.default_rng(0).random((9, 9, 1))
    >>> net = chain(Scale([-2.0]))
    >>> guess = learn_guess(net, [image], side=1)
    >>> bool(abs(guess(net(image), image.shape) - image).max() < 0.01)
    True
    """
    if not len(images):
        raise ParameterError("learn_guess: no images; expected at least one of the same kind")
    if side != int(side) or side < 1 or not side % 2:
        raise ParameterError(f"learn_guess: side {side!r}; expected an odd number from 1")
    part = network.upto(network.output if node is None else network.node(node).name)
    factors = _factors(part)
    adjacency = Adjacency.box(side, ndim=len(factors)).dilated(factors)
    enlarge = [Upsample(factors, "linear")] if max(factors) > 1 else []
    full = [part.with_channel_axis(image) for image in images]
    if len({image.shape[-1] for image in full}) > 1:
        raise ShapeError("learn_guess: images of different numbers of channels; convert them")

    def portions() -> Iterator[tuple[Any, Any, Any]]:
        for number, image in enumerate(full):
            activation = part(image)
            for layer in enlarge:
                activation = layer(activation)
            _check_place(part, activation.shape, image.shape)
            at = _chosen(image.shape[:-1], max(1, PLACES // len(full)), (seed, number))
            rows = ops.patches(activation, adjacency, at=at, border="edge")
            values = image[tuple(at.T)].astype(np.float64)
            yield rows, values, np.full(len(at), 1 / (len(at) * len(full)))

    planes = fit_ridge_in_portions(portions, RIDGE)
    weights = planes.weights.T.reshape(len(planes.weights.T), len(adjacency), -1)
    bank = KernelBank(adjacency, weights, planes.bias)
    return Guess(chain(*enlarge, guess=Convolution(bank, border="edge")))


def _factors(network: Network) -> list[int]:
    """How many spels of the image stand between two of the activation, per axis."""
    strides = network.footprints[network.output].stride
    if any(stride != int(stride) for stride in strides):
        raise UnsupportedLayerError(
            f"learn_guess: {network.output!r} has more spels than the image; choose an earlier step"
        )
    return [int(stride) for stride in strides]


def _check_place(network: Network, enlarged: Shape, shape: Shape) -> None:
    """Raise if an activation does not cover the image."""
    if any(have < n for have, n in zip(enlarged[:-1], shape[:-1])):
        raise UnsupportedLayerError(
            f"learn_guess: {network.output!r} does not cover the image, as it lost its border or "
            "its places; choose an earlier step"
        )


def _chosen(size: Shape, most: int, seed: Sequence[int]) -> npt.NDArray[np.intp]:
    """Places (m, axes) of at most so many spels, in order."""
    count = int(np.prod(size))
    drawn = np.random.default_rng(seed).choice(count, min(most, count), replace=False)
    return np.stack(np.unravel_index(np.sort(drawn), size), axis=1)
