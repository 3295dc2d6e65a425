"""Pooling: the largest, smallest or mean value among the adjacents of a spel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from spel import kernels
from spel.core.adjacency import Adjacency
from spel.core.threads import thread_count
from spel.core.window import POOL_BORDER_WORDS, Border, Window
from spel.errors import ParameterError
from spel.ops.arrays import (
    Image,
    Out,
    Planar,
    allocate,
    as_planar,
    check_adjacency,
    pad_to_3d,
)

PoolBorder = Literal["inside", "zero", "edge", "reflect", "symmetric", "wrap", "valid"]


def max_pool(
    image: npt.ArrayLike,
    adjacency: Adjacency,
    *,
    stride: int | Sequence[int] = 1,
    border: PoolBorder = "inside",
    out: Out | None = None,
) -> Image:
    """Largest value among the adjacents inside the image, per channel.

    ``P_k(p) = max R_k(q)`` over the q in B(p) that lie in the image.

    Parameters
    ----------
    image : (rows, cols[, C]) array, with planes before them for voxels, or a batch of images
    adjacency : Adjacency
        B, of any shape.
    stride : int or sequence of int
        Distance between the spels that are computed.
    border : {"inside", "zero", "edge", "reflect", "symmetric", "wrap", "valid"}
        Use only spels inside the image (``ceil(n / stride)`` outputs per axis), or also those
        outside, with the values that the border supplies (see `spel.Window`), or only windows that
        lie inside completely (``floor((n - w) / stride) + 1``).
    out : float32 or uint8 array, optional
        Written and returned instead of new memory.

    Returns
    -------
    (rows', cols'[, C]) array of float32
        0 where no adjacent lies inside the image; NaN where one of them is NaN.

    Raises
    ------
    ShapeError, ParameterError
        If the image, the stride or the border does not fit.

    See Also
    --------
    min_pool : ``min_pool(x, B) == -max_pool(-x, B)``.

    Notes
    -----
    Lecture, "Pooling". Exact: the result is one of the values.

    Examples
    --------
    >>> max_pool([[1, 5, 2, 0, 3]], Adjacency.rectangle(width=3, height=1)).tolist()
    [[5.0, 5.0, 5.0, 3.0, 3.0]]
    >>> max_pool([[1, 5, 2, 0, 3]], Adjacency.rectangle(width=3, height=1), stride=2).tolist()
    [[5.0, 5.0, 3.0]]
    """
    return _extremum("max_pool", image, adjacency, stride, border, out, maximum=True)


def min_pool(
    image: npt.ArrayLike,
    adjacency: Adjacency,
    *,
    stride: int | Sequence[int] = 1,
    border: PoolBorder = "inside",
    out: Out | None = None,
) -> Image:
    """Smallest value among the adjacents inside the image, per channel; as `max_pool` otherwise.

    ``P_k(p) = min R_k(q)`` over the q in B(p) that lie in the image.

    Parameters
    ----------
    image, adjacency, stride, border, out
        As `max_pool` takes them.

    Examples
    --------
    >>> min_pool([[1, 5, 2, 0, 3]], Adjacency.rectangle(width=3, height=1)).tolist()
    [[1.0, 1.0, 0.0, 0.0, 0.0]]
    """
    return _extremum("min_pool", image, adjacency, stride, border, out, maximum=False)


def mean_pool(
    image: npt.ArrayLike,
    adjacency: Adjacency,
    *,
    stride: int | Sequence[int] = 1,
    border: PoolBorder = "inside",
    count: Literal["valid", "full"] = "valid",
    out: Out | None = None,
) -> Image:
    """Mean of the adjacents, per channel; as `max_pool` otherwise.

    ``P_k(p) = sum R_k(q) / |B(p)|`` over the q in B(p) that lie in the image.

    Parameters
    ----------
    image, adjacency, stride, border, out
        As `max_pool` takes them.
    count : {"valid", "full"}
        Divide by the number of adjacents inside the image, or by all of B (as libift and ONNX's
        ``count_include_pad``).

    Notes
    -----
    Lecture, "Pooling". Error bound: ``|y - y64| <= c n eps sum |x| / |B|``.

    Examples
    --------
    >>> wide = Adjacency.rectangle(width=3, height=1)
    >>> mean_pool([[3, 6, 9]], wide).tolist(), mean_pool([[3, 6, 9]], wide, count="full").tolist()
    ([[4.5, 6.0, 7.5]], [[3.0, 6.0, 5.0]])
    """
    if count not in ("valid", "full"):
        raise ParameterError(f"mean_pool: count {count!r}; expected 'valid' or 'full'")
    window = pool_window("mean_pool", adjacency, stride, border)
    planar = as_planar("mean_pool", image, window.adjacency.ndim)
    size = window.shape(planar.size)
    memory, result = allocate("mean_pool", planar, planar.channels, size, out, rounded=True)
    array, start = _supplied(planar, window)
    kernels.mean_pool(
        array,
        window.adjacency.displacements_3d,
        full=count == "full",
        start=start,
        stride=pad_to_3d(window.strides, 1),
        out=memory,
        threads=thread_count(),
    )
    return result


def _extremum(
    operator: str,
    image: npt.ArrayLike,
    adjacency: Adjacency,
    stride: int | Sequence[int],
    border: Border,
    out: Out | None,
    *,
    maximum: bool,
) -> Image:
    window = pool_window(operator, adjacency, stride, border)
    planar = as_planar(operator, image, window.adjacency.ndim)
    size = window.shape(planar.size)
    memory, result = allocate(operator, planar, planar.channels, size, out, rounded=True)
    array, start = _supplied(planar, window)
    kernels.extremum(
        array,
        window.adjacency.displacements_3d,
        maximum=maximum,
        start=start,
        stride=pad_to_3d(window.strides, 1),
        out=memory,
        threads=thread_count(),
    )
    return result


def _supplied(planar: Planar, window: Window) -> tuple[Image, tuple[int, ...]]:
    """The image that the windows lie in, what a border supplies included, and where they start."""
    if not supplies(window) or not planar.array.size:
        return planar.array, pad_to_3d(window.start, 0)
    before, after = zip(*window.halo)
    size = [a + n + b for a, n, b in zip(before, planar.size, after)]
    mode, fill = window.border_mode(planar.channels)
    around = planar.allocate(planar.channels, size)
    kernels.pad(
        planar.array,
        start=pad_to_3d([-n for n in before], 0),
        border=mode,
        fill=np.asarray(fill, dtype=np.float32),
        out=around,
        threads=thread_count(),
    )
    return around, pad_to_3d(before, 0)


def supplies(window: Window) -> bool:
    """Whether a pooling takes values outside the image from its border."""
    return window.border not in ("inside", "valid")


def pool_window(
    operator: str, adjacency: Adjacency, stride: int | Sequence[int], border: Border
) -> Window:
    """The window of a pooling, checked.

    Raises
    ------
    ParameterError
        If the adjacency, the stride or the border is not allowed; the message names the operator.
    """
    if border not in POOL_BORDER_WORDS:
        raise ParameterError(
            f"{operator}: border {border!r}; expected one of {', '.join(POOL_BORDER_WORDS)}"
        )
    return Window(check_adjacency(operator, adjacency), stride, border)
