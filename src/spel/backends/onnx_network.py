"""A network recorded as a graph: its input in the network's units, and its layers one by one."""

from __future__ import annotations

from collections.abc import Sequence

from spel.backends.onnx_graph import Graph, Value
from spel.backends.onnx_layers import translate
from spel.core.intensity import white_of_type
from spel.nn.intensity import expected_white
from spel.nn.network import Network
from spel.nn.node import INPUT, in_node


def recorded(network: Network, shape: Sequence[int], dtype: str) -> tuple[Graph, Value]:
    """The graph of a network, from "image" to "output", both with channels last."""
    graph = Graph()
    result = translated(network, graph, image_of(network, graph, shape, dtype))
    order = [0, *result.axes, 1] if result.ndim else [0, 1]
    graph.nodes.append(("Transpose", [result.name], ["output"], {"perm": order}))
    return graph, result


def image_of(network: Network, graph: Graph, shape: Sequence[int], dtype: str) -> Value:
    """The graph's input "image", in the units of the network."""
    ndim, name = len(shape) - 1, "image"
    if dtype != "float32":
        name = graph.op("Cast", name, to="float32")
        white, expected = white_of_type(dtype), expected_white(network)
        if expected is not None and white != expected:
            name = graph.op("Div", name, graph.const(white / expected))
    planar = graph.op("Transpose", name, perm=[0, ndim + 1, *range(1, ndim + 1)])
    return Value(planar, int(shape[-1]), ndim)


def translated(network: Network, graph: Graph, image: Value) -> Value:
    """The output of a network of an image, added to a graph."""
    values = {INPUT: image}
    for node in network.nodes:
        graph.scope = node.name
        with in_node(node):
            values[node.name] = translate(node.layer, graph, *[values[i] for i in node.inputs])
    return values[network.output]
