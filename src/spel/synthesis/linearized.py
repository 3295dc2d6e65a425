"""A network as a linear map at an image, from the image to some of its nodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from spel.nn import Network
from spel.nn.layer import Image
from spel.nn.node import INPUT, in_node
from spel.synthesis.tangent import Tangent, tangent


class Linearized:
    """The linear map from a small change of the image to those of activations, and its adjoint.

    Parameters
    ----------
    network : Network
    images : mapping of str to image
        The activations of the nodes, and the image as "input".
    ends : sequence of str
        Nodes whose changes matter, or "input".
    """

    def __init__(self, network: Network, images: Mapping[str, Image], ends: Sequence[str]) -> None:
        self.ends = list(ends)
        inner = [end for end in ends if end != INPUT]
        self.nodes = network.needed(inner) if inner else []
        self.tangents: dict[str, Tangent] = {}
        for node in self.nodes:
            with in_node(node):
                inputs = [images[name] for name in node.inputs]
                self.tangents[node.name] = tangent(node.layer, *inputs)
        borders = [getattr(node.layer, "border", None) for node in self.nodes]
        self.zero_outside = next((b == "zero" for b in borders if b not in (None, "inside")), False)
        areas = [network.footprints[end] for end in inner]
        reads = [[hi - lo for lo, hi in zip(area.low, area.high)] for area in areas]
        axes = images[INPUT].ndim - 1
        self.reach = [max((r[axis] for r in reads), default=0) for axis in range(axes)]

    def push(self, change: Image) -> dict[str, Image]:
        """The changes of the ends for a change of the image."""
        done = {INPUT: change}
        for node in self.nodes:
            done[node.name] = self.tangents[node.name].push(*[done[i] for i in node.inputs])
        return {end: done[end] for end in self.ends}

    def pull(self, ends: Mapping[str, Image]) -> Image:
        """The adjoint: from images at the ends to one image."""
        waiting = dict(ends)
        for node in reversed(self.nodes):
            if node.name in waiting:
                parts = self.tangents[node.name].pull(waiting.pop(node.name))
                for name, part in zip(node.inputs, parts):
                    waiting[name] = waiting[name] + part if name in waiting else part
        return waiting[INPUT]
