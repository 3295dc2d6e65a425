"""A network described as plain values and as text."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from spel.errors import SpelError
from spel.nn.card import KEY, card_sections
from spel.nn.network import Network

AXES = ("planes", "rows", "columns")


def network_info(
    network: Network, name: str, shape: tuple[int, ...] | None = None
) -> tuple[dict[str, Any], str]:
    """Nodes, parameters, halo and meta data of a network, as plain values and as text.

    Parameters
    ----------
    network : Network
    name : str
        File of the network, or its name.
    shape : tuple of int, optional
        Shape of the image that sizes and multiply-adds refer to.
    """
    shape = shape or default_shape(network)
    shapes = network.shapes(shape)
    values = {
        "kind": "network",
        "file": name,
        "fingerprint": network.whole_fingerprint(),
        "parameters": network.parameters,
        "multiply_adds": network.multiply_adds(shape),
        "image": list(shape),
        "halo": network.halo,
        "nodes": [
            {
                "name": node.name,
                "kind": node.layer.kind,
                "layer": node.layer.describe(),
                "inputs": list(node.inputs),
                "shape": list(shapes[node.name]),
                "parameters": node.layer.parameters,
            }
            for node in network.nodes
        ],
        "meta": dict(network.meta),
    }
    lines = [
        f"{name}: network of {len(network)} nodes, {network.parameters:,} parameters, fingerprint "
        f"{network.whole_fingerprint()}",
        f"for an image of {' x '.join(map(str, shape))}; a tile reads {_halo(network)}",
        "",
        network.summary(shape),
    ]
    for key, value in network.meta.items():
        if key != KEY:
            lines.append(f"{key}: {json.dumps(plain(value))}")
    for title, text in card_sections(network):
        lines += ["", title, *(f"  {line}".rstrip() for line in text.split("\n"))]
    return plain(values), "\n".join(lines)


def default_shape(network: Network) -> tuple[int, ...]:
    """The shape of an image that the network accepts."""
    size = (480, 640) if network.ndim != 3 else (32, 480, 640)
    first = network.nodes[0].layer
    for channels in (getattr(getattr(first, "bank", None), "channels", 3), 3, 1):
        try:
            network.shapes((*size, channels))
        except SpelError:
            continue  # it takes another number of channels
        return (*size, channels)
    return (*size, 3)


def plain(value: Any) -> Any:
    """The value without tuples, and without numbers that JSON cannot hold."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _halo(network: Network) -> str:
    halo = network.halo
    if halo is None:
        return "the whole image"
    sides = zip(AXES[-len(halo) :], halo, strict=True)
    return "a halo of " + ", ".join(
        f"{before} {axis} before and {after} after" for axis, (before, after) in sides
    )
