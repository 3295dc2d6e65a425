"""Batch normalization folded into the convolution before it: the same numbers, one layer less."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from spel.errors import ParameterError
from spel.nn.convolution import Convolution
from spel.nn.grouped import GroupedConvolution
from spel.nn.network import Network
from spel.nn.node import Node
from spel.nn.normalize import BatchNormalize


def fold_batch_normalization(network: Network, *names: str) -> Network:
    """The network without batch normalizations that follow a convolution.

    ``(J - mu) f + beta``, with ``J = <X, W> + b``, is ``<X, W f> + (b - mu) f + beta``: a kernel
    and a bias again, and exact at borders, which are supplied before the convolution.

    Parameters
    ----------
    network : Network
    *names : str
        Nodes to fold; by default all that can be.

    Returns
    -------
    Network
        The convolutions keep their names, unless the normalization was the output, whose name the
        last node then has. Folded kernels keep their provenance.

    Raises
    ------
    ParameterError
        If a named node is no batch normalization with stored statistics per channel right after a
        convolution that nothing else takes.

    Examples
    --------
    >>> from spel.core.bank import KernelBank
    >>> from spel.nn import chain
    >>> conv = Convolution(KernelBank.from_array([[2.0]], bias=1.0))
    >>> net = chain(conv=conv, norm=BatchNormalize([3.0], [4.0], 8.0, 5.0, 0.0))
    >>> folded = fold_batch_normalization(net)
    >>> folded.names, folded["norm"].bank.bias.tolist()
    (('norm',), [1.0])
    """
    for name in names:
        why = _why_not(network, network.node(name))
        if why:
            raise ParameterError(f"fold_batch_normalization: node {name!r}: {why}")
    for node in network.nodes:
        if (not names or node.name in names) and not _why_not(network, node):
            network = _without(network, node)
    return network


def _why_not(network: Network, node: Node) -> str:
    layer = node.layer
    if not isinstance(layer, BatchNormalize):
        return f"{type(layer).__name__} is no batch normalization"
    if layer.statistics is None:
        return "it takes its statistics from the batch; fit it first (layer.fitted(batch))"
    if np.squeeze(layer.statistics[0]).ndim > 1 or np.ndim(layer.statistics[0]) > 1:
        return "its statistics differ from spel to spel, a kernel's do not; use over='channel'"
    before = next((n for n in network.nodes if n.name == node.inputs[0]), None)
    if before is None or not isinstance(before.layer, Convolution | GroupedConvolution):
        return "there is no convolution directly before it"
    if sum(before.name in n.inputs for n in network.nodes) > 1:
        return f"the convolution {before.name!r} is taken by another node too"
    return ""


def _without(network: Network, node: Node) -> Network:
    source = node.inputs[0]
    convolution = network[source]
    layer = node.layer
    assert isinstance(convolution, Convolution | GroupedConvolution)
    assert isinstance(layer, BatchNormalize)
    name = node.name if node.name == network.output else source
    nodes = []
    for n in network.nodes:
        if n.name == source:
            nodes.append(Node(name, _merged(convolution, layer), n.inputs))
        elif n.name != node.name:
            inputs = tuple(name if i in (source, node.name) else i for i in n.inputs)
            nodes.append(Node(n.name, n.layer, inputs))
    return Network(tuple(nodes), network.meta)


def _merged(
    convolution: Convolution | GroupedConvolution, layer: BatchNormalize
) -> Convolution | GroupedConvolution:
    assert layer.statistics is not None
    mean, deviation = (np.asarray(s, dtype=np.float64) for s in layer.statistics)
    epsilon = float(layer.epsilon)
    below = np.sqrt(deviation**2 + epsilon) if layer.over == "channel" else deviation + epsilon
    factor: Any = np.asarray(layer.gamma, dtype=np.float64) / below
    bank = convolution.bank
    weights = bank.weights.astype(np.float64) * np.reshape(factor, (-1, 1, 1))
    bias = (bank.bias.astype(np.float64) - mean) * factor + np.asarray(layer.beta, np.float64)
    merged = replace(bank, weights=weights.astype(np.float32), bias=bias.astype(np.float32))
    return replace(convolution, bank=merged)
