"""Edits of a network's graph: nodes added, removed or moved, kernels dropped; all give new ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.core.bank import KernelBank
from spel.errors import ParameterError
from spel.nn import BatchNormalize, Concatenate, Convolution, Decode, Layer, Scale, WeightedSum
from spel.nn.network import Network
from spel.nn.node import INPUT, Node
from spel.studio.mask_colors import color_step, following, following_renamed
from spel.studio.refusals import Refusal

MAX_NODES = 200
MAX_INPUTS = 8
"""Images that a step joins at most."""


def as_convolution(layer: Layer, name: str) -> Convolution:
    """The layer, if it is a convolution.

    Raises
    ------
    ParameterError
        If it is another layer; the message contains the name of its node.
    """
    if not isinstance(layer, Convolution):
        raise Refusal(
            "no_kernels", "step {step} is not a convolution, so it has no kernels", step=name
        )
    return layer


def add_nodes(network: Network, after: str, nodes: Sequence[Node]) -> Network:
    """The network with nodes inserted after `after`.

    The nodes that took the activation of `after` take that of the last inserted node.
    """
    if len(network) + len(nodes) > MAX_NODES:
        raise Refusal(
            "many_steps", "a network has at most {most} steps; remove some first", most=MAX_NODES
        )
    names = (INPUT, *network.names)
    if after not in names:
        raise ParameterError(f"there is no step {after!r}; expected one of {', '.join(names)}")
    place = names.index(after)
    earlier, later = network.nodes[:place], network.nodes[place:]
    return Network((*earlier, *nodes, *rewire(later, after, nodes[-1].name)), network.meta)


def remove_node(network: Network, name: str) -> Network:
    """The network without a node; the nodes after it take its first input instead."""
    node = network.node(name)
    if len(network) == 1:
        raise Refusal(
            "last_step", "a network needs at least one step; the last one cannot be removed"
        )
    rest = tuple(n for n in network.nodes if n.name != name)
    made = Network(rewire(rest, name, node.inputs[0]), network.meta)
    return following(made, node.inputs[0]) if color_step(network) == name else made


def move_node(network: Network, name: str, after: str) -> Network:
    """The network with a node of one input moved after another one."""
    node = network.node(name)
    if len(node.inputs) != 1:
        raise Refusal(
            "not_movable", "step {step} takes several images and cannot be moved", step=name
        )
    if after == name:
        return network
    return add_nodes(remove_node(network, name), after, [Node(name, node.layer, (after,))])


def set_inputs(network: Network, name: str, inputs: Sequence[str]) -> Network:
    """The network with a node that takes the activations of other nodes than before.

    Raises
    ------
    ParameterError
        If the node takes another number of images, or one of them does not come before it.
    """
    if not 1 <= len(inputs) <= MAX_INPUTS:
        raise Refusal("many_inputs", "a step joins at most {most} images", most=MAX_INPUTS)
    node = replace(network.node(name), inputs=tuple(inputs))
    return Network(tuple(node if n.name == name else n for n in network.nodes), network.meta)


def rename_node(network: Network, name: str, new: str) -> Network:
    """The network with another name for a node."""
    network.node(name)
    nodes = rewire(network.nodes, name, new)
    renamed = tuple(replace(n, name=new) if n.name == name else n for n in nodes)
    return following_renamed(Network(renamed, network.meta), name, new)


def rewire(nodes: Sequence[Node], old: str, new: str) -> tuple[Node, ...]:
    """The nodes, each taking the activation of `new` where it took that of `old`."""
    return tuple(
        replace(node, inputs=tuple(new if i == old else i for i in node.inputs)) for node in nodes
    )


def free_name(network: Network, stem: str) -> str:
    """The stem, followed by the first free number if it is in use.

    Examples
    --------
    >>> from spel.nn import Activation, chain
    >>> free_name(chain(relu=Activation()), "relu")
    'relu2'
    """
    names, number, name = {INPUT, *network.names}, 2, stem
    while name in names:
        name, number = f"{stem}{number}", number + 1
    return name


def keep_kernels(network: Network, name: str, kernels: Sequence[int]) -> Network:
    """The network with only these kernels of a convolution; later layers lose the same channels.

    Raises
    ------
    ParameterError
        If the node is not a convolution, no kernel is left, or a number is out of range.
    """
    bank = as_convolution(network[name], name).bank
    chosen = sorted(set(kernels))
    if not chosen or chosen[0] < 0 or chosen[-1] >= len(bank):
        raise Refusal("keep_one", "keep at least one kernel of step {step}", step=name)
    channels = {name: np.array(chosen)}  # by node: the channels of its activation that are left
    nodes = []
    for node in network.nodes:
        if node.name == name:
            convolution = as_convolution(node.layer, name)
            nodes.append(replace(node, layer=replace(convolution, bank=bank[chosen])))
            continue
        changed = [i for i in node.inputs if i in channels]
        if not changed:
            nodes.append(node)
            continue
        if isinstance(node.layer, Concatenate) or len(changed) < len(node.inputs):
            raise Refusal(
                "joins_branches",
                "step {step} joins branches, so kernels before it cannot be dropped",
                step=node.name,
            )
        left = channels[changed[0]]
        nodes.append(replace(node, layer=_with_channels(node.layer, left)))
        if not isinstance(node.layer, Convolution | WeightedSum | Decode):
            channels[node.name] = left
    return Network(tuple(nodes), network.meta)


def _with_channels(layer: Layer, channels: npt.NDArray[np.int64]) -> Layer:
    """The layer for an image that has only these channels of the former one."""
    if isinstance(layer, Convolution):
        return _convolution_with_channels(layer, channels)
    if isinstance(layer, WeightedSum):
        return replace(layer, weights=layer.weights[channels])
    if isinstance(layer, Decode):
        return replace(layer, labels=tuple(layer.labels[c] for c in channels if layer.labels))
    if isinstance(layer, Scale):
        shift = np.broadcast_to(layer.shift, layer.factor.shape)
        return replace(layer, factor=layer.factor[channels], shift=shift[channels])
    if isinstance(layer, BatchNormalize) and layer.mean is not None:
        fields: dict[str, Any] = {}
        for name in ("mean", "deviation", "gamma", "beta"):
            value = getattr(layer, name)
            if isinstance(value, np.ndarray) and value.ndim and value.shape[-1] > 1:
                fields[name] = value[..., channels]
        return replace(layer, **fields)
    return layer


def _convolution_with_channels(layer: Convolution, channels: npt.NDArray[np.int64]) -> Convolution:
    bank = layer.bank
    if bank.channels <= channels.max():
        raise ParameterError("the next convolution has fewer channels than its input")
    border = layer.border
    if isinstance(border, tuple):
        border = tuple(border[c] for c in channels)
    weights = bank.weights[:, :, channels]
    smaller = KernelBank(bank.adjacency, weights, bank.bias, bank.provenance)
    return replace(layer, bank=smaller, border=border)
