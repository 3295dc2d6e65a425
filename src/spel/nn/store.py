"""One safetensors file per network: architecture as JSON in its metadata, weights as tensors.

Loading runs no code, checks every size before it allocates, and reads every older version for ever:
a kind such as "convolution.v1" keeps its meaning; a changed layer gets a new kind.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from spel import atomic
from spel.core.adjacency import Adjacency
from spel.core.bank import KernelBank, Provenance
from spel.errors import FormatError, SpelError
from spel.nn.activation import Activation
from spel.nn.center import Center
from spel.nn.color import Color
from spel.nn.combine import Concatenate, Flatten, Scale, Threshold, WeightedSum
from spel.nn.convolution import Convolution
from spel.nn.decode import Decode
from spel.nn.layer import Layer
from spel.nn.network import Network
from spel.nn.node import Node
from spel.nn.normalize import BatchNormalize, DivisiveNormalize, LinearNormalize
from spel.nn.pool import MaxPool, MeanPool, MinPool
from spel.nn.residue import Residue
from spel.nn.unlearned import Unlearned

FORMAT = "spel.network"
VERSION = 1
MAX_HEADER = 1 << 20
MAX_NODES = 10_000
MAX_DEPTH = 64

KINDS: dict[str, type[Layer]] = {
    layer.kind: layer
    for layer in (
        Activation,
        BatchNormalize,
        Center,
        Color,
        Concatenate,
        Convolution,
        Decode,
        DivisiveNormalize,
        Flatten,
        LinearNormalize,
        MaxPool,
        MeanPool,
        MinPool,
        Residue,
        Scale,
        Threshold,
        Unlearned,
        WeightedSum,
    )
}
"""Every kind of layer that a file may hold."""


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
    text = json.dumps(described, allow_nan=False)
    if len(text) > MAX_HEADER:
        raise FormatError(
            f"{path}: the architecture takes {len(text):,} bytes of JSON; at most {MAX_HEADER:,} "
            "are written, so that every reader can bound its work"
        )
    atomic.write_bytes(path, to_bytes(tensors, metadata={"spel": text}))


def load(path: str | os.PathLike[str]) -> Network:
    """Read a network from its file.

    Parameters
    ----------
    path : path
        A file that `save` wrote, of this or any older version.

    Returns
    -------
    Network

    Raises
    ------
    FormatError
        If the file is truncated, is no network, has sizes that do not fit its architecture, holds
        an unknown kind of layer or comes from a newer version; the message says which.
    """
    name = os.fspath(path)
    described, tensors = _read(Path(path), name)
    if not isinstance(described, dict) or described.get("format") != FORMAT:
        raise FormatError(f"{name}: no spel network; expected a file written by network.save")
    version = described.get("version")
    if not isinstance(version, int) or version < 1:
        raise FormatError(f"{name}: version {version!r}; expected a whole number from 1")
    if version > VERSION:
        raise FormatError(
            f"{name}: written by a newer spel (file version {version}, this one reads up to "
            f"{VERSION}); update spel"
        )
    try:
        nodes = described["nodes"]
        if not isinstance(nodes, list) or len(nodes) > MAX_NODES:
            raise FormatError(f"nodes; expected a list of at most {MAX_NODES}")
        return Network(
            tuple(
                Node(str(n["name"]), _layer(n["layer"], tensors, n["name"]), tuple(n["inputs"]))
                for n in nodes
            ),
            described.get("meta", {}),
        )
    except KeyError as error:
        raise FormatError(f"{name}: {error.args[0]} is missing; the file is damaged") from error
    except (SpelError, TypeError, ValueError, AttributeError) as error:
        raise FormatError(f"{name}: {error}") from error


# -- values to JSON and tensors ----------------------------------------------------------------


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


def _layer(described: Any, tensors: Mapping[str, Any], place: str) -> Layer:
    if not isinstance(described, dict) or "kind" not in described:
        raise FormatError(f"node {place!r}: no layer; the file is damaged")
    kind = described["kind"]
    if kind not in KINDS:
        raise FormatError(
            f"node {place!r}: unknown kind of layer {kind!r}; known are "
            f"{', '.join(sorted(KINDS))}. A newer spel may have written it: update spel"
        )
    layer = KINDS[kind]
    known = {f.name for f in dataclasses.fields(layer)}
    given = {k: v for k, v in described.items() if k != "kind"}
    if set(given) - known:
        raise FormatError(f"node {place!r}: unknown fields {sorted(set(given) - known)} of {kind}")
    return layer(**{k: _decode(v, tensors, place) for k, v in given.items()})


def _decode(value: Any, tensors: Mapping[str, Any], place: str) -> Any:
    if isinstance(value, list):
        return tuple(_decode(item, tensors, place) for item in value)
    if not isinstance(value, dict):
        return value
    if "kind" in value:
        return _layer(value, tensors, place)
    if "tensor" in value:
        tensor = tensors[value["tensor"]]
        if list(tensor.shape) != value["shape"]:
            raise FormatError(
                f"node {place!r}: tensor {value['tensor']!r} of shape {list(tensor.shape)}, the "
                f"architecture says {value['shape']}"
            )
        return tensor
    if "adjacency" in value and len(value) == 1:
        return Adjacency.from_displacements(_decode(value["adjacency"], tensors, place))
    if "bank" in value:
        bank = value["bank"]
        provenance = tuple(
            Provenance(int(p["label"]), int(p["marker"]), str(p["image"]), tuple(p["at"]))
            for p in bank["provenance"]
        )
        adjacency, weights, bias = (
            _decode(bank[name], tensors, place) for name in ("adjacency", "weights", "bias")
        )
        return KernelBank(adjacency, weights, bias, provenance)
    raise FormatError(f"node {place!r}: unknown value {sorted(value)}; the file is damaged")


# -- reading under limits ----------------------------------------------------------------------


def _read(path: Path, name: str) -> tuple[Any, Mapping[str, Any]]:
    """Architecture and tensors; the header is bounded before anything is allocated."""
    if path.is_dir():
        raise FormatError(f"{name}: a folder; expected a network file (*.safetensors)")
    try:
        with path.open("rb") as file:
            head = file.read(8)
            size = int.from_bytes(head, "little")
            if len(head) < 8 or size > 2 * MAX_HEADER or head[:1] == b"{":
                raise FormatError(f"{name}: no safetensors file, or a truncated one")
            header = file.read(size)
    except OSError as error:
        raise FormatError(f"{name}: cannot be read ({error.strerror or error})") from error
    if len(header) < size:
        raise FormatError(f"{name}: truncated; its header ends after {len(header)} bytes")
    described = _parsed(header, name)
    text = described.get("__metadata__") if isinstance(described, dict) else None
    if not isinstance(text, dict) or not isinstance(text.get("spel"), str):
        raise FormatError(f"{name}: a safetensors file, but no spel network (no 'spel' metadata)")
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return _parsed(text["spel"].encode(), name), load_file(path)
    except (SafetensorError, ValueError, KeyError) as error:
        if isinstance(error, FormatError):
            raise
        raise FormatError(f"{name}: {error}; the file is truncated or damaged") from error


def _parsed(text: bytes, name: str) -> Any:
    """JSON without duplicate keys, NaN or deep nesting."""
    if _depth(text) > MAX_DEPTH:
        raise FormatError(f"{name}: nested deeper than {MAX_DEPTH} levels")
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{name}: its header is no valid JSON ({error})") from error


def _depth(text: bytes) -> int:
    deepest = level = 0
    for byte in text:
        if byte in b"[{":
            level += 1
            deepest = max(deepest, level)
        elif byte in b"]}":
            level -= 1
    return deepest


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key repeats")
    return found


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")
