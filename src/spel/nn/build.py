"""Networks from layers: chain, residue, branch. Functions, not classes: they all give a Network.

Sub-networks are spliced, so that a network never holds a network and every step has a name.
"""

from __future__ import annotations

import re
from typing import Literal

from spel.errors import ParameterError
from spel.nn.combine import Concatenate
from spel.nn.layer import Layer
from spel.nn.network import Network
from spel.nn.node import INPUT, Node
from spel.nn.residue import Residue


def chain(*layers: Layer, **named: Layer) -> Network:
    """Layers one after the other.

    Parameters
    ----------
    *layers : Layer or Network
        Named after their kinds ("convolution", "convolution2", ...).
    **named : Layer or Network
        Come after, under their own names; a network's nodes get ``name.`` before theirs.

    Returns
    -------
    Network

    Examples
    --------
    >>> from spel.nn import Activation, Scale
    >>> chain(Scale([2.0]), Activation(), Activation("tanh"), last=Scale([1.0])).names
    ('scale', 'activation', 'activation2', 'last')
    """
    return Network(tuple(_chained(list(_parts(layers, named)), INPUT, set())))


def residue(*layers: Layer, scale: Literal["max"] | None = None, **named: Layer) -> Network:
    """``ReLU(x - n)`` where the layers, one after the other, make n from x.

    Parameters
    ----------
    *layers : Layer or Network
    scale : {"max"}, optional
        Bring x and n to a maximum of 1 per channel first.
    **named : Layer or Network
        Names as in `chain`.

    Examples
    --------
    >>> from spel.nn import Scale
    >>> net = residue(half=Scale([0.5]))
    >>> net.names, net([[4.0]]).ravel().tolist()
    (('half', 'residue'), [2.0])
    """
    nodes = _chained(list(_parts(layers, named)), INPUT, {"residue"})
    last = nodes[-1].name if nodes else INPUT
    return Network((*nodes, Node("residue", Residue(scale=scale), (INPUT, last))))


def branch(*parts: Layer, **named: Layer) -> Network:
    """Layers side by side on the same image; their channels are concatenated in order.

    Parameters
    ----------
    *parts : Layer or Network
    **named : Layer or Network
        Names as in `chain`.

    Examples
    --------
    >>> from spel.nn import Scale
    >>> net = branch(low=Scale([1.0]), high=Scale([10.0]))
    >>> net([[2.0]]).ravel().tolist()
    [2.0, 20.0]
    """
    nodes: list[Node] = []
    ends: list[str] = []
    for part in _parts(parts, named):
        used = {node.name for node in nodes} | {"concatenate"}
        nodes += _chained([part], INPUT, used)
        ends.append(nodes[-1].name)
    return Network((*nodes, Node("concatenate", Concatenate(), tuple(ends))))


def _parts(layers: tuple[Layer, ...], named: dict[str, Layer]) -> list[tuple[str | None, Layer]]:
    parts: list[tuple[str | None, Layer]] = [(None, layer) for layer in layers]
    parts += list(named.items())
    for name, layer in parts:
        if not isinstance(layer, Layer):
            raise ParameterError(
                f"network part {name or ''} {layer!r}: expected a layer, for example "
                "spel.Activation('relu')"
            )
    if not parts:
        raise ParameterError("a network of no layers; give at least one")
    return parts


def _chained(parts: list[tuple[str | None, Layer]], source: str, used: set[str]) -> list[Node]:
    """Nodes of parts that take one another, the first one `source`."""
    used = set(used)
    nodes: list[Node] = []
    for own_name, layer in parts:
        if isinstance(layer, Network):
            prefix = f"{own_name}." if own_name else ""
            renamed = {INPUT: source}
            for node in layer.nodes:
                renamed[node.name] = _free(prefix + node.name, used)
                inputs = tuple(renamed[name] for name in node.inputs)
                nodes.append(Node(renamed[node.name], node.layer, inputs))
        else:
            name = own_name or _free(layer.kind.split(".")[0], used)
            used.add(name)
            nodes.append(Node(name, layer, (source,) * (layer.inputs or 1)))
        source = nodes[-1].name
    return nodes


def _free(name: str, used: set[str]) -> str:
    """The name, with the next number behind it if it is taken."""
    stem, number = re.sub(r"\d+$", "", name), 2
    free = name
    while free in used:
        free, number = f"{stem}{number}", number + 1
    used.add(free)
    return free
