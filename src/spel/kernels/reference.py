"""What every kernel means: plain NumPy in float64, by the book, a few lines each.

Arrays are ``(N, C, D, H, W)``: batch, channel, plane, row, column. Displacements are (n, 3). Output
index i stands on input position ``start + i * stride``. `threads` is accepted and ignored.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Triple = Sequence[int]


def convolve(
    image: Array,
    displacements: Array,
    weights: Array,
    bias: Array,
    *,
    start: Triple,
    stride: Triple,
    border: str,
    fill: Array,
    out: Array,
    threads: int = 1,
) -> None:
    """``out_k(p) = bias_k + sum_i <image(p + d_i), weights_k(d_i)>``, the border supplied."""
    total = np.zeros(out.shape, dtype=np.float64)
    total += np.asarray(bias, dtype=np.float64)[:, None, None, None]
    for i, (values, inside) in enumerate(
        shifted(image, displacements, start, stride, out.shape[2:], border)
    ):
        values = np.where(inside, values, np.asarray(fill, dtype=np.float64)[:, None, None, None])
        total += np.einsum("ncdhw,kc->nkdhw", values, weights[:, i].astype(np.float64))
    out[...] = total


def extremum(
    image: Array,
    displacements: Array,
    *,
    maximum: bool,
    start: Triple,
    stride: Triple,
    out: Array,
    threads: int = 1,
) -> None:
    """Largest (or smallest) value among the adjacents inside the image; 0 where there is none."""
    worst, better = (-np.inf, np.maximum) if maximum else (np.inf, np.minimum)
    best = np.full(out.shape, worst, dtype=np.float64)
    some = np.zeros(out.shape[2:], dtype=bool)
    for values, inside in shifted(image, displacements, start, stride, out.shape[2:]):
        best = better(best, np.where(inside, values, worst))
        some |= inside
    out[...] = np.where(some, best, 0.0)


def mean_pool(
    image: Array,
    displacements: Array,
    *,
    full: bool,
    start: Triple,
    stride: Triple,
    out: Array,
    threads: int = 1,
) -> None:
    """Sum of the adjacents inside the image over their number (`full`: over all of them)."""
    total = np.zeros(out.shape, dtype=np.float64)
    count = np.zeros(out.shape[2:], dtype=np.int64)
    for values, inside in shifted(image, displacements, start, stride, out.shape[2:]):
        total += np.where(inside, values, 0.0)
        count += inside
    out[...] = total / (len(displacements) if full else np.maximum(count, 1))


def divide_by_norm(
    image: Array,
    displacements: Array,
    *,
    across_channels: bool,
    out: Array,
    threads: int = 1,
) -> None:
    """``x(p) / sqrt(sum of squares over the adjacents)``; 0 where that sum is 0."""
    squares = np.zeros(out.shape, dtype=np.float64)
    for values, inside in shifted(image, displacements, (0, 0, 0), (1, 1, 1), out.shape[2:]):
        squares += np.where(inside, values, 0.0) ** 2
    if across_channels:
        squares = squares.sum(axis=1, keepdims=True)
    norm = np.sqrt(squares)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = image.astype(np.float64) / norm
    out[...] = np.where(norm == 0, 0.0, ratio)


def activate(image: Array, kind: str, parameter: float, *, out: Array, threads: int = 1) -> None:
    """``out = phi(image)``, spel by spel; NaN stays NaN."""
    x = image.astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        out[...] = _ACTIVATIONS[kind](x, parameter)


def label(mask: Array, displacements: Array) -> tuple[npt.NDArray[np.int32], int]:
    """Components of a (D, H, W) mask, numbered from 1 in raster order of their first spels."""
    labels = np.zeros(mask.shape, dtype=np.int32)
    steps = [tuple(d) for d in displacements.tolist()]
    steps += [tuple(-c for c in d) for d in steps]
    count = 0
    for seed in map(tuple, np.argwhere(mask)):
        if labels[seed]:
            continue
        count += 1
        labels[seed] = count
        queue = [seed]
        for place in queue:
            for step in steps:
                near = tuple(int(p + s) for p, s in zip(place, step))
                inside = all(0 <= c < n for c, n in zip(near, mask.shape))
                if inside and mask[near] and not labels[near]:
                    labels[near] = count
                    queue.append(near)
    return labels, count


def shifted(
    image: Array,
    displacements: Array,
    start: Triple,
    stride: Triple,
    shape: Sequence[int],
    border: str = "constant",
) -> Iterator[tuple[Array, Array]]:
    """For each displacement: what every output position reads, and whether it lies inside."""
    size = image.shape[2:]
    for displacement in displacements.tolist():
        places = [
            (np.arange(n) * s + a + d).reshape(-1, *[1] * (2 - axis))
            for axis, (n, s, a, d) in enumerate(zip(shape, stride, start, displacement))
        ]
        if border != "constant":
            places = [bounced(p, n, border) for p, n in zip(places, size)]
        inside = np.ones(shape, dtype=bool)
        for p, n in zip(places, size):
            inside &= (p >= 0) & (p < n)
        if 0 in size:
            yield np.zeros((*image.shape[:2], *shape)), inside
        else:
            index = tuple(np.clip(p, 0, n - 1) for p, n in zip(places, size))
            yield image[(slice(None), slice(None), *index)].astype(np.float64), inside


def bounced(places: Array, size: int, border: str) -> Array:
    """Positions brought inside 0..size-1: clamped ("edge") or mirrored ("reflect")."""
    if border == "edge" or size <= 1:
        return np.clip(places, 0, max(size - 1, 0))
    period = 2 * (size - 1)
    folded = np.mod(places, period)
    return np.where(folded < size, folded, period - folded)


def _erf(x: Array) -> Array:
    from scipy.special import erf

    return np.asarray(erf(x))


_ACTIVATIONS = {
    "identity": lambda x, a: x,
    "relu": lambda x, a: np.maximum(0.0, x),
    "leaky_relu": lambda x, a: np.where(x > 0, x, a * x),
    "elu": lambda x, a: np.where(x > 0, x, a * np.expm1(x)),
    "sigmoid": lambda x, a: 1 / (1 + np.exp(-x)),
    "tanh": lambda x, a: np.tanh(x),
    "gelu": lambda x, a: x * 0.5 * (1 + _erf(x / np.sqrt(2))),
    "softplus": lambda x, a: np.logaddexp(0.0, x),
    "hard_sigmoid": lambda x, a: np.clip(x / 6 + 0.5, 0.0, 1.0),
    "abs": lambda x, a: np.abs(x),
    "square": lambda x, a: x * x,
}
