"""Activations by what made them: the key is a hash of the image and of the network up to a node."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.errors import ShapeError, SpelError
from spel.nn.intensity import expected_white, match_white
from spel.nn.network import Network
from spel.nn.node import INPUT
from spel.studio import reduction
from spel.studio.images import Loaded

MAX_BYTES = 1 << 30
MAX_BATCH_VALUES = 1 << 26
"""Numbers of a batch whose images are looked at together."""


@dataclass(frozen=True, eq=False)
class CachedActivation:
    """An activation, the time that it took, and its finite extremes."""

    id: str
    array: npt.NDArray[Any]
    ms: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class NodeResult:
    """The result of one node: an activation, or the reason why there is none.

    Attributes
    ----------
    fresh : bool
        Whether it was computed for this run, not found in the cache.
    """

    name: str
    activation: CachedActivation | None = None
    error: str = ""
    fresh: bool = False


@dataclass(frozen=True, eq=False)
class Run:
    """A network applied to an image, node by node.

    Attributes
    ----------
    network : Network
        As it works on this image: a large one is reduced by the first step.
    input : array
        What the network takes: the image in the units that it expects.
    """

    image: Loaded
    network: Network
    input: npt.NDArray[Any]
    results: tuple[NodeResult, ...]

    @property
    def activations(self) -> dict[str, npt.NDArray[Any]]:
        """The arrays that could be computed, by node."""
        return {r.name: r.activation.array for r in self.results if r.activation is not None}

    @property
    def output(self) -> CachedActivation | None:
        """The activation of the last node, if it could be computed."""
        return self.results[-1].activation

    def result(self, name: str) -> NodeResult | None:
        """The result of a node; None if the network has no such node."""
        return next((r for r in self.results if r.name == name), None)


class Cache:
    """Activations of the latest runs, up to a number of bytes; safe to use from many threads."""

    def __init__(self, limit: int = MAX_BYTES) -> None:
        self._activations: OrderedDict[str, CachedActivation] = OrderedDict()
        self._bytes = 0
        self._limit = limit
        self._lock = threading.Lock()
        self._computing: dict[str, threading.Event] = {}
        self._fingerprints: OrderedDict[int, tuple[Network, Mapping[str, str]]] = OrderedDict()

    def get(self, id: str) -> CachedActivation | None:
        """The activation of this id, if it is still in the cache."""
        with self._lock:
            return self._get(id)

    def _get(self, id: str) -> CachedActivation | None:
        activation = self._activations.get(id)
        if activation is not None:
            self._activations.move_to_end(id)
        return activation

    def run(self, network: Network, image: Loaded) -> Run:
        """The activation of every node; only those that are not in the cache are computed."""
        network = reduction.fitted(network, image.size)
        fingerprints = self.fingerprints(network)
        taken = match_white(network, image.values, image.white)
        arrays: dict[str, npt.NDArray[Any]] = {INPUT: taken}
        digest = image.digest
        results = []
        for node in network.nodes:
            missing = [name for name in node.inputs if name not in arrays]
            if missing:
                results.append(NodeResult(node.name, error=f"waits for {missing[0]}"))
                continue
            try:
                work = partial(node.layer, *[arrays[name] for name in node.inputs])
                if node.layer.scope == "batch" and image.planes is not None:
                    digest = _digest_in_batch(image, image.planes())
                    work = partial(self._over_batch, network, node.name, image)
                key = f"{digest}\0{expected_white(network)}\0{fingerprints[node.name]}"
                id = blake2b(key.encode(), digest_size=16).hexdigest()
                activation, fresh = self._get_or_compute(id, work)
            except (SpelError, MemoryError, ValueError) as error:
                results.append(NodeResult(node.name, error=str(error) or "not enough memory"))
                continue
            arrays[node.name] = activation.array
            results.append(NodeResult(node.name, activation, fresh=fresh))
        return Run(image, network, taken, tuple(results))

    def fingerprints(self, network: Network) -> Mapping[str, str]:
        """For each node, the hash of its layer and of all nodes before it."""
        with self._lock:
            entry = self._fingerprints.get(id(network))
            if entry is not None and entry[0] is network:
                return entry[1]
        fingerprints = {node.name: network.fingerprint(node.name) for node in network.nodes}
        with self._lock:
            self._fingerprints[id(network)] = (network, fingerprints)
            while len(self._fingerprints) > 64:
                self._fingerprints.popitem(last=False)
        return fingerprints

    def batch(self, network: Network, name: str, image: Loaded) -> npt.NDArray[Any]:
        """What a node of one input reads on all images of a batch, one after the other."""
        planes = image.planes() if image.planes is not None else (image,)
        (source,) = network.node(name).inputs
        if source == INPUT:
            return np.stack([match_white(network, p.values, p.white) for p in planes])
        before = Network(tuple(network.needed([source])), network.meta)
        if len(planes) * sum(plane.values.size for plane in planes[:1]) > MAX_BATCH_VALUES:
            raise MemoryError
        outputs = [self.run(before, plane).output for plane in planes]
        arrays = [output.array for output in outputs if output is not None]
        if len(arrays) < len(planes):
            raise ShapeError(f"step {source} fails on an image of the batch")
        return np.stack(arrays)

    def _over_batch(self, network: Network, name: str, image: Loaded) -> npt.NDArray[Any]:
        """One image of a batch, after a layer that looks at all of them."""
        assert image.cut is not None
        batch = self.batch(network, name, image)
        plane: npt.NDArray[Any] = np.ascontiguousarray(network[name](batch)[image.cut[1]])
        return plane

    def _get_or_compute(
        self, id: str, work: Callable[[], npt.NDArray[Any]]
    ) -> tuple[CachedActivation, bool]:
        """The activation, and whether it is new; requests at the same time compute it once."""
        while True:
            with self._lock:
                activation = self._get(id)
                if activation is not None:
                    return activation, False
                event = self._computing.get(id)
                if event is None:
                    self._computing[id] = threading.Event()
                    break
            event.wait()
        try:
            start = time.perf_counter()
            array = work()
            ms = (time.perf_counter() - start) * 1000
            activation = CachedActivation(id, array, ms, *extremes(array))
            self._add(activation)
            return activation, True
        finally:
            with self._lock:
                self._computing.pop(id).set()

    def _add(self, activation: CachedActivation) -> None:
        activation.array.setflags(write=False)
        with self._lock:
            self._activations[activation.id] = activation
            self._bytes += activation.array.nbytes
            while self._bytes > self._limit and len(self._activations) > 1:
                _, oldest = self._activations.popitem(last=False)
                self._bytes -= oldest.array.nbytes


def _digest_in_batch(image: Loaded, batch: tuple[Loaded, ...]) -> str:
    """Hash of an image and of all images of its batch."""
    names = "\0".join([image.digest, *(one.digest for one in batch)])
    return blake2b(names.encode(), digest_size=16).hexdigest()


def extremes(array: npt.NDArray[Any]) -> tuple[float, float]:
    """The lowest and the highest finite value; 0 and 0 if there is none."""
    if not array.size:
        return 0.0, 0.0
    low, high = float(array.min()), float(array.max())
    if np.isfinite(low) and np.isfinite(high):
        return low, high
    finite = array[np.isfinite(array)]
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
