"""The module JSON of LIDS: ``{"features": {"type": "sequential", "layers": {...}}}``."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from spel.errors import FormatError
from spel.io.annotation.annotations import AnnotationWarning
from spel.io.annotation.arch_fields import box_adjacency, whole_number
from spel.nn import Activation, MaxPool, MeanPool, Unlearned
from spel.nn.layer import Layer

__all__ = ["layers_of"]

NORMALIZATIONS = ("marker_based_norm", "m_norm", "m_norm2d", "m_norm3d")
"""Layers that are left out, because convolutions here learn their normalization themselves."""

IGNORED = ("dropout",)
"""Layers that are left out, because they do nothing in a learned network."""


def layers_of(content: Mapping[str, Any], path: str) -> list[tuple[str, Layer]]:
    """Named layers of the "features" module.

    Raises
    ------
    FormatError
        If it is malformed, or an operation or a parallel module cannot be expressed.
    """
    features: Any = content.get("features")
    layers = features.get("layers") if isinstance(features, dict) else None
    if not isinstance(layers, dict) or not layers:
        raise FormatError(f'{path}: features has no layers; expected "type" and "layers"')
    if features.get("type", "sequential") != "sequential":
        raise FormatError(
            f"{path}: features of type {features.get('type')!r}; only sequential ones are read. "
            "Build parallel ones with spel.branch"
        )
    nodes = []
    omitted: list[str] = []
    for name, entry in layers.items():
        operation = entry.get("operation") if isinstance(entry, dict) else None
        params = entry.get("params", {}) if isinstance(entry, dict) else None
        if not isinstance(operation, str) or not isinstance(params, dict):
            raise FormatError(f"{path}: layer {name!r} has no operation and params")
        if operation in NORMALIZATIONS or operation in IGNORED:
            omitted.append(f"{name} ({operation})")
            continue
        nodes.append((_name(name), _layer(operation, params, f"{path}: {name}")))
    if not nodes:
        raise FormatError(f"{path}: it has no layer that can be learned")
    if omitted:
        warnings.warn(
            f"{path}: {', '.join(omitted)} are left out: each convolution learns its normalization "
            "itself, and dropout does nothing once a network is learned",
            AnnotationWarning,
            stacklevel=2,
        )
    return nodes


def _layer(operation: str, params: Mapping[str, Any], place: str) -> Layer:
    if operation == "relu":
        return Activation("relu")
    if operation in ("conv2d", "conv3d"):
        area = box_adjacency(params.get("kernel_size"), params.get("dilation", 1), place)
        # Unlike LIDS's own converter, this one does not take nkernels_per_image for a marker's.
        count = "out_channels" if "out_channels" in params else "number_of_kernels"
        return Unlearned(
            area,
            kernels=whole_number(params, count, place),
            per_stroke=whole_number(params, "number_of_kernels_per_marker", place, 1),
            stride=whole_number(params, "stride", place, 1),
        )
    if operation in ("max_pool2d", "max_pool3d", "avg_pool2d", "avg_pool3d"):
        area = box_adjacency(params.get("kernel_size"), 1, place)
        stride = whole_number(params, "stride", place, 1)
        if operation.startswith("max"):
            return MaxPool(area, stride=stride)
        return MeanPool(area, stride=stride, count="full")
    raise FormatError(
        f"{place}: operation {operation!r}; expected conv2d, conv3d, relu, max_pool2d, avg_pool2d "
        f"or one of {', '.join(NORMALIZATIONS + IGNORED)}"
    )


def _name(name: str) -> str:
    allowed = "".join(c if c.isalnum() or c in "_.-" else "_" for c in name)[:60]
    return allowed if allowed and allowed != "input" else f"layer_{allowed}"
