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

MOST = 2**27
"""Largest number of values of patches that are in memory at once, unless one node has more."""

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
    name = network.output if node is None else network.node(node).name
    guesses, refused = learn_guesses(network, images, [name], side=side, seed=seed)
    if refused:
        raise refused[name]
    return guesses[name]


def learn_guesses(
    network: Network,
    images: Sequence[npt.ArrayLike],
    nodes: Sequence[str],
    *,
    side: int = 3,
    seed: int = 0,
) -> tuple[dict[str, Guess], dict[str, UnsupportedLayerError]]:
    """Learn a guess for each of several nodes; the network runs once on each image for all.

    Of each activation only the patches that are learned from are kept. If those of all nodes would
    take more than half a gigabyte, the network runs again for the next nodes.

    Parameters
    ----------
    network : Network
    images, side, seed
        As for `learn_guess`.
    nodes : sequence of str

    Returns
    -------
    guesses : dict of str to Guess
        One for each node whose activation has a place in the image.
    refused : dict of str to UnsupportedLayerError
        The others, and why.

    Raises
    ------
    ParameterError, ShapeError
        If there is no image, or an option or an image does not fit.

    Examples
    --------
    >>> from spel import Scale, chain
    >>> net = chain(twice=Scale([2.0]), large=Upsample(2))
    >>> guesses, refused = learn_guesses(net, [np.eye(9)], net.names)
    >>> list(guesses), list(refused)
    (['twice'], ['large'])
    """
    if not len(images):
        raise ParameterError("learn_guess: no images; expected at least one of the same kind")
    if side != int(side) or side < 1 or not side % 2:
        raise ParameterError(f"learn_guess: side {side!r}; expected an odd number from 1")
    full = [network.with_channel_axis(image) for image in images]
    if len({image.shape[-1] for image in full}) > 1:
        raise ShapeError("learn_guess: images of different numbers of channels; convert them")
    guesses: dict[str, Guess] = {}
    refused: dict[str, UnsupportedLayerError] = {}
    for group in _groups(network, full[0].shape, nodes, side):
        lessons: dict[str, _Lesson] = {}
        for name in group:
            try:
                lessons[name] = _Lesson(network, name, side)
            except UnsupportedLayerError as error:
                refused[name] = error
        for number, image in enumerate(full):
            at = _chosen(image.shape[:-1], max(1, PLACES // len(full)), (seed, number))
            activations = network.select(image, list(lessons)) if lessons else {}
            for name in list(lessons):
                try:
                    lessons[name].add(activations.pop(name), image, at, len(full))
                except UnsupportedLayerError as error:
                    refused[name] = error
                    del lessons[name]
        while lessons:
            name = next(iter(lessons))
            guesses[name] = lessons.pop(name).guess()
    return guesses, refused


class _Lesson:
    """The patches of one activation, and the spels of the images that stand there."""

    def __init__(self, network: Network, node: str, side: int) -> None:
        factors = _factors(network, node)
        self.node = node
        self.adjacency = Adjacency.box(side, ndim=len(factors)).dilated(factors)
        self.enlarge = [Upsample(factors, "linear")] if max(factors) > 1 else []
        self.portions: list[tuple[Any, Any, Any]] = []

    def add(self, activation: Image, image: Image, at: npt.NDArray[np.intp], images: int) -> None:
        """Keep what stands at some places of one of so many images."""
        for layer in self.enlarge:
            activation = layer(activation)
        _check_place(self.node, activation.shape, image.shape)
        rows = ops.patches(activation, self.adjacency, at=at, border="edge")
        values = image[tuple(at.T)].astype(np.float64)
        self.portions.append((rows, values, np.full(len(at), 1 / (len(at) * images))))

    def guess(self) -> Guess:
        planes = fit_ridge_in_portions(lambda: self.portions, RIDGE)
        weights = planes.weights.T.reshape(len(planes.weights.T), len(self.adjacency), -1)
        bank = KernelBank(self.adjacency, weights, planes.bias)
        return Guess(chain(*self.enlarge, guess=Convolution(bank, border="edge")))


def _groups(
    network: Network, shape: Shape, nodes: Sequence[str], side: int
) -> Iterator[Sequence[str]]:
    """The nodes in turn, so many at once that their patches have at most `MOST` numbers."""
    shapes, numbers = network.shapes(shape), 0
    group: list[str] = []
    for node in nodes:
        own = PLACES * side ** (len(shape) - 1) * shapes[node][-1]
        if group and numbers + own > MOST:
            yield group
            group, numbers = [], 0
        group.append(node)
        numbers += own
    yield group


def _factors(network: Network, node: str) -> list[int]:
    """How many spels of the image stand between two of the activation, per axis."""
    strides = network.footprints[node].stride
    if any(stride != int(stride) for stride in strides):
        raise UnsupportedLayerError(
            f"learn_guess: {node!r} has more spels than the image; choose an earlier step"
        )
    return [int(stride) for stride in strides]


def _check_place(node: str, enlarged: Shape, shape: Shape) -> None:
    """Raise if an activation does not cover the image."""
    if any(have < n for have, n in zip(enlarged[:-1], shape[:-1])):
        raise UnsupportedLayerError(
            f"learn_guess: {node!r} does not cover the image, as it lost its border or "
            "its places; choose an earlier step"
        )


def _chosen(size: Shape, most: int, seed: Sequence[int]) -> npt.NDArray[np.intp]:
    """Places (m, axes) of at most so many spels, in order."""
    count = int(np.prod(size))
    drawn = np.random.default_rng(seed).choice(count, min(most, count), replace=False)
    return np.stack(np.unravel_index(np.sort(drawn), size), axis=1)
