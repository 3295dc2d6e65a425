"""The white that a network expects, and images brought to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.core.instance import check_instance
from spel.core.intensity import checked_white, to_white, white_of
from spel.core.numbers import as_numbers
from spel.nn.blocks import AnyImage, ImageLike, InBlocks
from spel.nn.color import Color
from spel.nn.network import Network
from spel.nn.node import INPUT
from spel.nn.pool import Pool

__all__ = [
    "WHITE",
    "assumed_white",
    "expected_white",
    "match_images",
    "match_white",
    "takes_colors",
    "with_white",
]

WHITE = "white"
"""Entry of a network's `meta` that holds the white that it expects."""


def expected_white(network: Network) -> float | None:
    """Full intensity in the images that a network expects; None if it states nothing.

    Its `meta` states it, or else the color layer that takes the image, pooled or not.

    Parameters
    ----------
    network : Network

    Examples
    --------
    >>> from spel.nn import Activation, chain
    >>> expected_white(chain(Color("grey"), Activation()))
    255.0
    >>> expected_white(chain(Activation())) is None
    True
    """
    check_instance("network", network, Network)
    stated = network.meta.get(WHITE)
    if stated is not None:
        return checked_white(stated)
    return next((color.white for color in _colors(network)), None)


def takes_colors(network: Network) -> bool:
    """Whether the network begins with a color layer, for which channels are colours.

    Examples
    --------
    >>> from spel.nn import Activation, chain
    >>> takes_colors(chain(Color("lab"))), takes_colors(chain(Activation()))
    (True, False)
    """
    return any(True for _ in _colors(network))


def _colors(network: Network) -> Iterator[Color]:
    """The color layers that take the image, or the image pooled: pooling keeps its colors."""
    images = {INPUT}
    for node in network.nodes:
        if images.isdisjoint(node.inputs):
            continue
        if isinstance(node.layer, Color):
            yield node.layer
        elif isinstance(node.layer, Pool):
            images.add(node.name)


def with_white(network: Network, white: float) -> Network:
    """The network with the white that it expects in its `meta`.

    Parameters
    ----------
    network : Network
    white : float
        Above 0.

    Examples
    --------
    >>> from spel.nn import Activation, chain
    >>> expected_white(with_white(chain(Activation()), 4095))
    4095.0
    """
    return network.with_meta(**{WHITE: checked_white(white)})


def match_white(
    network: Network, image: npt.ArrayLike, white: float | None = None
) -> npt.NDArray[Any]:
    """The image in the units that a network expects.

    Parameters
    ----------
    network : Network
        If it states no white, the numbers stay as they are.
    image : array
    white : float, optional
        Full intensity of the image; by default that of its type (`spel.core.intensity`).
        Floating-point numbers above 2 stay as they are.

    Examples
    --------
    >>> from spel.nn import chain
    >>> net = chain(Color("grey"))
    >>> match_white(net, np.array([[[65535]]], np.uint16)).tolist()
    [[[255.0]]]
    """
    expected = expected_white(network)
    array = as_numbers(image, "image")
    if expected is None:
        return array
    own = white_of(array) if white is None else checked_white(white)
    return array if own is None else to_white(array, own, expected)


def assumed_white(
    network: Network, image: npt.ArrayLike, white: float | None = None
) -> float | None:
    """The full intensity that is assumed of an image that is not of 8 bits.

    None if nothing is assumed: the image is of 8 bits, or the network states no white. For
    floating-point numbers above 2, that stay as they are, it is the white of the network.

    Examples
    --------
    >>> from spel.nn import chain
    >>> net = chain(Color("grey"))
    >>> assumed_white(net, np.zeros((2, 2), np.uint16)), assumed_white(net, np.zeros(2, np.uint8))
    (65535.0, None)
    """
    array = as_numbers(image)
    expected = expected_white(network)
    if expected is None or array.dtype == np.uint8:
        return None
    own = white_of(array) if white is None else checked_white(white)
    return expected if own is None else own


def match_images(
    network: Network, images: Sequence[ImageLike], white: float | None = None
) -> tuple[Network, list[AnyImage]]:
    """The images from which a network is learned, in its units; it states them from then on.

    A network that states no white takes that of the first image, if that holds integers.
    """
    if expected_white(network) is None and len(images):
        first = images[0]
        kind = first.dtype if isinstance(first, InBlocks) else as_numbers(first).dtype
        own = _own_white(first) if white is None else checked_white(white)
        if own is not None and (white is not None or kind.kind in "iu"):
            network = with_white(network, own)
    return network, [_matched(network, image, white) for image in images]


def _own_white(image: ImageLike) -> float | None:
    return image.white if isinstance(image, InBlocks) else white_of(as_numbers(image))


def _matched(network: Network, image: ImageLike, white: float | None) -> AnyImage:
    expected = expected_white(network)
    if not isinstance(image, InBlocks):
        return match_white(network, image, white)
    return image if expected is None else image.in_units(expected, white)
