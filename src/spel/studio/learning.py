"""Strokes to networks: templates to learn, learning from a node on, and decoders to a saliency."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np

from spel.core.adjacency import Adjacency
from spel.core.bank import KernelBank
from spel.core.markers import Markers
from spel.core.threads import blas_in_one_thread
from spel.decide import Decision, with_decision
from spel.decide.segmentation import (
    KEY as SEGMENTATION,
    ObjectClass,
    Segmentation,
    with_segmentation,
)
from spel.errors import NotLearnedError, ParameterError
from spel.flim import learn
from spel.flim.class_decoder import class_decoder, class_labels, decoders_by_class
from spel.flim.linear_decoder import linear_decoder
from spel.nn import (
    Activation,
    Color,
    Concatenate,
    Convolution,
    Decode,
    MaxPool,
    MeanPool,
    Softmax,
    Unlearned,
    chain,
)
from spel.nn.network import Network
from spel.nn.node import INPUT, Node
from spel.ops.decode import METHODS, Method
from spel.studio import graph
from spel.studio.digits import digits_network
from spel.studio.images import WHITE
from spel.studio.refusals import Refusal
from spel.zoo import plate_lecture

DECODERS = ("linear", *METHODS)
TEMPLATES = ("flim", "plate-lecture", "edges", "grey", "relu", "digits", "pair", "colours")

MAX_DECODER_PIXELS = 2000
"""Pixels per image and class that the linear decoder is fitted on; strokes may hold many more."""

_FINGERPRINTS = "studio.learned"
_DECODER_NODES = ("decoder", "saliency")

Activate = Callable[[Network], list[Any]]
"""From a network to its output on each image; the session caches what it computes for that."""


def template(name: str) -> Network:
    """A network to start from.

    Examples
    --------
    >>> template("edges").names
    ('grey', 'edges', 'relu', 'pool')
    """
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
    if name == "relu":
        return chain(relu=Activation("relu"))
    if name == "digits":
        return digits_network()
    if name == "pair":  # patches of two numbers: a cloud that is drawn as it is
        pair = KernelBank(
            Adjacency.rectangle(width=2, height=1), np.asarray([[[-1], [1]]], np.float32)
        )
        return chain(grey=Color("grey"), pair=Convolution(pair), relu=Activation("relu"))
    if name == "colours":  # patches of one colour: the cube of red, green and blue
        red = KernelBank(Adjacency.box(1), np.asarray([[[1, -0.5, -0.5]]], np.float32))
        return chain(rgb=Color("rgb"), colours=Convolution(red), relu=Activation("relu"))
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
    raise ParameterError(f"template {name!r:.40}; expected one of {', '.join(TEMPLATES)}")


def relearn(
    network: Network,
    images: Sequence[Any],
    markers: Sequence[Markers],
    names: Sequence[str],
    *,
    activate: Activate,
    start: str | None = None,
    seed: int = 42,
    decoder: str = "linear",
    factor: int = 1,
    class_names: Mapping[int, str] | None = None,
) -> Network:
    """The network with its convolutions from `start` on learned from strokes, and a decoder.

    Strokes of several classes of objects give a probability per class, others one saliency.

    Convolutions before `start` keep their kernels. The decoder at the end is learned anew. The
    images may be reduced by a factor; kernels name places in the whole images.

    Raises
    ------
    ParameterError
        If nothing is drawn, or there is nothing to learn.
    """
    if decoder not in (*DECODERS, "none"):
        raise ParameterError(
            f"decoder {decoder!r:.40}; expected one of {', '.join(DECODERS)}, none"
        )
    if not any(len(m) for m in markers):
        raise Refusal(
            "no_stroke", "no stroke is drawn yet; draw on an object and on the background"
        )
    body = forget_kernels(remove_decoder(network), start)
    unlearned = any(isinstance(node.layer, Unlearned) for node in body.nodes)
    if start is not None and not unlearned:
        raise Refusal(
            "not_from_strokes",
            "no convolution from {step} on was learned from strokes",
            step=start,
        )
    with blas_in_one_thread():
        if unlearned:
            learned = [node.name for node in body.nodes if isinstance(node.layer, Unlearned)]
            body = _learn(body, images, markers, names, seed, activate)
            body = _with_fingerprints(_with_places(body, learned, factor), learned)
        body = without_classes(body)
        labels = class_labels(markers)
        if decoder == "none" or len([one for one in labels if one]) < 2:
            return add_decoder(body, activate, markers, decoder)
        return add_class_decoder(body, activate, markers, decoder, class_names or {})


def _with_places(network: Network, learned: Sequence[str], factor: int) -> Network:
    """The network with the places of its kernels, learned on reduced images, in whole images."""
    if factor == 1:
        return network
    for name in learned:
        layer = graph.as_convolution(network[name], name)
        places = tuple(
            replace(p, at=tuple(c * factor + factor // 2 for c in p.at))
            for p in layer.bank.provenance
        )
        bank = replace(layer.bank, provenance=places)
        network = network.replace(name, replace(layer, bank=bank))
    return network


def _with_fingerprints(network: Network, learned: Sequence[str]) -> Network:
    """The network with the fingerprints of the nodes that were learned just now in its meta."""
    fingerprints = {name: network[name].fingerprint() for name in learned}
    before = network.meta.get(_FINGERPRINTS, {})
    return Network(network.nodes, {**network.meta, _FINGERPRINTS: {**before, **fingerprints}})


def is_edited(network: Network, name: str) -> bool:
    """Whether kernels of a learned node were chosen or edited since it was learned."""
    learned = network.meta.get(_FINGERPRINTS, {}).get(name)
    return learned is not None and learned != network[name].fingerprint()


def _learn(
    network: Network,
    images: Sequence[Any],
    markers: Sequence[Markers],
    names: Sequence[str],
    seed: int,
    activate: Activate,
) -> Network:
    """The learned network; activations before the first unlearned layer come from the cache."""
    first = next(i for i, node in enumerate(network.nodes) if isinstance(node.layer, Unlearned))
    head, tail = network.nodes[:first], network.nodes[first:]
    inputs = {name for node in tail for name in node.inputs} - {node.name for node in tail}
    if not head or inputs != {head[-1].name}:
        return learn(network, images, markers, names=names, seed=seed, white=WHITE)
    activations = activate(Network(head))
    if any(tuple(a.shape[:2]) != m.size for a, m in zip(activations, markers)):
        return learn(network, images, markers, names=names, seed=seed, white=WHITE)
    last = head[-1].name
    rest = Network(graph.rewire(tail, last, INPUT), network.meta)
    learned = learn(rest, activations, markers, names=names, seed=seed, white=WHITE)
    return Network((*head, *graph.rewire(learned.nodes, INPUT, last)), learned.meta)


def forget_kernels(network: Network, start: str | None) -> Network:
    """The network with learned convolutions made unlearned again, from node `start` on.

    An empty `start` means all of them, None means none of them.
    """
    if start is None:
        return network
    names = network.names
    if start and start not in names:
        raise ParameterError(f"there is no step {start!r}; expected one of {', '.join(names)}")
    settings: Mapping[str, Any] = network.meta.get("learned", {})
    changed = network
    for node in network.nodes[names.index(start) if start else 0 :]:
        if isinstance(node.layer, Convolution) and node.name in settings:
            how = settings[node.name]
            layer = Unlearned(
                node.layer.bank.adjacency,
                kernels=int(how["kernels"]),
                per_stroke=int(how["per_stroke"]),
                per_image=how.get("per_image"),
                stride=node.layer.stride,
                reduce=how.get("reduce", "auto"),
            )
            changed = changed.replace(node.name, layer)
    return changed


def remove_decoder(network: Network) -> Network:
    """The network without the decoder at its end."""
    nodes = list(network.nodes)
    while len(nodes) > 1 and nodes[-1].name.partition(".")[0] in _DECODER_NODES:
        nodes.pop()
    return Network(tuple(nodes), network.meta)


def add_decoder(
    network: Network, activate: Activate, markers: Sequence[Markers], decoder: str
) -> Network:
    """The network with a decoder of its last activation at its end, called "decoder"."""
    if decoder == "none":
        return network
    last = network.output
    if decoder == "linear":
        activations = activate(network)
        samples = [_sample(_rescale(m, a.shape[:2])) for m, a in zip(markers, activations)]
        nodes = [
            Node("decoder", linear_decoder(activations, samples), (last,)),
            Node("saliency", Activation("sigmoid"), ("decoder",)),
        ]
        return graph.add_nodes(network, last, nodes)
    layer = Decode.for_bank(cast(Method, decoder), last_bank(network))
    return graph.add_nodes(network, last, [Node("decoder", layer, (last,))])


def add_class_decoder(
    network: Network,
    activate: Activate,
    markers: Sequence[Markers],
    decoder: str,
    class_names: Mapping[int, str],
) -> Network:
    """The network with a probability per class at its end, called "saliency".

    The linear decoder is the softmax of one score per class; a published decoder tells each class
    from the rest.
    """
    last, labels = network.output, class_labels(markers)
    if decoder == "linear":
        activations = activate(network)
        samples = [_sample(_rescale(m, a.shape[:2])) for m, a in zip(markers, activations)]
        nodes = [
            Node("decoder", Convolution(class_decoder(activations, samples)), (last,)),
            Node("saliency", Softmax(), ("decoder",)),
        ]
    else:
        layers = decoders_by_class(cast(Method, decoder), last_bank(network), labels)
        parts = [Node(f"decoder.{n}", layer, (last,)) for n, layer in zip(labels, layers)]
        nodes = [*parts, Node("saliency", Concatenate(), tuple(node.name for node in parts))]
    classes = tuple(ObjectClass(n, class_names.get(n, ""), background=n == 0) for n in labels)
    return with_segmentation(graph.add_nodes(network, last, nodes), Segmentation(classes=classes))


def without_classes(network: Network) -> Network:
    """The network without the classes that an earlier decoder has stated."""
    return Network(network.nodes, {k: v for k, v in network.meta.items() if k != SEGMENTATION})


def last_bank(network: Network) -> KernelBank:
    """The kernels of the last convolution."""
    for node in reversed(network.nodes):
        if isinstance(node.layer, Convolution):
            return node.layer.bank
    raise NotLearnedError("no convolution is learned yet; draw strokes and learn first")


def _sample(markers: Markers) -> Markers:
    """At most `MAX_DECODER_PIXELS` of each class, evenly spaced; the decoder hardly changes."""
    parts = []
    for label in markers.classes:
        pixels = np.flatnonzero(markers.labels == label)
        parts.append(pixels[:: 1 + len(pixels) // MAX_DECODER_PIXELS])
    return markers.only(np.sort(np.concatenate(parts)))


def _rescale(markers: Markers, size: tuple[int, ...]) -> Markers:
    """The markers at the positions of a strided activation."""
    if tuple(size) == markers.size:
        return markers
    stride = [int(np.ceil(a / b)) for a, b in zip(markers.size, size)]
    return markers.rescaled(stride, size)
