"""Strokes to networks: templates to learn, learning from a node on, and decoders to a saliency."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from spel.core.adjacency import Adjacency
from spel.core.markers import Markers
from spel.decide import Decision, with_decision
from spel.errors import NotLearnedError, ParameterError
from spel.flim import learn
from spel.flim.linear_decoder import linear_decoder
from spel.nn import Activation, Color, Convolution, Decode, MaxPool, MeanPool, Unlearned, chain
from spel.nn.network import Network
from spel.nn.node import INPUT, Node
from spel.ops.decode import METHODS
from spel.studio import edit
from spel.zoo import plate_lecture

DECODERS = ("linear", *METHODS)
TEMPLATES = ("flim", "plate-lecture", "edges", "grey")

MOST_DECODED = 2000
"""Spels per image and class that the linear decoder is fitted on; strokes may hold far more."""

_DECODING = ("decoder", "saliency")


def template(name: str) -> Network:
    """A network to start from.

    Examples
    --------
    >>> template("edges").names
    ('grey', 'edges', 'relu', 'pool')
    """
    from spel.core.bank import KernelBank

    if name == "plate-lecture":
        return plate_lecture()
    if name == "edges":
        return chain(
            grey=Color("grey"),
            edges=Convolution(KernelBank.sobel("col")),
            relu=Activation("relu"),
            pool=MaxPool(Adjacency.box(3)),
        )
    if name == "grey":
        return chain(grey=Color("grey"))
    if name == "flim":
        network = chain(
            color=Color("lab"),
            conv1=Unlearned(Adjacency.box(5), kernels=12, per_stroke=2),
            relu1=Activation("relu"),
            pool1=MaxPool(Adjacency.box(3)),
            conv2=Unlearned(Adjacency.box(3), kernels=16, per_stroke=2),
            relu2=Activation("relu"),
            pool2=MeanPool(Adjacency.box(5)),
        )
        return with_decision(network, Decision(threshold=0.5, area=(30, 1e9)))
    raise ParameterError(f"template {name!r}; expected one of {', '.join(TEMPLATES)}")


def relearned(
    network: Network,
    images: Sequence[Any],
    markers: Sequence[Markers],
    names: Sequence[str],
    *,
    activate: Callable[[Network], list[Any]],
    start: str | None = None,
    seed: int = 42,
    decoder: str = "linear",
) -> Network:
    """The network with its convolutions from `start` on learned from strokes, and a decoder.

    Kernels of convolutions before `start` stay. The decoder at the end is learned or chosen anew.
    `activate` gives a network's output on the images: the session keeps what it computes for that.

    Raises
    ------
    ParameterError
        If nothing is drawn, or there is nothing to learn.
    """
    if decoder not in (*DECODERS, "none"):
        raise ParameterError(f"decoder {decoder!r}; expected one of {', '.join(DECODERS)}, none")
    if not any(len(m) for m in markers):
        raise ParameterError("no stroke is drawn yet; draw on an object and on the background")
    from threadpoolctl import threadpool_limits  # comes with scikit-learn

    body = unlearned(undecoded(network), start)
    waiting = any(isinstance(node.layer, Unlearned) for node in body.nodes)
    if start is not None and not waiting:
        raise ParameterError(f"no convolution learned from strokes at or behind {start!r}")
    # Products here are small: threads of the linear algebra would only wait for one another.
    with threadpool_limits(1, user_api="blas"):
        if waiting:
            body = _learned(body, images, markers, names, seed, activate)
        return decoded(body, activate, markers, decoder)


def _learned(
    network: Network,
    images: Sequence[Any],
    markers: Sequence[Markers],
    names: Sequence[str],
    seed: int,
    activate: Callable[[Network], list[Any]],
) -> Network:
    """The learned network; what stands before its first unlearned layer is taken as it is known."""
    first = next(i for i, node in enumerate(network.nodes) if isinstance(node.layer, Unlearned))
    head, tail = network.nodes[:first], network.nodes[first:]
    inputs = {name for node in tail for name in node.inputs} - {node.name for node in tail}
    if not head or inputs != {head[-1].name}:
        return learn(network, images, markers, names=names, seed=seed)
    known = activate(Network(head))
    if any(tuple(a.shape[:2]) != m.size for a, m in zip(known, markers)):
        return learn(network, images, markers, names=names, seed=seed)
    last = head[-1].name
    rest = Network(_rewired(tail, last, INPUT), network.meta)
    learned = learn(rest, known, markers, names=names, seed=seed)
    return Network((*head, *_rewired(learned.nodes, INPUT, last)), learned.meta)


def _rewired(nodes: Sequence[Node], old: str, new: str) -> tuple[Node, ...]:
    return tuple(
        Node(n.name, n.layer, tuple(new if i == old else i for i in n.inputs)) for n in nodes
    )


def unlearned(network: Network, start: str | None) -> Network:
    """The network with its learned convolutions from `start` on (all of them: "") to be relearned.

    None relearns nothing that is known already.
    """
    if start is None:
        return network
    names = network.names
    if start and start not in names:
        raise ParameterError(f"no step {start!r}; expected one of {', '.join(names)}")
    told: Mapping[str, Any] = network.meta.get("learned", {})
    found = network
    for node in network.nodes[names.index(start) if start else 0 :]:
        if isinstance(node.layer, Convolution) and node.name in told:
            how = told[node.name]
            layer = Unlearned(
                node.layer.bank.adjacency,
                kernels=int(how["kernels"]),
                per_stroke=int(how["per_stroke"]),
                per_image=how.get("per_image"),
                stride=node.layer.stride,
                reduce=how.get("reduce", "auto"),
            )
            found = found.replace(node.name, layer)
    return found


def undecoded(network: Network) -> Network:
    """The network without the decoder at its end."""
    nodes = list(network.nodes)
    while len(nodes) > 1 and nodes[-1].name in _DECODING:
        nodes.pop()
    return Network(tuple(nodes), network.meta)


def decoded(
    network: Network,
    activate: Callable[[Network], list[Any]],
    markers: Sequence[Markers],
    decoder: str,
) -> Network:
    """The network with a decoder of its last activation at its end, called "decoder"."""
    if decoder == "none":
        return network
    last = network.output
    if decoder == "linear":
        maps = activate(network)
        moved = [_fewer(_on(m, a.shape[:2])) for m, a in zip(markers, maps)]
        return edit.added(
            network,
            last,
            [
                Node("decoder", linear_decoder(maps, moved), (last,)),
                Node("saliency", Activation("sigmoid"), ("decoder",)),
            ],
        )
    layer = Decode.for_bank(decoder, last_bank(network))
    return edit.added(network, last, [Node("decoder", layer, (last,))])


def last_bank(network: Network) -> Any:
    """The bank of the last convolution."""
    for node in reversed(network.nodes):
        if isinstance(node.layer, Convolution):
            return node.layer.bank
    raise NotLearnedError("no convolution is learned yet; draw strokes and learn first")


def _fewer(markers: Markers) -> Markers:
    """At most `MOST_DECODED` spels of each class, evenly taken: the answer hardly moves."""
    kept = []
    for side in (False, True):
        spels = np.flatnonzero(markers.is_object == side)
        kept.append(spels[:: 1 + len(spels) // MOST_DECODED])
    return markers.only(np.sort(np.concatenate(kept)))


def _on(markers: Markers, size: tuple[int, ...]) -> Markers:
    """Markers where a strided activation has its spels."""
    if tuple(size) == markers.size:
        return markers
    stride = [int(np.ceil(a / b)) for a, b in zip(markers.size, size)]
    return markers.rescaled(stride, size)


def before(network: Network, name: str) -> str:
    """The node whose activation a node takes first."""
    node = network.node(name)
    return node.inputs[0] if node.inputs else INPUT
