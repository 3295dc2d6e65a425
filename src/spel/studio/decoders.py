"""Decoders at the end of a network that strokes have taught: a saliency, or one per class."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np

from spel.core.bank import KernelBank
from spel.core.markers import Markers
from spel.decide import Decision, decision_of, with_decision
from spel.decide.delineate import Delineation, channel_scales
from spel.decide.segmentation import (
    KEY as SEGMENTATION,
    ObjectClass,
    Segmentation,
    segmentation_of,
    with_segmentation,
)
from spel.errors import NotLearnedError
from spel.flim.class_decoder import class_decoder, class_labels, decoders_by_class
from spel.flim.linear_decoder import linear_decoder
from spel.learning.one_class import saliency_layer
from spel.nn import Activation, Concatenate, Convolution, Decode, Softmax
from spel.nn.blocks import values_at
from spel.nn.network import Network
from spel.nn.node import INPUT, Node
from spel.ops.decode import METHODS, Method
from spel.studio import graph

DECODERS = ("linear", *METHODS)

MAX_DECODER_PIXELS = 2000
"""Pixels per image and class that the linear decoder is fitted on; strokes may hold many more."""

Activate = Callable[[Network], list[Any]]
"""From a network to its output on each image; the session caches what it computes for that."""

_DECODER_NODES = ("decoder", "saliency")


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
        samples = _samples(markers, activations)
        nodes = [
            Node("decoder", linear_decoder(activations, samples), (last,)),
            Node("saliency", Activation("sigmoid"), ("decoder",)),
        ]
        return graph.add_nodes(network, last, nodes)
    layer = Decode.for_bank(cast(Method, decoder), last_bank(network))
    return graph.add_nodes(network, last, [Node("decoder", layer, (last,))])


def add_cut_decoder(
    network: Network, images: Sequence[Any], activate: Activate, markers: Sequence[Markers]
) -> Network:
    """The network with a saliency at its end, and masks that are cut by the colours of each image.

    The cut looks at the saliency for evidence, so that it must have the meaning that it has for
    ``spel learn``: a third half way between the means of background strokes and of object strokes.
    """
    last = network.output
    activations = activate(network)
    layer, _ = saliency_layer(activations, _samples(markers, activations))
    nodes = [
        Node("decoder", layer, (last,)),
        Node("saliency", Activation("hard_sigmoid"), ("decoder",)),
    ]
    features = _colors_of(network)
    colors = images if features == INPUT else activate(network.upto(features))
    scale = channel_scales([values_at(c, m.points) for c, m in zip(colors, markers)])
    how = Segmentation(delineation=Delineation(scale=scale), features=features, cut=True)
    decision, before = decision_of(network), segmentation_of(network)
    if before.cut:
        how = replace(how, threshold=before.threshold)
    elif isinstance(decision, Decision):  # a threshold was one of another saliency
        network = with_decision(network, replace(decision, threshold=how.threshold))
    return with_segmentation(graph.add_nodes(network, last, nodes), how)


def _colors_of(network: Network) -> str:
    """The node that enters the first convolution, or the image where that node has strides."""
    first = next((n for n in network.nodes if isinstance(n.layer, Convolution)), None)
    if first is None:
        return INPUT
    features = first.inputs[0]
    if features == INPUT or network.footprints[features].stride != (1, 1):
        return INPUT
    return features


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
        samples = _samples(markers, activations)
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


def _samples(markers: Sequence[Markers], activations: Sequence[Any]) -> list[Markers]:
    """The marked pixels that a decoder is fitted on, where they lie in the activations."""
    return [_sample(_rescale(m, a.shape[:2])) for m, a in zip(markers, activations)]


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
