"""Writing a network: one safetensors file, the architecture as JSON in its metadata.

A kind such as "convolution.v1" keeps its meaning for ever; a changed layer gets a new kind.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from spel import atomic
from spel.core.adjacency import Adjacency
from spel.core.bank import KernelBank
from spel.errors import FormatError
from spel.nn.layer import Layer

if TYPE_CHECKING:
    from spel.nn.network import Network

FORMAT = "spel.network"
VERSION = 1
MAX_DEPTH = 64
"""Deepest nesting of the JSON."""
MAX_HEADER = 1 << 20
"""Largest architecture, in bytes of JSON: every reader can bound its work."""


def save(network: Network, path: str | os.PathLike[str]) -> None:
    """Write a network to one safetensors file, atomically.

    Parameters
    ----------
    network : Network
    path : path
        By custom ``*.safetensors``.

    Raises
    ------
    SpelError
        If the place cannot be written, or the architecture exceeds 1 MiB of JSON.

    Examples
    --------
    >>> import tempfile
    >>> from spel.nn import Scale, chain, load
    >>> name = tempfile.mkdtemp() + "/double.safetensors"
    >>> save(chain(double=Scale([2.0])), name)
    >>> load(name).names
    ('double',)
    """
    from safetensors.numpy import save as to_bytes

    tensors: dict[str, np.ndarray[Any, Any]] = {}
    described = {
        "format": FORMAT,
        "version": VERSION,
        "nodes": [
            {
                "name": node.name,
                "inputs": list(node.inputs),
                "layer": _encode(node.layer, node.name, tensors),
            }
            for node in network.nodes
        ],
        "meta": dict(network.meta),
    }
    try:
        text = json.dumps(described, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise FormatError(
            f"{path}: the network's meta cannot be written as JSON ({error}); give texts, finite "
            "numbers, lists and dictionaries"
        ) from error
    if depth(text.encode()) > MAX_DEPTH:
        raise FormatError(
            f"{path}: the network is nested deeper than {MAX_DEPTH} levels, which no reader takes; "
            "make its meta flatter"
        )
    if len(text) > MAX_HEADER:
        raise FormatError(
            f"{path}: the architecture takes {len(text):,} bytes of JSON; at most {MAX_HEADER:,} "
            "are written, so that every reader can bound its work"
        )
    atomic.write_bytes(path, to_bytes(tensors, metadata={"spel": text}))


def depth(text: bytes) -> int:
    """How deep JSON is nested; brackets inside of texts do not count.

    Examples
    --------
    >>> depth(b'{"a": [1, [2]], "b": "[[[["}')
    3
    """
    deepest = level = 0
    for bracket in re.findall(rb"[\[{\]}]", re.sub(rb'"(?:[^"\\]|\\.)*"', b"", text)):
        level += 1 if bracket in b"[{" else -1
        deepest = max(deepest, level)
    return deepest


def _encode(value: Any, place: str, tensors: dict[str, np.ndarray[Any, Any]]) -> Any:
    if isinstance(value, Layer):
        fields = {
            f.name: _encode(getattr(value, f.name), f"{place}.{f.name}", tensors)
            for f in dataclasses.fields(value)
        }
        return {"kind": value.kind, **fields}
    if isinstance(value, KernelBank):
        return {
            "bank": {
                "adjacency": _encode(value.adjacency, f"{place}.adjacency", tensors),
                "weights": _encode(value.weights, f"{place}.weights", tensors),
                "bias": _encode(value.bias, f"{place}.bias", tensors),
                "provenance": [dataclasses.asdict(p) for p in value.provenance],
            }
        }
    if isinstance(value, Adjacency):
        steps = value.displacements.astype(np.int32)
        return {"adjacency": _encode(steps, f"{place}.displacements", tensors)}
    if isinstance(value, np.ndarray):
        tensors[place] = np.ascontiguousarray(value)
        return {"tensor": place, "shape": list(value.shape)}
    return list(value) if isinstance(value, tuple) else value
