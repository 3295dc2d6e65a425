"""libift: a network as a model folder of arch.json, kernels and biases, if it can be one."""

from __future__ import annotations

import json
import os
import re
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from spel import atomic
from spel.backends.geometry import bounding_lattice
from spel.core.adjacency import Adjacency
from spel.errors import UnsupportedLayerError
from spel.nn import Activation, Color, Convolution, Layer, MaxPool, MeanPool
from spel.nn.network import Network
from spel.nn.node import INPUT, in_node

_MODEL_FILE = re.compile(r"arch\.json|conv[0-9]+-(kernels\.npy|[a-z]+\.txt)")

INPUT_SPACE = "labnorm2"
"""The colour space to which libift converts images itself, and with which a network may begin."""


def to_libift(network: Network, folder: str | os.PathLike[str]) -> None:
    """Write a chain of convolutions, ReLU and poolings as a libift model folder.

    `spel.io.annotation.libift.read_model` reads it back. The folder appears as a whole or not at
    all; an earlier model folder in its place is replaced.

    Parameters
    ----------
    network : Network
    folder : str or path

    Raises
    ------
    UnsupportedLayerError
        If libift has no such layer: other activations, adjacencies other than boxes of odd sizes,
        branches. The note names the node.
    """
    layers = _grouped(network)
    with atomic.replacing_folder(folder, lambda name: bool(_MODEL_FILE.fullmatch(name))) as place:
        _write(layers, place)


def _write(layers: list[tuple[dict[str, Any], Convolution]], place: Path) -> None:
    for number, (described, convolution) in enumerate(layers, start=1):
        bank = convolution.bank
        stem = f"conv{number}"
        data = BytesIO()
        np.save(data, bank.weights.reshape(len(bank), -1).T.astype("<f4", order="C"))
        atomic.write_bytes(place / f"{stem}-kernels.npy", data.getvalue())
        atomic.write_text(place / f"{stem}-bias.txt", _text(bank.bias, counted=True))
        border = convolution.border
        mean = border if isinstance(border, tuple) else [0.0] * bank.channels
        atomic.write_text(place / f"{stem}-mean.txt", _text(mean))
        if bank.provenance:
            labels = [p.label for p in bank.provenance]
            atomic.write_text(place / f"{stem}-labels.txt", _text(labels, counted=True))
        del described["kernels"]
    arch = {
        "nlayers": len(layers),
        "stdev_factor": 0.01,
        "apply_intrinsic_atrous": False,
        **{f"layer{i}": described for i, (described, _) in enumerate(layers, start=1)},
    }
    atomic.write_text(place / "arch.json", json.dumps(arch, indent=2) + "\n")


def _grouped(network: Network) -> list[tuple[dict[str, Any], Convolution]]:
    """Layers as libift counts them: convolution, ReLU, pooling."""
    layers: list[tuple[dict[str, Any], Convolution]] = []
    source, stage = INPUT, "pooling"
    for node in network.nodes:
        with in_node(node):
            layer = node.layer
            if node.inputs != (source,):
                raise _refused(layer, "a libift model has no branches")
            if isinstance(layer, Color) and source == INPUT:
                if layer.space != INPUT_SPACE or layer.white != 255.0:
                    raise _refused(layer, f"libift models take {INPUT_SPACE} of 8-bit images")
            elif isinstance(layer, Convolution):
                layers.append((_described(layer), layer))
                stage = "convolution"
            elif isinstance(layer, Activation) and stage == "convolution":
                if layer.function != "relu":
                    raise _refused(layer, "the only activation of libift is relu")
                layers[-1][0]["relu"] = True
                stage = "relu"
            elif isinstance(layer, MaxPool | MeanPool) and stage in ("convolution", "relu"):
                layers[-1][0]["pooling"] = _pooling(layer)
                stage = "pooling"
            else:
                raise _refused(layer, "libift has convolution, relu and pooling, in this order")
            source = node.name
    return layers


def _described(layer: Convolution) -> dict[str, Any]:
    if layer.border != "zero" and not isinstance(layer.border, tuple):
        raise _refused(layer, f"libift supplies the channels' means, not border {layer.border!r}")
    size, dilation = _box(layer, layer.bank.adjacency)
    return {
        "kernels": len(layer.bank),
        "conv": {
            "kernel_size": size,
            "dilation_rate": dilation,
            "nkernels_per_image": 1000,
            "nkernels_per_marker": 1,
            "noutput_channels": len(layer.bank),
            "bias": True,
            "stride": _stride(layer),
        },
        "relu": False,
        "pooling": {"type": "no_pool", "size": [1, 1, 0], "stride": 1},
    }


def _pooling(layer: MaxPool | MeanPool) -> dict[str, Any]:
    if layer.border != "inside" or (isinstance(layer, MeanPool) and layer.count != "full"):
        raise _refused(layer, "libift's maximum is over spels inside, its mean over all")
    size, dilation = _box(layer, layer.adjacency)
    if any(d > 1 for d in dilation[:2]):
        raise _refused(layer, "poolings of libift have no dilation")
    kind = "max_pool" if isinstance(layer, MaxPool) else "avg_pool"
    return {"type": kind, "size": size, "stride": _stride(layer)}


def _stride(layer: Any) -> int:
    strides = set(layer.scope.strides)
    if len(strides) > 1:
        raise _refused(layer, "strides of libift are the same along all axes")
    return int(strides.pop())


def _box(layer: Layer, adjacency: Adjacency) -> tuple[list[int], list[int]]:
    """Size and dilation, ``[x, y, 0]``; only boxes of odd sizes about the spel."""
    box = bounding_lattice(adjacency)
    good = adjacency.ndim == 2 and all(n % 2 for n in box.size)
    if not good or adjacency != Adjacency.box(box.size).dilated(box.step):
        raise _refused(layer, "libift has boxes of odd sizes about the spel, in 2 axes")
    return [*box.size[::-1], 0], [*box.step[::-1], 0]


def _text(values: Any, *, counted: bool = False) -> str:
    words = " ".join(repr(float(np.float32(v))) for v in values)
    return f"{len(list(values))}\n{words}\n" if counted else f"{words}\n"


def _refused(layer: Layer, why: str) -> UnsupportedLayerError:
    return UnsupportedLayerError(f"libift: {layer.describe()}: {why}; export to onnx instead")
