"""Editing a learned network: choose, invert or drop kernels, then relearn only what follows."""

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


def choose(network: Network, node: str, kernels: Sequence[int]) -> Network:
    """Keep the chosen kernels of a node, in the given order; what follows is to be relearned.

    Learned convolutions after the node become `Unlearned` again, with the settings that they were
    learned with, as their channels have changed; `relearn` fills them.

    Raises
    ------
    ParameterError
        If the node is no convolution, or a kernel is not there or given twice.
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
    kept = network.replace(node, replace(layer, bank=layer.bank[chosen]))
    return unlearned(kept, _after(network, node))


def drop(network: Network, node: str, kernels: Sequence[int]) -> Network:
    """Leave kernels of a node out; the others keep their order. See `choose`."""
    count = len(_convolution(network, node).bank)
    wrong = [k for k in kernels if not 0 <= k < count]
    if wrong:
        raise ParameterError(f"drop: kernel {wrong[0]} of node {node!r}; there are {count}")
    return choose(network, node, [k for k in range(count) if k not in set(kernels)])


def invert(network: Network, node: str, kernels: Sequence[int]) -> Network:
    """Turn kernels of a node around: weights *and* biases change sign (libift keeps the bias).

    What follows is to be relearned, see `choose`.

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
    wrong = [k for k in kernels if not 0 <= k < len(bank)]
    if wrong:
        raise ParameterError(f"invert: kernel {wrong[0]} of node {node!r}; there are {len(bank)}")
    sign = np.ones(len(bank), dtype=np.float32)
    sign[list(kernels)] = -1
    turned = KernelBank(
        bank.adjacency, bank.weights * sign[:, None, None], bank.bias * sign, bank.provenance
    )
    return unlearned(network.replace(node, replace(layer, bank=turned)), _after(network, node))


def unlearned(network: Network, nodes: Sequence[str]) -> Network:
    """The network with learned convolutions turned back into `Unlearned`, settings kept.

    Raises
    ------
    ParameterError
        If a node was not learned here.
    """
    known: dict[str, Any] = dict(network.meta.get("learned", {}))
    for node in nodes:
        layer = _convolution(network, node)
        if node not in known:
            raise ParameterError(
                f"unlearned: node {node!r} was not learned from markers; learned are "
                f"{', '.join(known) or 'none'}"
            )
        settings = {k: known[node][k] for k in ("kernels", "per_stroke", "per_image", "reduce")}
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
    """Learn what follows a node anew, as it was learned before; what precedes it stays as it is.

    Parameters
    ----------
    after : str, optional
        A node; by default only the nodes that are `Unlearned` are learned.

    Raises
    ------
    ParameterError
        If nothing is to be learned.
    """
    if after is not None:
        network = unlearned(network, _after(network, after))
    waiting = [n.name for n in network.nodes if isinstance(n.layer, Unlearned)]
    known = network.meta.get("learned", {})
    how: dict[str, Any] = next((known[name] for name in waiting if name in known), {})
    return learn(
        network,
        images,
        markers,
        names=names,
        seed=how.get("seed", 42),
        method=how.get("method", "cluster"),
        factor=how.get("factor", 0.01),
        compat=how.get("compat"),
    )


def _convolution(network: Network, node: str) -> Convolution:
    layer = network[node]
    if not isinstance(layer, Convolution):
        raise ParameterError(
            f"node {node!r} is no learned convolution but {type(layer).__name__}; its kernels "
            "cannot be edited"
        )
    return layer


def _after(network: Network, name: str) -> list[str]:
    """Learned convolutions that read the activation of a node, directly or not."""
    reached = {name}
    found = []
    for node in network.nodes:
        if reached.intersection(node.inputs):
            reached.add(node.name)
            if isinstance(node.layer, Convolution):
                found.append(node.name)
    return found
