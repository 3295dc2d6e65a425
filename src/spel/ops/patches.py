"""Patches: the spels under an adjacency as a vector; and the flattening of a whole image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from spel import kernels
from spel.core.adjacency import Adjacency
from spel.core.threads import thread_count
from spel.core.window import Border, Window
from spel.errors import ParameterError, ShapeError
from spel.kernels.memory import empty
from spel.kernels.reference import bounced
from spel.ops.arrays import Float, Image, as_planar, check_adjacency, check_out, pad_to_3d


def patches(
    image: npt.ArrayLike,
    adjacency: Adjacency,
    *,
    at: npt.ArrayLike | None = None,
    stride: int | Sequence[int] = 1,
    border: Border = "zero",
    out: Float | None = None,
) -> Float:
    """The patch ``X(p) = (I(q) : q in A(p))`` of every spel, or of chosen ones.

    Parameters
    ----------
    image : (rows, cols[, C]) array, with planes before them for voxels, or a batch of images
    adjacency : Adjacency
        A, with n displacements.
    at : (m, ndim) array of int, optional
        Spels ``(row, col)`` whose patches are returned; all by default.
    stride, border
        As for `spel.ops.convolve`; the stride only without `at`.
    out : float32 array, optional
        Written and returned instead of new memory.

    Returns
    -------
    (rows', cols', n * C) or (m, n * C) array of float32
        Displacement-major, channel-minor: the order of a kernel's weights.

    Raises
    ------
    ShapeError, ParameterError
        If the image or the places do not fit.

    Notes
    -----
    Lecture, "Patches, kernels, banks". Exact.

    Examples
    --------
    >>> patches([[1, 2, 3]], Adjacency.rectangle(width=3, height=1)).tolist()
    [[[0.0, 1.0, 2.0], [1.0, 2.0, 3.0], [2.0, 3.0, 0.0]]]
    >>> patches([[1, 2, 3]], Adjacency.cross(1), at=[(0, 1)]).tolist()
    [[0.0, 1.0, 2.0, 3.0, 0.0]]
    """
    window = Window(check_adjacency("patches", adjacency), stride, border)
    if window.border == "inside":
        raise ParameterError(
            'patches: border "inside" is for pooling; expected "zero", "edge", '
            '"reflect", "symmetric", "wrap", "valid" or numbers'
        )
    planar = as_planar("patches", image, adjacency.ndim)
    source = np.moveaxis(planar.array, 1, -1)  # (N, D, H, W, C)
    source = source[:, 0] if planar.ndim == 2 else source
    places = np.ix_(*_grid(window, planar.size)) if at is None else _checked_places(at, planar.size)
    domain = np.broadcast_shapes(*[axis.shape for axis in places])
    n, channels = len(adjacency), planar.channels
    lead = (len(source),) if planar.batched else ()
    shape = (*lead, *domain, n * channels)
    if out is None:
        out = empty(shape)
    else:
        check_out("patches", out, shape, source)
    target = out.reshape(len(source), *domain, n, channels)
    if not np.shares_memory(target, out) and out.size:
        raise ParameterError("patches: out must have contiguous patches; give a C-ordered array")
    outside = window.border_mode(channels)
    if at is None and out.size and _halo_is_small(adjacency, planar.size):
        _slide(source, window, target, outside)
        return out
    for i, displacement in enumerate(adjacency.displacements.tolist()):
        read = [axis + d for axis, d in zip(places, displacement)]
        target[..., i, :] = _values(source, read, planar.size, *outside)
    return out


def _grid(window: Window, size: Sequence[int]) -> list[Image]:
    """Positions of the windows, per axis."""
    counts = zip(window.shape(size), window.strides, window.start)
    return [np.arange(n) * s + a for n, s, a in counts]


def _halo_is_small(adjacency: Adjacency, size: Sequence[int]) -> bool:
    return all(high - low <= n + 64 for (low, high), n in zip(adjacency.reach, size))


def _slide(
    source: Image, window: Window, target: Image, border: tuple[str, tuple[float, ...]]
) -> None:
    """Copy the patches from the image extended by its border, a run of columns at a time."""
    grid, reach = _grid(window, source.shape[1:-1]), window.adjacency.reach
    low = [int(places[0]) + lo for (lo, _), places in zip(reach, grid)]
    high = [int(places[-1]) + hi for (_, hi), places in zip(reach, grid)]
    for image, patches in zip(source, target):
        values, step = _extended(image, low, high, *border)
        out = patches if patches.flags.c_contiguous else np.empty(patches.shape, np.float32)
        kernels.gather(
            values,
            _spans(window.adjacency, step),
            grid=pad_to_3d([len(places) for places in grid], 1),
            steps=pad_to_3d([s * t for s, t in zip(window.strides, step)], 0),
            out=out,
            threads=thread_count(),
        )
        if out is not patches:
            patches[...] = out


def _spans(adjacency: Adjacency, step: Sequence[int]) -> list[tuple[int, int]]:
    """Runs of displacements along a row as (offset, length) from the window's lowest corner."""
    displacements = adjacency.displacements
    follows = (np.diff(displacements, axis=0) == (0,) * (len(step) - 1) + (1,)).all(axis=1)
    starts = [0, *(np.flatnonzero(~follows) + 1).tolist()]
    lengths = np.diff([*starts, len(displacements)]) * step[-1]
    corner = np.asarray([lo for lo, _ in adjacency.reach])
    offsets = (displacements[starts] - corner) @ np.asarray(step)
    return list(zip(offsets.tolist(), lengths.tolist()))


def _extended(
    image: Image, low: Sequence[int], high: Sequence[int], mode: str, fill: Sequence[float]
) -> tuple[Float, list[int]]:
    """Flat values of places `low` to `high` of each axis, the border supplied; steps per axis."""
    size, channels = image.shape[:-1], image.shape[-1]
    shape = [hi + 1 - lo for lo, hi in zip(low, high)]
    count = int(np.prod(shape)) * channels
    flat = np.empty(count + 3, dtype=np.float32)  # spans are read four values at a time
    extended = flat[:count].reshape(*shape, channels)
    if mode == "constant":
        first = [min(max(lo, 0), n) for lo, n in zip(low, size)]
        inside = [slice(a, max(a, min(hi + 1, n))) for a, hi, n in zip(first, high, size)]
        if [axis.stop - axis.start for axis in inside] != shape:
            extended[...] = np.asarray(fill, dtype=np.float32)
        place = tuple(slice(axis.start - lo, axis.stop - lo) for axis, lo in zip(inside, low))
        extended[place] = image[tuple(inside)]
    else:
        whole = np.ix_(*[np.arange(lo, hi + 1) for lo, hi in zip(low, high)])
        extended[...] = _values(image[None], whole, size, mode, fill)[0]
    return flat, [step // 4 for step in extended.strides[:-1]]


def flatten(image: npt.ArrayLike, *, ndim: int = 2) -> Float:
    """Concatenate all values of an image into one feature vector; one row per image of a batch.

    Parameters
    ----------
    image : (rows, cols[, C]) array, with planes before them for ``ndim=3``, or a batch of images
    ndim : {2, 3}
        Spatial axes.

    Returns
    -------
    (rows * cols * C,) or (batch, rows * cols * C) array of float32
        Spel-major, channel-minor.

    Notes
    -----
    Lecture, "Flattening and classification".

    Examples
    --------
    >>> flatten([[[1, 2]], [[3, 4]]]).tolist()
    [1.0, 2.0, 3.0, 4.0]
    """
    planar = as_planar("flatten", image, ndim)
    length = planar.channels * int(np.prod(planar.size))
    flat = np.empty((len(planar.array), length), dtype=np.float32)
    flat[...] = np.moveaxis(planar.array, 1, -1).reshape(len(planar.array), length)
    return flat if planar.batched else flat[0]


def _checked_places(at: npt.ArrayLike, size: Sequence[int]) -> list[Image]:
    places = np.asarray(at)
    if places.size == 0:
        places = places.reshape(0, len(size)).astype(np.int64)
    if places.ndim != 2 or places.shape[1] != len(size) or places.dtype.kind not in "iu":
        raise ShapeError(
            f"patches: at of shape {places.shape} and dtype {places.dtype}; expected integer "
            f"places (m, {len(size)})"
        )
    outside = ((places < 0) | (places >= np.asarray(size))).any(axis=1)
    if outside.any():
        raise ParameterError(
            f"patches: place {tuple(places[outside][0].tolist())} lies outside the image of "
            f"{tuple(size)} spels; expected 0 <= place < size"
        )
    return list(places.T.astype(np.int64))


def _values(
    source: Image, places: Sequence[Any], size: Sequence[int], mode: str, fill: Sequence[float]
) -> Image:
    """Values (N, ..., C) at the places; the border supplies those outside the image."""
    if 0 in size:
        return np.zeros((), dtype=np.float32)
    if mode != "constant":
        index: Any = tuple(bounced(p, n, mode) for p, n in zip(places, size))
        return source[(slice(None), *index)]
    inside = np.logical_and.reduce(
        np.broadcast_arrays(*[(p >= 0) & (p < n) for p, n in zip(places, size)])
    )
    index = tuple(np.clip(p, 0, n - 1) for p, n in zip(places, size))
    values = source[(slice(None), *index)]
    return np.where(inside[..., None], values, np.asarray(fill, dtype=np.float32))
