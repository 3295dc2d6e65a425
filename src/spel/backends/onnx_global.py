"""Layers over the whole image or over channels, in standard ONNX operators of any image size."""

from __future__ import annotations

import numpy as np

from spel.backends.onnx_dispatch import translate
from spel.backends.onnx_graph import Graph, Value
from spel.backends.planar import planar
from spel.nn import GlobalPool, GroupNormalize, LocalResponseNormalize


@translate.register
def _global_pool(layer: GlobalPool, g: Graph, x: Value) -> Value:
    """Axis by axis: the parts of an axis are slices, whose bounds follow from its length."""
    kind = "ReduceMean" if layer.function == "mean" else "ReduceMax"
    name = x.name
    for axis, parts in enumerate(layer.sizes, start=2):
        if parts == 1:
            name = g.op(kind, name, g.ints(axis), keepdims=1)
            continue
        length = g.op("Slice", g.op("Shape", name), g.ints(axis), g.ints(axis + 1))
        cells = []
        for i in range(parts):
            first = g.op("Div", g.op("Mul", length, g.ints(i)), g.ints(parts))
            above = g.op("Add", g.op("Mul", length, g.ints(i + 1)), g.ints(parts - 1))
            cell = g.op("Slice", name, first, g.op("Div", above, g.ints(parts)), g.ints(axis))
            cells.append(g.op(kind, cell, g.ints(axis), keepdims=1))
        name = g.op("Concat", *cells, axis=axis)
    return Value(name, x.channels, x.ndim)


@translate.register
def _group_normalize(layer: GroupNormalize, g: Graph, x: Value) -> Value:
    parts = g.op("Reshape", x.name, g.ints(0, layer.groups, -1))
    centred = g.op("Sub", parts, g.op("ReduceMean", parts, g.ints(2), keepdims=1))
    variance = g.op("ReduceMean", g.op("Mul", centred, centred), g.ints(2), keepdims=1)
    below = g.op("Sqrt", g.op("Add", variance, g.const(layer.epsilon)))
    name = g.op("Reshape", g.op("Div", centred, below), g.op("Shape", x.name))
    name = g.op("Mul", name, g.const(planar(np.asarray(layer.gamma), x.ndim)))
    name = g.op("Add", name, g.const(planar(np.asarray(layer.beta), x.ndim)))
    return Value(name, x.channels, x.ndim)


@translate.register
def _local_response_normalize(layer: LocalResponseNormalize, g: Graph, x: Value) -> Value:
    alpha, beta, k = float(layer.alpha), float(layer.beta), float(layer.k)
    name = g.op("LRN", x.name, size=layer.size, alpha=alpha, beta=beta, bias=k)
    return Value(name, x.channels, x.ndim)
