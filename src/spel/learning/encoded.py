"""Marked images through an encoder: the channels that a decoder is learned from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from spel.core.markers import Markers
from spel.decide.delineate import Delineation, channel_scales
from spel.decide.segmentation import Segmentation
from spel.errors import ParameterError
from spel.flim.atrous import atrous, cumulative_strides
from spel.flim.learn import learn
from spel.nn import Concatenate, Convolution, Network, Node, Unlearned
from spel.nn.intensity import expected_white, match_images
from spel.nn.layer import Layer
from spel.nn.node import INPUT

__all__ = ["DECODED", "Encoded", "block_ends", "encode"]

Image = npt.NDArray[Any]

DECODED = "decoder.blocks"
"""The node that holds the channels of all decoded blocks."""


@dataclass(frozen=True, eq=False)
class Encoded:
    """Marked images and their activations in a learned encoder without strides.

    Attributes
    ----------
    network : Network
    blocks : tuple of str
        Nodes that are decoded.
    channels : list of (rows, cols, K) arrays
        Channels of all blocks, for each image.
    features : str
        The node whose activation enters the first convolution, on which masks are delineated.
    entering : list of (rows, cols, C) arrays
        That activation of each image: its colours.
    scale : tuple of float
        Factors that make the channels of that activation comparable at the marked spels.
    """

    network: Network
    blocks: tuple[str, ...]
    channels: list[Image]
    features: str
    entering: list[Image]
    scale: tuple[float, ...]

    def with_decoder(self, *nodes: Node) -> Network:
        """The network with a decoder at its end, whose first nodes take `DECODED`."""
        encoding = [node for node in self.network.nodes if not node.name.startswith("decoder.")]
        source = self.blocks[0]
        if len(self.blocks) > 1:
            source = DECODED
            encoding.append(Node(source, Concatenate(), self.blocks))
        for node in nodes:
            inputs = tuple(source if name == DECODED else name for name in node.inputs)
            encoding.append(Node(node.name, node.layer, inputs))
        return Network(tuple(encoding), self.network.meta)

    def delineated(self, how: Segmentation, *, hull: bool) -> Segmentation:
        """The segmentation with a delineation, for a saliency that is wider than the objects.

        Parameters
        ----------
        how : Segmentation
            Kept as it is if it has a delineation.
        hull : bool
            Whether each object is replaced by its hull, which fills the gaps of a group.
        """
        if how.delineation is not None:
            return how
        return replace(how, delineation=Delineation(convex=hull, scale=self.scale))


def encode(
    network: Layer,
    images: Sequence[npt.ArrayLike],
    markers: Sequence[Markers],
    *,
    names: Sequence[str] = (),
    seed: int = 42,
    blocks: Sequence[str] = (),
    method: Literal["cluster", "points"] = "cluster",
    white: float | None = None,
    on_step: Callable[[str], object] = str,
) -> Encoded:
    """Learn the encoder's unlearned layers, and compute the channels for its decoder.

    Parameters
    ----------
    network, images, markers, names, seed, blocks, method, white, on_step
        As for `learn_segmenter`.
    """
    network = network if isinstance(network, Network) else Network((Node("convolution", network),))
    network, arrays = match_images(network, images, white)
    if any(isinstance(node.layer, Unlearned) for node in network.nodes):
        network = learn(
            network, arrays, markers, seed=seed, names=names, method=method,
            white=expected_white(network), on_step=on_step,
        )  # fmt: skip
    if any(s != (1,) * len(s) for s in cumulative_strides(network).values()):
        network = atrous(network)
    first = next((n for n in network.nodes if isinstance(n.layer, Convolution)), None)
    if first is None:
        raise ParameterError("learn_segmenter: the network has no convolution to decode")
    chosen = tuple(blocks) or block_ends(network)
    features = first.inputs[0]
    done = [network.activations(image) for image in arrays]
    channels = [np.concatenate([a[name] for name in chosen], axis=-1) for a in done]
    entering = [
        _with_channel_axis(array if features == INPUT else a[features], m.ndim)
        for array, a, m in zip(arrays, done, markers)
    ]
    scale = channel_scales([e[tuple(m.points.T)] for e, m in zip(entering, markers)])
    return Encoded(network, chosen, channels, features, entering, scale)


def block_ends(network: Network) -> tuple[str, ...]:
    """The last node of every block: what each later convolution takes, and the output.

    Examples
    --------
    >>> from spel.core.adjacency import Adjacency
    >>> from spel.nn import Activation, MaxPool, chain
    >>> box = Adjacency.box(3)
    >>> block_ends(chain(c1=Unlearned(box, 4), r1=Activation(), c2=Unlearned(box, 8),
    ...                  r2=Activation(), p2=MaxPool(box)))
    ('r1', 'p2')
    """
    learned = [n for n in network.nodes if isinstance(n.layer, Convolution | Unlearned)]
    after: set[str] = set()
    for node in network.nodes:
        if node in learned or after.intersection(node.inputs):
            after.add(node.name)
    ends = [name for node in learned for name in node.inputs if name in after]
    return tuple(dict.fromkeys([*ends, network.output]))


def _with_channel_axis(image: Image, ndim: int) -> Image:
    """The image with a channel axis."""
    return image[..., None] if image.ndim == ndim else image
