"""A network on one image as one HTML file, in which every number can be touched, without Python."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.backends.html_image_layers import batch, color, decode, linear
from spel.core.window import Window
from spel.errors import ParameterError, ShapeError, UnsupportedLayerError
from spel.nn.activation import Activation
from spel.nn.center import Center
from spel.nn.channels import ArgMax, Softmax
from spel.nn.color import Color
from spel.nn.combine import Concatenate, Scale, Threshold, WeightedSum
from spel.nn.convolution import Convolution
from spel.nn.decode import Decode
from spel.nn.intensity import match_white
from spel.nn.layer import Layer
from spel.nn.merge import Add, Multiply
from spel.nn.network import Network
from spel.nn.node import INPUT, Node
from spel.nn.normalize import BatchNormalize, DivisiveNormalize, LinearNormalize
from spel.nn.pool import MaxPool, MeanPool, MinPool, Pool
from spel.nn.residue import Residue
from spel.nn.volumes import refuse_volume
from spel.ops.activate import checked_parameter

FOLDER = Path(__file__).parent / "handout"
MODULES = (
    *("planes.js", "decoders.js", "image_layers.js", "channel_layers.js"),
    *("windows.js", "layers.js", "fields.js", "page.js"),
)
"""In the order in which they import one another; the page holds them as one."""
MAX_PIXELS = 640 * 480
FUNCTIONS = (
    *("relu", "leaky_relu", "elu", "sigmoid", "hard_sigmoid", "tanh", "softplus"),
    *("identity", "abs", "square"),
)

Json = dict[str, Any]


def to_html(network: Network, image: npt.ArrayLike, *, title: str = "spel") -> str:
    """One HTML page with a network and an image, on which students change kernels.

    The page computes all steps by itself, to 1e-5 of the engine's values, and needs no server.

    Parameters
    ----------
    network : Network
    image : (rows, cols[, C]) array
        One image that the network takes.
    title : str
        Of the page.

    Raises
    ------
    UnsupportedLayerError
        If the page has no such layer; the message names the node.
    ParameterError
        If the image is larger than 480 x 640, for which a browser would need too long.

    Examples
    --------
    >>> from spel.nn import chain
    >>> page = to_html(chain(grey=Color("grey")), np.zeros((4, 5, 3), np.uint8))
    >>> page.startswith("<!doctype html>"), "http" in page
    (True, False)
    """
    array = match_white(network, image)
    array = array[..., None] if array.ndim == 2 else array
    refuse_volume(network, array.shape, "to_html")
    if array.ndim != 3:
        raise ShapeError(f"to_html: image of shape {array.shape}; expected (rows, cols, channels)")
    if array.shape[0] * array.shape[1] > MAX_PIXELS:
        raise ParameterError(
            f"to_html: {array.shape[0]} x {array.shape[1]} pixels; at most 480 x 640 are computed "
            "in a page. Cut or reduce the image"
        )
    data = {"title": title, "image": _image(array), "steps": _steps(network, array.shape)}
    # "<" would let a name end the element that holds the data.
    text = json.dumps(data, allow_nan=False).replace("<", "\\u003c")
    page = (FOLDER / "page.html").read_text(encoding="utf-8")
    return page.replace("{{script}}", _script()).replace("{{data}}", text)


def _script() -> str:
    """The modules one after the other; a page opened as a file cannot import."""
    text = "\n".join((FOLDER / name).read_text(encoding="utf-8") for name in MODULES)
    return re.sub(
        r'^import [^;]* from "\./[^"]*";\n|^export (?=const|function)', "", text, flags=re.M
    )


def _image(array: npt.NDArray[Any]) -> Json:
    floats = array.dtype != np.uint8
    values = np.ascontiguousarray(array, dtype="<f4" if floats else np.uint8)
    rows, cols, channels = array.shape
    return {
        "rows": rows,
        "cols": cols,
        "channels": channels,
        "floats": floats,
        "bytes": base64.b64encode(values.tobytes()).decode(),
    }


def _steps(network: Network, shape: tuple[int, ...]) -> list[Json]:
    """Every node as the page computes it; a residue with an inner layer is two steps."""
    shapes = {INPUT: shape}
    steps = []
    for node in network.nodes:
        inputs = [shapes[name] for name in node.inputs]
        shapes[node.name] = node.layer.shape(*inputs)
        layer = node.layer
        if isinstance(layer, Residue) and layer.layer is not None:
            inner = Node(f"{node.name} (n)", layer.layer, node.inputs)
            steps.append(_step(inner, inputs[0]))
            node = Node(node.name, Residue(scale=layer.scale), (*node.inputs, inner.name))
        steps.append(_step(node, inputs[0]))
    return steps


def _step(node: Node, shape: tuple[int, ...]) -> Json:
    for kind, describe in _LAYERS.items():
        if type(node.layer) is kind:
            described = describe(node.layer, shape)
            if described is not None:
                return {"name": node.name, "inputs": list(node.inputs), **described}
    raise UnsupportedLayerError(
        f"html: node {node.name!r} ({node.layer.describe()}) has no counterpart in a page; use "
        "spel export --to onnx or script for this network"
    )


def _window(window: Window, shape: tuple[int, ...]) -> Json | None:
    if window.adjacency.ndim != 2:
        return None
    border = window.border
    word = border if isinstance(border, str) else "constant"
    fill: Any = None if word in ("inside", "valid") else 0.0
    return {
        "displacements": window.adjacency.displacements.tolist(),
        "start": list(window.start),
        "stride": list(window.strides),
        "size": list(window.shape(shape[:2])),
        "border": word,
        "fill": fill if isinstance(border, str) else border,
    }


def _convolution(layer: Convolution, shape: tuple[int, ...]) -> Json | None:
    window = _window(layer.scope, shape)
    if window is None:
        return None
    bank = layer.bank
    return {
        "op": "convolution",
        **window,
        "weights": bank.weights.astype(float).tolist(),
        "bias": bank.bias.astype(float).tolist(),
    }


def _pool(layer: Pool, shape: tuple[int, ...]) -> Json | None:
    window = _window(layer.scope, shape)
    if window is None or isinstance(window["fill"], tuple):
        return None
    full = isinstance(layer, MeanPool) and layer.count == "full"
    return {"op": layer.kind.partition(".")[0], **window, "full": full}


def _divisive(layer: DivisiveNormalize, shape: tuple[int, ...]) -> Json | None:
    if not layer.centre:
        return None
    window = _window(Window(layer.adjacency, border="inside"), shape)
    return window and {"op": "divisive", **window, "across": layer.across_channels}


def _activation(layer: Activation, shape: tuple[int, ...]) -> Json | None:
    if layer.function not in FUNCTIONS:
        return None
    parameter = checked_parameter(layer.function, layer.parameter)
    return {"op": "activation", "function": layer.function, "parameter": parameter}


def _scale(layer: Scale, shape: tuple[int, ...]) -> Json:
    factor, shift = (
        np.broadcast_to(np.asarray(v, dtype=float).ravel(), shape[-1:]).tolist()
        for v in (layer.factor, layer.shift)
    )
    return {"op": "scale", "factor": factor, "shift": shift}


def _weighted(layer: WeightedSum, shape: tuple[int, ...]) -> Json:
    return {
        "op": "weighted",
        "weights": layer.weights.astype(float).tolist(),
        "bias": float(layer.bias),
    }


def _threshold(layer: Threshold, shape: tuple[int, ...]) -> Json | None:
    return None if isinstance(layer.at, str) else {"op": "threshold", "at": float(layer.at)}


def _residue(layer: Residue, shape: tuple[int, ...]) -> Json:
    return {"op": "residue", "scaled": layer.scale == "max"}


_LAYERS: dict[type[Layer], Callable[[Any, tuple[int, ...]], Json | None]] = {
    Color: color,
    Convolution: _convolution,
    MaxPool: _pool,
    MinPool: _pool,
    MeanPool: _pool,
    DivisiveNormalize: _divisive,
    LinearNormalize: linear,
    Center: lambda layer, shape: {"op": "center"} if layer.axes == 2 else None,
    BatchNormalize: batch,
    Decode: decode,
    Concatenate: lambda layer, shape: {"op": "concatenate"},
    Add: lambda layer, shape: {"op": "merge", "product": False},
    Multiply: lambda layer, shape: {"op": "merge", "product": True},
    Softmax: lambda layer, shape: {"op": "softmax"},
    ArgMax: lambda layer, shape: {"op": "argmax"},
    Residue: _residue,
    Activation: _activation,
    Scale: _scale,
    WeightedSum: _weighted,
    Threshold: _threshold,
}
