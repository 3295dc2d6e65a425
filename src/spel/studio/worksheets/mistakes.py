"""Results of usual mistakes, by which a wrong array is recognized."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.core.bank import KernelBank
from spel.core.window import BORDER_WORDS, POOL_BORDER_WORDS
from spel.nn import Activation, Convolution, DivisiveNormalize, Layer, MeanPool, Network
from spel.nn.pool import Pool
from spel.studio.worksheets.exercises import Exercise

Array = npt.NDArray[Any]
STRIDES = (1, 2, 3, 4)


@dataclass(frozen=True, eq=False)
class Mistake:
    """A mistake, as a key of the words with its values, and what comes of it."""

    key: str
    result: Array
    values: dict[str, Any] = field(default_factory=dict)


def mistakes(exercise: Exercise) -> Iterator[Mistake]:
    """What comes of an exercise by usual mistakes, the likeliest first."""
    network = exercise.network
    for place, node in enumerate(network.nodes):
        for key, values, layer in _wrong_layers(node.layer):
            changed = network.replace(node.name, layer)
            yield Mistake(key, exercise.shown(changed(exercise.image)), values)
        if isinstance(node.layer, Activation) and place:
            linear = _without(network, node.name)
            yield Mistake("no activation", exercise.shown(linear(exercise.image)))
    yield from _wrong_forms(exercise)


def _without(network: Network, name: str) -> Network:
    """The network with an activation that does nothing."""
    return network.replace(name, Activation("identity"))


def _wrong_layers(layer: Layer) -> Iterator[tuple[str, dict[str, Any], Layer]]:
    if isinstance(layer, Convolution):
        yield from _wrong_banks(layer)
        yield from _wrong_windows(layer, BORDER_WORDS)
    elif isinstance(layer, Pool):
        if isinstance(layer, MeanPool):
            yield "full count", {}, replace(layer, count="full")
        yield from _turned(layer)
        yield from _wrong_windows(layer, POOL_BORDER_WORDS)
    elif isinstance(layer, DivisiveNormalize):
        yield from _turned(layer)


def _wrong_banks(layer: Convolution) -> Iterator[tuple[str, dict[str, Any], Layer]]:
    bank = layer.bank
    mirrored = type(bank.adjacency).from_displacements(-bank.adjacency.displacements)
    yield "flipped", {}, replace(layer, bank=KernelBank(mirrored, bank.weights, bank.bias))
    if bank.bias.any():
        no_bias = KernelBank(bank.adjacency, bank.weights)
        yield "no bias", {}, replace(layer, bank=no_bias)


def _turned(layer: Pool | DivisiveNormalize) -> Iterator[tuple[str, dict[str, Any], Layer]]:
    adjacency = layer.adjacency
    turned = type(adjacency).from_displacements(adjacency.displacements[:, ::-1])
    if set(map(tuple, turned.displacements)) != set(map(tuple, adjacency.displacements)):
        yield "turned window", {}, replace(layer, adjacency=turned)


def _wrong_windows(
    layer: Convolution | Pool, borders: tuple[str, ...]
) -> Iterator[tuple[str, dict[str, Any], Layer]]:
    """Another border, another stride, then both."""
    for stride in (layer.stride, *(s for s in STRIDES if s != layer.stride)):
        for border in (layer.border, *(b for b in borders if b != layer.border)):
            named = {"border": border, "stride": stride}
            key = {
                (True, False): "border",
                (False, True): "stride",
                (True, True): "border.stride",
            }.get((border != layer.border, stride != layer.stride))
            if key is not None:
                changed: Layer = replace(layer, **named)  # type: ignore[arg-type]
                yield key, named, changed


def _wrong_forms(exercise: Exercise) -> Iterator[Mistake]:
    """The right numbers in another order."""
    array = np.asarray(exercise.network(exercise.image))
    if exercise.flat:
        yield Mistake("channels first", np.moveaxis(array, -1, 0).reshape(-1))
    else:
        yield Mistake("transposed", np.swapaxes(array, -3, -2))
