"""ONNX files of detectors that slide windows: from pixels to boxes, in one file.

The input is ``image``, as for other networks: a batch of images of any size. The outputs have one
row for each box, image by image and best first:

- ``boxes`` (n, 4) float32: ``x0 y0 x1 y1`` in the image;
- ``scores`` (n,) float32: probabilities;
- ``labels`` (n,) int64: the number of the class, whose names stand in the file's property
  ``classes``; 0 where there is one class;
- ``images`` (n,) int64: the number of the image in the batch.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.backends.onnx_detector import OUTPUTS, record_detector
from spel.backends.onnx_graph import OPSET
from spel.backends.onnx_model import imported, model_bytes
from spel.backends.onnx_report import OnnxReport, batch_of, check_input
from spel.backends.onnx_run import answers
from spel.core.detections import Detections
from spel.errors import ParameterError, SpelError
from spel.nn.intensity import match_white
from spel.nn.network import Network
from spel.rigid.classes import ClassWindows
from spel.rigid.detect import detect_rigid
from spel.rigid.detect_classes import detect_classes
from spel.rigid.windows import Windows

AnyWindows = Windows | ClassWindows


def detector_bytes(
    network: Network, windows: AnyWindows, shape: Sequence[int], *, dtype: str = "float32"
) -> bytes:
    """A detector as the bytes of an ONNX file, unchecked; `to_onnx` is the checked way."""
    imported("onnx")
    check_input(dtype)
    lifted = (*shape, 1) if len(shape) == 2 else tuple(shape)
    network.shape(lifted)
    graph = record_detector(network, windows, lifted, dtype)
    types = ("float32", "float32", "int64", "int64")
    sizes: tuple[list[str | int], ...] = (["n", 4], ["n"], ["n"], ["n"])
    names = windows.names if isinstance(windows, ClassWindows) else ()
    return model_bytes(
        network,
        graph,
        [("image", dtype, ["batch", "rows", "cols", lifted[-1]])],
        list(zip(OUTPUTS, types, sizes)),
        about=f"input image ({dtype}), outputs {', '.join(OUTPUTS)} as spel detects",
        **({"classes": json.dumps(list(names))} if names else {}),
    )


def checked_detector(
    network: Network,
    windows: AnyWindows,
    path: str | os.PathLike[str],
    images: Sequence[npt.ArrayLike],
    dtype: str,
    tolerance: float,
) -> tuple[bytes, OnnxReport]:
    """The bytes of a detector's file, if it finds the engine's boxes in the images.

    Raises
    ------
    SpelError
        If a box is missing, or a score or a side differs by more than the tolerance.
    """
    if not len(images):
        raise ParameterError("onnx: no image to compare with; give at least one")
    model = detector_bytes(network, windows, np.shape(images[0]), dtype=dtype)
    run = answers(model, os.fspath(path))
    difference, boxes = 0.0, 0
    for number, image in enumerate(images):
        array = np.asarray(image)
        theirs = run(batch_of(network, array, dtype, number))
        ours = _detected(
            network, array if dtype == "float32" else match_white(network, array), windows
        )
        one = box_difference(ours, theirs, windows)
        if not one <= tolerance:
            raise SpelError(
                f"{os.fspath(path)}: not written: {_what_differs(ours, theirs, one)} in image "
                f"{number}, more than {tolerance:.0e}. Allow more with tolerance=, or leave the "
                "image out"
            )
        difference, boxes = max(difference, one), boxes + len(ours)
    report = OnnxReport(os.fspath(path), OPSET, len(images), difference, tolerance, boxes)
    return model, report


def box_difference(
    ours: Detections, theirs: Mapping[str, npt.NDArray[Any]], windows: AnyWindows
) -> float:
    """Largest difference of a score, or of a side over the shorter side of its box.

    It is infinite if one of both has a box that the other one lacks.
    """
    names = windows.names if isinstance(windows, ClassWindows) else ("",)
    classes = ours.classes or ("",) * len(ours)
    worst = 0.0
    for label, name in enumerate(names):
        mine = [number for number, own in enumerate(classes) if own == name]
        chosen = theirs["labels"] == label
        boxes, scores = theirs["boxes"][chosen], theirs["scores"][chosen]
        if len(boxes) != len(mine):
            return float("inf")
        for number in mine:
            box, score = ours.boxes[number], ours.scores[number]
            shorter = max(float((box[2:] - box[:2]).min()), 1.0)
            away = np.abs(boxes - box).max(axis=1) / shorter
            worst = max(worst, float(np.maximum(away, np.abs(scores - score)).min()))
    return worst


def _detected(network: Network, image: npt.NDArray[Any], windows: AnyWindows) -> Detections:
    if isinstance(windows, ClassWindows):
        return detect_classes(network, image, windows)
    return detect_rigid(network, image, windows)


def _what_differs(ours: Detections, theirs: Mapping[str, Any], difference: float) -> str:
    if np.isfinite(difference):
        return f"a box of ONNX Runtime differs from the engine's by {difference:.2e}"
    return f"ONNX Runtime finds {len(theirs['boxes'])} boxes and the engine {len(ours)}"
