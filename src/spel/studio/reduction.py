"""Large images at a part of their size: the first step of a network states how large they are.

A network that works on an image of 24 megapixels at 1/3 of its size begins with the step `REDUCE`,
the mean of 3 x 3 pixels. The step travels with the network into files, ONNX and commands, so what
was learned at 1/3 runs at 1/3 everywhere, and its boxes are in pixels of the whole image.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from spel.core.adjacency import Adjacency
from spel.nn import MeanPool, Network, Node
from spel.nn.node import INPUT
from spel.studio import graph
from spel.studio.mask_colors import color_step, following

REDUCE = "reduce"
MAX_WORKED = 4_000_000
"""Larger images are worked on at 1/2, 1/3, ... of their size."""


def needed_factor(size: Sequence[int]) -> int:
    """The smallest factor by which an image of a size is at most `MAX_WORKED` pixels large.

    Examples
    --------
    >>> needed_factor((480, 640)), needed_factor((4000, 6000))
    (1, 3)
    """
    return max(1, int(np.ceil(np.sqrt(size[0] * size[1] / MAX_WORKED))))


def factor_of(network: Network) -> int:
    """The factor by which the first step of a network reduces images; 1 if there is no such step.

    Examples
    --------
    >>> from spel.nn import Color, chain
    >>> factor_of(chain(Color("grey"))), factor_of(reduced(chain(Color("grey")), 3))
    (1, 3)
    """
    layer = network.nodes[0].layer
    if not isinstance(layer, MeanPool) or any(INPUT in n.inputs for n in network.nodes[1:]):
        return 1
    stride = layer.stride
    return stride if isinstance(stride, int) and layer == _block_mean(stride) else 1


def reduced(network: Network, factor: int) -> Network:
    """The network with a first step that reduces images by a factor, in place of an earlier one."""
    body = whole(network)
    if factor == 1:
        return body
    name = graph.free_name(body, REDUCE)
    nodes = [Node(name, _block_mean(factor), (INPUT,)), *graph.rewire(body.nodes, INPUT, name)]
    made = Network(tuple(nodes), body.meta)
    # Masks have the size of the image, and only the image itself is not reduced.
    return made if color_step(made) in (None, INPUT) else following(made, INPUT)


def whole(network: Network) -> Network:
    """The network without the step that reduces images."""
    if factor_of(network) == 1 or len(network) == 1:
        return network
    first = network.nodes[0].name
    return Network(graph.rewire(network.nodes[1:], first, INPUT), network.meta)


def fitted(network: Network, size: Sequence[int]) -> Network:
    """The network as the studio runs it on an image of a size: reduced as far as is needed."""
    factor = needed_factor(size)
    return network if factor_of(network) >= factor else _reduced_once(network, factor)


# The cache finds what it knows about a network by the object.
_reduced_once = lru_cache(maxsize=64)(reduced)


def reduce_image(image: npt.ArrayLike, factor: int) -> npt.NDArray[np.float32]:
    """What the first step of a reduced network gives.

    Examples
    --------
    >>> reduce_image([[[1], [3], [8]], [[1], [3], [10]]], 2)[0].tolist()
    [[2.0], [9.0]]
    """
    small: npt.NDArray[np.float32] = _block_mean(factor)(image)
    return small


def _block_mean(factor: int) -> MeanPool:
    """The mean of blocks of factor x factor pixels; those at the edges may be smaller."""
    block = Adjacency.from_mask(np.ones((factor, factor)), origin=(0, 0))
    return MeanPool(block, stride=factor)
