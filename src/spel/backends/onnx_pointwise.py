"""Layers that act on each value or each spel by itself, in standard ONNX operators."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from spel.backends.onnx_dispatch import translate
from spel.backends.onnx_graph import Graph, Value
from spel.nn import Activation, Add, ArgMax, Clip, Multiply, PReLU, Softmax


@translate.register
def _activation(layer: Activation, g: Graph, x: Value) -> Value:
    return Value(_ACTIVATIONS[layer.function](g, x.name, layer.parameter), x.channels, x.ndim)


def _gelu(g: Graph, x: str, _: float | None) -> str:
    erf = g.op("Erf", g.op("Mul", x, g.const(1 / np.sqrt(2))))
    half = g.op("Mul", x, g.const(0.5))
    return str(g.op("Mul", half, g.op("Add", g.const(1.0), erf)))


_ACTIVATIONS: dict[str, Callable[[Graph, str, float | None], str]] = {
    "relu": lambda g, x, a: g.op("Relu", x),
    "leaky_relu": lambda g, x, a: g.op("LeakyRelu", x, alpha=0.01 if a is None else float(a)),
    "elu": lambda g, x, a: g.op("Elu", x, alpha=1.0 if a is None else float(a)),
    "sigmoid": lambda g, x, a: g.op("Sigmoid", x),
    "tanh": lambda g, x, a: g.op("Tanh", x),
    "gelu": _gelu,
    "softplus": lambda g, x, a: g.op("Softplus", x),
    "hard_sigmoid": lambda g, x, a: g.op("HardSigmoid", x, alpha=1 / 6, beta=0.5),
    "identity": lambda g, x, a: g.op("Identity", x),
    "abs": lambda g, x, a: g.op("Abs", x),
    "square": lambda g, x, a: g.op("Mul", x, x),
    "silu": lambda g, x, a: g.op("Mul", x, g.op("Sigmoid", x)),
    "hard_swish": lambda g, x, a: g.op("HardSwish", x),
}


@translate.register
def _clip(layer: Clip, g: Graph, x: Value) -> Value:
    limits = ["" if limit is None else g.const(limit) for limit in (layer.low, layer.high)]
    return Value(g.op("Clip", x.name, *limits), x.channels, x.ndim)


@translate.register
def _prelu(layer: PReLU, g: Graph, x: Value) -> Value:
    slope = g.const(layer.slope.reshape(-1, *[1] * x.ndim))
    return Value(g.op("PRelu", x.name, slope), x.channels, x.ndim)


@translate.register
def _add(layer: Add, g: Graph, *images: Value) -> Value:
    return _merged(g, "Add", images)


@translate.register
def _multiply(layer: Multiply, g: Graph, *images: Value) -> Value:
    return _merged(g, "Mul", images)


def _merged(g: Graph, kind: str, images: tuple[Value, ...]) -> Value:
    name = images[0].name
    for image in images[1:]:
        name = g.op(kind, name, image.name)
    return Value(name, max(image.channels for image in images), images[0].ndim)


@translate.register
def _softmax(layer: Softmax, g: Graph, x: Value) -> Value:
    return Value(g.op("Softmax", x.name, axis=1), x.channels, x.ndim)


@translate.register
def _argmax(layer: ArgMax, g: Graph, x: Value) -> Value:
    number = g.op("ArgMax", x.name, axis=1, keepdims=1)
    return Value(g.op("Cast", number, to="float32"), 1, x.ndim)
