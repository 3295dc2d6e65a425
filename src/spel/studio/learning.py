"""Strokes to networks: templates to learn, and learning from a node on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from spel.core.adjacency import Adjacency
from spel.core.bank import KernelBank
from spel.core.markers import Markers
from spel.core.threads import blas_in_one_thread
from spel.decide import Decision, with_decision
from spel.errors import ParameterError
from spel.flim import learn
from spel.flim.class_decoder import class_labels
from spel.nn import Activation, Color, Convolution, MaxPool, MeanPool, Unlearned, chain
from spel.nn.network import Network
from spel.nn.node import INPUT
from spel.studio import graph
from spel.studio.decoders import (
    DECODERS,
    Activate,
    add_class_decoder,
    add_cut_decoder,
    add_decoder,
    remove_decoder,
    without_classes,
)
from spel.studio.digits import digits_network
from spel.studio.images import WHITE
from spel.studio.refusals import Refusal
from spel.zoo import plate_lecture

TEMPLATES = ("flim", "plate-lecture", "edges", "grey", "relu", "digits", "pair", "colours")

_FINGERPRINTS = "studio.learned"


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
    cut: bool = False,
) -> Network:
    """The network with its convolutions from `start` on learned from strokes, and a decoder.

    Strokes of several classes of objects give a probability per class, others one saliency. With
    `cut`, masks are cut by the colours of each image, as those of ``spel learn --cut``.

    Convolutions before `start` keep their kernels. The decoder at the end is learned anew. The
    images may be reduced by a factor; kernels name places in the whole images.

    Raises
    ------
    ParameterError
        If nothing is drawn, there is nothing to learn, or `cut` does not go with the classes that
        are drawn or with the decoder.
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
        labels = class_labels(markers)
        if cut:
            _check_cut(labels, decoder)
            return add_cut_decoder(body, images, activate, markers)
        body = without_classes(body)
        if decoder == "none" or len([one for one in labels if one]) < 2:
            return add_decoder(body, activate, markers, decoder)
        return add_class_decoder(body, activate, markers, decoder, class_names or {})


def _check_cut(labels: Sequence[int], decoder: str) -> None:
    """Refuse to cut masks by colours where there is no mask of one kind of objects."""
    if len([one for one in labels if one]) > 1:
        raise Refusal(
            "cut_classes",
            "masks of several classes cannot be cut by colours; draw one class of objects and the "
            "background, or do not cut masks",
        )
    if decoder != "linear":
        raise Refusal(
            "cut_decoder",
            "masks are cut by colours with the linear decoder only, not with {decoder}",
            decoder=decoder,
        )


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
