"""Convolution: the patch of every spel against a bank of kernels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from spel import kernels
from spel.core.bank import KernelBank
from spel.core.threads import thread_count
from spel.core.window import Border, Window
from spel.errors import ParameterError, ShapeError
from spel.ops.arrays import Image, Out, Planar, allocate, as_planar, pad_to_3d


def convolve(
    image: npt.ArrayLike,
    bank: KernelBank,
    *,
    stride: int | Sequence[int] = 1,
    border: Border = "zero",
    groups: int = 1,
    out: Out | None = None,
) -> Image:
    """Correlate an image with K kernels and add each kernel's bias.

    ``J_k(p) = w_k0 + sum_i <I(q_i), W_k(q_i)>`` over the adjacents q_i of p. Kernels are not
    flipped.

    Parameters
    ----------
    image : (rows, cols[, C]) array, with planes before them for voxels, or a batch of images
        Any real dtype, any strides. Two axes are an image of one channel.
    bank : KernelBank
        K kernels over an adjacency for C channels.
    stride : int or sequence of int
        Distance between the spels that are computed.
    border : {"zero", "edge", "reflect", "symmetric", "wrap", "valid"}, float or tuple of float
        What spels outside the image supply, see `spel.Window`.
    groups : int
        Into how many groups channels and kernels fall: a kernel reads the channels of its own
        group alone, so the bank is for C / groups channels. With as many groups as channels the
        convolution is called depthwise.
    out : float32 or uint8 array, optional
        Written and returned instead of new memory; exactly the result's shape.

    Returns
    -------
    (rows', cols', K) array of float32
        A channel-last view of planar memory. ``ceil(n / stride)`` spels per axis, or
        ``floor((n - w) / stride) + 1`` when only "valid" windows count.

    Raises
    ------
    ShapeError
        If the axes or channels of the image do not fit the bank.
    ParameterError
        If a stride, border or dtype is outside its set.

    See Also
    --------
    spel.ops.patches : ``patches @ weights + bias`` gives the same numbers.

    Notes
    -----
    Lecture, "Convolution" and "Perceptron". Error bound: ``|y - y64| <= c n eps sum |w||x|``.
    NaN and infinity reach every output whose patch holds them, even through weights of zero.

    Examples
    --------
    >>> convolve([[0, 0, 9, 9]], KernelBank.from_array([[-1, 0, 1]]))[..., 0].tolist()
    [[0.0, 9.0, 9.0, -9.0]]
    """
    planar, window = checked(image, bank, stride, border, groups)
    mode, fill = window.border_mode(planar.channels)
    size = window.shape(planar.size)
    memory, result = allocate(
        "convolve", planar, len(bank), size, out, channelled=True, rounded=True
    )
    kernels.convolve(
        planar.array,
        bank.adjacency.displacements_3d,
        bank.weights,
        bank.bias,
        start=pad_to_3d(window.start, 0),
        stride=pad_to_3d(window.strides, 1),
        border=mode,
        fill=np.asarray(fill, dtype=np.float32),
        out=memory,
        groups=int(groups),
        threads=thread_count(),
    )
    return result


def checked(
    image: npt.ArrayLike,
    bank: KernelBank,
    stride: int | Sequence[int],
    border: Border,
    groups: int = 1,
) -> tuple[Planar, Window]:
    """The planar image and the window of a convolution, after all checks."""
    if not isinstance(bank, KernelBank):
        raise ParameterError(
            f"convolve: bank {type(bank).__name__}; expected a KernelBank, for example "
            "KernelBank.from_array(weights)"
        )
    window = Window(bank.adjacency, stride, border)
    if window.border == "inside":
        raise ParameterError(
            'convolve: border "inside" is for pooling; expected "zero", "edge", '
            '"reflect", "symmetric", "wrap", "valid" or numbers'
        )
    if int(groups) != groups or groups < 1 or len(bank) % int(groups):
        raise ParameterError(
            f"convolve: groups {groups!r:.40} for {len(bank)} kernels; expected a number that "
            "divides them"
        )
    planar = as_planar("convolve", image, bank.adjacency.ndim)
    if planar.channels != bank.channels * groups:
        of = "" if groups == 1 else f" in each of {groups} groups"
        raise ShapeError(
            f"convolve: image of {planar.channels} channels, bank for {bank.channels}{of}; convert "
            "the image (spel.ops.grey) or build the bank for its channels"
        )
    window.border_mode(planar.channels)
    return planar, window
