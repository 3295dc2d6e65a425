"""A network in stages: parts that follow one another, each with one layer that mixes spels."""

from __future__ import annotations

from spel.core.window import Window
from spel.nn import Activation, Concatenate, MaxPool, MeanPool, Network, Node
from spel.nn.node import INPUT
from spel.synthesis.constraints import mixes


def stages(network: Network) -> list[Network]:
    """The network in parts, each of which takes the output of the part before.

    A stage begins at each layer that mixes spels or channels, unless a branch bypasses it.

    Examples
    --------
    >>> from spel.nn import Color, Convolution, chain
    >>> from spel.core.bank import KernelBank
    >>> net = chain(Color(), Convolution(KernelBank.sobel("col")), Activation("relu"))
    >>> [part.names for part in stages(net)]
    [('color',), ('convolution', 'activation')]
    """
    parts: list[list[Node]] = [[]]
    begin = INPUT
    for i, node in enumerate(network.nodes):
        before = {n.name for n in network.nodes[:i]} | {INPUT}
        taken = {name for n in network.nodes[i:] for name in n.inputs if name in before}
        if mixes(node.layer) and parts[-1] and len(taken) == 1:
            parts.append([])
            (begin,) = taken
        inputs = tuple(INPUT if name == begin else name for name in node.inputs)
        parts[-1].append(Node(node.name, node.layer, inputs))
    return [Network(tuple(nodes)) for nodes in parts]


def is_local(network: Network) -> bool:
    """Whether every value of the output is computed from one spel, as colours are."""
    return all(not isinstance(node.layer.scope, Window) for node in network)


def is_rectified(network: Network) -> bool:
    """Whether no value of the output is below zero: a ReLU is last, or only followed by pooling."""
    waiting = [network.output]
    while waiting:
        name = waiting.pop()
        if name == INPUT:
            return False
        node = network.node(name)
        if isinstance(node.layer, (MaxPool, MeanPool, Concatenate)):
            waiting += node.inputs
        elif not (isinstance(node.layer, Activation) and node.layer.function == "relu"):
            return False
    return True
