"""The FLIM group's files: architectures and model folders.

``arch.json`` is the same for libift, FLIM-Builder and pyflim; LIDS's module JSON is read too. A
model folder holds ``convL-kernels.npy`` and ``convL-bias.txt`` (or mean and stdev) per layer.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spel import atomic
from spel.core.adjacency import Adjacency
from spel.core.bank import KernelBank, Provenance
from spel.core.window import Border
from spel.errors import FormatError, ParameterError, SpelError
from spel.io.numbers import read_bytes, read_json, read_text
from spel.nn import (
    Activation,
    Color,
    Convolution,
    MaxPool,
    MeanPool,
    Network,
    Node,
    Unlearned,
)
from spel.nn.layer import Layer
from spel.nn.network import INPUT

__all__ = ["read_arch", "read_model", "write_arch", "write_model"]

MAX_LAYERS = 100
MAX_SIZE = 1001


def read_arch(path: str | os.PathLike[str], *, space: str | None = "labnorm2") -> Network:
    """The network that an architecture file describes, its kernels still to be learned.

    Parameters
    ----------
    path : path
        ``arch.json`` of libift, FLIM-Builder or pyflim, or LIDS's module JSON.
    space : str, optional
        Colour space of the input (`spel.Color`); None leaves the colour layer out.

    Returns
    -------
    Network
        Nodes "color", then "conv1", "relu1", "pool1", "conv2", ...; ``meta["arch"]`` keeps what the
        file says besides (stdev_factor, apply_intrinsic_atrous).

    Raises
    ------
    FormatError
        If the file is malformed; the message names the layer and the field.
    """
    where = os.fspath(path)
    described = read_json(path)
    if not isinstance(described, dict):
        raise FormatError(f"{where}: expected a JSON object with nlayers and layer1, layer2, ...")
    if "features" in described:
        from spel.io.lids import layers_of

        nodes, meta = layers_of(described, where), {"from": "LIDS"}
    else:
        nodes, meta = _layers(described, where)
    first = [("color", Color(space))] if space else []  # type: ignore[arg-type]
    return _chained([*first, *nodes]).with_meta(arch=meta)


def write_arch(path: str | os.PathLike[str], network: Network) -> None:
    """Write the architecture of a network as libift's ``arch.json``.

    Raises
    ------
    ParameterError
        If a layer has no place in that format (its blocks are convolution, ReLU, pooling).
    """
    atomic.write_text(path, json.dumps(arch_of(network), indent=4) + "\n")


def read_model(
    folder: str | os.PathLike[str],
    *,
    arch: str | os.PathLike[str] | None = None,
    space: str | None = "labnorm2",
) -> Network:
    """A learned network from a model folder of the group.

    Parameters
    ----------
    folder : path
        With ``convL-kernels.npy`` and either ``convL-bias.txt`` or ``convL-mean.txt`` and
        ``convL-stdev.txt``, for L = 1, 2, ... Kernels are (|A| C, K), displacement-major.
    arch : path, optional
        By default the one ``*.json`` file with layers in the folder or beside it.
    space : str, optional
        Colour space of the input; libift's by default.

    Returns
    -------
    Network
        Its convolutions fill the border with the mean, as libift does: from the file, or solved
        from weights and biases; with zeros if these do not determine it (FLIM-BoFP).

    Raises
    ------
    FormatError
        If a file is missing, malformed, or of another size than the architecture says.
    """
    place = Path(folder)
    if not place.is_dir():
        raise FormatError(f"{place}: it is not a folder; give the folder of convL-kernels.npy")
    network = read_arch(arch if arch is not None else _found_arch(place), space=space)
    channels = 3 if space else None
    layer = 0
    for node in network.nodes:
        if isinstance(node.layer, Unlearned):
            layer += 1
            filled = _convolution(place, layer, node.layer, channels)
            channels = len(filled.bank)
            network = network.replace(node.name, filled)
    return network


def write_model(folder: str | os.PathLike[str], network: Network) -> None:
    """Write a learned network as a model folder: kernels, biases, labels, weights, ``arch.json``.

    Raises
    ------
    ParameterError
        If the network has other layers than blocks of convolution, ReLU and pooling (a colour layer
        before them apart), or kernels over no rectangle.
    """
    described = arch_of(network)
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    atomic.write_text(place / "arch.json", json.dumps(described, indent=4) + "\n")
    banks = [n.layer for n in network.nodes if isinstance(n.layer, Convolution)]
    for number, convolution in enumerate(banks, 1):
        bank = convolution.bank
        stem = f"conv{number}"
        matrix = np.ascontiguousarray(bank.weights.reshape(len(bank), -1).T, dtype="<f4")
        data = BytesIO()
        np.lib.format.write_array(data, matrix, version=(1, 0), allow_pickle=False)
        atomic.write_bytes(place / f"{stem}-kernels.npy", data.getvalue())
        _write_numbers(place / f"{stem}-bias.txt", [f"{b:.6f}" for b in bank.bias])
        if bank.provenance:
            labels = [p.label for p in bank.provenance]
            _write_numbers(place / f"{stem}-labels.txt", [str(label) for label in labels])
            signs = [f"{1.0 if label else -1.0:.6f}" for label in labels]
            _write_numbers(place / f"{stem}-weights.txt", signs)


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


# -- reading -----------------------------------------------------------------------------------


def _layers(described: Mapping[str, Any], where: str) -> tuple[list[tuple[str, Layer]], Any]:
    count = described.get("nlayers")
    if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= MAX_LAYERS:
        raise FormatError(f"{where}: nlayers {count!r}; expected a number from 1 to {MAX_LAYERS}")
    factor = described.get("stdev_factor", 0.01)
    if not isinstance(factor, int | float) or isinstance(factor, bool) or factor < 0:
        raise FormatError(f"{where}: stdev_factor {factor!r}; expected a number of at least 0")
    nodes: list[tuple[str, Layer]] = []
    for number in range(1, count + 1):
        block = described.get(f"layer{number}")
        here = f"{where}: layer{number}"
        if not isinstance(block, dict) or not isinstance(block.get("conv"), dict):
            raise FormatError(f"{here} is missing, or has no conv; the file says {count} layers")
        nodes.append((f"conv{number}", _unlearned(block["conv"], f"{here}.conv")))
        if block.get("relu", True):
            nodes.append((f"relu{number}", Activation("relu")))
        pooling = _pooling(block.get("pooling"), f"{here}.pooling")
        if pooling is not None:
            nodes.append((f"pool{number}", pooling))
    atrous = bool(described.get("apply_intrinsic_atrous", False))
    return nodes, {"stdev_factor": float(factor), "apply_intrinsic_atrous": atrous}


def _unlearned(conv: Mapping[str, Any], here: str) -> Unlearned:
    area = box_adjacency(conv.get("kernel_size"), conv.get("dilation_rate", 1), here)
    return Unlearned(
        area,
        kernels=whole(conv, "noutput_channels", here),
        per_stroke=whole(conv, "nkernels_per_marker", here, 1),
        per_image=whole(conv, "nkernels_per_image", here, 1_000_000),
        stride=whole(conv, "stride", here, 1),
    )


def _pooling(described: Any, here: str) -> Layer | None:
    if described is None:
        return None
    if not isinstance(described, dict):
        raise FormatError(f"{here}: {described!r:.40}; expected type, size and stride")
    kind = described.get("type", "no_pool")
    if kind == "no_pool":
        return None
    if kind not in ("max_pool", "avg_pool"):
        raise FormatError(f"{here}.type {kind!r}; expected max_pool, avg_pool or no_pool")
    area = box_adjacency(described.get("size"), 1, here)
    stride = whole(described, "stride", here, 1)
    if kind == "max_pool":
        return MaxPool(area, stride=stride)
    return MeanPool(area, stride=stride, count="full")


def box_adjacency(size: Any, dilation: Any, here: str) -> Adjacency:
    """A box of libift: ``[x, y, z]``, z = 0 for pixels; an even size n reaches as far as n + 1."""
    sizes = size if isinstance(size, list) else [size, size, 0]
    steps = dilation if isinstance(dilation, list) else [dilation] * 3
    good = all(isinstance(n, int) and not isinstance(n, bool) for n in [*sizes, *steps])
    if not good or len(sizes) not in (2, 3) or len(steps) not in (2, 3):
        raise FormatError(
            f"{here}: size {size!r:.40}, dilation {dilation!r:.40}; expected [x, y, z], z = 0 for "
            "images"
        )
    axes = 3 if len(sizes) == 3 and sizes[2] > 0 else 2
    sizes, steps = sizes[:axes], [max(step, 1) for step in (*steps, 1)[:axes]]
    if any(not 1 <= n <= MAX_SIZE for n in sizes) or any(n > MAX_SIZE for n in steps):
        raise FormatError(f"{here}: size {size!r:.40}; expected numbers from 1 to {MAX_SIZE}")
    try:
        box = Adjacency.box([2 * (n // 2) + 1 for n in sizes[::-1]])
        return box.dilated(steps[::-1])
    except SpelError as error:
        raise FormatError(f"{here}: {error}") from None


def whole(values: Mapping[str, Any], name: str, here: str, default: int | None = None) -> int:
    """A whole number of at least 1 from a JSON object."""
    value = values.get(name, default)
    value = value[0] if isinstance(value, list) and value else value
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 10_000_000:
        raise FormatError(f"{here}.{name} {value!r:.40}; expected a whole number of at least 1")
    return value


def _chained(parts: Sequence[tuple[str, Layer]]) -> Network:
    nodes, source = [], INPUT
    for name, layer in parts:
        nodes.append(Node(name, layer, (source,)))
        source = name
    return Network(tuple(nodes))


def _found_arch(place: Path) -> Path:
    found = sorted([*place.glob("*.json")]) or sorted(place.parent.glob("arch*.json"))
    if len(found) != 1:
        names = ", ".join(p.name for p in found) or "none"
        raise FormatError(f"{place}: which architecture? found {names}; name it with arch=")
    return found[0]


def _convolution(place: Path, number: int, layer: Unlearned, channels: int | None) -> Convolution:
    stem = place / f"conv{number}"
    kernels = _matrix(Path(f"{stem}-kernels.npy"))
    entries = len(layer.adjacency)
    if kernels.shape[0] % entries or (channels and kernels.shape[0] != entries * channels):
        expected = f"{entries * channels} rows" if channels else f"a multiple of {entries} rows"
        raise FormatError(
            f"{stem}-kernels.npy: {kernels.shape[0]} rows for {entries} displacements and "
            f"{channels} channels; expected {expected}: is it the model of another architecture?"
        )
    count = kernels.shape[1]
    weights = kernels.T.reshape(count, entries, -1).astype(np.float64)
    mean = _numbers(Path(f"{stem}-mean.txt"))
    border: Border
    if Path(f"{stem}-bias.txt").exists():
        bias = _numbers(Path(f"{stem}-bias.txt"), count)
        assert bias is not None
        border = mean_border(weights, bias) if mean is None else tuple(mean.tolist())
    else:
        deviation = _numbers(Path(f"{stem}-stdev.txt"))
        if mean is None or deviation is None:
            raise FormatError(f"{stem}-bias.txt is missing, and so is mean or stdev; give either")
        if len(mean) != weights.shape[2] or len(deviation) != len(mean) or (deviation <= 0).any():
            raise FormatError(
                f"{stem}-mean.txt: {len(mean)} means and {len(deviation)} deviations for "
                f"{weights.shape[2]} channels; expected one positive deviation each"
            )
        weights = weights / deviation
        bias = -(weights.sum(axis=1) @ mean)
        border = tuple(mean.tolist())
    labels = _numbers(Path(f"{stem}-labels.txt"), count)
    if labels is None:
        signs = _numbers(Path(f"{stem}-weights.txt"), count)
        labels = None if signs is None else (signs > 0).astype(np.float64)
    origin = () if labels is None else tuple(Provenance(int(label), 0, "", ()) for label in labels)
    try:
        bank = KernelBank(layer.adjacency, weights, bias, origin)
        return Convolution(bank, layer.stride, border)
    except SpelError as error:
        raise FormatError(f"{stem}-kernels.npy: {error}") from None


def mean_border(weights: npt.NDArray[Any], bias: npt.NDArray[Any]) -> Border:
    """The channel means that were folded into biases, ``b = -sum mu W``; zeros if undetermined.

    There is one equation per kernel and one unknown per channel.
    """
    sums = weights.sum(axis=1)
    if len(sums) < sums.shape[1]:
        return "zero"
    mean, _, rank, _ = np.linalg.lstsq(-sums, bias, rcond=None)
    missed = np.abs(-sums @ mean - bias).max(initial=0)
    if rank < sums.shape[1] or missed > 1e-3 * max(1.0, np.abs(bias).max(initial=0)):
        return "zero"
    return tuple(float(value) for value in mean)


def _matrix(path: Path) -> npt.NDArray[np.float32]:
    data = BytesIO(read_bytes(path))
    try:
        version = np.lib.format.read_magic(data)
        reader = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        shape, fortran, dtype = reader(data)
    except (ValueError, KeyError, TypeError, SyntaxError) as error:
        raise FormatError(f"{path}: no NumPy file, or a damaged one ({error!s:.80})") from None
    if dtype.kind not in "f" or len(shape) != 2 or 0 in shape:
        raise FormatError(f"{path}: {dtype} of shape {shape}; expected floats (|A| C, kernels)")
    there = len(data.getbuffer()) - data.tell()
    if there != dtype.itemsize * shape[0] * shape[1]:
        raise FormatError(
            f"{path}: a shape of {shape} takes {dtype.itemsize * shape[0] * shape[1]} bytes, "
            f"{there} are there; is the file cut short?"
        )
    values = np.frombuffer(data.read(), dtype=dtype)
    matrix = values.reshape(shape, order="F" if fortran else "C").astype(np.float32)
    if not np.isfinite(matrix).all():
        raise FormatError(f"{path}: it holds NaN or infinity; expected finite kernels")
    return matrix


def _numbers(path: Path, count: int | None = None) -> npt.NDArray[np.float64] | None:
    """Numbers of a file: ``n`` and n numbers, or a bare list; None if there is no such file."""
    if not path.exists():
        return None
    words = read_text(path).split()
    try:
        values = np.array([float(word) for word in words])
    except ValueError:
        raise FormatError(f"{path}: text where numbers belong; expected n, n numbers") from None
    headed = len(values) > 1 and values[0] == len(values) - 1
    values = values[1:] if headed else values
    if not len(values) or not np.isfinite(values).all():
        raise FormatError(f"{path}: no finite numbers, or a count that is not theirs")
    if count is not None and len(values) != count:
        raise FormatError(f"{path}: {len(values)} numbers for {count} kernels; is it cut short?")
    return values


# -- writing -----------------------------------------------------------------------------------


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
