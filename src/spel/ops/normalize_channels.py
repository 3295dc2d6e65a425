"""Normalizations over groups of channels: of a whole image, and around each channel of a spel."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spel.core.numbers import as_numbers
from spel.errors import ParameterError, ShapeError
from spel.ops.arrays import Float, allocate, as_planar, as_real


def group_normalize(
    image: npt.ArrayLike,
    groups: int,
    *,
    gamma: npt.ArrayLike = 1.0,
    beta: npt.ArrayLike = 0.0,
    epsilon: float = 1e-5,
    ndim: int = 2,
    out: Float | None = None,
) -> Float:
    """Centre and scale each group of channels by its mean and deviation over one image.

    ``N_k(p) = (I_k(p) - mu_g) / sqrt(sigma_g^2 + epsilon) gamma_k + beta_k``, with the mean and
    the variance (over n, not n - 1) of all values of the channels of group g. One group is known
    as layer normalization, as many as channels as instance normalization.

    Parameters
    ----------
    image : (rows, cols, C) array, with planes before them for ``ndim=3``, or a batch of images
    groups : int
        Groups of equal size, of channels that follow one another.
    gamma, beta : float or (C,) array
    epsilon : float
        Above 0.
    ndim : int
        Spatial axes.
    out : float32 array, optional
        Written and returned instead of new memory.

    Returns
    -------
    array of float32
        Of the image's shape.

    Raises
    ------
    ShapeError, ParameterError
        If the groups do not divide the channels, or a number does not fit.

    Examples
    --------
    >>> image = [[[1.0, 10.0], [3.0, 30.0]]]
    >>> group_normalize(image, 2, epsilon=1e-12).round(3).tolist()
    [[[-1.0, -1.0], [1.0, 1.0]]]
    """
    planar = as_planar("group_normalize", image, ndim)
    check_groups(groups, planar.channels)
    memory, result = allocate("group_normalize", planar, planar.channels, planar.size, out)
    x = planar.array.astype(np.float64)
    if x.size:
        parts = x.reshape(len(x), groups, -1)
        centred = parts - parts.mean(axis=2, keepdims=True)
        below = np.sqrt(np.square(centred).mean(axis=2, keepdims=True) + epsilon)
        x = (centred / below).reshape(x.shape)
    scale, shift = (
        _of_channels(name, values, planar.channels)
        for name, values in (("gamma", gamma), ("beta", beta))
    )
    memory[...] = x * scale + shift
    return result


def _of_channels(name: str, values: npt.ArrayLike, channels: int) -> npt.NDArray[np.float64]:
    numbers = as_numbers(values, "group_normalize", name).astype(np.float64)
    if numbers.shape not in ((), (1,), (channels,)):
        raise ShapeError(
            f"group_normalize: {name} of shape {numbers.shape} for {channels} channels; expected "
            "one number, or one per channel"
        )
    return np.broadcast_to(numbers, (channels,))[:, None, None, None]


def check_groups(groups: int, channels: int) -> None:
    """Refuse groups that do not divide the channels."""
    if int(groups) != groups or groups < 1 or channels % int(groups):
        raise ShapeError(
            f"group_normalize: {groups!r:.40} groups for an image of {channels} channels; expected "
            "a number that divides them"
        )


def local_response_normalize(
    image: npt.ArrayLike,
    size: int = 5,
    *,
    alpha: float = 1e-4,
    beta: float = 0.75,
    k: float = 1.0,
    out: Float | None = None,
) -> Float:
    """Divide each channel by a power of the squares of the channels around it.

    ``N_c(p) = I_c(p) / (k + alpha / size sum of I_j(p)^2)^beta`` over the `size` channels j with c
    in their middle; those that do not exist count as 0.

    Parameters
    ----------
    image : (rows, cols, C) array, with planes or a batch before them
    size : int
        Odd number of channels.
    alpha, beta, k : float
        k is above 0, alpha at least 0.
    out : float32 array, optional
        Written and returned instead of new memory.

    Returns
    -------
    array of float32
        Of the image's shape.

    Raises
    ------
    ShapeError, ParameterError
        If the image or a number does not fit.

    Notes
    -----
    Krizhevsky, Sutskever, Hinton (2012), with alpha over the size, as PyTorch and ONNX have it.

    Examples
    --------
    >>> local_response_normalize([[[3.0, 4.0]]], 3, alpha=3.0, beta=1.0, k=1.0).round(4)
    array([[[0.1154, 0.1538]]], dtype=float32)
    """
    check_response(size, alpha, beta, k)
    array = as_real("local_response_normalize", image)
    planar = as_planar("local_response_normalize", array, 3 if array.ndim == 5 else 2)
    memory, result = allocate("local_response_normalize", planar, planar.channels, planar.size, out)
    x = planar.array.astype(np.float64)
    squares, total = np.square(x), np.zeros_like(x)
    for away in range(-(size // 2), size // 2 + 1):
        own, other = slice(max(0, -away), planar.channels - max(0, away)), max(0, away)
        count = max(0, planar.channels - abs(away))
        total[:, own.start : own.start + count] += squares[:, other : other + count]
    memory[...] = x / (k + alpha / size * total) ** beta
    return result


def check_response(size: int, alpha: float, beta: float, k: float) -> None:
    """Refuse numbers that make no local response normalization."""
    if int(size) != size or size < 1 or size % 2 == 0:
        raise ParameterError(
            f"local_response_normalize: size {size!r:.40}; expected an odd whole number"
        )
    if not (np.isfinite([alpha, beta, k]).all() and alpha >= 0 and k > 0):
        raise ParameterError(
            f"local_response_normalize: alpha {alpha!r}, beta {beta!r}, k {k!r}; expected finite "
            "numbers, alpha at least 0 and k above 0"
        )
