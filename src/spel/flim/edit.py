"""Editing a learned network: choose, drop or invert kernels, then learn again what follows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.core.bank import KernelBank
from spel.core.markers import Markers
from spel.errors import ParameterError
from spel.flim.learn import learn
from spel.nn.convolution import Convolution
from spel.nn.network import Network
from spel.nn.unlearned import Unlearned

SETTINGS = ("seed", "method", "factor", "compat")
"""Settings of `learn` that are stored for each node, besides those of its layer."""


def choose(network: Network, node: str, kernels: Sequence[int]) -> Network:
    """Keep the chosen kernels of a node, in this order; what follows must be learned again.

    The channels of learned convolutions after the node have changed, so these become `Unlearned`
    again, with the settings that they were learned with; `relearn` fills them.

    Parameters
    ----------
    network : Network
    node : str
        A convolution.
    kernels : sequence of int
        Numbers of the kernels, from 0.

    Raises
    ------
    ParameterError
        If the node is no convolution, or a kernel does not exist or occurs twice.

    Examples
    --------
    >>> from spel.nn import chain
    >>> net = chain(c=Convolution(KernelBank.from_array([[[1, 2]], [[3, 4]]])))
    >>> choose(net, "c", [1])["c"].bank.weights.ravel().tolist()
    [3.0, 4.0]
    """
    layer = _convolution(network, node)
    count = len(layer.bank)
    chosen = [int(k) for k in kernels]
    wrong = [k for k in chosen if not 0 <= k < count]
    if wrong or not chosen or len(set(chosen)) != len(chosen):
        raise ParameterError(
            f"choose: kernels {kernels!r} of node {node!r}; expected some of 0 to {count - 1}, "
            "each once"
        )
    pruned = network.replace(node, replace(layer, bank=layer.bank[chosen]))
    return unlearned(pruned, _after(network, node))


def drop(network: Network, node: str, kernels: Sequence[int]) -> Network:
    """Remove kernels of a node; the others keep their order. See `choose`.

    Parameters
    ----------
    network : Network
    node : str
        A convolution.
    kernels : sequence of int
        Numbers of the kernels, from 0.

    Raises
    ------
    ParameterError
        If the node is no convolution, a kernel does not exist, or none would remain.

    Examples
    --------
    >>> from spel.nn import chain
    >>> net = chain(c=Convolution(KernelBank.from_array([[[1, 2]], [[3, 4]]])))
    >>> drop(net, "c", [1])["c"].bank.weights.ravel().tolist()
    [1.0, 2.0]
    """
    count = len(_convolution(network, node).bank)
    _check_kernels("drop", node, kernels, count)
    return choose(network, node, [k for k in range(count) if k not in set(kernels)])


def invert(network: Network, node: str, kernels: Sequence[int]) -> Network:
    """Negate kernels of a node: weights *and* biases change sign (libift keeps the bias).

    What follows must be learned again, see `choose`.

    Parameters
    ----------
    network : Network
    node : str
        A convolution.
    kernels : sequence of int
        Numbers of the kernels, from 0.

    Raises
    ------
    ParameterError
        If the node is no convolution, or a kernel does not exist.

    Examples
    --------
    >>> from spel.nn import chain
    >>> net = chain(c=Convolution(KernelBank.from_array([[1, 2]], bias=3)))
    >>> bank = invert(net, "c", [0])["c"].bank
    >>> bank.weights.ravel().tolist(), bank.bias.tolist()
    ([-1.0, -2.0], [-3.0])
    """
    layer = _convolution(network, node)
    bank = layer.bank
    _check_kernels("invert", node, kernels, len(bank))
    sign = np.ones(len(bank), dtype=np.float32)
    sign[list(kernels)] = -1
    inverted = KernelBank(
        bank.adjacency, bank.weights * sign[:, None, None], bank.bias * sign, bank.provenance
    )
    return unlearned(network.replace(node, replace(layer, bank=inverted)), _after(network, node))


def unlearned(network: Network, nodes: Sequence[str]) -> Network:
    """The network with learned convolutions turned back into `Unlearned`, with their settings.

    Parameters
    ----------
    network : Network
    nodes : sequence of str
        Names of learned convolutions.

    Raises
    ------
    ParameterError
        If a node was not learned from markers.

    Examples
    --------
    >>> from spel.core.adjacency import Adjacency
    >>> from spel.nn import chain
    >>> drawn = Markers([(1, 1), (3, 3)], [1, 0], (5, 5))
    >>> image = np.random.default_rng(0).random((5, 5, 1))
    >>> net = learn(chain(c=Unlearned(Adjacency.box(3), kernels=2)), [image], [drawn])
    >>> type(net["c"]).__name__, type(unlearned(net, ["c"])["c"]).__name__
    ('Convolution', 'Unlearned')
    """
    records: dict[str, Any] = dict(network.meta.get("learned", {}))
    for node in nodes:
        layer = _convolution(network, node)
        if node not in records:
            raise ParameterError(
                f"unlearned: node {node!r} was not learned from markers; learned are "
                f"{', '.join(records) or 'none'}"
            )
        settings = {k: records[node][k] for k in ("kernels", "per_stroke", "per_image", "reduce")}
        network = network.replace(
            node, Unlearned(layer.bank.adjacency, stride=layer.stride, **settings)
        )
    return network


def relearn(
    network: Network,
    images: Sequence[npt.ArrayLike],
    markers: Sequence[Markers],
    *,
    after: str | None = None,
    names: Sequence[str] = (),
) -> Network:
    """Learn again what follows a node, with the same settings; the node and what precedes it stay.

    Parameters
    ----------
    network : Network
    images : sequence of arrays
        The images that were marked, as the network takes them.
    markers : sequence of Markers
        One per image.
    after : str, optional
        A node; by default only the nodes that are `Unlearned` are learned.
    names : sequence of str, optional
        Names of the images for the provenance of kernels.

    Raises
    ------
    ParameterError
        If there is nothing to learn, or the nodes were learned with different settings.

    Examples
    --------
    >>> from spel.core.adjacency import Adjacency
    >>> from spel.nn import chain
    >>> drawn = Markers([(1, 1), (3, 3)], [1, 0], (5, 5))
    >>> image = np.random.default_rng(0).random((5, 5, 1))
    >>> box = Adjacency.box(3)
    >>> net = learn(chain(a=Unlearned(box, 2), b=Unlearned(box, 2)), [image], [drawn])
    >>> pruned = choose(net, "a", [0])  # b has lost a channel, and waits to be learned again
    >>> relearn(pruned, [image], [drawn])["b"].bank.weights.shape
    (2, 9, 1)
    """
    if after is not None:
        network = unlearned(network, _after(network, after))
    waiting = [n.name for n in network.nodes if isinstance(n.layer, Unlearned)]
    records = network.meta.get("learned", {})
    settings: list[dict[str, Any]] = []
    for name in waiting:
        own = {key: value for key, value in records.get(name, {}).items() if key in SETTINGS}
        if own and own not in settings:
            settings.append(own)
    if len(settings) > 1:
        raise ParameterError(
            f"relearn: {', '.join(waiting)} were learned with different settings: {settings}; "
            "choose one of them with spel.flim.learn(spel.flim.unlearned(network, nodes), ...)"
        )
    return learn(network, images, markers, names=names, **(settings[0] if settings else {}))


def _convolution(network: Network, node: str) -> Convolution:
    """The convolution at a node."""
    layer = network[node]
    if not isinstance(layer, Convolution):
        raise ParameterError(
            f"node {node!r} is a layer {type(layer).__name__}, whose kernels cannot be edited; "
            "expected a learned convolution"
        )
    return layer


def _check_kernels(operator: str, node: str, kernels: Sequence[int], count: int) -> None:
    """Refuse numbers of kernels that do not exist."""
    wrong = [k for k in kernels if not 0 <= k < count]
    if wrong:
        raise ParameterError(
            f"{operator}: kernel {wrong[0]} of node {node!r}; expected numbers from 0 to "
            f"{count - 1}"
        )


def _after(network: Network, name: str) -> list[str]:
    """Learned convolutions that read the activation of a node, directly or not."""
    reached = {name}
    nodes = []
    for node in network.nodes:
        if reached.intersection(node.inputs):
            reached.add(node.name)
            if isinstance(node.layer, Convolution):
                nodes.append(node.name)
    return nodes
