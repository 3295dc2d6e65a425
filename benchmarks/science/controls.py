"""The controls that a learned table needs: the same network with kernels that no stroke chose.

Decoder, decision and classifier stay as they are, so that a difference is owed to the kernels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

import spel
from spel.core.bank import KernelBank
from spel.core.markers import Markers
from spel.flim.bank import bank, border_of
from spel.flim.cluster import prototypes
from spel.flim.consensus import unit
from spel.flim.samples import Samples, samples
from spel.flim.statistics import pooled_statistics
from spel.nn import Convolution, Network, Node, Unlearned

LEARNED = "learned kernels (strokes)"
KMEANS = "k-means of all patches, no strokes"
PATCHES = "random patches"
RANDOM = "random kernels"
COLOR = "colour alone, no kernels"

POINTS = 500
"""Spels of each image from which the controls take statistics and patches."""

Image = npt.NDArray[Any]


def encoders(
    network: Network, images: Sequence[Image], markers: Sequence[Markers], seed: int
) -> dict[str, Callable[[], Network]]:
    """For each control, how to make its encoder; the learned one first."""
    return {
        LEARNED: lambda: spel.learn(network, images, markers, seed=seed),
        KMEANS: lambda: k_means(network, images, seed),
        PATCHES: lambda: random_patches(network, images, seed),
        RANDOM: lambda: random_kernels(network, images, seed),
        COLOR: lambda: color_alone(network),
    }


def k_means(network: Network, images: Sequence[Image], seed: int) -> Network:
    """Prototypes of the patches at places drawn anywhere in the images."""

    def choose(found: Samples, count: int) -> Samples:
        return found.only(prototypes(found.patches, count, seed=seed))

    return _filled(network, images, seed, choose)


def random_patches(network: Network, images: Sequence[Image], seed: int) -> Network:
    """Patches at places drawn anywhere in the images, without clustering."""
    rng = np.random.default_rng(seed)

    def choose(found: Samples, count: int) -> Samples:
        return found.only(np.sort(rng.permutation(len(found))[:count]))

    return _filled(network, images, seed, choose)


def random_kernels(network: Network, images: Sequence[Image], seed: int) -> Network:
    """Independent normal weights, of unit norm, standardized as learned kernels are."""
    rng = np.random.default_rng(seed)

    def choose(found: Samples, count: int) -> Samples:
        rows = found.only(np.arange(count))
        return replace(rows, patches=rng.normal(size=rows.patches.shape))

    return _filled(network, images, seed, choose)


def _filled(
    network: Network,
    images: Sequence[Image],
    seed: int,
    choose: Callable[[Samples, int], Samples],
) -> Network:
    """The network with its unlearned layers filled one after the other, without any stroke."""
    for name in _unlearned(network):
        layer = network[name]
        source = next(node.inputs[0] for node in network.nodes if node.name == name)
        inputs = [network.upto(source)(image) for image in images]
        everywhere = [scattered(image.shape[:2], seed + i) for i, image in enumerate(inputs)]
        stats = pooled_statistics(inputs, everywhere)
        found = unit(samples(inputs, everywhere, layer.adjacency, stats))
        kernels = unit(choose(found, layer.kernels))
        filled = Convolution(bank(kernels, layer.adjacency, stats), layer.stride, border_of(stats))
        network = network.replace(name, filled)
    return network


def scattered(size: tuple[int, ...], seed: int) -> Markers:
    """Spels at random places of an image."""
    places = np.random.default_rng(seed).permutation(size[0] * size[1])[:POINTS]
    points = np.stack(np.unravel_index(np.sort(places), size), axis=1)
    return Markers(points, np.ones(len(points), int), size)


def color_alone(network: Network) -> Network:
    """What enters the first convolution, unchanged, for the decoder to weigh."""
    first = _unlearned(network)[0]
    source = next(node.inputs[0] for node in network.nodes if node.name == first)
    ahead = network.upto(source)
    same = KernelBank(spel.Adjacency.box(1), np.eye(3, dtype=np.float32)[:, None], np.zeros(3))
    return Network((*ahead.nodes, Node(first, Convolution(same), (source,))), network.meta)


def _unlearned(network: Network) -> list[str]:
    return [node.name for node in network.nodes if isinstance(node.layer, Unlearned)]
