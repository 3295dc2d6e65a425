"""Activations as layers: a function of every value, with its limits or slopes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import numpy.typing as npt

from spel import ops
from spel.errors import ParameterError, ShapeError
from spel.nn.layer import Explanation, Image, Layer, Read, Shape, number, per_channel
from spel.nn.registry import register
from spel.ops.activate import Kind, checked_parameter
from spel.ops.arrays import as_real

if TYPE_CHECKING:
    from spel.kernels.stream import Program, Stage


@register
@dataclass(frozen=True, eq=False)
class Activation(Layer):
    """Apply an activation function to every value, see `spel.ops.activate`.

    Parameters
    ----------
    function : str
        One of `spel.ops.activate.KINDS`.
    parameter : float, optional
        Slope of leaky_relu, alpha of elu; no other function takes one.

    Examples
    --------
    >>> Activation("relu")([[[-1.0, 2.0]]]).tolist()
    [[[0.0, 2.0]]]
    """

    kind: ClassVar[str] = "activation.v1"

    function: Kind = "relu"
    parameter: float | None = None

    def __post_init__(self) -> None:
        checked_parameter(self.function, self.parameter)

    @classmethod
    def default(cls, channels: int) -> Activation:
        return cls()

    def __call__(self, image: npt.ArrayLike) -> Image:
        return ops.activate(image, self.function, parameter=self.parameter)

    def stage(self, program: Program, source: Stage) -> Stage:
        value = checked_parameter(self.function, self.parameter)
        return program.activate(source, self.function, value)

    def shape(self, shape: Shape) -> Shape:
        return shape

    def explain(
        self, images: Sequence[Image], output: Image, at: tuple[int, ...], channel: int
    ) -> Explanation:
        terms = {
            "input": images[0][(*at, channel)],
            "function": self.function,
            "value": output[(*at, channel)],
        }
        return Explanation(terms, (Read(0, at, channel),))


@register
@dataclass(frozen=True, eq=False)
class Clip(Layer):
    """Bring every value between two: ``min(high, max(low, x))``; None is no limit.

    ``Clip(0, 6)`` is known as ReLU6.

    Parameters
    ----------
    low, high : float, optional
        The limits; None is no limit.

    Examples
    --------
    >>> Clip(0, 6)([[[-1.0, 2.0, 9.0]]]).tolist()
    [[[0.0, 2.0, 6.0]]]
    """

    kind: ClassVar[str] = "clip.v1"

    low: float | None = 0.0
    high: float | None = None

    def __post_init__(self) -> None:
        for name in ("low", "high"):
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, number(f"Clip: {name}", value))
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ParameterError(
                f"Clip: low {self.low:g} is above high {self.high:g}; give the smaller one first"
            )

    @property
    def limits(self) -> tuple[float, float]:
        """Both limits, infinite where there is none."""
        return (
            -np.inf if self.low is None else self.low,
            np.inf if self.high is None else self.high,
        )

    @classmethod
    def default(cls, channels: int) -> Clip:
        return cls(0.0, 1.0)

    def __call__(self, image: npt.ArrayLike) -> Image:
        array = as_real("Clip", image).astype(np.float32, copy=False)
        low, high = map(np.float32, self.limits)
        clipped: Image = np.minimum(np.maximum(array, low), high)
        return clipped

    def stage(self, program: Program, source: Stage) -> Stage:
        return program.clip(source, *self.limits)

    def shape(self, shape: Shape) -> Shape:
        return shape

    def explain(
        self, images: Sequence[Image], output: Image, at: tuple[int, ...], channel: int
    ) -> Explanation:
        low, high = self.limits
        terms = {
            "input": images[0][(*at, channel)],
            "low": low,
            "high": high,
            "value": output[(*at, channel)],
        }
        return Explanation(terms, (Read(0, at, channel),))


@register
@dataclass(frozen=True, eq=False)
class PReLU(Layer):
    """ReLU with a slope of its own for each channel: ``x``, or ``slope x`` where x is negative.

    Parameters
    ----------
    slope : (C,) array of float32
        One per channel.

    Examples
    --------
    >>> PReLU([0.5, 0.25])([[[-4.0, -4.0], [4.0, 4.0]]]).tolist()
    [[[-2.0, -1.0], [4.0, 4.0]]]
    """

    kind: ClassVar[str] = "prelu.v1"

    slope: npt.NDArray[np.float32]

    def __post_init__(self) -> None:
        slope = per_channel("PReLU: slope", self.slope)
        if slope.ndim != 1 or not slope.size:
            raise ShapeError(f"PReLU: slope of shape {slope.shape}; expected one per channel, (C,)")
        object.__setattr__(self, "slope", slope)

    @classmethod
    def default(cls, channels: int) -> PReLU:
        return cls(np.full(channels, 0.25, dtype=np.float32))

    def __call__(self, image: npt.ArrayLike) -> Image:
        array = as_real("PReLU", image).astype(np.float32, copy=False)
        self.shape(array.shape)
        result: Image = np.where(array > 0, array, self.slope * array)
        return result

    def stage(self, program: Program, source: Stage) -> Stage:
        return program.channel_slopes(source, self.slope)

    def shape(self, shape: Shape) -> Shape:
        if len(shape) < 3 or shape[-1] != len(self.slope):
            raise ShapeError(
                f"PReLU: image of shape {shape} for {len(self.slope)} slopes; expected one slope "
                "per channel"
            )
        return shape

    def explain(
        self, images: Sequence[Image], output: Image, at: tuple[int, ...], channel: int
    ) -> Explanation:
        terms = {
            "input": images[0][(*at, channel)],
            "slope": self.slope[channel],
            "value": output[(*at, channel)],
        }
        return Explanation(terms, (Read(0, at, channel),))
