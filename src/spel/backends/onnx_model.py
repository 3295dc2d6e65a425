"""A recorded graph as the bytes of an ONNX file, with its inputs, outputs and properties."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from spel import __version__
from spel.backends.onnx_graph import OPSET, Body, Graph, Recorded
from spel.errors import BackendMissingError
from spel.nn.network import Network

IR_VERSION = 8
"""Version of the file's own structure; runtimes since 2022 read it."""

Described = tuple[str, str, Sequence[str | int]]
"""An input or output: its name, type, and sizes (a name for each that may be any)."""


def model_bytes(
    network: Network,
    graph: Graph,
    inputs: Sequence[Described],
    outputs: Sequence[Described],
    *,
    about: str,
    **properties: str,
) -> bytes:
    """The checked model of a graph that was recorded for a network."""
    onnx = imported("onnx")
    helper, types = onnx.helper, _types(onnx)
    described = [
        [
            helper.make_tensor_value_info(name, types[kind], list(sizes))
            for name, kind, sizes in some
        ]
        for some in (inputs, outputs)
    ]
    constants = [onnx.numpy_helper.from_array(a, n) for n, a in graph.constants.items()]
    model = helper.make_model(
        helper.make_graph(_nodes(onnx, graph.nodes), "spel", *described, constants),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="spel",
        producer_version=__version__,
        doc_string=f"ONNX opset {OPSET}; {about}",
    )
    helper.set_model_props(model, {**_properties(network), **properties})
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())


def imported(name: str) -> Any:
    """The package onnx or onnxruntime.

    Raises
    ------
    BackendMissingError
    """
    try:
        if name == "onnx":
            import onnx

            return onnx
        import onnxruntime

        return onnxruntime
    except ImportError as error:
        raise BackendMissingError(
            f'this needs the package {name}, which is not installed; try: pip install "spel[onnx]"'
        ) from error


def _nodes(onnx: Any, nodes: Sequence[Recorded]) -> list[Any]:
    return [
        onnx.helper.make_node(kind, inputs, outputs, **_attributes(onnx, attributes))
        for kind, inputs, outputs, attributes in nodes
    ]


def _attributes(onnx: Any, attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _attribute(onnx, name, value) for name, value in attributes.items()}


def _attribute(onnx: Any, name: str, value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return onnx.numpy_helper.from_array(value)
    if isinstance(value, Body):
        return _body(onnx, name, value)
    return _types(onnx)[value] if name == "to" else value


def _body(onnx: Any, name: str, body: Body) -> Any:
    types = _types(onnx)
    ends = [
        [onnx.helper.make_tensor_value_info(n, types[kind], shape) for n, kind, shape in some]
        for some in (body.inputs, body.outputs)
    ]
    return onnx.helper.make_graph(_nodes(onnx, body.nodes), name, *ends)


def _types(onnx: Any) -> dict[str, int]:
    kinds = onnx.TensorProto
    return {
        "float32": kinds.FLOAT,
        "float64": kinds.DOUBLE,
        "int64": kinds.INT64,
        "uint8": kinds.UINT8,
        "uint16": kinds.UINT16,
        "bool": kinds.BOOL,
    }


def _properties(network: Network) -> Mapping[str, str]:
    info = {"fingerprint": network.whole_fingerprint(), "spel": __version__}
    if network.meta:
        info["meta"] = json.dumps(dict(network.meta), default=str)
    return info
