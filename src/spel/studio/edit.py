"""Edits of a network's graph: add, remove, move a step, drop channels; each gives a new network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from spel.core.bank import KernelBank
from spel.errors import ParameterError
from spel.nn import BatchNormalize, Concatenate, Convolution, Decode, Layer, Scale, WeightedSum
from spel.nn.network import Network
from spel.nn.node import INPUT, Node

MAX_NODES = 200


def added(network: Network, after: str, nodes: Sequence[Node]) -> Network:
    """The network with nodes put behind `after`; whoever took `after` takes the last of them."""
    if len(network) + len(nodes) > MAX_NODES:
        raise ParameterError(f"more than {MAX_NODES} steps; remove some first")
    names = (INPUT, *network.names)
    if after not in names:
        raise ParameterError(f"no step {after!r}; expected one of {', '.join(names)}")
    last = nodes[-1].name
    place = names.index(after)
    before, behind = network.nodes[:place], network.nodes[place:]
    moved = tuple(
        Node(n.name, n.layer, tuple(last if i == after else i for i in n.inputs)) for n in behind
    )
    return Network((*before, *nodes, *moved), network.meta)


def removed(network: Network, name: str) -> Network:
    """The network without a node; whoever took it takes its first input."""
    gone = network.node(name)
    if len(network) == 1:
        raise ParameterError("the last step stays; a network has at least one")
    nodes = tuple(
        Node(n.name, n.layer, tuple(gone.inputs[0] if i == name else i for i in n.inputs))
        for n in network.nodes
        if n.name != name
    )
    return Network(nodes, network.meta)


def moved(network: Network, name: str, after: str) -> Network:
    """The network with a node of one input standing behind another one."""
    node = network.node(name)
    if len(node.inputs) != 1:
        raise ParameterError(f"step {name!r} takes several images and stays where it is")
    if after == name:
        return network
    rest = removed(network, name)
    return added(rest, after, [Node(name, node.layer, (after,))])


def renamed(network: Network, name: str, new: str) -> Network:
    """The network with another name for a node."""
    network.node(name)
    nodes = tuple(
        Node(
            new if n.name == name else n.name,
            n.layer,
            tuple(new if i == name else i for i in n.inputs),
        )
        for n in network.nodes
    )
    return Network(nodes, network.meta)


def free_name(network: Network, stem: str) -> str:
    """The stem, with the next free number behind it if it is taken.

    Examples
    --------
    >>> from spel.nn import Activation, chain
    >>> free_name(chain(relu=Activation()), "relu")
    'relu2'
    """
    taken, number, name = {INPUT, *network.names}, 2, stem
    while name in taken:
        name, number = f"{stem}{number}", number + 1
    return name


def kept(network: Network, name: str, kernels: Sequence[int]) -> Network:
    """The network with only these kernels of a convolution; later layers lose the same channels.

    Raises
    ------
    ParameterError
        If the node is no convolution, or nothing or something unknown is kept.
    """
    layer = network[name]
    if not isinstance(layer, Convolution):
        raise ParameterError(f"step {name!r} is no convolution and has no kernels")
    chosen = sorted(set(kernels))
    if not chosen or chosen[0] < 0 or chosen[-1] >= len(layer.bank):
        raise ParameterError(
            f"kernels {list(kernels)!r:.60} of {name!r}; keep at least one of 0 to "
            f"{len(layer.bank) - 1}"
        )
    choice = {name: np.array(chosen)}
    counts = {name: len(layer.bank)}
    nodes = []
    for node in network.nodes:
        if node.name == name:
            nodes.append(Node(name, replace(layer, bank=layer.bank[chosen]), node.inputs))
            continue
        if not any(i in choice for i in node.inputs):
            nodes.append(node)
            continue
        if isinstance(node.layer, Concatenate):
            raise ParameterError(
                f"step {node.name!r} joins branches: kernels before it cannot be dropped"
            )
        channels = choice[next(i for i in node.inputs if i in choice)]
        nodes.append(Node(node.name, _with_channels(node.layer, channels), node.inputs))
        if not isinstance(node.layer, Convolution | WeightedSum | Decode):
            choice[node.name] = channels
            counts[node.name] = counts[next(i for i in node.inputs if i in choice)]
    return Network(tuple(nodes), network.meta)


def _with_channels(layer: Layer, channels: Any) -> Layer:
    """The layer for an image that keeps only some channels."""
    if isinstance(layer, Convolution):
        bank = layer.bank
        if bank.channels <= channels.max():
            raise ParameterError("the next convolution takes fewer channels than there are")
        border = layer.border
        if isinstance(border, tuple):
            border = tuple(border[c] for c in channels)
        weights = bank.weights[:, :, channels]
        return replace(
            layer,
            bank=KernelBank(bank.adjacency, weights, bank.bias, bank.provenance),
            border=border,
        )
    if isinstance(layer, WeightedSum):
        return replace(layer, weights=layer.weights[channels])
    if isinstance(layer, Decode):
        return replace(layer, labels=tuple(layer.labels[c] for c in channels if layer.labels))
    if isinstance(layer, Scale):
        shift = np.broadcast_to(layer.shift, layer.factor.shape)
        return replace(layer, factor=layer.factor[channels], shift=shift[channels])
    if isinstance(layer, BatchNormalize) and layer.mean is not None:
        parts = {}
        for name in ("mean", "deviation", "gamma", "beta"):
            value = getattr(layer, name)
            if isinstance(value, np.ndarray) and value.ndim and value.shape[-1] > 1:
                parts[name] = value[..., channels]
        return replace(layer, **parts)
    return layer
