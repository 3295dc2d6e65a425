"""Kernel banks by name, and edits of their kernels; each gives a new bank."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.core.adjacency import Adjacency
from spel.core.bank import KernelBank
from spel.errors import ParameterError
from spel.studio.describe import MAX_NUMBER
from spel.studio.refusals import Refusal

PRESETS = (
    "sobel-col",
    "sobel-row",
    "sobel-four",
    "prewitt-col",
    "prewitt-row",
    "scharr-col",
    "scharr-row",
    "laplacian",
    "gaussian",
    "mean",
    "log",
    "gabor",
    "random",
    "identity",
)
MAX_KERNELS = 512
MAX_SIDE = 65


def preset(name: str, channels: int, options: Mapping[str, Any] | None = None) -> KernelBank:
    """A bank by name for images of `channels` channels, with equal weights for every channel.

    Examples
    --------
    >>> preset("sobel-col", 2).dense()[0, 1].tolist()
    [[-2.0, -2.0], [0.0, 0.0], [2.0, 2.0]]
    """
    size, sigma, count, seed = (
        _between(options or {}, key, default, low, high)
        for key, default, low, high in (
            ("size", 3, 1, 65),
            ("sigma", 1.5, 0.2, 16),
            ("count", 4, 1, 64),
            ("seed", 0, 0, 2e9),
        )
    )
    box = Adjacency.box(int(size))
    if name == "random":
        return KernelBank.random(box, kernels=int(count), channels=channels, seed=int(seed))
    if name == "sobel-four":
        col, row = KernelBank.sobel("col"), KernelBank.sobel("row")
        bank = col + -col + row + -row
    elif name.rpartition("-")[0] in ("sobel", "prewitt", "scharr"):
        shape, _, axis = name.rpartition("-")
        bank = getattr(KernelBank, shape)(axis)
    elif name == "laplacian":
        bank = KernelBank.laplacian()
    elif name == "gaussian":
        bank = KernelBank.gaussian(sigma)
    elif name == "log":
        bank = KernelBank.laplacian_of_gaussian(sigma)
    elif name == "gabor":
        bank = KernelBank.gabor(orientations=int(count), sigma=sigma, wavelength=2 * sigma)
    elif name == "mean":
        bank = KernelBank.from_function(box, lambda r, c: np.full(len(r), 1 / len(r)))
    elif name == "identity":
        bank = KernelBank.from_function(box, lambda r, c: (r == 0) & (c == 0))
    else:
        raise ParameterError(f"kernel {name!r:.40}; expected one of {', '.join(PRESETS)}")
    if channels == 1:
        return bank
    # The bank of a derivative gives the sum over the channels, so that integers stay integers.
    return KernelBank(bank.adjacency, np.repeat(bank.weights, channels, axis=2), bank.bias)


def _between(
    options: Mapping[str, Any], key: str, default: float, low: float, high: float
) -> float:
    try:
        value = float(options.get(key, default))
    except (TypeError, ValueError):
        value = float("nan")
    if not low <= value <= high:
        raise Refusal(
            "between",
            "{field} {value}; expected {low} to {high}",
            field=key,
            value=str(options.get(key))[:40],
            low=f"{low:g}",
            high=f"{high:g}",
        )
    return value


def with_kernel(
    bank: KernelBank, kernel: int, weights: Any = None, bias: float | None = None
) -> KernelBank:
    """The bank with other weights (n, C), in the order of the displacements, or another bias."""
    _check_kernels(bank, [kernel])
    all_weights, biases = bank.weights.copy(), bank.bias.copy()
    if bias is not None:
        _check_range("bias", np.asarray([bias], dtype=np.float64))
    if weights is not None:
        new = np.asarray(weights, dtype=np.float64)
        _check_range("weights", new)
        if new.size != all_weights[kernel].size:
            raise ParameterError(
                f"kernel {kernel}: {new.size} weights; expected {all_weights[kernel].size}"
            )
        all_weights[kernel] = new.reshape(all_weights[kernel].shape)
    if bias is not None:
        biases[kernel] = bias
    return KernelBank(bank.adjacency, all_weights, biases, bank.provenance)


def _check_range(field: str, values: npt.NDArray[np.float64]) -> None:
    """Refuse numbers that the engine's floats do not hold."""
    unfit = values[~(np.abs(values) <= MAX_NUMBER)]
    if unfit.size:
        raise Refusal(
            "between",
            "{field} {value}; expected {low} to {high}",
            field=field,
            value=f"{unfit.flat[0]:g}",
            low=f"{-MAX_NUMBER:g}",
            high=f"{MAX_NUMBER:g}",
        )


def invert(bank: KernelBank, kernels: Sequence[int]) -> KernelBank:
    """The bank with weights and biases of some kernels negated: their hyperplanes swap sides."""
    _check_kernels(bank, kernels)
    sign = np.ones(len(bank), dtype=np.float32)
    sign[list(kernels)] = -1
    return replace(bank, weights=bank.weights * sign[:, None, None], bias=bank.bias * sign)


def with_copy(bank: KernelBank, kernel: int) -> KernelBank:
    """The bank with a copy of one kernel appended."""
    _check_kernels(bank, [kernel])
    if len(bank) >= MAX_KERNELS:
        raise Refusal(
            "many_kernels",
            "there are {n} kernels, the largest number allowed; drop some first",
            n=len(bank),
        )
    return bank + bank[kernel]


def resize(bank: KernelBank, width: int, height: int) -> KernelBank:
    """The bank over a rectangle of another size, cropped or padded with zeros around the origin."""
    check_sides(width, height)
    return over(bank, Adjacency.rectangle(width=width, height=height))


def check_sides(width: int, height: int) -> None:
    """Refuse kernels too large to be edited.

    Raises
    ------
    Refusal
        If a side is not from 1 to 65.
    """
    if not (1 <= width <= MAX_SIDE and 1 <= height <= MAX_SIDE):
        raise Refusal(
            "kernel_size",
            "a kernel of {width} x {height}; expected 1 to 65 per side",
            width=width,
            height=height,
        )


def over(bank: KernelBank, adjacency: Adjacency) -> KernelBank:
    """The bank over another adjacency: common displacements keep their weights, others have 0.

    Examples
    --------
    >>> over(KernelBank.sobel("col"), Adjacency.cross(1)).weights.ravel().tolist()
    [0.0, -2.0, 0.0, 2.0, 0.0]
    """
    places = {tuple(d): i for i, d in enumerate(bank.adjacency.displacements.tolist())}
    weights = np.zeros((len(bank), len(adjacency), bank.channels), dtype=np.float32)
    for place, displacement in enumerate(map(tuple, adjacency.displacements.tolist())):
        if displacement in places:
            weights[:, place] = bank.weights[:, places[displacement]]
    return KernelBank(adjacency, weights, bank.bias, bank.provenance)


def first_similar(bank: KernelBank, level: float = 0.98) -> list[int]:
    """For each kernel, the first one whose absolute cosine similarity to it is above `level`.

    Examples
    --------
    >>> first_similar(KernelBank.sobel("col") + KernelBank.sobel("row") + -KernelBank.sobel("col"))
    [0, 1, 0]
    """
    flat = bank.weights.reshape(len(bank), -1).astype(np.float64)
    norms = np.linalg.norm(flat, axis=1, keepdims=True)
    unit = flat / np.where(norms > 0, norms, 1)
    similar: npt.NDArray[np.bool_] = np.abs(unit @ unit.T) > level
    similar |= np.eye(len(bank), dtype=bool)
    return [int(np.flatnonzero(row[: k + 1])[0]) for k, row in enumerate(similar)]


def _check_kernels(bank: KernelBank, kernels: Sequence[int]) -> None:
    for kernel in kernels:
        if not 0 <= kernel < len(bank):
            raise ParameterError(f"kernel {kernel}; expected 0 to {len(bank) - 1}")
