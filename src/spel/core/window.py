"""Windows: how an adjacency slides over an image.

Only this file decides how many outputs there are, at which spel each lies, which of them need the
border, and how much context a tile must read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any, Literal, TypeAlias

import numpy as np

from spel.core.adjacency import Adjacency
from spel.core.value import Value, derived_property
from spel.errors import ParameterError, ShapeError

Border: TypeAlias = (
    Literal["zero", "edge", "reflect", "symmetric", "wrap", "valid", "inside"]
    | float
    | tuple[float, ...]
)

MAX_STRIDE = 1 << 20
"""Largest distance between positions: more than any image is wide."""

MAX_BORDER = float(np.finfo(np.float32).max)

REPEATED = ("edge", "reflect", "symmetric", "wrap")
"""Borders that supply values of the image itself."""

BORDER_WORDS = ("zero", *REPEATED, "valid")
POOL_BORDER_WORDS = ("inside", *BORDER_WORDS)


@dataclass(frozen=True)
class Window(Value):
    """An adjacency with a stride and a border.

    Parameters
    ----------
    adjacency : Adjacency
        The neighbours that are read at each position.
    stride : int or tuple of int
        Distance between positions, one number or one per axis, at least 1.
    border : {"zero", "edge", "reflect", "symmetric", "wrap", "valid", "inside"}, float or tuple
        Values outside the image: zeros, the nearest pixel, the image mirrored without repeating
        its edge, the image mirrored with its edge repeated (SciPy's "reflect"), the image from its
        other side on, a number, or one number per channel. The words are those of `numpy.pad`.
        "inside" leaves them out of the window. "valid" keeps only windows wholly inside.

    Examples
    --------
    >>> Window(Adjacency.box(3), stride=2).shape((7, 8))
    (4, 4)
    >>> Window(Adjacency.box(3), stride=2, border="valid").shape((7, 8))
    (3, 3)
    >>> Window(Adjacency.box((1, 4)), border="valid").start
    (0, 2)

    Notes
    -----
    Lecture, "Pooling": with a border there are ``ceil(n / s)`` positions 0, s, 2s, ...; with
    "valid" the windows that fit are counted, ``floor((n - w) / s) + 1``, where w is the extent of
    the adjacency and its own spel. The lecture prints ``floor((2n - w) / (2s))`` for the latter,
    which subtracts only half of the window: the same for w = 2 or 3 and s = 1, but for example 8
    instead of 7 for n = 10, w = 4, s = 1.
    """

    adjacency: Adjacency
    stride: int | Sequence[int] = 1
    border: Border = "zero"

    def __post_init__(self) -> None:
        strides = stride_per_axis(self.stride, self.adjacency.ndim)
        object.__setattr__(self, "stride", strides[0] if len(set(strides)) == 1 else strides)
        object.__setattr__(self, "border", _validated_border(self.border))

    @derived_property
    def strides(self) -> tuple[int, ...]:
        """Stride per axis."""
        return stride_per_axis(self.stride, self.adjacency.ndim)

    @property
    def start(self) -> tuple[int, ...]:
        """Input position of the first output, per axis: 0 unless the border is "valid"."""
        if self.border != "valid":
            return (0,) * self.adjacency.ndim
        return tuple(max(0, -low) for low, _ in self.adjacency.reach)

    def shape(self, size: Sequence[int]) -> tuple[int, ...]:
        """Number of positions per axis over an image of `size` pixels per axis."""
        if len(size) != self.adjacency.ndim:
            raise ShapeError(
                f"Window: an image of {len(size)} axes {tuple(size)} for an adjacency of "
                f"{self.adjacency.ndim}"
            )
        if self.border != "valid":
            return tuple(ceil(n / s) for n, s in zip(size, self.strides, strict=True))
        return tuple(
            max(0, (n - max(0, high) - max(0, -low) - 1) // s + 1)
            for n, s, (low, high) in zip(size, self.strides, self.adjacency.reach, strict=True)
        )

    def place(self, position: Sequence[int]) -> tuple[int, ...]:
        """The input pixel at an output position."""
        return tuple(a + s * i for a, s, i in zip(self.start, self.strides, position, strict=True))

    @property
    def halo(self) -> tuple[tuple[int, int], ...]:
        """Pixels to read before and after a tile, per axis (both >= 0)."""
        return tuple((max(0, -low), max(0, high)) for low, high in self.adjacency.reach)

    def border_mode(self, channels: int) -> tuple[str, tuple[float, ...]]:
        """The border for the engine: a mode and one fill value per channel."""
        if isinstance(self.border, tuple):
            if len(self.border) != channels:
                raise ShapeError(
                    f"Window: a border of {len(self.border)} values for an image of {channels} "
                    "channels; give one value per channel"
                )
            return "constant", self.border
        if isinstance(self.border, str):
            mode = self.border if self.border in REPEATED else "constant"
            return mode, (0.0,) * channels
        return "constant", (float(self.border),) * channels


def stride_per_axis(stride: int | Sequence[int], ndim: int) -> tuple[int, ...]:
    """One stride per axis, or a `ParameterError` that names the value."""
    if type(stride) is int and 1 <= stride <= MAX_STRIDE:  # the usual case
        return (stride,) * ndim
    strides: tuple[Any, ...] = _several(stride) or (stride,) * ndim
    numbers = all(isinstance(s, int | float | np.number) for s in strides)
    if len(strides) != ndim or not numbers or not all(_is_stride(s) for s in strides):
        raise ParameterError(
            f"stride {stride!r:.80}: expected an integer from 1 to {MAX_STRIDE:,}, or {ndim} of "
            "them (one per axis)"
        )
    return tuple(int(s) for s in strides)


def _is_stride(value: Any) -> bool:
    return bool(1 <= value <= MAX_STRIDE) and int(value) == value


def _validated_border(border: Border) -> Border:
    if isinstance(border, str):
        if border not in (*BORDER_WORDS, "inside"):
            raise ParameterError(
                f"border {border!r}: expected one of {', '.join(BORDER_WORDS)}, inside (pooling), "
                "a number, or one number per channel"
            )
        return border
    values = _several(border)
    try:
        numbers = tuple(float(value) for value in values or (border,))
    except (TypeError, ValueError, OverflowError):
        numbers = (np.inf,)
    if not all(abs(number) <= MAX_BORDER for number in numbers):
        raise ParameterError(f"border {border!r:.80}: expected finite numbers, as float32 holds")
    return numbers if values else numbers[0]


def _several(value: Any) -> tuple[Any, ...]:
    """The values of a sequence; nothing for a single value."""
    is_sequence = isinstance(value, Sequence | np.ndarray) and not isinstance(value, str)
    return tuple(value) if is_sequence else ()
