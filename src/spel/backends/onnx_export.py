"""ONNX: a network as one file of standard operators, checked against the engine before it exists.

The file needs no operator of spel: any runtime of the operators' version runs it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from spel import atomic
from spel.backends.capability import check_one_output
from spel.backends.onnx_answers import add_answers
from spel.backends.onnx_detector import windows_of
from spel.backends.onnx_detector_export import checked_detector
from spel.backends.onnx_graph import OPSET
from spel.backends.onnx_model import imported, model_bytes
from spel.backends.onnx_network import recorded
from spel.backends.onnx_report import TOLERANCE, Input, OnnxReport, batch_of, check_input
from spel.backends.onnx_run import session
from spel.errors import ParameterError, SpelError
from spel.nn.intensity import match_white
from spel.nn.network import Network


def to_onnx(
    network: Network,
    path: str | os.PathLike[str],
    *,
    images: Sequence[npt.ArrayLike],
    dtype: Input = "float32",
    tolerance: float = TOLERANCE,
) -> OnnxReport:
    """Write a network to an ONNX file, if ONNX Runtime gives the engine's numbers.

    The file of a network that slides windows (`spel.rigid`) goes from pixels to boxes, see
    `spel.backends.onnx_detector_export`.

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
        If a layer cannot be expressed exactly (the message names the node).
    SpelError
        If the numbers differ by more than the tolerance: nothing is written then.
    BackendMissingError
        Without the extra "onnx".

    Notes
    -----
    Standard operators of opset 18 (ONNX 1.13, ONNX Runtime 1.14, from early 2023). Finite inputs:
    what NaN and infinity do is left to the runtime.
    """
    windows = windows_of(network)
    if windows is None:
        model, report = checked_onnx(network, path, images=images, dtype=dtype, tolerance=tolerance)
    else:
        model, report = checked_detector(network, windows, path, images, dtype, tolerance)
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
    run = session(model, os.fspath(path))
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
    run = session(onnx_bytes(network, shape), "the network")
    axes = len(_lifted(network, shape))

    def call(image: npt.ArrayLike) -> Any:
        array = np.asarray(image)
        array = array[..., None] if array.ndim == axes - 1 else array
        values = np.ascontiguousarray(array, dtype=np.float32)
        return run(values) if values.ndim > axes else run(values[None])[0]

    return call


def onnx_bytes(network: Network, shape: Sequence[int], *, dtype: Input = "float32") -> bytes:
    """The network as the bytes of an ONNX file, unchecked; `to_onnx` is the checked way."""
    imported("onnx")
    check_one_output(network, "onnx")
    check_input(dtype)
    lifted = _lifted(network, shape)
    # A layer that takes its statistics from the batch has a shape for batches only.
    shapes = network.shapes((2, *lifted) if network.scope == "batch" else lifted)
    graph, result = recorded(network, lifted, dtype)
    answers = add_answers(network, graph, result)
    spels = ["planes", "rows", "cols"][-(len(lifted) - 1) :]
    sizes = [f"out_{name}" for name in spels] if result.ndim else []
    one: list[str | int] = ["batch", *sizes, 1]
    all_channels: list[str | int] = [*one[:-1], shapes[network.output][-1]]
    return model_bytes(
        network,
        graph,
        [("image", dtype, ["batch", *spels, lifted[-1]])],
        [
            ("output", "float32", all_channels),
            *[(answer.name, answer.dtype, one) for answer in answers],
        ],
        about=f"input image ({dtype}), output as spel gives it",
    )


def _compare(
    network: Network, run: Callable[..., Any], image: npt.ArrayLike, dtype: str, number: int
) -> float:
    array = np.asarray(image)
    theirs = run(batch_of(network, array, dtype, number))[0]
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
