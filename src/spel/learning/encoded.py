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
from spel.nn.blocks import AnyImage, ImageLike, InBlocks, in_blocks, values_at
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
    images : list of (rows, cols, C) arrays, or of `spel.nn.blocks.InBlocks`
        The marked images in the units of the network; large ones are seen in blocks.
    channels : list of (rows, cols, K) arrays, or of `spel.nn.blocks.InBlocks`
        Channels of all blocks, for each image.
    features : str
        The node whose activation enters the first convolution, on which masks are delineated.
    entering : list of (rows, cols, C) arrays, or of `spel.nn.blocks.InBlocks`
        That activation of each image: its colours.
    scale : tuple of float
        Factors that make the channels of that activation comparable at the marked spels.
    """

    network: Network
    blocks: tuple[str, ...]
    images: list[AnyImage]
    channels: list[AnyImage]
    features: str
    entering: list[AnyImage]
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
    images: Sequence[ImageLike],
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
    matched = [
        in_blocks(network, image if isinstance(image, InBlocks) else _with_channel_axis(image, m))
        for image, m in zip(arrays, markers)
    ]
    pairs = [_decoded(network, image, chosen, features) for image in matched]
    channels, entering = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    scale = channel_scales([values_at(e, m.points) for e, m in zip(entering, markers)])
    return Encoded(network, chosen, matched, channels, features, entering, scale)


def _decoded(
    network: Network, image: AnyImage, blocks: Sequence[str], features: str
) -> tuple[AnyImage, AnyImage]:
    """The channels of the decoded blocks, and the activation on which masks are delineated."""
    if isinstance(image, InBlocks):
        joined = Node(DECODED, Concatenate(), tuple(blocks))
        channels = image.through(Network((*network.nodes, joined)).upto(DECODED))
        entering = image if features == INPUT else image.through(network.upto(features))
        return channels, entering
    read = {name: None for name in (*blocks, features) if name != INPUT}
    done = {INPUT: image, **network.select(image, list(read))}
    return np.concatenate([done[name] for name in blocks], axis=-1), done[features]


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


def _with_channel_axis(image: Image, drawn: Markers) -> Image:
    """The image with a channel axis."""
    return image[..., None] if image.ndim == drawn.ndim else image
