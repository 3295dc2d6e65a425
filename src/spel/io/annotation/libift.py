"""Reading the FLIM group's files: architectures and model folders.

``arch.json`` is the same for libift, FLIM-Builder and pyflim; the module JSON of LIDS is read too.
A model folder holds ``convL-kernels.npy`` and ``convL-bias.txt`` (or mean and stdev) per layer.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.core.bank import KernelBank
from spel.core.provenance import Provenance
from spel.core.window import Border
from spel.errors import FormatError, SpelError
from spel.io.annotation.arch_fields import box_adjacency, whole_number
from spel.io.annotation.lids import layers_of
from spel.io.image import npy
from spel.io.image.header import MAX_PIXELS
from spel.io.image.reader import describe
from spel.io.json_files import read_json
from spel.io.opening import DecodeError
from spel.io.text_files import MIB, read_limited, read_text
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
from spel.nn.node import INPUT

__all__ = ["read_arch", "read_model", "space_of"]

MAX_LAYERS = 100


def read_arch(path: str | os.PathLike[str], *, space: str | None = "labnorm2") -> Network:
    """The network of an architecture file, with kernels still to be learned.

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
        file says in addition (stdev_factor, apply_intrinsic_atrous).

    Raises
    ------
    FormatError
        If the file is malformed; the message names the layer and the field.
    """
    name = os.fspath(path)
    content = read_json(path, max_bytes=64 * MIB)
    if not isinstance(content, dict):
        raise FormatError(f"{name}: expected a JSON object with nlayers and layer1, layer2, ...")
    if "features" in content:
        nodes, meta = layers_of(content, name), {"from": "LIDS"}
    else:
        nodes, meta = _layers(content, name)
    first = [("color", Color(space))] if space else []  # type: ignore[arg-type]
    return _chain([*first, *nodes]).with_meta(arch=meta)


def space_of(path: str | os.PathLike[str]) -> str:
    """The colour space in which libift reads an image file: LABNorm2 depends on the file type.

    Returns
    -------
    str
        For `spel.Color`: "labnorm2" (RGB PNG, and files that libift does not read), "labnorm2-rgba"
        (PNG with alpha, netpbm) or "labnorm2-jpeg".

    Raises
    ------
    ImageReadError
        If the file is not an image.
    """
    info = describe(path)
    if info.format == "JPEG":
        return "labnorm2-jpeg"
    if info.format == "PNM" or (info.format == "PNG" and info.channels == 4):
        return "labnorm2-rgba"
    return "labnorm2"


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
        Its convolutions fill the border with the mean of the channels, as libift does. The mean
        comes from the file or is solved from weights and biases; if these do not determine it
        (FLIM-BoFP), the border is zero.

    Raises
    ------
    FormatError
        If a file is missing, malformed, or of another size than the architecture says.
    """
    place = Path(folder)
    if not place.is_dir():
        raise FormatError(f"{place}: it is not a folder; give the folder of convL-kernels.npy")
    network = read_arch(arch if arch is not None else _find_arch(place), space=space)
    channels = 3 if space else None
    layer = 0
    for node in network.nodes:
        if isinstance(node.layer, Unlearned):
            layer += 1
            filled = _convolution(place, layer, node.layer, channels)
            channels = len(filled.bank)
            network = network.replace(node.name, filled)
    return network


def _layers(content: Mapping[str, Any], name: str) -> tuple[list[tuple[str, Layer]], Any]:
    count = content.get("nlayers")
    if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= MAX_LAYERS:
        raise FormatError(f"{name}: nlayers {count!r}; expected a number from 1 to {MAX_LAYERS}")
    factor = content.get("stdev_factor", 0.01)
    if not isinstance(factor, int | float) or isinstance(factor, bool) or factor < 0:
        raise FormatError(f"{name}: stdev_factor {factor!r}; expected a number of at least 0")
    nodes: list[tuple[str, Layer]] = []
    for number in range(1, count + 1):
        block = content.get(f"layer{number}")
        place = f"{name}: layer{number}"
        if not isinstance(block, dict) or not isinstance(block.get("conv"), dict):
            raise FormatError(f"{place} is missing, or has no conv; the file says {count} layers")
        nodes.append((f"conv{number}", _unlearned(block["conv"], f"{place}.conv")))
        if block.get("relu", True):
            nodes.append((f"relu{number}", Activation("relu")))
        pooling = _pooling(block.get("pooling"), f"{place}.pooling")
        if pooling is not None:
            nodes.append((f"pool{number}", pooling))
    atrous = bool(content.get("apply_intrinsic_atrous", False))
    return nodes, {"stdev_factor": float(factor), "apply_intrinsic_atrous": atrous}


def _unlearned(conv: Mapping[str, Any], place: str) -> Unlearned:
    area = box_adjacency(conv.get("kernel_size"), conv.get("dilation_rate", 1), place)
    return Unlearned(
        area,
        kernels=whole_number(conv, "noutput_channels", place),
        per_stroke=whole_number(conv, "nkernels_per_marker", place, 1),
        per_image=whole_number(conv, "nkernels_per_image", place, 1_000_000),
        stride=whole_number(conv, "stride", place, 1),
    )


def _pooling(content: Any, place: str) -> Layer | None:
    if content is None:
        return None
    if not isinstance(content, dict):
        raise FormatError(f"{place}: {content!r:.40}; expected type, size and stride")
    kind = content.get("type", "no_pool")
    if kind == "no_pool":
        return None
    if kind not in ("max_pool", "avg_pool"):
        raise FormatError(f"{place}.type {kind!r}; expected max_pool, avg_pool or no_pool")
    area = box_adjacency(content.get("size"), 1, place)
    stride = whole_number(content, "stride", place, 1)
    if kind == "max_pool":
        return MaxPool(area, stride=stride)
    return MeanPool(area, stride=stride, count="full")


def _chain(parts: Sequence[tuple[str, Layer]]) -> Network:
    nodes, source = [], INPUT
    for name, layer in parts:
        nodes.append(Node(name, layer, (source,)))
        source = name
    return Network(tuple(nodes))


def _find_arch(place: Path) -> Path:
    candidates = sorted(place.glob("*.json")) or sorted(place.parent.glob("arch*.json"))
    if len(candidates) != 1:
        names = ", ".join(path.name for path in candidates) or "none"
        raise FormatError(
            f"{place}: expected one architecture file in the folder or arch*.json beside it, "
            f"found {names}; name the file with arch="
        )
    return candidates[0]


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
        border = mean_border(weights, bias) if mean is None else _border(mean)
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
        border = _border(mean)
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


def _border(mean: npt.NDArray[np.float64]) -> Border:
    return tuple(mean.tolist()) if mean.any() else "zero"


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
    data = read_limited(path)
    try:
        if not data.startswith(npy.MAGIC):
            raise DecodeError("it does not begin like one")
        values, _ = npy.read(BytesIO(data), MAX_PIXELS, None)
    except DecodeError as error:
        raise FormatError(f"{path}: not a NumPy file, or a damaged one ({error!s:.200})") from None
    if values.dtype.kind != "f" or values.ndim != 3 or values.shape[2] != 1:
        raise FormatError(
            f"{path}: {values.dtype} of shape {values.shape}; expected floats (|A| C, kernels)"
        )
    matrix = values[..., 0].astype(np.float32)
    if not np.isfinite(matrix).all():
        raise FormatError(f"{path}: it holds NaN or infinity; expected finite kernels")
    return matrix


def _numbers(path: Path, count: int | None = None) -> npt.NDArray[np.float64] | None:
    """Numbers of a file, after their number if `count` is given; None if the file is absent."""
    if not path.exists():
        return None
    words = read_text(path).split()
    try:
        values = np.array([float(word) for word in words])
    except ValueError:
        raise FormatError(f"{path}: text where numbers belong; expected n, n numbers") from None
    if count is not None and (not len(values) or values[0] != len(values) - 1):
        raise FormatError(f"{path}: expected n, then n numbers; is it cut short?")
    values = values if count is None else values[1:]
    if not len(values) or not np.isfinite(values).all():
        raise FormatError(f"{path}: expected finite numbers, at least one")
    if count is not None and len(values) != count:
        raise FormatError(f"{path}: {len(values)} numbers for {count} kernels; is it cut short?")
    return values
