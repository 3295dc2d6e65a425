"""What a graph answers beside the network's output: a mask, or the label of the likeliest class.

Both follow from what the network's own decision or segmentation states in its `meta`. Components,
boxes and delineation are not part of a graph: they loop over pixels in an order of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from spel.backends.onnx_graph import Graph, Value
from spel.backends.onnx_layers import threshold_value
from spel.nn.network import Network

UNDECIDED = -1
"""Label of pixels whose likeliest class is not likely enough, as segmentations write it."""


@dataclass(frozen=True)
class Answer:
    """A further output of a graph, of the size of "output", with one channel."""

    name: str
    dtype: str


def add_answers(network: Network, graph: Graph, result: Value) -> list[Answer]:
    """Add to a graph, whose "output" has its channels last, what the network's meta decides."""
    if not result.ndim:
        return []
    segmentation = network.meta.get("segmentation")
    if isinstance(segmentation, Mapping) and segmentation.get("classes"):
        refined = segmentation.get("delineation")
        return [] if refined else [_labels(graph, segmentation, result)]
    rule = mask_rule(network)
    if rule is None or result.channels != 1:
        return []
    above = threshold_value(graph, rule, "output", result.ndim)
    graph.nodes.append(("Greater", ["output", above], ["mask"], {}))
    return [Answer("mask", "bool")]


def mask_rule(network: Network) -> float | str | None:
    """The threshold that alone makes the mask of the network's output, if a graph can hold it."""
    decision = network.meta.get("decision")
    if isinstance(decision, Mapping):
        # Windows have no mask of the output.
        rule = None if "kind" in decision else decision.get("threshold", "otsu")
    else:
        rule = _segmentation_rule(network.meta.get("segmentation"))
    return None if rule == "otsu" else rule


def _segmentation_rule(segmentation: Any) -> Any:
    """None where objects are chosen by their components, or refined after the threshold."""
    if not isinstance(segmentation, Mapping):
        return None
    more = any(segmentation.get(name) for name in ("objects", "delineation", "cut"))
    return None if more else segmentation.get("threshold", "otsu")


def _labels(graph: Graph, segmentation: Mapping[str, Any], result: Value) -> Answer:
    """The label of the first likeliest class of each pixel, or `UNDECIDED`."""
    axis = 1 + result.ndim
    best = graph.op("ArgMax", "output", axis=axis, keepdims=1)
    labels = graph.const([int(one["label"]) for one in segmentation["classes"]], np.int64)
    label = graph.op("Gather", labels, best, axis=0)
    top = graph.op("ReduceMax", "output", graph.ints(axis), keepdims=1)
    least = graph.const(float(segmentation.get("undecided", 0.0)))
    sure = graph.op("GreaterOrEqual", top, least)
    undecided = graph.const(UNDECIDED, np.int64)
    graph.nodes.append(("Where", [sure, label, undecided], ["labels"], {}))
    return Answer("labels", "int64")
