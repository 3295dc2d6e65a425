"""ONNX files run by ONNX Runtime, with Ctrl-C, and with an error that says what to do."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.backends.onnx_model import imported
from spel.errors import FormatError, SpelError


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
    return session(data, str(place))


def session(model: bytes, name: str) -> Callable[[npt.NDArray[Any]], npt.NDArray[Any]]:
    """The bytes of a network's file as a function from a batch to "output"."""
    run = answers(model, name)
    return lambda batch: run(batch)["output"]


def answers(
    model: bytes, name: str
) -> Callable[[npt.NDArray[Any]], Mapping[str, npt.NDArray[Any]]]:
    """The bytes of a file as a function from a batch to all its outputs, by their names."""
    runtime = imported("onnxruntime")
    options = runtime.SessionOptions()
    options.log_severity_level = 3
    try:
        opened = runtime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime's exceptions have no common base
        raise FormatError(f"{name}: {_why_not(model, runtime, error)}") from error
    input_name = opened.get_inputs()[0].name
    names = [output.name for output in opened.get_outputs()]

    def run(batch: npt.NDArray[Any]) -> Mapping[str, npt.NDArray[Any]]:
        how = runtime.RunOptions()
        try:
            values = _interruptible(
                lambda: opened.run(names, {input_name: batch}, how),
                stop=lambda: setattr(how, "terminate", True),
            )
        except Exception as error:
            raise SpelError(
                f"{name}: ONNX Runtime {runtime.__version__} does not run it on an image of shape "
                f"{batch.shape[1:]} ({' '.join(str(error).split())[:200]}); give a larger image"
            ) from error
        return {one: np.asarray(value) for one, value in zip(names, values)}

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
    onnx = imported("onnx")
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
