"""Why a box is there: its strongest spel traced back to the kernels and the input spels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.core.detections import Why
from spel.nn import Convolution, Network, Step, WeightedSum
from spel.nn.geometry import geometry
from spel.nn.trace import trace

MAX_KERNELS = 8
"""Largest number of kernels in an explanation."""

MAX_SPELS = 9
"""Largest number of spels in an explanation."""


def explain_component(
    network: Network,
    image: npt.NDArray[Any],
    activations: Mapping[str, npt.NDArray[Any]],
    at: tuple[int, ...],
    threshold: float,
) -> Why:
    """Explain the component whose strongest spel is `at`, by the network's trace there.

    The kernels are those of the last layer that sums over channels, each with its product at that
    spel; without such a layer, they are the convolutions on the way with their outputs. The spels
    are those under the convolution nearest to the input, ordered by their share in its sum.
    """
    steps = trace(network, image, at=at, channel=0, activations=activations).steps
    saliency = steps[-1].value
    return Why(
        at=at,
        saliency=saliency,
        threshold=float(threshold),
        margin=saliency - float(threshold),
        kernels=_kernels(network, steps),
        spels=_spels(network, steps, image.shape[: len(at)]),
    )


def _kernels(network: Network, steps: tuple[Step, ...]) -> tuple[tuple[str, int, float], ...]:
    """The kernels that contribute most to the saliency: node, channel and contribution."""
    sums = [step for step in steps if isinstance(network[step.node], WeightedSum)]
    if sums:
        last = sums[-1]
        name = _source(network, last.node)
        products = np.asarray(last.terms["products"], dtype=np.float64).ravel()
        shares = [(name, channel, float(product)) for channel, product in enumerate(products)]
    else:
        convolutions = [step for step in steps if isinstance(network[step.node], Convolution)]
        shares = [(step.node, step.channel, step.value) for step in convolutions]
    shares = [share for share in shares if share[2] != 0]
    return tuple(sorted(shares, key=lambda share: -abs(share[2]))[:MAX_KERNELS])


def _source(network: Network, name: str) -> str:
    """The convolution whose kernels compute the channels that a node sums, or the node itself."""
    inputs = {node.name: node.inputs for node in network.nodes}
    before = name
    while len(inputs.get(before, ())) == 1 and inputs[before][0] in inputs:
        before = inputs[before][0]
        if isinstance(network[before], Convolution):
            return before
    return name


def _spels(
    network: Network, steps: tuple[Step, ...], size: tuple[int, ...]
) -> tuple[tuple[int, ...], ...]:
    """The spels of the image that contribute most to the first convolution on the way."""
    convolutions = [step for step in steps if isinstance(network[step.node], Convolution)]
    if not convolutions:
        return ()
    first = convolutions[0]
    layer = network[first.node]
    assert isinstance(layer, Convolution)
    (source,) = next(node.inputs for node in network.nodes if node.name == first.node)
    place = geometry(network, upto=source, axes=len(size))
    share = np.abs(np.asarray(first.terms["products"])).sum(axis=1)
    share[~np.asarray(first.terms["inside"])] = 0
    order = np.argsort(-share, kind="stable")[:MAX_SPELS]
    spels = np.asarray(first.terms["displacements"]) + layer.scope.place(first.at)
    return tuple(place.spel(tuple(spels[i]), size) for i in order if share[i] > 0)
