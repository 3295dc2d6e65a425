"""Writing networks as the FLIM group's files: ``arch.json`` and model folders."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from spel import atomic
from spel.core.adjacency import Adjacency
from spel.errors import ParameterError
from spel.nn import Activation, Color, Convolution, MaxPool, MeanPool, Network, Unlearned

_MODEL_FILE = re.compile(r"arch\.json|conv[0-9]+-(kernels\.npy|[a-z]+\.txt)")

__all__ = ["arch_of", "write_arch", "write_model"]


def write_arch(path: str | os.PathLike[str], network: Network) -> None:
    """Write the architecture of a network as libift's ``arch.json``.

    Raises
    ------
    ParameterError
        If a layer has no place in that format (its blocks are convolution, ReLU, pooling).
    """
    atomic.write_text(path, json.dumps(arch_of(network), indent=4) + "\n")


def write_model(folder: str | os.PathLike[str], network: Network) -> None:
    """Write a learned network as a model folder: kernels, biases, labels, weights, ``arch.json``.

    The folder appears as a whole or not at all. An earlier model folder in its place is replaced.

    Raises
    ------
    ParameterError
        If the network has other layers than blocks of convolution, ReLU and pooling (a colour layer
        before them apart), kernels over no rectangle, another border than zeros or the means of
        the channels, a layer still to be learned, or if the folder holds other files.
    """
    content = arch_of(network)
    for node in network.nodes:
        if isinstance(node.layer, Unlearned):
            raise ParameterError(
                f"node {node.name!r} is still to be learned and has no kernels; write arch.json "
                "alone (write_arch), or learn it first"
            )
        if isinstance(node.layer, Convolution):
            _mean(node.layer)
    with atomic.replacing_folder(folder, lambda name: bool(_MODEL_FILE.fullmatch(name))) as place:
        atomic.write_text(place / "arch.json", json.dumps(content, indent=4) + "\n")
        _write_banks(place, network)


def _write_banks(place: Path, network: Network) -> None:
    banks = [n.layer for n in network.nodes if isinstance(n.layer, Convolution)]
    for number, convolution in enumerate(banks, 1):
        bank = convolution.bank
        stem = f"conv{number}"
        matrix = np.ascontiguousarray(bank.weights.reshape(len(bank), -1).T, dtype="<f4")
        data = BytesIO()
        np.lib.format.write_array(data, matrix, version=(1, 0), allow_pickle=False)
        atomic.write_bytes(place / f"{stem}-kernels.npy", data.getvalue())
        _write_numbers(place / f"{stem}-bias.txt", [f"{b:.9g}" for b in bank.bias])
        mean = " ".join(f"{value:.17g}" for value in _mean(convolution))
        atomic.write_text(place / f"{stem}-mean.txt", mean + "\n")
        if bank.provenance:
            labels = [p.label for p in bank.provenance]
            _write_numbers(place / f"{stem}-labels.txt", [str(label) for label in labels])
            background = network.meta.get("background", 0)
            signs = [f"{-1.0 if label == background else 1.0:.6f}" for label in labels]
            _write_numbers(place / f"{stem}-weights.txt", signs)


def _mean(convolution: Convolution) -> Sequence[float]:
    """The means of the channels, with which libift fills the border."""
    border = convolution.border
    if isinstance(border, tuple):
        return border
    if border == "zero" or border == 0:
        return (0.0,) * convolution.bank.channels
    raise ParameterError(
        f"border {border!r}: libift fills the border with zeros or the means of the channels"
    )


def arch_of(network: Network) -> dict[str, Any]:
    """The dictionary of ``arch.json`` for a network of blocks.

    Raises
    ------
    ParameterError
        If a layer has no place in that format.
    """
    blocks: list[dict[str, Any]] = []
    extra = network.meta.get("arch", {})
    for node in network.nodes:
        layer = node.layer
        if isinstance(layer, Color) and not blocks:
            continue
        if isinstance(layer, Convolution | Unlearned):
            blocks.append(
                {
                    "conv": _conv_entry(layer, node.name, network),
                    "relu": False,
                    "pooling": {"type": "no_pool", "size": [1, 1, 0], "stride": 1},
                }
            )
        elif blocks and isinstance(layer, Activation) and layer.function == "relu":
            blocks[-1]["relu"] = True
        elif blocks and isinstance(layer, MaxPool | MeanPool):
            kind = "max_pool" if isinstance(layer, MaxPool) else "avg_pool"
            blocks[-1]["pooling"] = {
                "type": kind,
                "size": _box_of(layer.adjacency, node.name)[0],
                "stride": _one_stride(layer.stride),
            }
        else:
            raise ParameterError(
                f"node {node.name!r}: {type(layer).__name__} has no place in arch.json; it knows "
                "blocks of convolution, ReLU and pooling. Write the encoder alone (network.upto)"
            )
    if not blocks:
        raise ParameterError("the network has no convolution; arch.json describes at least one")
    return {
        "nlayers": len(blocks),
        "stdev_factor": float(extra.get("stdev_factor", 0.01)),
        "apply_intrinsic_atrous": bool(extra.get("apply_intrinsic_atrous", False)),
        **{f"layer{number}": block for number, block in enumerate(blocks, 1)},
    }


def _conv_entry(layer: Convolution | Unlearned, name: str, network: Network) -> dict[str, Any]:
    adjacency = layer.adjacency if isinstance(layer, Unlearned) else layer.bank.adjacency
    size, dilation = _box_of(adjacency, name)
    learned = network.meta.get("learned", {}).get(name, {})
    unlearned = layer if isinstance(layer, Unlearned) else None
    per_stroke = unlearned.per_stroke if unlearned else learned.get("per_stroke", 1)
    per_image = unlearned.per_image if unlearned else learned.get("per_image")
    return {
        "kernel_size": size,
        "dilation_rate": dilation,
        "nkernels_per_image": per_image or 1000,
        "nkernels_per_marker": per_stroke,
        "noutput_channels": unlearned.kernels if unlearned else len(layer.bank),  # type: ignore[union-attr]
        "bias": True,
        "stride": _one_stride(layer.stride),
    }


def _box_of(adjacency: Adjacency, name: str) -> tuple[list[int], list[int]]:
    """Size and dilation as ``[x, y, z]`` of a centred box."""
    columns = adjacency.displacements.T
    steps = [int(np.gcd.reduce(column)) or 1 for column in columns]
    size = [int(column.max() // step * 2 + 1) for column, step in zip(columns, steps)]
    if adjacency != Adjacency.box(size).dilated(steps):
        raise ParameterError(
            f"node {name!r}: {adjacency!r:.60} is no centred rectangle; arch.json knows only those"
        )
    flat = adjacency.ndim == 2
    return (size[::-1] + [0] if flat else size[::-1]), (steps[::-1] + [0] if flat else steps[::-1])


def _one_stride(stride: int | Sequence[int]) -> int:
    strides = {int(s) for s in np.atleast_1d(np.asarray(stride))}
    if len(strides) > 1:
        raise ParameterError(f"stride {stride!r}: arch.json knows one stride for all axes")
    return strides.pop()


def _write_numbers(path: Path, values: Sequence[str]) -> None:
    atomic.write_text(path, f"{len(values)}\n{' '.join(values)} \n")
