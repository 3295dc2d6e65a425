"""Results by what made them: an activation's id is the hash of its image and of its network."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.errors import SpelError
from spel.nn.network import Network
from spel.nn.node import INPUT
from spel.studio.images import Loaded

MAX_BYTES = 1 << 30


@dataclass(frozen=True, eq=False)
class Kept:
    """An activation, how long it took, and its finite extremes."""

    id: str
    array: npt.NDArray[Any]
    ms: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Step:
    """What became of a node: an activation, or why there is none."""

    name: str
    kept: Kept | None = None
    error: str = ""
    fresh: bool = False


@dataclass(frozen=True, eq=False)
class Run:
    """A network over an image, node by node."""

    image: Loaded
    network: Network
    steps: tuple[Step, ...]

    @property
    def activations(self) -> dict[str, npt.NDArray[Any]]:
        """What could be computed, by node."""
        return {s.name: s.kept.array for s in self.steps if s.kept is not None}

    @property
    def output(self) -> Kept | None:
        return self.steps[-1].kept

    def step(self, name: str) -> Step | None:
        return next((s for s in self.steps if s.name == name), None)


class Cache:
    """Activations of the last runs, at most so many bytes of them."""

    def __init__(self, limit: int = MAX_BYTES) -> None:
        self._kept: OrderedDict[str, Kept] = OrderedDict()
        self._bytes = 0
        self._limit = limit
        self._lock = threading.Lock()
        self._busy: dict[str, threading.Event] = {}
        self._prints: OrderedDict[int, tuple[Network, Mapping[str, str]]] = OrderedDict()

    def get(self, id: str) -> Kept | None:
        with self._lock:
            found = self._kept.get(id)
            if found is not None:
                self._kept.move_to_end(id)
            return found

    def run(self, network: Network, image: Loaded) -> Run:
        """Every node's activation; only what is not known yet is computed."""
        prints = self.fingerprints(network)
        done: dict[str, npt.NDArray[Any]] = {INPUT: image.array}
        steps = []
        for node in network.nodes:
            missing = [name for name in node.inputs if name not in done]
            if missing:
                steps.append(Step(node.name, error=f"waits for {missing[0]}"))
                continue
            made_of = f"{image.digest}\0{prints[node.name]}"
            id = blake2b(made_of.encode(), digest_size=16).hexdigest()
            try:
                kept, fresh = self._made(id, node.layer, [done[name] for name in node.inputs])
            except (SpelError, MemoryError, ValueError) as error:
                steps.append(Step(node.name, error=str(error) or type(error).__name__))
                continue
            done[node.name] = kept.array
            steps.append(Step(node.name, kept, fresh=fresh))
        return Run(image, network, tuple(steps))

    def fingerprints(self, network: Network) -> Mapping[str, str]:
        """For each node, the hash of its layer and of all that it takes."""
        with self._lock:
            found = self._prints.get(id(network))
            if found is not None and found[0] is network:
                return found[1]
        prints = {node.name: network.fingerprint(node.name) for node in network.nodes}
        with self._lock:
            self._prints[id(network)] = (network, prints)
            while len(self._prints) > 64:
                self._prints.popitem(last=False)
        return prints

    def _made(self, id: str, layer: Any, inputs: list[npt.NDArray[Any]]) -> tuple[Kept, bool]:
        """The kept activation, or a new one; two requests for the same compute it once."""
        while True:
            with self._lock:
                found = self._kept.get(id)
                if found is not None:
                    self._kept.move_to_end(id)
                    return found, False
                event = self._busy.get(id)
                if event is None:
                    self._busy[id] = threading.Event()
                    break
            event.wait()
        try:
            start = time.perf_counter()
            array = layer(*inputs)
            ms = (time.perf_counter() - start) * 1000
            kept = Kept(id, array, ms, *extremes(array))
            self._keep(kept)
            return kept, True
        finally:
            with self._lock:
                self._busy.pop(id).set()

    def _keep(self, kept: Kept) -> None:
        kept.array.setflags(write=False)
        with self._lock:
            self._kept[kept.id] = kept
            self._bytes += kept.array.nbytes
            while self._bytes > self._limit and len(self._kept) > 1:
                _, old = self._kept.popitem(last=False)
                self._bytes -= old.array.nbytes


def extremes(array: npt.NDArray[Any]) -> tuple[float, float]:
    """Lowest and highest finite value; 0 and 0 if there is none."""
    if not array.size:
        return 0.0, 0.0
    low, high = float(array.min()), float(array.max())
    if np.isfinite(low) and np.isfinite(high):
        return low, high
    sound = array[np.isfinite(array)]
    return (float(sound.min()), float(sound.max())) if sound.size else (0.0, 0.0)
