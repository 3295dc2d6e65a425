"""Normalizations as layers: linear, divisive and batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from spel import ops
from spel.core.adjacency import Adjacency
from spel.core.numbers import as_numbers
from spel.core.value import derived_property
from spel.core.window import Window
from spel.errors import NotLearnedError, ParameterError, ShapeError
from spel.nn.layer import (
    SETTING,
    Explanation,
    Image,
    Layer,
    Read,
    Scope,
    Shape,
    number,
    per_channel,
)
from spel.nn.pool import window_values
from spel.nn.registry import register
from spel.ops.arrays import as_planar, shape_only
from spel.ops.normalize import batch_factor

if TYPE_CHECKING:
    from spel.kernels.stream import Program, Stage


@register
@dataclass(frozen=True, eq=False)
class LinearNormalize(Layer):
    """Bring values linearly to 0..1, see `spel.ops.linear_normalize`.

    Parameters
    ----------
    over : {"domain", "batch", "channels"}
        Whose extremes are taken: each channel's over the image, each channel and spel's over the
        batch, or each spel's over its channels.
    axes : {2, 3}
        Spatial axes of an image: 2 for pixels, 3 for voxels.

    Examples
    --------
    >>> LinearNormalize()([[2.0, 4.0]]).tolist()
    [[0.0, 1.0]]
    """

    kind: ClassVar[str] = "linear_normalize.v1"

    over: Literal["domain", "batch", "channels"] = "domain"
    axes: Literal[2, 3] = field(default=2, metadata=SETTING)

    def __post_init__(self) -> None:
        if self.over not in ("domain", "batch", "channels") or self.axes not in (2, 3):
            raise ParameterError(
                f"LinearNormalize: over {self.over!r}, axes {self.axes!r}; expected 'domain', "
                "'batch' or 'channels', and 2 or 3"
            )

    @classmethod
    def default(cls, channels: int) -> LinearNormalize:
        return cls()

    def __call__(self, image: npt.ArrayLike) -> Image:
        return ops.linear_normalize(image, over=self.over, ndim=self.axes)

    def shape(self, shape: Shape) -> Shape:
        planar = as_planar("linear_normalize", shape_only(shape), self.axes)
        if self.over == "batch" and not planar.batched:
            raise ShapeError(f"linear_normalize: over the batch, but {shape} is no batch")
        return shape

    @property
    def ndim(self) -> int:
        return self.axes

    @property
    def scope(self) -> Scope:
        scopes: dict[str, Scope] = {"domain": "image", "batch": "batch", "channels": "spel"}
        return scopes[self.over]

    def explain(
        self, images: Sequence[Image], output: Image, at: tuple[int, ...], channel: int
    ) -> Explanation:
        of = images[0][..., channel] if self.over == "domain" else images[0][at]
        terms = {
            "input": images[0][(*at, channel)],
            "min": of.min(),
            "max": of.max(),
            "value": output[(*at, channel)],
        }
        return Explanation(terms, (Read(0, at, channel),))


@register
@dataclass(frozen=True, eq=False)
class DivisiveNormalize(Layer):
    """Divide every value by the norm of its neighbourhood, see `spel.ops.divisive_normalize`.

    Parameters
    ----------
    adjacency : Adjacency
    across_channels : bool
        Whether the norm is that of all channels.
    centre : bool
        Whether the spel itself belongs to its neighbourhood.

    Examples
    --------
    >>> layer = DivisiveNormalize(Adjacency.rectangle(width=3, height=1))
    >>> layer([[3.0, 4.0, 0.0]]).round(1).astype(float).round(1).tolist()
    [[0.6, 0.8, 0.0]]
    """

    kind: ClassVar[str] = "divisive_normalize.v1"

    adjacency: Adjacency
    across_channels: bool = False
    centre: bool = True

    def __post_init__(self) -> None:
        if not self.centre and not (self.adjacency.displacements != 0).any():
            raise ParameterError("DivisiveNormalize: centre=False leaves no neighbour")

    @classmethod
    def default(cls, channels: int) -> DivisiveNormalize:
        return cls(Adjacency.rectangle(width=25, height=5))

    def __call__(self, image: npt.ArrayLike) -> Image:
        return ops.divisive_normalize(
            image, self.adjacency, across_channels=self.across_channels, centre=self.centre
        )

    def stage(self, program: Program, source: Stage) -> Stage:
        area = self.area.displacements_3d
        return program.divide_by_norm(source, area, across_channels=self.across_channels)

    def shape(self, shape: Shape) -> Shape:
        as_planar("divisive_normalize", shape_only(shape), self.adjacency.ndim)
        return shape

    @property
    def area(self) -> Adjacency:
        """The adjacents whose squares are summed."""
        return self.adjacency if self.centre else self.adjacency.without_centre()

    @derived_property
    def scope(self) -> Window:
        """The adjacents and the spel itself, whose value is divided."""
        here = np.zeros((1, self.adjacency.ndim), dtype=np.int64)
        return Window(Adjacency(np.unique(np.vstack([self.area.displacements, here]), axis=0)))

    def multiply_adds(self, shape: Shape) -> int:
        return int(np.prod(shape)) * len(self.area)

    def explain(
        self, images: Sequence[Image], output: Image, at: tuple[int, ...], channel: int
    ) -> Explanation:
        channels = range(images[0].shape[-1]) if self.across_channels else [channel]
        read = [
            window_values(Window(self.area, border="inside"), images[0], at, c) for c in channels
        ]
        place, spels, _ = read[0]
        values = np.stack([v for _, _, v in read], axis=-1)
        squares = (values.astype(np.float64) ** 2).sum()
        terms = {
            "input": images[0][(*at, channel)],
            "displacements": spels - place,
            "patch": values,
            "sum of squares": squares,
            "norm": np.sqrt(squares),
            "value": output[(*at, channel)],
        }
        return Explanation(terms, (Read(0, at, channel),))


@register
@dataclass(frozen=True, eq=False)
class BatchNormalize(Layer):
    """Centre and scale by the statistics of a batch, see `spel.ops.batch_normalize`.

    Without fitted statistics it takes those of the batch that it is given. `fitted` stores them, so
    that it runs on one image afterwards.

    Parameters
    ----------
    mean, deviation : array of float32, optional
        Stored statistics, ``(rows, cols, C)`` or ``(C,)`` as `over` says; both or neither.
    gamma, beta : float, or array of float32 of the shape of the statistics
    epsilon : float
        Added to the deviation, or, over "channel", to the variance; at least 0.
    over : {"spel", "channel"}
        Whether each spel of the image, or each channel, has its own statistics.

    Examples
    --------
    >>> batch = np.array([[[[1.0]]], [[[3.0]]]])
    >>> layer = BatchNormalize().fitted(batch)
    >>> layer(np.array([[[2.0]]])).tolist(), layer.mean.ravel().tolist()
    ([[[0.0]]], [2.0])
    """

    kind: ClassVar[str] = "batch_normalize.v1"
    subtracts: ClassVar[bool] = True

    mean: npt.NDArray[np.float32] | None = None
    deviation: npt.NDArray[np.float32] | None = None
    gamma: npt.NDArray[np.float32] | float = 1.0
    beta: npt.NDArray[np.float32] | float = 0.0
    epsilon: float = 1e-5
    over: Literal["spel", "channel"] = "spel"

    def __post_init__(self) -> None:
        if self.over not in ("spel", "channel") or not self.epsilon >= 0:
            raise ParameterError(
                f"BatchNormalize: over {self.over!r}, epsilon {self.epsilon!r}; expected 'spel' or "
                "'channel', and a number >= 0"
            )
        number("BatchNormalize: epsilon", self.epsilon)
        if (self.mean is None) != (self.deviation is None):
            raise ParameterError("BatchNormalize: give both mean and deviation, or neither")
        for name in ("mean", "deviation", "gamma", "beta"):
            value = getattr(self, name)
            if isinstance(value, float):
                number(f"BatchNormalize: {name}", value)
            elif value is not None:
                object.__setattr__(self, name, per_channel(f"BatchNormalize: {name}", value))

    def fitted(self, images: npt.ArrayLike) -> BatchNormalize:
        """The same layer with the statistics of a batch stored."""
        mean, deviation = ops.batch_statistics(images, over=self.over)
        return replace(self, mean=mean, deviation=deviation)

    @property
    def statistics(self) -> tuple[Image, Image] | None:
        """Stored mean and deviation."""
        if self.mean is None or self.deviation is None:
            return None
        return self.mean, self.deviation

    def __call__(self, image: npt.ArrayLike) -> Image:
        images = as_numbers(image, "BatchNormalize")
        self.shape(images.shape)
        return ops.batch_normalize(
            images,
            statistics=self.statistics,
            over=self.over,
            gamma=self.gamma,
            beta=self.beta,
            epsilon=self.epsilon,
        )

    def stage(self, program: Program, source: Stage) -> Stage | None:
        if self.mean is None or self.deviation is None or self.mean.ndim > 1:
            return None
        subtract, multiply = (
            self.mean,
            batch_factor(self.deviation, over=self.over, gamma=self.gamma, epsilon=self.epsilon),
        )
        if np.ndim(self.gamma) > 1 or np.ndim(self.beta) > 1:
            return None
        return program.affine(source, subtract=subtract, multiply=multiply, add=self.beta)

    def shape(self, shape: Shape) -> Shape:
        if self.mean is None:
            if len(shape) not in (4, 5):
                raise NotLearnedError(
                    f"BatchNormalize: no statistics are stored, and {shape} is no batch to take "
                    "them from; call layer.fitted(batch) first"
                )
        elif self.mean.ndim > len(shape) or any(
            have not in (1, want) for have, want in zip(self.mean.shape[::-1], shape[::-1])
        ):
            raise ShapeError(
                f"BatchNormalize: statistics of shape {self.mean.shape} for images of {shape}; "
                "fit the layer on images of this size"
            )
        return shape

    @property
    def scope(self) -> Scope:
        """The batch if its statistics are used; the image if they differ from spel to spel."""
        if self.mean is None:
            return "batch"
        return "image" if self.mean.ndim > 1 else "spel"

    def explain(
        self, images: Sequence[Image], output: Image, at: tuple[int, ...], channel: int
    ) -> Explanation:
        terms: dict[str, Any] = {"input": images[0][(*at, channel)]}
        for name in ("mean", "deviation", "gamma", "beta"):
            value = np.asarray(getattr(self, name))
            full = np.broadcast_to(value, images[0].shape)
            terms[name] = full[(*at, channel)]
        terms |= {"epsilon": self.epsilon, "over": self.over, "value": output[(*at, channel)]}
        return Explanation(terms, (Read(0, at, channel),))
