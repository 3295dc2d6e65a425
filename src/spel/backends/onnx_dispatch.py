"""The list of layers in ONNX operators, open to layers of others."""

from __future__ import annotations

from functools import singledispatch

from spel.backends.onnx_graph import Graph, Value
from spel.errors import UnsupportedLayerError
from spel.nn import Layer


@singledispatch
def translate(layer: Layer, g: Graph, *inputs: Value) -> Value:
    """The layer's result in standard operators, by the layer's type.

    A layer from outside of spel joins by the decorator ``@translate.register`` on a function of
    ``(layer, graph, value)`` whose first argument is annotated with the layer's type.

    Raises
    ------
    UnsupportedLayerError
        If it cannot be expressed exactly, or no translation is registered for its type.
    """
    raise UnsupportedLayerError(
        f"onnx: layers of kind {layer.kind!r} have no numbers to export; learn the network first "
        "(spel.learn), or register a translation for this type of layer"
    )
