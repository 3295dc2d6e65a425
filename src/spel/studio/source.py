"""Values as Python source: an expression that gives the value back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from functools import partial
from typing import Any

import numpy as np

from spel.core.adjacency import Adjacency
from spel.core.bank import KernelBank
from spel.nn import Layer, Network
from spel.nn.node import INPUT
from spel.studio.describe import adjacency_words

_NAMED: dict[str, Callable[[], KernelBank]] = {
    f'spel.KernelBank.{make.__name__}("{axis}")': partial(make, axis)
    for make in (KernelBank.sobel, KernelBank.prewitt, KernelBank.scharr)
    for axis in ("col", "row")
} | {
    "spel.KernelBank.laplacian()": KernelBank.laplacian,
    "spel.KernelBank.gaussian(1.5)": partial(KernelBank.gaussian, 1.5),
}


def source(value: Any) -> str:
    """An expression that gives the value back, with `spel` and `np` imported.

    Examples
    --------
    >>> source(Adjacency.disk(2).dilated(3))
    'spel.Adjacency.disk(2.0).dilated(3)'
    >>> source(KernelBank.sobel("col"))
    'spel.KernelBank.sobel("col")'
    """
    if isinstance(value, Adjacency):
        return _adjacency(value)
    if isinstance(value, KernelBank):
        return _bank(value)
    if isinstance(value, Network):
        return _network(value)
    if isinstance(value, Layer):
        return _layer(value)
    if isinstance(value, np.ndarray):
        return f"np.array({_numbers(value)}, dtype=np.float32)"
    if isinstance(value, str):
        return _text(value)
    return repr(value)


def _text(value: str) -> str:
    """A literal in double quotes, so that names read as in the rest of the code.

    Examples
    --------
    >>> _text('a "b"'), _text("one\\ntwo")
    ('"a \\\\"b\\\\""', "'one\\\\ntwo'")
    """
    if not value.isprintable():
        return repr(value)
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _adjacency(value: Adjacency) -> str:
    words = adjacency_words(value)
    shape = words["shape"]
    if shape == "rectangle":
        text = f"spel.Adjacency.rectangle(width={words['width']}, height={words['height']})"
    elif shape == "disk" and Adjacency.disk(words["radius"]).dilated(words["dilation"]) == value:
        text = f"spel.Adjacency.disk({words['radius']})"
    elif shape == "cross":
        text = f"spel.Adjacency.cross({words['radius']})"
    else:
        return f"spel.Adjacency.from_displacements({value.displacements.tolist()})"
    return text + (f".dilated({words['dilation']})" if words["dilation"] > 1 else "")


def _bank(value: KernelBank) -> str:
    for text, make in _NAMED.items():
        if value == make():
            return text
    dense = value.dense()
    is_box = Adjacency.box(dense.shape[1:-1]) == value.adjacency
    if is_box and not value.provenance:
        kernels = dense[..., 0] if value.channels == 1 else dense
        kernels = kernels[0] if len(value) == 1 and value.channels == 1 else kernels
        bias = f", bias={_numbers(value.bias)}" if value.bias.any() else ""
        return f"spel.KernelBank.from_array({_numbers(kernels)}{bias})"
    parts = [_adjacency(value.adjacency), source(value.weights), source(value.bias)]
    if value.provenance:
        items = (
            f"spel.Provenance({p.label}, {p.marker}, {source(p.image)}, {p.at!r})"
            for p in value.provenance
        )
        parts.append(f"({', '.join(items)},)")
    return f"spel.KernelBank({', '.join(parts)})"


def _numbers(value: Any) -> str:
    """Numbers as nested lists, with just the digits that give the same float32 back.

    Examples
    --------
    >>> _numbers(np.float32([[0.1, 2.0]]))
    '[[0.1, 2]]'
    """
    if np.ndim(value):
        return "[" + ", ".join(_numbers(v) for v in value) + "]"
    return str(np.float32(value)).removesuffix(".0")


def _layer(layer: Layer) -> str:
    arguments = []
    for f in fields(layer):
        value = getattr(layer, f.name)
        if type(value) is type(f.default) and not isinstance(value, np.ndarray):
            if value == f.default:
                continue
        elif f.name == "shift" and isinstance(value, np.ndarray) and not value.any():
            continue
        arguments.append((f.name, source(value)))
    # The first field is what the layer is about, so it is given by position.
    first = fields(layer)[0].name if fields(layer) else ""
    words = [text if name == first else f"{name}={text}" for name, text in arguments]
    return f"spel.{type(layer).__name__}({', '.join(words)})"


def _network(network: Network) -> str:
    chained = all(
        node.inputs == (before,)
        for node, before in zip(network.nodes, (INPUT, *network.names), strict=False)
    )
    if chained and all(name.isidentifier() for name in network.names):
        lines = [f"    {node.name}={source(node.layer)}," for node in network.nodes]
        return "spel.chain(\n" + "\n".join(lines) + "\n)"
    lines = [
        f"        spel.Node({source(node.name)}, {source(node.layer)}, "
        f"({', '.join(source(i) for i in node.inputs)},)),"
        for node in network.nodes
    ]
    return "spel.Network(\n    (\n" + "\n".join(lines) + "\n    )\n)"
