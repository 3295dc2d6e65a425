"""A package for the BioImage Model Zoo: the ONNX file, a test image with its result, and a card.

The form is that of https://github.com/bioimage-io/spec-bioimage-io, model 0.5; its own validator,
``bioimageio test model.zip``, runs the package and compares the results.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from spel import __version__, atomic
from spel.backends.onnx_export import checked_onnx
from spel.backends.onnx_graph import OPSET
from spel.backends.onnx_report import TOLERANCE, OnnxReport
from spel.errors import FormatError, ShapeError, plural
from spel.nn.card import card_license, model_card
from spel.nn.intensity import expected_white
from spel.nn.network import Network

FORMAT = "0.5.3"
AXES = ("z", "y", "x")
METHOD = "FLIM networks for salient object detection with adaptive decoders, 2025"


def to_bioimageio(
    network: Network,
    path: str | os.PathLike[str],
    *,
    images: Sequence[npt.ArrayLike],
    authors: Sequence[str] = (),
    license: str = "",
    tolerance: float = TOLERANCE,
) -> OnnxReport:
    """Write a network as a package (.zip) of the BioImage Model Zoo.

    Parameters
    ----------
    network : Network
        As for `to_onnx`.
    path : path
        ``*.zip``, whose name becomes that of the model; written whole or not at all.
    images : sequence of arrays
        At least one, as the network takes them. The first becomes the test of the package.
    authors : sequence of str
        Names of those who made the network; the zoo's website expects some.
    license : str
        Its identifier in the list of SPDX, such as "CC-BY-4.0"; by default, that of the card.
    tolerance : float
        Largest difference over the engine's largest absolute value.

    Returns
    -------
    OnnxReport

    Raises
    ------
    UnsupportedLayerError, SpelError, BackendMissingError
        As `to_onnx`.
    FormatError
        If the file is not named ``*.zip``.
    ShapeError
        If the network does not give an image, or its strides do not divide the test image.
    """
    import yaml

    place = os.fspath(path)
    if not place.lower().endswith(".zip"):
        raise FormatError(f"{place}: a package of the BioImage Model Zoo is named *.zip")
    model, report = checked_onnx(network, place, images=images, tolerance=tolerance)
    image = np.asarray(images[0], dtype=np.float32)
    image = image[..., None] if image.ndim == (network.ndim or 2) else image
    result = np.asarray(network(image), dtype=np.float32)
    files = {
        "model.onnx": model,
        "test_input.npy": _npy(image[None]),
        "test_output.npy": _npy(result[None]),
        "README.md": _card(network, _name(place), report).encode(),
    }
    about = {
        "format_version": FORMAT,
        "type": "model",
        "name": _name(place),
        "description": f"{len(network.nodes)} layers over adjacency relations, exported by spel",
        "authors": [{"name": author} for author in authors],
        "cite": [{"text": METHOD, "url": "https://arxiv.org/abs/2504.20872"}],
        "tags": ["spel", "explainable"],
        "documentation": "README.md",
        "inputs": [_input(network, image)],
        "outputs": [_output(image, result)],
        "weights": {
            "onnx": {
                "source": "model.onnx",
                "sha256": hashlib.sha256(model).hexdigest(),
                "opset_version": OPSET,
            }
        },
    }
    if license or card_license(network):
        about["license"] = license or card_license(network)
    files["rdf.yaml"] = yaml.safe_dump(about, sort_keys=False, allow_unicode=True).encode()
    atomic.write_bytes(path, _zip(files))
    return report


def _name(place: str) -> str:
    """The name of the file in the letters that the zoo allows; it wants five at least."""
    stem = os.path.splitext(os.path.basename(place))[0]
    return re.sub(r"[^\w +()-]", "-", stem, flags=re.ASCII) + " (spel)"


def _input(network: Network, image: npt.NDArray[Any]) -> dict[str, Any]:
    white = expected_white(network)
    data: dict[str, Any] = {"type": "float32"}
    if white is not None:
        data["range"] = [0.0, float(white)]
    steps = network.footprints[network.output].stride
    axes = [
        {"type": "space", "id": axis, "size": {"min": int(step), "step": int(step)}}
        for axis, step in zip(AXES[-len(steps) :], steps)
    ]
    return {
        "id": "image",
        "axes": [{"type": "batch"}, *axes, _channels(image)],
        "test_tensor": {"source": "test_input.npy"},
        "data": data,
    }


def _output(image: npt.NDArray[Any], result: npt.NDArray[Any]) -> dict[str, Any]:
    sizes, before = result.shape[:-1], image.shape[:-1]
    if len(sizes) != len(before) or any(n % m for n, m in zip(before, sizes)):
        raise ShapeError(
            f"bioimageio: an image of {before} gives a result of {sizes}; expected one of the same "
            "axes, whose strides divide the image: cut the image to a multiple of the strides"
        )
    axes = [
        {
            "type": "space",
            "id": axis,
            "size": {"tensor_id": "image", "axis_id": axis},
            "scale": n // m,
        }
        for axis, n, m in zip(AXES[-len(sizes) :], before, sizes)
    ]
    return {
        "id": "output",
        "axes": [{"type": "batch"}, *axes, _channels(result)],
        "test_tensor": {"source": "test_output.npy"},
        "data": {"type": "float32"},
    }


def _channels(array: npt.NDArray[Any]) -> dict[str, Any]:
    return {"type": "channel", "channel_names": [f"channel{n}" for n in range(array.shape[-1])]}


def _card(network: Network, name: str, report: OnnxReport) -> str:
    """The README of the package: the network's card, and how exact the file is."""
    return (
        f"{model_card(network, name)}\n## The ONNX file\n\nExported by spel {__version__}. ONNX "
        f"Runtime differed from spel's engine by at most {report.difference:.1e} of the largest "
        f"value, on {plural(report.images, 'image')}.\n"
    )


def _npy(array: npt.NDArray[Any]) -> bytes:
    file = io.BytesIO()
    np.save(file, np.ascontiguousarray(array), allow_pickle=False)
    return file.getvalue()


def _zip(files: Mapping[str, bytes]) -> bytes:
    """The files in one archive, the same bytes whenever it is made."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return file.getvalue()
