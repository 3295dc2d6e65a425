"""Each kind of layer in standard ONNX operators; importing this file registers spel's own.

What acts on each value or each spel by itself stands in `onnx_pointwise`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from spel.backends import geometry, onnx_global, onnx_pointwise
from spel.backends.onnx_color import color
from spel.backends.onnx_dispatch import translate
from spel.backends.onnx_graph import Array, Graph, Value
from spel.backends.planar import decoder_weights, planar, statistics
from spel.core.window import Window
from spel.errors import UnsupportedLayerError
from spel.nn import (
    BatchNormalize,
    Center,
    Color,
    Concatenate,
    Convolution,
    Crop,
    Decode,
    DivisiveNormalize,
    Flatten,
    GroupedConvolution,
    LinearNormalize,
    MaxPool,
    MeanPool,
    MinPool,
    Pad,
    Residue,
    Scale,
    Threshold,
    TransposedConvolution,
    Upsample,
    WeightedSum,
)

__all__ = ["onnx_global", "onnx_pointwise", "threshold_value", "translate"]


@translate.register
def _color(layer: Color, g: Graph, x: Value) -> Value:
    return color(g, layer, x)


@translate.register(Convolution)
@translate.register(GroupedConvolution)
def _convolution(layer: Convolution | GroupedConvolution, g: Graph, x: Value) -> Value:
    bank, window = layer.bank, layer.scope
    mode, fill = window.border_mode(x.channels)
    box = geometry.bounding_lattice(bank.adjacency)
    spans = geometry.pads(window, box.low, box.high)
    weights = g.const(geometry.dense(bank.adjacency, bank.weights))
    inputs = [weights, g.const(bank.bias)] if bank.bias.any() else [weights]
    attributes: dict[str, Any] = {
        "kernel_shape": list(box.size),
        "dilations": list(box.step),
        "strides": list(window.strides),
        "group": layer.groups if isinstance(layer, GroupedConvolution) else 1,
    }
    name = x.name
    if mode != "constant" and window.border != "valid":
        name = g.extended(name, spans, mode)
    elif any(fill) and window.border != "valid":
        name = g.filled(name, spans, fill)
    elif min(min(span) for span in spans) < 0:
        name = g.padded(name, spans)
    else:
        attributes["pads"] = [a for a, _ in spans] + [b for _, b in spans]
    return Value(g.op("Conv", name, *inputs, **attributes), len(bank), x.ndim)


@translate.register
def _transposed_convolution(layer: TransposedConvolution, g: Graph, x: Value) -> Value:
    bank, window = layer.bank, layer.window
    box = geometry.bounding_lattice(bank.adjacency)
    whole = g.op(
        "ConvTranspose",
        x.name,
        g.const(geometry.dense(bank.adjacency, bank.weights)),
        kernel_shape=list(box.size),
        dilations=list(box.step),
        strides=list(window.strides),
    )
    name = g.padded(whole, geometry.transposed_spans(window))
    if np.any(layer.bias):
        name = g.op("Add", name, g.const(planar(np.asarray(layer.bias), x.ndim)))
    return Value(name, bank.channels, x.ndim)


@translate.register
def _upsample(layer: Upsample, g: Graph, x: Value) -> Value:
    scales = g.const([1, 1, *layer.factors])
    how: dict[str, Any] = {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}
    if layer.method == "nearest":
        how = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric"}
        how["nearest_mode"] = "floor"
    return Value(g.op("Resize", x.name, "", scales, **how), x.channels, x.ndim)


@translate.register
def _max_pool(layer: MaxPool, g: Graph, x: Value) -> Value:
    return Value(g.window_max(x.name, layer.scope), x.channels, x.ndim)


@translate.register
def _min_pool(layer: MinPool, g: Graph, x: Value) -> Value:
    lowest = g.op("Neg", g.window_max(g.op("Neg", x.name), layer.scope))
    return Value(lowest, x.channels, x.ndim)


@translate.register
def _mean_pool(layer: MeanPool, g: Graph, x: Value) -> Value:
    window = layer.scope
    total = g.window_sum(x.name, x.channels, window)
    count = g.inside(x.name, window) if layer.count == "valid" else None
    if count is None or geometry.has_centre(window.adjacency):
        below = g.const(float(len(window.adjacency))) if count is None else count
    else:
        below = g.op("Max", count, g.const(1.0))
    return Value(g.op("Div", total, below), x.channels, x.ndim)


@translate.register
def _pad(layer: Pad, g: Graph, x: Value) -> Value:
    mode, fill = layer.window.border_mode(x.channels)
    spans = list(zip(*layer.amounts))
    if mode != "constant":
        name = g.extended(x.name, spans, mode)
    elif len(set(fill)) == 1:
        name = g.padded(x.name, spans, fill[0])
    else:
        name = g.filled(x.name, spans, fill)
    return Value(name, x.channels, x.ndim)


@translate.register
def _crop(layer: Crop, g: Graph, x: Value) -> Value:
    spans = [(-before, -after) for before, after in zip(*layer.amounts)]
    return Value(g.padded(x.name, spans), x.channels, x.ndim)


@translate.register
def _divisive_normalize(layer: DivisiveNormalize, g: Graph, x: Value) -> Value:
    window = Window(geometry.neighbours(layer))
    squares = g.window_sum(g.op("Mul", x.name, x.name), x.channels, window)
    if layer.across_channels:
        squares = g.op("ReduceSum", squares, g.ints(1), keepdims=1)
    ratio = g.op("Div", x.name, g.op("Sqrt", squares))
    none = g.op("Equal", squares, g.const(0.0))
    return Value(g.op("Where", none, g.const(0.0), ratio), x.channels, x.ndim)


@translate.register
def _linear_normalize(layer: LinearNormalize, g: Graph, x: Value) -> Value:
    over = {"domain": x.axes, "batch": [0], "channels": [1]}[layer.over]
    return Value(_to_unit(g, x.name, over), x.channels, x.ndim)


def _to_unit(g: Graph, x: str, over: Sequence[int]) -> str:
    low = g.op("ReduceMin", x, g.ints(*over), keepdims=1)
    high = g.op("ReduceMax", x, g.ints(*over), keepdims=1)
    span = g.op("Sub", high, low)
    below = g.op("Where", g.op("Equal", span, g.const(0.0)), g.const(1.0), span)
    return str(g.op("Div", g.op("Sub", x, low), below))


@translate.register
def _batch_normalize(layer: BatchNormalize, g: Graph, x: Value) -> Value:
    gamma, beta = planar(layer.gamma, x.ndim), planar(layer.beta, x.ndim)
    stored = statistics(layer)
    if stored is None:
        return Value(_by_batch(g, layer, x, gamma, beta), x.channels, x.ndim)
    mean, below = stored
    factor = gamma / planar(below, x.ndim)
    centred = g.op("Sub", x.name, g.const(planar(mean, x.ndim)))
    scaled = g.op("Mul", centred, g.const(factor))
    return Value(g.op("Add", scaled, g.const(beta)), x.channels, x.ndim)


def _by_batch(g: Graph, layer: BatchNormalize, x: Value, gamma: Array, beta: Array) -> str:
    over = [0] if layer.over == "spel" else [0, *x.axes]
    centred = g.op("Sub", x.name, g.op("ReduceMean", x.name, g.ints(*over), keepdims=1))
    squares = g.op("Mul", centred, centred)
    epsilon = g.const(layer.epsilon)
    if layer.over == "channel":
        variance = g.op("ReduceMean", squares, g.ints(*over), keepdims=1)
        below = g.op("Sqrt", g.op("Add", variance, epsilon))
    else:
        count = g.op("Cast", g.op("Sub", g.size(x.name, 0), g.const(1, np.int64)), to="float32")
        total = g.op("ReduceSum", squares, g.ints(*over), keepdims=1)
        below = g.op("Add", g.op("Sqrt", g.op("Div", total, count)), epsilon)
    scaled = g.op("Mul", centred, g.op("Div", g.const(gamma), below))
    return str(g.op("Add", scaled, g.const(beta)))


@translate.register
def _residue(layer: Residue, g: Graph, *images: Value) -> Value:
    first, second = (
        images if layer.layer is None else (images[0], translate(layer.layer, g, images[0]))
    )
    names = [first.name, second.name]
    if layer.scale == "max":
        names = [_scaled_to_one(g, name, first.axes) for name in names]
    return Value(g.op("Relu", g.op("Sub", *names)), first.channels, first.ndim)


def _scaled_to_one(g: Graph, x: str, axes: Sequence[int]) -> str:
    top = g.op("ReduceMax", x, g.ints(*axes), keepdims=1)
    positive = g.op("Greater", top, g.const(0.0))
    return str(g.op("Mul", x, g.op("Where", positive, g.op("Reciprocal", top), g.const(1.0))))


@translate.register
def _scale(layer: Scale, g: Graph, x: Value) -> Value:
    scaled = g.op("Mul", x.name, g.const(planar(layer.factor, x.ndim)))
    shifted = g.op("Add", scaled, g.const(planar(layer.shift, x.ndim)))
    return Value(shifted, x.channels, x.ndim)


@translate.register
def _weighted_sum(layer: WeightedSum, g: Graph, x: Value) -> Value:
    weights = layer.weights.reshape(1, -1, *[1] * x.ndim)
    bias = g.const(np.array([layer.bias]))
    return Value(g.op("Conv", x.name, g.const(weights), bias), 1, x.ndim)


@translate.register
def _concatenate(layer: Concatenate, g: Graph, *images: Value) -> Value:
    joined = g.op("Concat", *[i.name for i in images], axis=1)
    return Value(joined, sum(i.channels for i in images), images[0].ndim)


@translate.register
def _flatten(layer: Flatten, g: Graph, x: Value) -> Value:
    spel_major = g.op("Transpose", x.name, perm=[0, *x.axes, 1])
    return Value(g.op("Flatten", spel_major, axis=1), 0, 0)


@translate.register
def _threshold(layer: Threshold, g: Graph, x: Value) -> Value:
    at = threshold_value(g, layer.at, x.name, x.ndim)
    above = g.op("Cast", g.op("Greater", x.name, at), to="float32")
    return Value(above, x.channels, x.ndim)


def threshold_value(g: Graph, at: float | str, x: str, ndim: int) -> str:
    """The number that a rule stands for: a value, or a percentile by linear interpolation.

    A percentile is taken over each image of the batch, whatever the order of its other axes.
    """
    if not isinstance(at, str):
        return g.const(at)
    if at == "otsu":
        raise UnsupportedLayerError(
            "onnx: Otsu's threshold needs a histogram with NumPy's own edges, which standard "
            "operators give only nearly; use a percentile such as 'p95', or a number"
        )
    flat = g.op("Reshape", x, g.ints(0, -1))
    count = g.op("Slice", g.op("Shape", flat), g.ints(1), g.ints(2))
    ordered, _ = g.op("TopK", flat, count, outputs=2, axis=1, largest=0, sorted=1)
    rank = g.op("Cast", g.op("Sub", count, g.ints(1)), to="float64")
    place = g.op("Mul", rank, g.const([float(at[1:]) / 100], np.float64))
    low = g.op("Floor", place)
    part = g.op("Cast", g.op("Sub", place, low), to="float32")
    below = g.op("Gather", ordered, g.op("Cast", low, to="int64"), axis=1)
    above = g.op("Gather", ordered, g.op("Cast", g.op("Ceil", place), to="int64"), axis=1)
    value = g.op("Add", below, g.op("Mul", g.op("Sub", above, below), part))
    return str(g.op("Reshape", value, g.ints(-1, *[1] * (ndim + 1))))


@translate.register
def _center(layer: Center, g: Graph, x: Value) -> Value:
    flat = g.op("Reshape", x.name, g.ints(0, 0, -1))
    count = g.op("Slice", g.op("Shape", flat), g.ints(2), g.ints(3))
    two = g.ints(2)
    upper = g.op("Div", count, two)
    most = g.op("Add", upper, g.ints(1))
    ordered, _ = g.op("TopK", flat, most, outputs=2, axis=2, largest=0, sorted=1)
    lower = g.op("Div", g.op("Sub", count, g.ints(1)), two)
    pair = [g.op("Gather", ordered, place, axis=2) for place in (lower, upper)]
    median = g.op("Mul", g.op("Add", *pair), g.const(0.5))
    shaped = g.op("Unsqueeze", median, g.ints(*range(3, 2 + x.ndim)))
    return Value(g.op("Sub", x.name, shaped), x.channels, x.ndim)


@translate.register
def _decode(layer: Decode, g: Graph, x: Value) -> Value:
    if layer.method not in ("lm", "lm-balanced"):
        raise UnsupportedLayerError(
            f"onnx: decoder {layer.method!r} weighs channels by comparisons that another order of "
            "summation may turn; export one with 'lm' or 'lm-balanced', or end the network before "
            "it (net.upto)"
        )
    weights = decoder_weights(layer).reshape(1, -1, *[1] * x.ndim)
    positive = g.op("Relu", g.op("Conv", x.name, g.const(weights)))
    return Value(_to_unit(g, positive, [1, *x.axes]), 1, x.ndim)
