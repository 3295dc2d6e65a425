"""What every kernel means: plain NumPy in float64, by the book, a few lines each.

Arrays are ``(N, C, D, H, W)``: batch, channel, plane, row, column. Displacements are (n, 3). Output
index i stands on input position ``start + i * stride``. `threads` is accepted and ignored. `out`
is of float32, or of uint8, which takes the values as `store` rounds them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.kernels.store import store

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
    groups: int = 1,
    threads: int = 1,
) -> None:
    """``out_k(p) = bias_k + sum_i <image(p + d_i), weights_k(d_i)>``, the border supplied.

    With groups, a kernel reads the channels of its own group alone.
    """
    total = np.zeros(out.shape, dtype=np.float64)
    total += np.asarray(bias, dtype=np.float64)[:, None, None, None]
    grouped = total.reshape(len(total), groups, len(bias) // groups, *total.shape[2:])
    banks = weights.astype(np.float64).reshape(groups, -1, *weights.shape[1:])
    for i, (values, inside) in enumerate(
        shifted(image, displacements, start, stride, out.shape[2:], border)
    ):
        values = np.where(inside, values, np.asarray(fill, dtype=np.float64)[:, None, None, None])
        parts = values.reshape(len(values), groups, banks.shape[-1], *values.shape[2:])
        grouped += np.einsum("ngcdhw,gkc->ngkdhw", parts, banks[:, :, i])
    store(out, total)


def transpose(
    image: Array,
    displacements: Array,
    weights: Array,
    bias: Array,
    *,
    start: Triple,
    stride: Triple,
    out: Array,
    threads: int = 1,
) -> None:
    """The adjoint of a convolution: every spel p adds to the spels that it would have read.

    ``out(start + p stride + d_i) += sum_k image_k(p) weights_k(d_i)``, from the biases on.
    """
    total = np.zeros(out.shape, dtype=np.float64)
    total += np.asarray(bias, dtype=np.float64)[:, None, None, None]
    for i, displacement in enumerate(displacements.tolist()):
        places = [
            np.arange(n) * s + a + d
            for n, s, a, d in zip(image.shape[2:], stride, start, displacement)
        ]
        inside = [(p >= 0) & (p < n) for p, n in zip(places, out.shape[2:])]
        values = image[(slice(None), slice(None), *np.ix_(*inside))].astype(np.float64)
        target = np.ix_(*[p[keep] for p, keep in zip(places, inside)])
        added = np.einsum("nkdhw,kc->ncdhw", values, weights[:, i].astype(np.float64))
        total[(slice(None), slice(None), *target)] += added
    store(out, total)


def upsample(image: Array, *, factor: Triple, linear: bool, out: Array, threads: int = 1) -> None:
    """Each spel becomes ``factor`` spels: the same value, or between the middles of spels."""
    x = image.astype(np.float64)
    for axis, f in enumerate(factor, start=2):
        n = x.shape[axis]
        cell, phase = np.divmod(np.arange(n * f), f)
        beyond = (2 * phase + 1 - f) / (2 * f) if linear else np.zeros(n * f)
        low = cell + np.floor(beyond).astype(np.int64)
        part = (beyond - np.floor(beyond)).reshape(-1, *[1] * (x.ndim - 1 - axis))
        below, above = (np.take(x, np.clip(low + d, 0, n - 1), axis) for d in (0, 1))
        x = below if not linear else below * (1 - part) + above * part
    store(out, x)


def pad(
    image: Array, *, start: Triple, border: str, fill: Array, out: Array, threads: int = 1
) -> None:
    """``out(p) = image(p + start)``, the border supplied."""
    still = np.zeros((1, 3), dtype=np.int64)
    ((values, inside),) = shifted(image, still, start, (1, 1, 1), out.shape[2:], border)
    outside = np.asarray(fill, dtype=np.float64)[:, None, None, None]
    store(out, np.where(inside, values, outside))


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
    store(out, np.where(some, best, 0.0))


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
    store(out, total / (len(displacements) if full else np.maximum(count, 1)))


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
    store(out, np.where(norm == 0, 0.0, ratio))


def activate(image: Array, kind: str, parameter: float, *, out: Array, threads: int = 1) -> None:
    """``out = phi(image)``, spel by spel; NaN stays NaN."""
    x = image.astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        store(out, _ACTIVATIONS[kind](x, parameter))


def softmax(image: Array, *, out: Array, threads: int = 1) -> None:
    """``exp(x_c) / sum exp(x_k)`` over the channels of each spel."""
    x = image.astype(np.float64)
    with np.errstate(invalid="ignore"):
        e = np.exp(x - x.max(axis=1, keepdims=True))
    store(out, e / e.sum(axis=1, keepdims=True))


def argmax(image: Array, *, out: Array, threads: int = 1) -> None:
    """Number of the first channel with the largest value; a NaN is larger than all."""
    store(out[:, 0], image.astype(np.float64).argmax(axis=1))


def residue(
    image: Array,
    normalized: Array,
    *,
    factors: tuple[Array, Array] | None = None,
    out: Array,
    threads: int = 1,
) -> None:
    """``max(0, image - normalized)``, each times its factors (N, C) first."""
    a, b = image.astype(np.float64), normalized.astype(np.float64)
    if factors is not None:
        first, second = (f[:, :, None, None, None] for f in factors)
        a, b = a * first, b * second
    with np.errstate(invalid="ignore", over="ignore"):
        store(out, np.maximum(0.0, a - b))


def label(mask: Array, displacements: Array, threads: int = 1) -> tuple[npt.NDArray[np.int32], int]:
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


def gather(
    values: npt.NDArray[np.float32],
    spans: Sequence[tuple[int, int]],
    *,
    grid: Triple,
    steps: Triple,
    out: npt.NDArray[np.float32],
    threads: int = 1,
) -> None:
    """The spans (offset, length) of a window, side by side, for each place of a grid.

    `values` is flat, with three unused ones at its end; the window of place (d, h, w) stands on
    ``d steps[0] + h steps[1] + w steps[2]``. `out` is contiguous, of as many values as are copied.
    """
    window = np.concatenate([np.arange(offset, offset + length) for offset, length in spans])
    place = np.add.outer(np.arange(grid[0]) * steps[0], np.arange(grid[1]) * steps[1])
    place = np.add.outer(place, np.arange(grid[2]) * steps[2])
    out.reshape(-1)[:] = values[np.add.outer(place, window)].reshape(-1)


def histogram(values: Array, threads: int = 1) -> npt.NDArray[np.int64]:
    """How often each value of an image of unsigned 8 or 16 bits occurs, from 0 on."""
    levels = 1 << (8 * values.dtype.itemsize)
    return np.bincount(values.reshape(-1), minlength=levels).astype(np.int64, copy=False)


def histogram_in_bins(
    values: Array, edges: npt.NDArray[np.floating[Any]], threads: int = 1
) -> npt.NDArray[np.int64]:
    """How many finite floats lie in each of equal bins, from one edge to the next.

    The edges grow; no value lies before the first or after the last, whose own values belong to the
    last bin.
    """
    bins = np.searchsorted(edges, values.reshape(-1).astype(np.float64), side="right") - 1
    return np.bincount(np.minimum(bins, len(edges) - 2), minlength=len(edges) - 1).astype(np.int64)


def resize(
    image: npt.NDArray[np.float32],
    box: tuple[float, float, float, float],
    size: tuple[int, int],
    threads: int = 1,
) -> npt.NDArray[np.float32]:
    """A box ``x0 y0 x1 y1`` of a (rows, cols) image at another size.

    Each axis by triangles as wide as an output spel, at least as an input one: output spel i, whose
    centre lies at ``c = low + (i + 1/2) s`` with s input spels to one output spel, is the mean of
    the spels k of the image by the weights ``max(0, 1 - |k + 1/2 - c| / max(s, 1))``.
    """
    everything = (slice(0, size[0]), slice(0, size[1]))
    return resize_part(image, (0, 0), image.shape, box, size, everything)


def resize_part(
    window: npt.NDArray[np.float32], origin: tuple[int, int], whole: tuple[int, int],
    box: tuple[float, float, float, float], size: tuple[int, int], part: tuple[slice, slice],
    threads: int = 1,
) -> npt.NDArray[np.float32]:  # fmt: skip
    """``resize(image, box, size)[part]``, from the window at `origin` of the `whole` image."""
    rows, cols = (slice(o, o + n) for o, n in zip(origin, window.shape))
    down = _triangles(whole[0], box[1], box[3], size[0])[part[0], rows]
    along = _triangles(whole[1], box[0], box[2], size[1])[part[1], cols]
    return np.asarray(down @ window @ along.T, dtype=np.float32)


def rotate(
    image: npt.NDArray[np.float32], degrees: float, size: tuple[int, int]
) -> npt.NDArray[np.float32]:
    """The middle of a (rows, cols) image, turned about it, counter-clockwise.

    Spel (i, j) of the result, seen from its middle, lies where the image has (i, j) turned back:
    between four spels, of which each counts by ``(1 - |dy|) (1 - |dx|)`` for its distances (dy, dx)
    to that place. Beyond the image, its edge is repeated.
    """
    cosine, sine = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    below, across = (np.arange(n) - (n - 1) / 2 for n in size)
    places = (
        sine * across + cosine * below[:, None] + (image.shape[0] - 1) / 2,
        cosine * across - sine * below[:, None] + (image.shape[1] - 1) / 2,
    )
    (y, x), last = places, [n - 1 for n in image.shape]
    y, x = np.clip(y, 0, last[0]), np.clip(x, 0, last[1])
    top, left = y.astype(int), x.astype(int)
    bottom, right = np.minimum(top + 1, last[0]), np.minimum(left + 1, last[1])
    upper = image[top, left] + (x - left) * (image[top, right] - image[top, left])
    lower = image[bottom, left] + (x - left) * (image[bottom, right] - image[bottom, left])
    return np.asarray(upper + (y - top) * (lower - upper), dtype=np.float32)


def _triangles(n: int, low: float, high: float, out: int) -> npt.NDArray[np.float64]:
    scale = (high - low) / out
    centres = low + (np.arange(out) + 0.5) * scale
    away = np.abs(np.arange(n) + 0.5 - centres[:, None]) / max(scale, 1.0)
    weights = np.maximum(0.0, 1.0 - away)
    # A place beyond all spels takes the nearest.
    weights[np.arange(out), away.argmin(axis=1)] += weights.sum(axis=1) <= 0
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


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
    """Positions brought inside 0..size-1.

    Clamped ("edge"), mirrored without ("reflect") or with the edge repeated ("symmetric"), or from
    the other side on ("wrap").
    """
    if border == "edge" or size <= 1:
        return np.clip(places, 0, max(size - 1, 0))
    if border == "wrap":
        return np.mod(places, size)
    again = int(border == "symmetric")
    period = 2 * (size - 1 + again)
    folded = np.mod(places, period)
    return np.where(folded < size, folded, period - again - folded)


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
    "silu": lambda x, a: x / (1 + np.exp(-x)),
    "hard_swish": lambda x, a: x * np.clip(x / 6 + 0.5, 0.0, 1.0),
}
