"""Images as the kernels see them: one planar, five-axis view of any image, and the way back.

``(rows, cols)``, ``(rows, cols, channels)``, ``(batch, rows, cols, channels)`` and the same with
planes become a view ``(batch, channel, plane, row, col)``: nothing is copied unless the dtype is
one that the kernels do not read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.core.adjacency import Adjacency
from spel.core.numbers import as_numbers
from spel.errors import ParameterError, ShapeError
from spel.kernels.memory import empty

Image = npt.NDArray[Any]
Float = npt.NDArray[np.float32]
Out = npt.NDArray[np.float32] | npt.NDArray[np.uint8]

KERNEL_DTYPES = frozenset("?bBhHiIfd")
"""Dtype characters that the kernels read as they are; others become one of these, exactly."""


@dataclass(frozen=True)
class Planar:
    """A ``(N, C, D, H, W)`` view of an image, and which of these axes the image had.

    Attributes
    ----------
    array : (N, C, D, H, W) array
    ndim : int
        Spatial axes: 2 or 3.
    batched, channelled : bool
        Whether the image had a batch axis, a channel axis.
    """

    array: Image
    ndim: int
    batched: bool
    channelled: bool

    @property
    def channels(self) -> int:
        """Number of channels."""
        return int(self.array.shape[1])

    @property
    def size(self) -> tuple[int, ...]:
        """Spatial size of the image."""
        return self.array.shape[5 - self.ndim :]

    def allocate(self, channels: int, size: Sequence[int]) -> Float:
        """Planar float32 memory for a result of `channels` over `size` spels."""
        planes = (1,) * (3 - self.ndim)
        return empty((len(self.array), channels, *planes, *size))

    def shape(
        self, channels: int, size: Sequence[int], *, channelled: bool | None = None
    ) -> tuple[int, ...]:
        """Shape of a result of `channels` over `size` spels, with the axes of the input."""
        keep = self.channelled if channelled is None else channelled
        batch = (len(self.array),) if self.batched else ()
        return (*batch, *size, *((channels,) if keep else ()))

    def image(self, planar: Image, *, channelled: bool | None = None) -> Image:
        """The ``(row, col, channel)`` view of a planar result, with the axes of the input."""
        keep = self.channelled if channelled is None else channelled
        view = planar.transpose(0, 2, 3, 4, 1)
        view = view if self.ndim == 3 else view[:, 0]
        view = view if keep else view[..., 0]
        return view if self.batched else view[0]


def as_planar(operator: str, image: npt.ArrayLike, ndim: int) -> Planar:
    """The planar view of an image of `ndim` spatial axes.

    Raises
    ------
    ShapeError
        If the array has too few or too many axes for an image, or a batch of them.
    ParameterError
        If its values are not real numbers.
    """
    array = as_real(operator, image)
    extra = array.ndim - ndim
    if extra not in (0, 1, 2):
        words = "(rows, cols[, channels])" if ndim == 2 else "(planes, rows, cols[, channels])"
        raise ShapeError(
            f"{operator}: image of shape {array.shape} has {array.ndim} axes; expected {ndim} or "
            f"{ndim + 1} {words}, or {ndim + 2} for a batch. For "
            f"{'volumes' if ndim == 2 else 'pixels'} use an adjacency of {5 - ndim} axes"
        )
    view = array if extra > 0 else array[..., None]
    view = view if extra > 1 else view[None]
    view = view[:, None] if ndim == 2 else view
    view = view.transpose(0, 4, 1, 2, 3)
    return Planar(view, ndim, batched=extra == 2, channelled=extra > 0)


def as_real(operator: str, image: npt.ArrayLike) -> Image:
    """The image as an array of a real dtype that the kernels read; no number is rounded.

    Raises
    ------
    ShapeError
        If the array is ragged.
    ParameterError
        If its values are not real numbers, are partly masked, or are whole numbers that no float
        holds.
    """
    array = as_numbers(image, operator)
    if array.dtype.char in KERNEL_DTYPES and array.dtype.isnative:
        return array
    if array.dtype.kind == "f" and array.dtype.itemsize == 2:
        return array.astype(np.float32)
    if array.dtype.kind == "f":
        return array.astype(np.float64)
    if array.dtype.itemsize < 8:
        return array.astype(array.dtype.newbyteorder("="))
    return array.astype(np.float64)


def is_wide(array: Image) -> bool:
    """Whether the array's numbers may have more digits than float32 holds."""
    return array.dtype.char in "iIlLqQd"


_ZERO = bytes(4)  # of float32


def shape_only(shape: Sequence[int]) -> Float:
    """An array of this shape without memory, for checks and shapes without data."""
    steps = (0,) * len(shape)
    try:
        return np.ndarray(tuple(shape), np.float32, _ZERO, strides=steps)
    except ValueError:
        sizes = " x ".join(f"{n:.15g}" for n in shape)
        raise ShapeError(f"an image of {sizes} numbers is larger than any array") from None


def extremes(array: npt.NDArray[Any], axes: tuple[int, ...]) -> tuple[Float, Float]:
    """The smallest and the largest values of a planar array over some axes, which stay with size 1.

    NumPy walks in the order of memory: over few interleaved channels, its inner loop has as many
    numbers. So these go channel by channel.
    """
    parts = _walks(array, axes)
    low = np.concatenate([part.min(axis=axes, keepdims=True) for part in parts], axis=1)
    return low, largest(array, axes)


def largest(array: npt.NDArray[Any], axes: tuple[int, ...]) -> Float:
    """The second of the two `extremes`."""
    parts = _walks(array, axes)
    return np.concatenate([part.max(axis=axes, keepdims=True) for part in parts], axis=1)


def _walks(array: npt.NDArray[Any], axes: tuple[int, ...]) -> list[npt.NDArray[Any]]:
    """The array, or its few channels if they are interleaved."""
    channels = array.shape[1]
    steps = [abs(step) for step, n in zip(array.strides, array.shape) if n > 1]
    if axes == (2, 3, 4) and 1 < channels <= 16 and abs(array.strides[1]) == min(steps):
        return [array[:, c : c + 1] for c in range(channels)]
    return [array]


def allocate(
    operator: str,
    result: Planar,
    channels: int,
    size: Sequence[int],
    out: Out | None,
    *,
    channelled: bool | None = None,
    rounded: bool = False,
) -> tuple[Image, Image]:
    """Memory for a result: its planar form for the kernel, and the image that the caller receives.

    With `rounded`, `out` may be of uint8: the kernel rounds its values to 0..255.

    Raises
    ------
    ShapeError, ParameterError
        If `out` has not exactly the result's shape and dtype, is read-only, or shares memory with
        the input.
    """
    if out is None:
        memory = result.allocate(channels, size)
        return memory, result.image(memory, channelled=channelled)
    shape = result.shape(channels, size, channelled=channelled)
    check_out(operator, out, shape, result.array, rounded=rounded)
    return as_planar(operator, out, result.ndim).array, out


def check_out(
    operator: str, out: Image, shape: Sequence[int], image: Image, *, rounded: bool = False
) -> None:
    """Refuse an `out` that is not exactly what the operator writes."""
    kind = str(getattr(out, "dtype", type(out).__name__))
    taken = ("float32", "uint8") if rounded else ("float32",)
    if not isinstance(out, np.ndarray) or kind not in taken:
        expected = " or ".join(taken)
        raise ParameterError(f"{operator}: out of dtype {kind}; expected a {expected} array")
    if out.shape != tuple(shape):
        raise ShapeError(f"{operator}: out of shape {out.shape}; expected {tuple(shape)}")
    if not out.flags.writeable:
        raise ParameterError(f"{operator}: out is read-only; give a writable array")
    if np.may_share_memory(out, image):
        raise ParameterError(
            f"{operator}: out shares memory with the image; inputs are never written, give another "
            "array"
        )


def pad_to_3d(values: Sequence[int], neutral: int) -> tuple[int, ...]:
    """Per-axis values as (plane, row, col)."""
    return (neutral,) * (3 - len(values)) + tuple(values)


def check_adjacency(operator: str, adjacency: object) -> Adjacency:
    """The adjacency, or an error that says how to make one."""
    if not isinstance(adjacency, Adjacency):
        raise ParameterError(
            f"{operator}: adjacency {adjacency!r}; expected an Adjacency, for example "
            "Adjacency.rectangle(width=25, height=5)"
        )
    return adjacency
