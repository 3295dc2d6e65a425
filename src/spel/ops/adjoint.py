"""Adjoints of the linear operators: ``<A x, y> = <x, A* y>``, for every window and border.

An operator gathers: each spel of its result is a sum over spels of the image. Its adjoint scatters:
it adds each value to the same spels. Windows over a border that repeats the image are windows over
a padded image, whose padding the adjoint adds to the spels that it was copied from.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import prod
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from spel import kernels
from spel.core.adjacency import Adjacency
from spel.core.bank import KernelBank
from spel.core.threads import thread_count
from spel.core.window import REPEATED, Border, Window
from spel.errors import ParameterError, ShapeError
from spel.kernels.reference import bounced, shifted
from spel.ops.arrays import Float, Image, as_planar, pad_to_3d, shape_only
from spel.ops.convolve import convolve
from spel.ops.global_pool import part
from spel.ops.pool import PoolBorder, mean_pool, pool_window, supplies

Shape = tuple[int, ...]


def convolve_adjoint(
    y: npt.ArrayLike, bank: KernelBank, window: Window, shape: Shape, groups: int = 1
) -> Float:
    """The adjoint of a convolution, without its biases, on an image of a shape."""
    planar = as_planar("adjoint", y, bank.adjacency.ndim)
    target = as_planar("adjoint", shape_only(shape), bank.adjacency.ndim)
    size = _around(window, target.size)
    out = target.allocate(target.channels, size)
    kernels_each, channels_each = len(bank) // groups, target.channels // groups
    for g in range(groups):
        own = slice(g * kernels_each, (g + 1) * kernels_each)
        channels = slice(g * channels_each, (g + 1) * channels_each)
        values = np.empty((len(out), channels_each, *out.shape[2:]), dtype=np.float32)
        _scatter(planar.array[:, own], bank.adjacency, bank.weights[own], window, values)
        out[:, channels] = values
    return _folded(target.image(out), window, shape)


def transposed_adjoint(y: npt.ArrayLike, bank: KernelBank, window: Window, shape: Shape) -> Float:
    """The adjoint of a transposed convolution, which is a convolution."""
    plain = KernelBank(bank.adjacency, bank.weights)
    return convolve(y, plain, stride=window.stride, border=window.border)


def window_norms(image: npt.ArrayLike, adjacency: Adjacency, *, across_channels: bool) -> Float:
    """The norms that divisive normalization divides by: of squares in float64, as there."""
    planar = as_planar("norms_of", image, adjacency.ndim)
    size = planar.array.shape[2:]
    squares = np.zeros(planar.array.shape, dtype=np.float64)
    steps = adjacency.displacements_3d
    for values, inside in shifted(planar.array, steps, (0, 0, 0), (1, 1, 1), size):
        squares += np.square(np.where(inside, values, 0.0))
    if across_channels:
        squares = np.broadcast_to(squares.sum(axis=1, keepdims=True), squares.shape)
    return planar.image(np.sqrt(squares).astype(np.float32))


def mean_pool_adjoint(y: npt.ArrayLike, window: Window, shape: Shape, *, full: bool) -> Float:
    """The adjoint of a mean pooling: each mean is shared out among its adjacents."""
    adjacency = window.adjacency
    planar = as_planar("adjoint", y, adjacency.ndim)
    target = as_planar("adjoint", shape_only(shape), adjacency.ndim)
    shares = planar.array.astype(np.float32) / np.float32(len(adjacency))
    if window.border == "inside" and not full:
        ones = np.ones(target.size, dtype=np.float32)
        inside = mean_pool(ones, adjacency, stride=window.stride, count="full")
        counts = np.rint(inside * np.float32(len(adjacency)))
        lifted = counts.reshape((1,) * (5 - counts.ndim) + counts.shape)
        shares = planar.array.astype(np.float32) / np.maximum(lifted, 1)
    out = target.allocate(target.channels, _around(window, target.size))
    ones = np.ones((1, len(adjacency), 1), dtype=np.float32)
    count = len(out) * target.channels  # channel by channel, as a batch
    single, each = (a.reshape(count, 1, *a.shape[2:]) for a in (out, shares))
    _scatter(each, adjacency, ones, window, single)
    return _folded(target.image(out), window, shape)


def pad_adjoint(
    y: npt.ArrayLike, before: Sequence[int], after: Sequence[int], border: Border, shape: Shape
) -> Float:
    """The adjoint of a padding: repeated values are added to the spels they were copied from."""
    ndim = len(before)
    planar = as_planar("adjoint", y, ndim)
    values = planar.array.astype(np.float64)
    sizes = values.shape[2:]
    for axis, (a, b) in enumerate(zip(pad_to_3d(before, 0), pad_to_3d(after, 0))):
        n = sizes[axis] - a - b
        places = np.arange(-a, n + b)
        if border in REPEATED and n > 0:
            values = _added(values, axis + 2, bounced(places, n, str(border)), n)
        else:
            inner = (slice(None),) * (axis + 2) + (slice(a, a + max(n, 0)),)
            values = values[inner]
    return _as_float(planar.image(values), shape)


def upsample_adjoint(
    y: npt.ArrayLike, factors: Sequence[int], shape: Shape, *, linear: bool
) -> Float:
    """The adjoint of an upsampling."""
    planar = as_planar("adjoint", y, len(factors))
    values = planar.array.astype(np.float64)
    for axis, f in enumerate(pad_to_3d(factors, 1), start=2):
        n = values.shape[axis] // f
        if not linear:
            values = _added(values, axis, np.arange(n * f) // f, n)
            continue
        place = (np.arange(n * f) + 0.5) / f - 0.5
        low = np.floor(place).astype(np.int64)
        above = (place - low).reshape(-1, *[1] * (values.ndim - 1 - axis))
        below = _added(values * (1 - above), axis, np.clip(low, 0, n - 1), n)
        values = below + _added(values * above, axis, np.clip(low + 1, 0, n - 1), n)
    return _as_float(planar.image(values), shape)


def global_mean_adjoint(y: npt.ArrayLike, sizes: Sequence[int], shape: Shape) -> Float:
    """The adjoint of a global mean: each mean is shared out among its part of the image."""
    planar = as_planar("adjoint", y, len(sizes))
    target = as_planar("adjoint", shape_only(shape), len(sizes))
    out = np.zeros(target.array.shape, dtype=np.float64)
    spels: Shape = out.shape[2:]
    cells = pad_to_3d(sizes, 1)
    for cell in product(*map(range, cells)):
        bounds = [part(i, m, n) for i, m, n in zip(cell, cells, spels)]
        inner: Any = (slice(None), slice(None), *[slice(a, b) for a, b in bounds])
        count = prod([b - a for a, b in bounds])
        at: Any = (slice(None), slice(None), *cell)
        out[inner] += planar.array[at][:, :, None, None, None] / count
    return _as_float(target.image(out), shape)


def unpool(
    values: npt.ArrayLike,
    image: npt.ArrayLike,
    adjacency: Adjacency,
    *,
    stride: int | Sequence[int] = 1,
    border: PoolBorder = "inside",
    function: Literal["max", "min"] = "max",
) -> Float:
    """Put pooled values back at the winners of a pooling of an image, and zeros elsewhere.

    This is the adjoint of ``max_pool`` at that image. A spel that won several times gets the sum.
    Of equal adjacents, the first in the order of the adjacency wins.

    Parameters
    ----------
    values : array
        Of the shape of ``max_pool(image, adjacency, stride=stride, border=border)``.
    image : (rows, cols[, C]) array, with planes before them for voxels, or a batch of images
        The image that was pooled.
    adjacency, stride, border
        Those of the pooling, see `spel.ops.max_pool`.
    function : {"max", "min"}
        Whether the largest or the smallest value won.

    Returns
    -------
    array of float32
        Of the image's shape.

    Raises
    ------
    ShapeError, ParameterError
        If the image, the values or an option does not fit.

    Examples
    --------
    >>> row = Adjacency.rectangle(width=3, height=1)
    >>> unpool([[10, 20]], [[1, 5, 2, 0, 3, 9]], row, stride=3).tolist()
    [[0.0, 10.0, 0.0, 0.0, 20.0, 0.0]]
    """
    if function not in ("max", "min"):
        raise ParameterError(f"unpool: function {function!r:.40}; expected 'max' or 'min'")
    window = pool_window("unpool", adjacency, stride, border)
    planar = as_planar("unpool", image, adjacency.ndim)
    pooled = as_planar("unpool", values, adjacency.ndim)
    size = window.shape(planar.size)
    expected = (*planar.array.shape[:2], *pad_to_3d(size, 1))
    if pooled.array.shape != expected:
        raise ShapeError(
            f"unpool: values of shape {np.shape(values)} for a pooling of {np.shape(image)}; "
            f"expected {planar.shape(planar.channels, size)}"
        )
    source, some = _winners(planar.array, window, expected[2:], largest=function == "max")
    spels = int(np.prod(planar.array.shape[2:]))
    rows = np.arange(expected[0] * expected[1]).reshape(*expected[:2], 1, 1, 1) * spels
    flat = (source + rows)[some]
    weights = pooled.array.astype(np.float64)[some]
    out = np.bincount(flat, weights, minlength=planar.array.size).reshape(planar.array.shape)
    return np.asarray(planar.image(out), dtype=np.float32)


def _winners(
    image: Image, window: Window, shape: Shape, *, largest: bool
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Number of the spel that won at each position, and whether it lies in the image."""
    mode, _ = window.border_mode(image.shape[1])
    start, stride = pad_to_3d(window.start, 0), pad_to_3d(window.strides, 1)
    steps = window.adjacency.displacements_3d
    spels = np.arange(int(np.prod(image.shape[2:]))).reshape(1, 1, *image.shape[2:])
    full = (*image.shape[:2], *shape)
    best = np.full(full, -np.inf)
    source = np.zeros(full, dtype=np.int64)
    some = np.zeros(full, dtype=bool)
    reads = shifted(image, steps, start, stride, shape, mode)
    numbers = shifted(spels, steps, start, stride, shape, mode)
    for (values, inside), (number, _) in zip(reads, numbers):
        values = values if largest else -values
        if supplies(window) and mode == "constant":  # a zero of the border may win
            values, counts = np.where(inside, values, 0.0), np.ones_like(inside)
        else:
            counts = inside
        better = counts & ((values > best) | (~some & (best == -np.inf) & (values == -np.inf)))
        best = np.where(better, values, best)
        source = np.where(better, number.astype(np.int64), source)
        some = np.where(better, inside, some)
    return source, some


def _around(window: Window, size: Sequence[int]) -> list[int]:
    """The size of the image that windows read, with the padding of a border that repeats."""
    if window.border not in REPEATED:
        return list(size)
    return [a + n + b for (a, b), n in zip(window.halo, size)]


def _scatter(y: Image, adjacency: Adjacency, weights: Image, window: Window, out: Float) -> None:
    """Add the value at every position to the spels that its window reads."""
    start = window.start
    if window.border in REPEATED:
        start = tuple(a for a, _ in window.halo)
    if not y.size:
        out[...] = 0
        return
    kernels.transpose(
        y,
        adjacency.displacements_3d,
        weights,
        np.zeros(out.shape[1], dtype=np.float32),
        start=pad_to_3d(start, 0),
        stride=pad_to_3d(window.strides, 1),
        out=out,
        threads=thread_count(),
    )


def _folded(around: Float, window: Window, shape: Shape) -> Float:
    """The padding of a repeating border, added to the spels that it was copied from."""
    if window.border not in REPEATED:
        return _as_float(around, shape)
    before, after = zip(*window.halo)
    lifted = (
        around.reshape(*around.shape[: len(before)], -1) if len(shape) == len(before) else around
    )
    return pad_adjoint(lifted, before, after, window.border, shape)


def _added(values: Image, axis: int, places: Image, n: int) -> Image:
    """The values along an axis, each added to its place on an axis of length n."""
    moved = np.moveaxis(values, axis, 0)
    out = np.zeros((n, *moved.shape[1:]), dtype=np.float64)
    np.add.at(out, places, moved)
    return np.moveaxis(out, 0, axis)


def _as_float(values: Image, shape: Shape) -> Float:
    return np.asarray(values, dtype=np.float32).reshape(shape)
