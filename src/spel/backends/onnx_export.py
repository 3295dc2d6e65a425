"""ONNX: a network as one file of standard operators, checked against the engine before it exists.

The file needs no operator of spel: any runtime of the operators' version runs it. This is the only
file that imports onnx and onnxruntime.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from spel import __version__, atomic
from spel.backends.capability import check_one_output
from spel.backends.onnx_answers import add_answers
from spel.backends.onnx_graph import OPSET, Graph, Value
from spel.backends.onnx_layers import translate
from spel.core.intensity import white_of_type
from spel.errors import BackendMissingError, FormatError, ParameterError, SpelError, plural
from spel.nn.intensity import expected_white, match_white
from spel.nn.network import Network
from spel.nn.node import INPUT, in_node

Input = Literal["float32", "uint8", "uint16"]

IR_VERSION = 8
"""Version of the file's own structure; runtimes since 2022 read it."""

TOLERANCE = 1e-4
"""Largest difference from the engine, over the engine's largest absolute value."""


@dataclass(frozen=True)
class OnnxReport:
    """What was written, and how far its results are from the engine's.

    Attributes
    ----------
    path : str
    opset : int
        Version of the standard operators.
    images : int
        How many were compared.
    difference : float
        Largest difference, over the engine's largest absolute value.
    tolerance : float
    """

    path: str
    opset: int
    images: int
    difference: float
    tolerance: float

    def __str__(self) -> str:
        return (
            f"{self.path}: ONNX opset {self.opset}, {plural(self.images, 'image')} compared with "
            f"the engine, largest difference {self.difference:.1e} of the largest value "
            f"(at most {self.tolerance:.0e})"
        )


def to_onnx(
    network: Network,
    path: str | os.PathLike[str],
    *,
    images: Sequence[npt.ArrayLike],
    dtype: Input = "float32",
    tolerance: float = TOLERANCE,
) -> OnnxReport:
    """Write a network to an ONNX file, if ONNX Runtime gives the engine's numbers.

    Parameters
    ----------
    network : Network
        All of it, the input's scaling (`Color`) included.
    path : path
        By custom ``*.onnx``; written whole or not at all.
    images : sequence of arrays
        At least one; as the network takes them. They determine the number of channels, and both
        the engine and ONNX Runtime run on them.
    dtype : {"float32", "uint8", "uint16"}
        Of the file's input, which is ``(batch, rows, cols, channels)`` of any size.
    tolerance : float
        Largest difference over the engine's largest absolute value.

    Returns
    -------
    OnnxReport

    Raises
    ------
    UnsupportedLayerError
        If a layer cannot be expressed exactly (the message names the node), or the network is a
        detector of several classes.
    SpelError
        If the numbers differ by more than the tolerance: nothing is written then.
    BackendMissingError
        Without the extra "onnx".

    Notes
    -----
    Standard operators of opset 18 (ONNX 1.13, ONNX Runtime 1.14, from early 2023). Finite inputs:
    what NaN and infinity do is left to the runtime.
    """
    model, report = checked_onnx(network, path, images=images, dtype=dtype, tolerance=tolerance)
    atomic.write_bytes(path, model)
    return report


def checked_onnx(
    network: Network,
    path: str | os.PathLike[str],
    *,
    images: Sequence[npt.ArrayLike],
    dtype: Input = "float32",
    tolerance: float = TOLERANCE,
) -> tuple[bytes, OnnxReport]:
    """The bytes of the ONNX file that is to be written at a path, compared as `to_onnx` says."""
    if not len(images):
        raise ParameterError("onnx: no image to compare with; give at least one")
    model = onnx_bytes(network, np.shape(images[0]), dtype=dtype)
    run = _session(model, os.fspath(path))
    difference = 0.0
    for number, image in enumerate(images):
        difference = max(difference, _compare(network, run, image, dtype, number))
    if not difference <= tolerance:
        raise SpelError(
            f"{os.fspath(path)}: not written: ONNX Runtime differs from the engine by "
            f"{difference:.2e} of the largest value, more than {tolerance:.0e}. Compare node by "
            "node with network.upto(name), or allow more with tolerance="
        )
    return model, OnnxReport(os.fspath(path), OPSET, len(images), difference, tolerance)


def compile_onnx(network: Network, shape: Sequence[int]) -> Callable[[npt.ArrayLike], Any]:
    """The network as a function of an image or batch, run by ONNX Runtime in memory."""
    run = _session(onnx_bytes(network, shape), "the network")
    axes = len(_lifted(network, shape))

    def call(image: npt.ArrayLike) -> Any:
        array = np.asarray(image)
        array = array[..., None] if array.ndim == axes - 1 else array
        values = np.ascontiguousarray(array, dtype=np.float32)
        return run(values) if values.ndim > axes else run(values[None])[0]

    return call


def onnx_bytes(network: Network, shape: Sequence[int], *, dtype: Input = "float32") -> bytes:
    """The network as the bytes of an ONNX file, unchecked; `to_onnx` is the checked way."""
    onnx = _imported("onnx")
    check_one_output(network, "onnx")
    if dtype not in ("float32", "uint8", "uint16"):
        raise ParameterError(f"onnx: dtype {dtype!r}; expected float32, uint8 or uint16")
    lifted = _lifted(network, shape)
    # A layer that takes its statistics from the batch has a shape for batches only.
    shapes = network.shapes((2, *lifted) if network.scope == "batch" else lifted)
    graph, result = recorded(network, lifted, dtype)
    answers = add_answers(network, graph, result)
    helper = onnx.helper
    types = {np.dtype(k): v for k, v in _types(onnx).items()}
    nodes = [
        helper.make_node(kind, inputs, outputs, **_attributes(onnx, attributes))
        for kind, inputs, outputs, attributes in graph.nodes
    ]
    constants = [onnx.numpy_helper.from_array(a, n) for n, a in graph.constants.items()]
    spels = ["planes", "rows", "cols"][-(len(lifted) - 1) :]
    input_info = helper.make_tensor_value_info(
        "image", types[np.dtype(dtype)], ["batch", *spels, lifted[-1]]
    )
    last = shapes[network.output]
    sizes = [f"out_{name}" for name in spels] if result.ndim else []
    info = helper.make_tensor_value_info(
        "output", types[np.dtype("f4")], ["batch", *sizes, last[-1]]
    )
    one = ["batch", *sizes, 1]
    more = [helper.make_tensor_value_info(a.name, types[np.dtype(a.dtype)], one) for a in answers]
    model = helper.make_model(
        helper.make_graph(nodes, "spel", [input_info], [info, *more], constants),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="spel",
        producer_version=__version__,
        doc_string=f"ONNX opset {OPSET}; input image ({dtype}), output as spel gives it",
    )
    helper.set_model_props(model, _properties(network))
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())


def recorded(network: Network, shape: Sequence[int], dtype: str) -> tuple[Graph, Value]:
    """The graph of a network, from "image" to "output", both with channels last."""
    graph = Graph()
    ndim = len(shape) - 1
    name = "image"
    if dtype != "float32":
        name = graph.op("Cast", name, to="float32")
        white, expected = white_of_type(dtype), expected_white(network)
        if expected is not None and white != expected:
            name = graph.op("Div", name, graph.const(white / expected))
    planar = graph.op("Transpose", name, perm=[0, ndim + 1, *range(1, ndim + 1)])
    values = {INPUT: Value(planar, int(shape[-1]), ndim)}
    for node in network.nodes:
        graph.scope = node.name
        with in_node(node):
            values[node.name] = translate(node.layer, graph, *[values[i] for i in node.inputs])
    result = values[network.output]
    order = [0, *result.axes, 1] if result.ndim else [0, 1]
    graph.nodes.append(("Transpose", [result.name], ["output"], {"perm": order}))
    return graph, result


def open_onnx(path: str | os.PathLike[str]) -> Callable[[npt.NDArray[Any]], npt.NDArray[Any]]:
    """A written file as a function of a batch, or an error that says why it cannot run.

    Raises
    ------
    FormatError
        If the file is no ONNX model, or asks for newer operators than the runtime has.
    """
    place = Path(path)
    try:
        data = place.read_bytes()
    except OSError as error:
        raise FormatError(f"{place}: cannot be read ({error.strerror or error})") from error
    return _session(data, str(place))


def _session(model: bytes, name: str) -> Callable[[npt.NDArray[Any]], npt.NDArray[Any]]:
    runtime = _imported("onnxruntime")
    options = runtime.SessionOptions()
    options.log_severity_level = 3
    try:
        session = runtime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime's exceptions have no common base
        raise FormatError(f"{name}: {_why_not(model, runtime, error)}") from error
    input_name = session.get_inputs()[0].name

    def run(batch: npt.NDArray[Any]) -> npt.NDArray[Any]:
        how = runtime.RunOptions()
        try:
            return np.asarray(
                _interruptible(
                    lambda: session.run(["output"], {input_name: batch}, how)[0],
                    stop=lambda: setattr(how, "terminate", True),
                )
            )
        except Exception as error:
            raise SpelError(
                f"{name}: ONNX Runtime {runtime.__version__} does not run it on an image of shape "
                f"{batch.shape[1:]} ({' '.join(str(error).split())[:200]}); give a larger image"
            ) from error

    return run


def _interruptible(call: Callable[[], Any], stop: Callable[[], None]) -> Any:
    """The result of a call that Ctrl-C does not reach: made in a thread, and stopped from here."""
    result: Future[Any] = Future()

    def made() -> None:
        try:
            result.set_result(call())
        except BaseException as error:
            result.set_exception(error)

    thread = threading.Thread(target=made, daemon=True, name="spel onnx")
    thread.start()
    try:
        return result.result()
    except KeyboardInterrupt:
        stop()
        thread.join()  # it ends after the node that it computes
        raise


def _why_not(model: bytes, runtime: Any, error: Exception) -> str:
    onnx = _imported("onnx")
    try:
        parsed = onnx.load_model_from_string(model)
    except Exception:
        return "no ONNX model, or a truncated one"
    opset = max((s.version for s in parsed.opset_import if s.domain in ("", "ai.onnx")), default=0)
    reason = " ".join(str(error).split())[:200]
    return (
        f"ONNX Runtime {runtime.__version__} does not run it (operators of opset {opset}, file "
        f"structure {parsed.ir_version}): {reason}. If the runtime is older than the file asks "
        f"for (opset 18 needs ONNX Runtime 1.14), update it: pip install -U onnxruntime"
    )


def _compare(
    network: Network, run: Callable[..., Any], image: npt.ArrayLike, dtype: str, number: int
) -> float:
    array = np.asarray(image)
    if dtype != "float32" and array.dtype != np.dtype(dtype):
        raise ParameterError(
            f"onnx: image {number} is {array.dtype}, the file's input {dtype}; give images of that "
            "dtype, or export with dtype='float32'"
        )
    lifted = array[..., None] if array.ndim == (network.ndim or 2) else array
    theirs = run(np.ascontiguousarray(lifted, dtype=dtype)[None])[0]
    ours = network(array if dtype == "float32" else match_white(network, array))
    return relative(ours, theirs)


def relative(ours: npt.NDArray[Any], theirs: npt.NDArray[Any]) -> float:
    """Largest difference over our largest absolute value; infinite for another shape."""
    if ours.shape != theirs.shape:
        return float("inf")
    if not ours.size:
        return 0.0
    top = float(np.abs(ours).max()) or 1.0
    difference = float(np.abs(ours.astype(np.float64) - theirs).max()) / top
    return difference if np.isfinite(difference) else float("inf")


def _lifted(network: Network, shape: Sequence[int]) -> tuple[int, ...]:
    whole = tuple(int(n) for n in shape)
    return (*whole, 1) if len(whole) == (network.ndim or 2) else whole


def _properties(network: Network) -> Mapping[str, str]:
    info = {"fingerprint": network.fingerprint(), "spel": __version__}
    if network.meta:
        info["meta"] = json.dumps(dict(network.meta), default=str)
    return info


def _attributes(onnx: Any, attributes: Mapping[str, Any]) -> dict[str, Any]:
    types = _types(onnx)
    return {
        name: onnx.numpy_helper.from_array(value)
        if isinstance(value, np.ndarray)
        else (types[value] if name == "to" else value)
        for name, value in attributes.items()
    }


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


def _imported(name: str) -> Any:
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
