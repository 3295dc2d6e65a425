"""The activations of a marked image while its network is learned, node by node."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from spel.nn.blocks import AnyImage, InBlocks
from spel.nn.layer import Image, Layer
from spel.nn.network import Network
from spel.nn.node import INPUT, Node, in_node


class Activations(Protocol):
    """Activations of one image by the names of nodes."""

    def __getitem__(self, name: str) -> AnyImage:
        """The activation of a node, or the image ("input")."""

    def add(self, node: Node, layer: Layer, later: Sequence[Node]) -> None:
        """Add the activation of a node with a learned layer; `later` nodes may take it."""


class WholeActivations:
    """Activations in memory, each until no later node takes it."""

    def __init__(self, image: Image) -> None:
        self._done = {INPUT: image}

    def __getitem__(self, name: str) -> Image:
        return self._done[name]

    def add(self, node: Node, layer: Layer, later: Sequence[Node]) -> None:
        """Compute the activation of a node, and drop those that no later node takes."""
        with in_node(node):
            self._done[node.name] = layer(*[self._done[name] for name in node.inputs])
        needed = {name for other in later for name in other.inputs}
        for name in set(self._done) - needed:
            del self._done[name]


class BlockActivations:
    """Activations that are computed in blocks, where strokes lie: those of the whole, bit for bit.

    Every block is computed anew from the image for each layer that is learned.
    """

    def __init__(self, image: InBlocks) -> None:
        self._image = image
        self._network: Network | None = None

    def __getitem__(self, name: str) -> InBlocks:
        if name == INPUT or self._network is None:
            return self._image
        return self._image.through(self._network.upto(name))

    def add(self, node: Node, layer: Layer, later: Sequence[Node]) -> None:
        """Add a node; values over the whole image that its layer takes are gathered now."""
        before = () if self._network is None else self._network.nodes
        with in_node(node):
            nodes = (*before, Node(node.name, layer, node.inputs))
            self._network = self._image.resolved(Network(nodes))


def activations_of(image: AnyImage) -> Activations:
    """The activations of an image, of which there are none yet."""
    return BlockActivations(image) if isinstance(image, InBlocks) else WholeActivations(image)
