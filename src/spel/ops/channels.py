"""Operators over the channels of a spel: softmax, and the number of the largest."""

from __future__ import annotations

import numpy.typing as npt

from spel import kernels
from spel.core.threads import thread_count
from spel.errors import ShapeError
from spel.ops.arrays import Float, Image, Out, Planar, allocate, as_planar, as_real


def softmax(image: npt.ArrayLike, *, out: Float | None = None) -> Float:
    """Exponentials of the channels over their sum: at every spel positive values that sum to 1.

    ``S_k(p) = exp(I_k(p)) / sum_j exp(I_j(p))``

    Parameters
    ----------
    image : (rows, cols[, C]) array, with planes or a batch before them
    out : float32 array, optional
        Written and returned instead of new memory.

    Returns
    -------
    array of float32
        Of the image's shape. All channels of a spel are NaN where one is NaN or infinite.

    Raises
    ------
    ShapeError
        If the array is no image, or its channel axis has size 0.

    Examples
    --------
    >>> softmax([[[0.0, 0.0]], [[1.0, 101.0]]]).round(3).tolist()
    [[[0.5, 0.5]], [[0.0, 1.0]]]
    """
    planar = _channelled("softmax", image)
    memory, result = allocate("softmax", planar, planar.channels, planar.size, out)
    kernels.softmax(planar.array, out=memory, threads=thread_count())
    return result


def argmax(image: npt.ArrayLike, *, out: Out | None = None) -> Image:
    """Number of the channel with the largest value: at every spel a class, from 0.

    ``M(p) = min {k : I_k(p) = max_j I_j(p)}``

    Parameters
    ----------
    image : (rows, cols[, C]) array, with planes or a batch before them
    out : float32 or uint8 array, optional
        Written and returned instead of new memory.

    Returns
    -------
    (rows, cols[, 1]) array of float32
        Whole numbers. The first of equal channels; a NaN counts as larger than all.

    Raises
    ------
    ShapeError
        If the array is no image, or its channel axis has size 0.

    Examples
    --------
    >>> argmax([[[3.0, 5.0, 5.0]], [[2.0, 1.0, 0.0]]]).tolist()
    [[[1.0]], [[0.0]]]
    """
    planar = _channelled("argmax", image)
    memory, result = allocate("argmax", planar, 1, planar.size, out, rounded=True)
    kernels.argmax(planar.array, out=memory, threads=thread_count())
    return result


def _channelled(operator: str, image: npt.ArrayLike) -> Planar:
    """The planar view; spel by spel, so that planes may as well be a batch."""
    array = as_real(operator, image)
    check_channels(operator, array.shape)
    return as_planar(operator, array, 3 if array.ndim == 5 else 2)


def check_channels(operator: str, shape: tuple[int, ...]) -> None:
    """Refuse what has no channels to compare."""
    if len(shape) not in (2, 3, 4, 5) or (len(shape) > 2 and not shape[-1]):
        raise ShapeError(
            f"{operator}: image of shape {shape}; expected (rows, cols, channels), with planes or "
            "a batch before them, and at least one channel"
        )
