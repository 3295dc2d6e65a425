"""The demands of an activation on the layers before it: equations if possible, bounds otherwise.

If the output of a ReLU is 3, its input was 3; if it is 0, the input was at most 0. A maximum of 3
means that its winner is 3 and that nothing in its window is larger. Demands are passed back through
such layers, with the current images, until they reach a layer that mixes spels or channels. There
they are weighted least-squares equations.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import singledispatch

import numpy as np

from spel.core.window import Window
from spel.nn import Activation, Center, Concatenate, Layer, MaxPool, MinPool, Network, Scale
from spel.nn.layer import Image
from spel.nn.node import INPUT
from spel.synthesis.winners import scatter, smallest_above, winners

SMALLEST = np.finfo(np.float32).tiny


@dataclass(frozen=True, eq=False)
class Demand:
    """Values that an activation should have.

    Attributes
    ----------
    values : image
    weights : image
        Weights of the squared differences; 0 where nothing is demanded.
    """

    values: Image
    weights: Image

    def joined(self, other: Demand) -> Demand:
        """Both demands as one: the weighted mean."""
        weights = self.weights + other.weights
        values = self.weights * self.values
        values += other.weights * other.values
        values /= np.maximum(weights, SMALLEST)  # 0 where nothing is demanded
        return Demand(values, weights)


def demands(
    network: Network, node: str, wanted: Image, images: Mapping[str, Image], bound: float
) -> dict[str, Demand]:
    """The demands of an activation, each at the first node to which it can be passed back.

    Parameters
    ----------
    network : Network
    node : str
    wanted : image
        The activation of the node.
    images : mapping of str to image
        The current activations of all nodes, and the image as "input".
    bound : float
        Weight of a bound that an image exceeds; equations have the weight 1.
    """
    waiting = {node: Demand(wanted, np.ones_like(wanted))}
    final: dict[str, Demand] = {}
    for at in reversed(network.nodes):
        if at.name not in waiting:
            continue
        demand = waiting.pop(at.name)
        parts = passed_back(at.layer, demand, [images[name] for name in at.inputs], bound)
        if not parts:
            final[at.name] = demand
        for name, part in zip(at.inputs, parts):
            waiting[name] = part.joined(waiting[name]) if name in waiting else part
    return final | {INPUT: waiting[INPUT]} if waiting else final


def mixes(layer: Layer) -> bool:
    """Whether demands stop at a layer, because its values are computed from several."""
    return passed_back.dispatch(type(layer)) is passed_back.dispatch(object)


@singledispatch
def passed_back(
    layer: Layer, demand: Demand, images: Sequence[Image], bound: float
) -> list[Demand]:
    """The demand of each input of a layer; none if the layer mixes spels or channels."""
    return []


@passed_back.register
def _(layer: Activation, demand: Demand, images: Sequence[Image], bound: float) -> list[Demand]:
    (image,) = images
    if layer.function == "identity":
        return [demand]
    if layer.function != "relu":
        return []
    equal = demand.values > 0
    values = np.minimum(image, 0)  # products are faster than choices
    values *= ~equal
    values += np.maximum(demand.values, 0)
    weights = np.maximum(equal, np.float32(bound) * (image > 0))
    weights *= demand.weights
    return [Demand(values, weights)]


@passed_back.register
def _(layer: Center, demand: Demand, images: Sequence[Image], bound: float) -> list[Demand]:
    (image,) = images
    return [Demand(demand.values + (image - layer(image)), demand.weights)]


@passed_back.register
def _(layer: Scale, demand: Demand, images: Sequence[Image], bound: float) -> list[Demand]:
    factor, shift = np.asarray(layer.factor), np.asarray(layer.shift)
    safe = np.where(factor == 0, 1, factor)
    values = ((demand.values - shift) / safe).astype(np.float32)
    return [Demand(values, (demand.weights * factor**2).astype(np.float32))]


@passed_back.register
def _(layer: Concatenate, demand: Demand, images: Sequence[Image], bound: float) -> list[Demand]:
    ends = np.cumsum([image.shape[-1] for image in images])[:-1]
    pairs = zip(np.split(demand.values, ends, axis=-1), np.split(demand.weights, ends, axis=-1))
    return [Demand(values, weights) for values, weights in pairs]


@passed_back.register
def _(layer: MaxPool, demand: Demand, images: Sequence[Image], bound: float) -> list[Demand]:
    return [_of_largest(layer.scope, demand, images[0], bound)]


@passed_back.register
def _(layer: MinPool, demand: Demand, images: Sequence[Image], bound: float) -> list[Demand]:
    below = _of_largest(layer.scope, Demand(-demand.values, demand.weights), -images[0], bound)
    return [Demand(-below.values, below.weights)]


def _of_largest(window: Window, demand: Demand, image: Image, bound: float) -> Demand:
    """The winner has the pooled value; others are at most the smallest of their windows."""
    values, weights = np.empty((2, image.shape[-1], *image.shape[:-1]), dtype=np.float32)
    for i in range(image.shape[-1]):  # one channel after the other stays in the cache
        own = (..., slice(i, i + 1))
        part = Demand(demand.values[own], demand.weights[own])
        part = _of_largest_in_channel(window, part, image[own], bound)
        values[i], weights[i] = part.values[..., 0], part.weights[..., 0]
    return Demand(np.moveaxis(values, 0, -1), np.moveaxis(weights, 0, -1))


def _of_largest_in_channel(window: Window, demand: Demand, image: Image, bound: float) -> Demand:
    counted = np.where(demand.weights > 0, demand.values, np.float32(np.inf))
    most = smallest_above(counted, window, image.shape)
    below = np.minimum(image, most)
    places = winners(below, window)
    hits = scatter(demand.weights, places, image.shape)
    total = scatter(demand.weights * demand.values, places, image.shape)
    values = np.divide(total, hits, out=below, where=hits > 0)
    values = np.minimum(values, most)
    return Demand(values, np.where(hits > 0, hits, np.float32(bound) * (image > most)))
