"""The peers' fastest documented ways; an absent package gives None, and the row leaves it out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.environment import missing

try:
    import cv2
except ImportError:
    cv2 = None
try:
    import torch
except ImportError:
    torch = None

ABSENT = missing("cv2", "torch", "onnxruntime", "onnx", "scipy", "skimage")
Run = Callable[[], Any]


def planar(array: Any) -> Any:
    """(rows, cols, C) as a view of planar memory, as spel's own results are."""
    return np.ascontiguousarray(np.moveaxis(array, -1, 0)).transpose(1, 2, 0)


def torch_run(make: Callable[[Any], Callable[[Any], Any]], channels_first: Any) -> Run | None:
    """A PyTorch expression of a (1, C, H, W) tensor."""
    if torch is None:
        return None
    tensor = torch.from_numpy(np.ascontiguousarray(channels_first)[None])
    function = make(torch)

    def run() -> Any:
        with torch.inference_mode():
            return function(tensor)

    return run


def onnx_run(
    build: Callable[[Any], tuple[list[Any], list[Any]]], channels_first: Any, threads: int
) -> Run | None:
    """An ONNX Runtime session of a graph from "x" (1, C, H, W) to "y"."""
    if "onnx" in ABSENT or "onnxruntime" in ABSENT:
        return None
    import onnx
    import onnxruntime
    from onnx import TensorProto, helper

    x = np.ascontiguousarray(channels_first)[None]
    nodes, constants = build(onnx)
    graph = helper.make_graph(
        nodes,
        "peer",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return lambda: session.run(None, {"x": x})[0]


def channels_last(result: Any) -> Any:
    """Any contender's result as (rows, cols, C) or (rows, cols)."""
    array = np.asarray(result)
    return np.moveaxis(array[0], 0, -1) if array.ndim == 4 else array
