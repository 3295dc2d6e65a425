"""LIDS's module JSON: ``{"features": {"type": "sequential", "layers": {...}}}``, read only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from spel.errors import FormatError
from spel.io.annotation.libift import box_adjacency, whole
from spel.nn import Activation, MaxPool, MeanPool, Unlearned
from spel.nn.layer import Layer

__all__ = ["layers_of"]

NORMALIZATIONS = ("marker_based_norm", "m_norm", "m_norm2d", "m_norm3d")
"""Learned with every convolution here, and folded into it."""

IGNORED = ("dropout",)


def layers_of(described: Mapping[str, Any], where: str) -> list[tuple[str, Layer]]:
    """Named layers of the "features" module.

    Raises
    ------
    FormatError
        If it is malformed, or an operation or a parallel module cannot be expressed.
    """
    features = described.get("features")
    layers = features.get("layers") if isinstance(features, dict) else None
    if not isinstance(layers, dict) or not layers:
        raise FormatError(f'{where}: features has no layers; expected "type" and "layers"')
    if features.get("type", "sequential") != "sequential":
        raise FormatError(
            f"{where}: features of type {features.get('type')!r}; only sequential ones are read. "
            "Build parallel ones with spel.branch"
        )
    nodes = []
    for name, entry in layers.items():
        operation = entry.get("operation") if isinstance(entry, dict) else None
        params = entry.get("params", {}) if isinstance(entry, dict) else None
        if not isinstance(operation, str) or not isinstance(params, dict):
            raise FormatError(f"{where}: layer {name!r} has no operation and params")
        if operation in NORMALIZATIONS or operation in IGNORED:
            continue
        nodes.append((_name(name), _layer(operation, params, f"{where}: {name}")))
    if not nodes:
        raise FormatError(f"{where}: no layer is left to be learned")
    return nodes


def _layer(operation: str, params: Mapping[str, Any], here: str) -> Layer:
    if operation == "relu":
        return Activation("relu")
    if operation in ("conv2d", "conv3d"):
        area = box_adjacency(params.get("kernel_size"), params.get("dilation", 1), here)
        # Not `nkernels_per_image` for the count per marker, as LIDS's own converter has it.
        return Unlearned(
            area,
            kernels=whole(
                params, "out_channels" if "out_channels" in params else "number_of_kernels", here
            ),
            per_stroke=whole(params, "number_of_kernels_per_marker", here, 1),
            stride=whole(params, "stride", here, 1),
        )
    if operation in ("max_pool2d", "max_pool3d", "avg_pool2d", "avg_pool3d"):
        area = box_adjacency(params.get("kernel_size"), 1, here)
        stride = whole(params, "stride", here, 1)
        if operation.startswith("max"):
            return MaxPool(area, stride=stride)
        return MeanPool(area, stride=stride, count="full")
    raise FormatError(
        f"{here}: operation {operation!r}; expected conv2d, conv3d, relu, max_pool2d, avg_pool2d "
        f"or one of {', '.join(NORMALIZATIONS + IGNORED)}"
    )


def _name(name: str) -> str:
    kept = "".join(c if c.isalnum() or c in "_.-" else "_" for c in name)[:60]
    return kept if kept and kept != "input" else f"layer_{kept}"
