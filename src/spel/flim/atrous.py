"""A strided network at full resolution: strides of 1, later adjacencies dilated instead.

Every spel of the result reads exactly the spels that it would read in the strided network, if the
grid of strides were shifted to contain it. So markers need no rescaling during training, and every
block of a strided network can be decoded at the size of the image.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

from spel.core.adjacency import Adjacency
from spel.core.bank import KernelBank
from spel.core.window import Window
from spel.nn.layer import Layer
from spel.nn.network import Network
from spel.nn.node import INPUT, Node

Strides = tuple[int, ...]


def atrous(network: Network) -> Network:
    """The same network with strides of 1 and each later adjacency dilated by the strides before it.

    Parameters
    ----------
    network : Network

    Returns
    -------
    Network
        ``atrous(net)(image)[::s, ::s] == net(image)``, s the product of the strides, wherever no
        border is read; at borders a strided network reads its last grid spel, this one the image's.

    Examples
    --------
    >>> from spel.nn import MaxPool, chain
    >>> net = chain(MaxPool(Adjacency.box(3), stride=2), MaxPool(Adjacency.box(3)))
    >>> atrous(net)[net.output].adjacency.reach
    ((-2, 2), (-2, 2))
    """
    strides = cumulative_strides(network)
    nodes = [
        Node(node.name, dilated(node.layer, strides[node.inputs[0]]), node.inputs)
        for node in network.nodes
    ]
    return Network(tuple(nodes), network.meta)


def cumulative_strides(network: Network) -> dict[str, Strides]:
    """For "input" and every node: the distance, in input spels, between adjacent output spels."""
    ndim = network.ndim or 2
    strides: dict[str, Strides] = {INPUT: (1,) * ndim}
    for node in network.nodes:
        before = strides[node.inputs[0]]
        scope = node.layer.scope
        own: Sequence[int] = scope.strides if isinstance(scope, Window) else (1,) * ndim
        strides[node.name] = tuple(a * b for a, b in zip(before, own))
    return strides


def dilated(layer: Layer, factor: Strides) -> Layer:
    """The layer with a stride of 1, its adjacencies (and inner layers') dilated."""
    changed: dict[str, Any] = {}
    for field in fields(layer):
        value = getattr(layer, field.name)
        if isinstance(value, Adjacency):
            changed[field.name] = value.dilated(factor)
        elif isinstance(value, KernelBank):
            changed[field.name] = replace(value, adjacency=value.adjacency.dilated(factor))
        elif isinstance(value, Layer):
            changed[field.name] = dilated(value, factor)
        elif field.name == "stride":
            changed[field.name] = 1
    return replace(layer, **changed) if changed else layer
