"""A network as a Python script that builds it, with all its numbers."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np

from spel.core.adjacency import Adjacency
from spel.core.bank import KernelBank
from spel.errors import ParameterError
from spel.nn.layer import Layer
from spel.nn.network import Network

MOST = 200_000
"""Largest number of weights that a script contains."""


def to_script(network: Network) -> str:
    """Python code whose `network` is the same, bit for bit.

    Parameters
    ----------
    network : Network

    Raises
    ------
    ParameterError
        If it has more than 200,000 weights: such a network should be saved as a file of its own.

    Examples
    --------
    >>> from spel.nn import Scale, chain
    >>> print(to_script(chain(double=Scale([2.0]))).splitlines()[-5])
    network = spel.Network((
    """
    if network.parameters > MOST:
        raise ParameterError(
            f"script: {network.parameters:,} weights; at most {MOST:,} are written as text. Keep "
            "the network in its own file: network.save(path)"
        )
    lines = [
        '"""A spel network, written by `spel export --to script`."""',
        "",
        "import numpy as np",
        "",
        *[f"import {module}" for module in sorted({"spel", *_modules(network)})],
        "",
        "network = spel.Network((",
    ]
    lines += [
        f"    spel.Node({node.name!r}, {_code(node.layer)}, {node.inputs!r}),"
        for node in network.nodes
    ]
    lines.append(f"), {_plain(dict(network.meta))!r})")
    lines += ["", f"assert network.fingerprint() == {network.fingerprint()!r}"]
    return "\n".join(lines) + "\n"


def _modules(network: Network) -> set[str]:
    """The modules of the layers, those inside of layers included."""
    layers: list[Layer] = [node.layer for node in network.nodes]
    for layer in layers:
        layers += [v for f in fields(layer) if isinstance(v := getattr(layer, f.name), Layer)]
    return {_home(layer) for layer in layers}


def _home(layer: Layer) -> str:
    """Where a script finds the class of a layer."""
    module = type(layer).__module__
    return "spel" if module.split(".")[0] == "spel" else module


def _code(value: Any) -> str:
    if isinstance(value, Layer):
        arguments = ", ".join(f"{f.name}={_code(getattr(value, f.name))}" for f in fields(value))
        return f"{_home(value)}.{type(value).__name__}({arguments})"
    if isinstance(value, KernelBank):
        parts = [_code(value.adjacency), _code(value.weights), _code(value.bias)]
        if value.provenance:
            items = ", ".join(
                f"spel.Provenance({p.label}, {p.marker}, {p.image!r}, {tuple(p.at)!r})"
                for p in value.provenance
            )
            parts.append(f"({items},)")
        return f"spel.KernelBank({', '.join(parts)})"
    if isinstance(value, Adjacency):
        return (
            f"spel.{value!r}"
            if len(repr(value)) < 60
            else (f"spel.Adjacency.from_displacements({value.displacements.tolist()})")
        )
    if isinstance(value, np.ndarray):
        # The shortest text that gives back a float32 is exact.
        numbers = np.array2string(
            value,
            separator=",",
            threshold=value.size + 1,
            max_line_width=10**9,
            formatter={"float_kind": lambda x: str(np.float32(x))},
        )
        return f"np.array({numbers.replace(chr(10), '')}, dtype=np.float32).reshape({value.shape})"
    return repr(value)


def _plain(value: Any) -> Any:
    return dict(value) if hasattr(value, "items") else value
