"""Larger images: spels enlarged, and the adjoint of convolution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from spel import kernels
from spel.core.bank import KernelBank
from spel.core.numbers import as_numbers
from spel.core.threads import thread_count
from spel.core.window import Window
from spel.errors import ParameterError, ShapeError
from spel.ops.arrays import Float, Image, Out, Planar, allocate, as_planar, pad_to_3d

Method = Literal["nearest", "linear"]
FullBorder = Literal["zero", "valid"]

MAX_FACTOR = 64
"""Largest factor of an upsampling."""


def upsample(
    image: npt.ArrayLike,
    factor: int | Sequence[int] = 2,
    *,
    method: Method = "nearest",
    out: Out | None = None,
) -> Image:
    """Enlarge an image: every spel becomes ``factor`` spels along each axis.

    nearest: ``out(p) = I(p // factor)``. linear: interpolated between the middles of the spels
    around it, where spel p of the result has its middle at ``(p + 1/2) / factor``; beyond the last
    middle, the last value is repeated.

    Parameters
    ----------
    image : (rows, cols[, C]) array, with planes before them for voxels, or a batch of images
    factor : int or sequence of int
        One number for both axes of pixels, or one per axis (three for voxels).
    method : {"nearest", "linear"}
    out : float32 or uint8 array, optional
        Written and returned instead of new memory.

    Returns
    -------
    array of float32
        ``factor`` times as large.

    Raises
    ------
    ShapeError, ParameterError
        If the image, the factor or the method does not fit.

    See Also
    --------
    spel.ops.enlarge : spels that stand at 0, s, 2s, ... of a larger image.

    Examples
    --------
    >>> upsample([[0, 4]], (1, 2)).tolist()
    [[0.0, 0.0, 4.0, 4.0]]
    >>> upsample([[0, 4]], (1, 2), method="linear").tolist()
    [[0.0, 1.0, 3.0, 4.0]]
    """
    factors = checked_factor(factor)
    if method not in ("nearest", "linear"):
        raise ParameterError(f"upsample: method {method!r:.40}; expected 'nearest' or 'linear'")
    planar = as_planar("upsample", image, len(factors))
    size = [n * f for n, f in zip(planar.size, factors, strict=True)]
    memory, result = allocate("upsample", planar, planar.channels, size, out, rounded=True)
    kernels.upsample(
        planar.array,
        factor=pad_to_3d(factors, 1),
        linear=method == "linear",
        out=memory,
        threads=thread_count(),
    )
    return result


def transposed_convolve(
    image: npt.ArrayLike,
    bank: KernelBank,
    *,
    stride: int | Sequence[int] = 1,
    border: FullBorder = "zero",
    bias: npt.ArrayLike = 0.0,
    out: Out | None = None,
) -> Image:
    """The adjoint of a convolution: every spel adds to the spels that its window would have read.

    ``J_c(q) = bias_c + sum of I_k(p) W_k(d_i)_c`` over all p and i with ``start + p stride + d_i =
    q``: ``<convolve(x), y> = <x, transposed_convolve(y)>``. Known as deconvolution, which it is
    not: it does not undo a convolution.

    Parameters
    ----------
    image : (rows, cols, K) array, with planes before them for voxels, or a batch of images
        One channel for each kernel of the bank.
    bank : KernelBank
        The kernels of the convolution, of C channels; its biases are not used.
    stride : int or sequence of int
        Of the convolution: how many times larger the result is.
    border : {"zero", "valid"}
        Of the convolution. "zero": ``n stride`` spels per axis, and what would fall outside is
        lost. "valid": all that the windows reach, ``(n - 1) stride + w`` spels for a width w.
    bias : float or (C,) array
        Added to each channel of the result.
    out : float32 or uint8 array, optional
        Written and returned instead of new memory.

    Returns
    -------
    (rows', cols', C) array of float32

    Raises
    ------
    ShapeError, ParameterError
        If the image, bank, stride, border or bias does not fit.

    Examples
    --------
    >>> bank = KernelBank.from_array([[1.0, 2.0, 3.0]])
    >>> transposed_convolve([[1.0, 10.0]], bank, stride=2, border="valid")[..., 0].tolist()
    [[1.0, 2.0, 13.0, 20.0, 30.0]]
    """
    planar, window = checked_transposed(image, bank, stride, border)
    shift = checked_bias(bias, bank)
    size = transposed_size(window, planar.size)
    memory, result = allocate(
        "transposed_convolve", planar, bank.channels, size, out, channelled=True, rounded=True
    )
    kernels.transpose(
        planar.array,
        bank.adjacency.displacements_3d,
        bank.weights,
        shift,
        start=pad_to_3d(window.start, 0),
        stride=pad_to_3d(window.strides, 1),
        out=memory,
        threads=thread_count(),
    )
    return result


def transposed_size(window: Window, size: Sequence[int]) -> tuple[int, ...]:
    """The size of the smallest image, or the one of whole strides, with so many windows."""
    if window.border != "valid":
        return tuple(n * s for n, s in zip(size, window.strides, strict=True))
    return tuple(
        max(0, (n - 1) * s + max(0, high) + max(0, -low) + 1) if n else 0
        for n, s, (low, high) in zip(size, window.strides, window.adjacency.reach, strict=True)
    )


def checked_factor(factor: int | Sequence[int]) -> tuple[int, ...]:
    """A factor per axis; a single one is for both axes of pixels."""
    factors = (factor, factor) if np.ndim(factor) == 0 else tuple(np.asarray(factor))
    whole = all(isinstance(f, int | np.integer) and 1 <= f <= MAX_FACTOR for f in factors)
    if len(factors) not in (2, 3) or not whole:
        raise ParameterError(
            f"upsample: factor {factor!r:.40}; expected a whole number from 1 to {MAX_FACTOR}, or "
            "one per axis"
        )
    return tuple(int(f) for f in factors)


def checked_transposed(
    image: npt.ArrayLike, bank: KernelBank, stride: int | Sequence[int], border: str
) -> tuple[Planar, Window]:
    """The planar image and the window of the convolution, after all checks."""
    name = "transposed_convolve"
    if not isinstance(bank, KernelBank):
        raise ParameterError(f"{name}: bank {type(bank).__name__}; expected a KernelBank")
    if border not in ("zero", "valid"):
        raise ParameterError(f"{name}: border {border!r:.40}; expected 'zero' or 'valid'")
    window = Window(bank.adjacency, stride, border)  # type: ignore[arg-type]
    planar = as_planar(name, image, bank.adjacency.ndim)
    if planar.channels != len(bank):
        raise ShapeError(
            f"{name}: image of {planar.channels} channels, bank of {len(bank)} kernels; expected "
            "one channel for each kernel"
        )
    return planar, window


def checked_bias(bias: npt.ArrayLike, bank: KernelBank) -> Float:
    """One finite number per channel of the result."""
    values = as_numbers(bias, "transposed_convolve", "bias").astype(np.float32)
    if values.shape not in ((), (1,), (bank.channels,)) or not np.isfinite(values).all():
        raise ShapeError(
            f"transposed_convolve: bias of shape {values.shape}; expected one finite number, or "
            f"one for each of {bank.channels} channels"
        )
    return np.ascontiguousarray(np.broadcast_to(values, (bank.channels,)))
