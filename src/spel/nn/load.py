"""Reading a network: every size is checked before it is allocated, and no code is run.

Files of every older version are read for ever.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.core.adjacency import Adjacency
from spel.core.bank import KernelBank
from spel.core.provenance import Provenance
from spel.errors import FormatError, SpelError
from spel.nn.fields import field_types, fits, words
from spel.nn.layer import Layer
from spel.nn.network import Network
from spel.nn.node import Node
from spel.nn.registry import layer_of_kind
from spel.nn.save import FORMAT, VERSION
from spel.nn.tensor_file import parse_header, read_tensor_file

MAX_NODES = 10_000
OTHER_FILES = {
    "spel.estimator": "it is a classifier, for spel classify and spel serve",
    "restorer.v2": "it is a restorer, for spel restore",
    "restorer.v4": "it is a restorer, for spel restore",
}
BANK: dict[str, Any] = {
    "adjacency": Adjacency,
    "weights": npt.NDArray[np.float32],
    "bias": npt.NDArray[np.float32],
}
PROVENANCE: dict[str, Any] = {"label": int, "marker": int, "image": str, "at": tuple[int, ...]}


def load(path: str | os.PathLike[str], *, allow: Collection[str] = ()) -> Network:
    """Read a network from its file.

    Parameters
    ----------
    path : path
        A file that `save` wrote, of this or any older version.
    allow : collection of str, optional
        Kinds of layers that others have registered (`spel.nn.register`) and that this file may
        name, for example ``["mylab.local_contrast.v1"]``. The kinds of spel need no permission.

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
    text, tensors = read_tensor_file(path, "network", "spel learn or network.save")
    described = parse_header(text, name)
    if not isinstance(described, dict) or described.get("format") != FORMAT:
        kind = described.get("format", described.get("kind")) if isinstance(described, dict) else ""
        hint = OTHER_FILES.get(str(kind), "expected a file written by network.save")
        raise FormatError(f"{name}: not a network of spel; {hint}")
    version = described.get("version")
    if not isinstance(version, int) or version < 1:
        raise FormatError(f"{name}: version {version!r}; expected a whole number from 1")
    if version > VERSION:
        raise FormatError(
            f"{name}: written by a newer spel (file version {version}, this one reads up to "
            f"{VERSION}); update spel"
        )
    try:
        return _Reader(tensors, allow).network(described)
    except KeyError as error:
        raise FormatError(f"{name}: {error.args[0]} is missing; the file is damaged") from error
    except (SpelError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise FormatError(f"{name}: {error}") from error


class _Reader:
    """From JSON and tensors to values."""

    def __init__(self, tensors: Mapping[str, Any], allow: Collection[str]) -> None:
        self.tensors, self.allow = tensors, allow

    def network(self, described: Mapping[str, Any]) -> Network:
        nodes = described["nodes"]
        if not isinstance(nodes, list) or len(nodes) > MAX_NODES:
            raise FormatError(f"nodes; expected a list of at most {MAX_NODES}")
        meta = described.get("meta", {})
        if not isinstance(meta, dict):
            raise FormatError("meta; expected an object")
        return Network(tuple(self.node(node) for node in nodes), meta)

    def node(self, described: Any) -> Node:
        if not isinstance(described, dict):
            raise FormatError(f"node {described!r:.40}; expected an object")
        name, inputs = described["name"], described["inputs"]
        if not fits(name, str) or not fits(inputs, tuple[str, ...]):
            raise FormatError(f"node {name!r:.80} takes {inputs!r:.80}; expected a name and names")
        return Node(name, self.layer(described["layer"], name), tuple(inputs))

    def layer(self, described: Any, place: str) -> Layer:
        if not isinstance(described, dict) or "kind" not in described:
            raise FormatError(f"node {place!r}: no layer; the file is damaged")
        try:
            layer = layer_of_kind(described["kind"], self.allow)
        except FormatError as error:
            raise FormatError(f"node {place!r}: {error}") from None
        types = field_types(layer)
        values = {k: self.value(v, place) for k, v in described.items() if k != "kind"}
        if set(values) - set(types):
            unknown = sorted(set(values) - set(types))
            raise FormatError(f"node {place!r}: unknown fields {unknown} of {layer.kind}")
        for field, value in values.items():
            if not fits(value, types[field]):
                raise FormatError(
                    f"node {place!r}: {field} of {layer.kind} is {value!r:.80}; expected "
                    f"{words(types[field])}"
                )
        try:
            return layer(**values)
        except (SpelError, TypeError, ValueError, OverflowError) as error:
            raise FormatError(f"node {place!r}: {error}") from error

    def value(self, described: Any, place: str) -> Any:
        if isinstance(described, list):
            return tuple(self.value(item, place) for item in described)
        if not isinstance(described, dict):
            return described
        if "kind" in described:
            return self.layer(described, place)
        if "tensor" in described:
            return self.tensor(described, place)
        if "adjacency" in described and len(described) == 1:
            return self.adjacency(described["adjacency"], place)
        if "bank" in described:
            return self.bank(described["bank"], place)
        raise FormatError(f"node {place!r}: unknown value {sorted(described)}; the file is damaged")

    def tensor(self, described: Mapping[str, Any], place: str) -> Any:
        tensor = self.tensors[described["tensor"]]
        if list(tensor.shape) != described["shape"]:
            raise FormatError(
                f"node {place!r}: tensor {described['tensor']!r} of shape {list(tensor.shape)}, "
                f"the architecture says {described['shape']!r:.80}"
            )
        return tensor

    def adjacency(self, described: Any, place: str) -> Adjacency:
        steps = self.value(described, place)
        if not isinstance(steps, np.ndarray) or steps.dtype.kind not in "iu":
            raise FormatError(f"node {place!r}: an adjacency without its displacements")
        return Adjacency.from_displacements(steps)

    def bank(self, described: Any, place: str) -> KernelBank:
        if not isinstance(described, dict):
            raise FormatError(f"node {place!r}: no kernel bank; the file is damaged")
        parts = {name: self.value(described[name], place) for name in BANK}
        for name, value in parts.items():
            if not fits(value, BANK[name]):
                raise FormatError(
                    f"node {place!r}: {name} of the bank is {value!r:.80}; expected "
                    f"{words(BANK[name])}"
                )
        provenance = tuple(self.provenance(p, place) for p in described["provenance"])
        return KernelBank(**parts, provenance=provenance)

    def provenance(self, described: Any, place: str) -> Provenance:
        values = {name: described[name] for name in PROVENANCE}
        if not all(fits(values[name], PROVENANCE[name]) for name in PROVENANCE):
            raise FormatError(f"node {place!r}: provenance {described!r:.80}; the file is damaged")
        return Provenance(values["label"], values["marker"], values["image"], tuple(values["at"]))
