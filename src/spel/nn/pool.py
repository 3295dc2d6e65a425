"""Poolings as layers: the largest, smallest or mean value among the adjacents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from spel import ops
from spel.core.adjacency import Adjacency
from spel.core.value import derived_property
from spel.core.window import REPEATED, Window
from spel.errors import ParameterError
from spel.kernels.reference import bounced
from spel.nn.layer import Explanation, Image, Layer, Read, Shape
from spel.nn.pad import padded
from spel.nn.registry import register
from spel.ops.arrays import as_planar, pad_to_3d, shape_only
from spel.ops.pool import PoolBorder, pool_window, supplies

if TYPE_CHECKING:
    from spel.kernels.stream import Program, Stage


@dataclass(frozen=True, eq=False)
class Pool(Layer):
    """What every pooling shares; abstract."""

    slides: ClassVar[bool] = True

    adjacency: Adjacency
    stride: int | Sequence[int] = 1
    border: PoolBorder = "inside"

    word: ClassVar[str]
    """The engine's word for it."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "stride", self.scope.stride)

    @derived_property
    def scope(self) -> Window:
        operator = self.kind.split(".")[0]
        return pool_window(operator, self.adjacency, self.stride, self.border)

    @classmethod
    def default(cls, channels: int) -> Pool:
        return cls(Adjacency.box(3))

    def shape(self, shape: Shape) -> Shape:
        planar = as_planar("pooling", shape_only(shape), self.adjacency.ndim)
        return planar.shape(planar.channels, self.scope.shape(planar.size))

    def stage(self, program: Program, source: Stage) -> Stage:
        window = self.scope
        size = source.size[3 - window.adjacency.ndim :]
        start = window.start
        if supplies(window):
            start, after = zip(*window.halo)
            source = padded(program, source, start, after, window)
        return program.pool(
            source,
            window.adjacency.displacements_3d,
            self.word,
            start=pad_to_3d(start, 0),
            stride=pad_to_3d(window.strides, 1),
            size=pad_to_3d(window.shape(size), 1),
        )


@register
@dataclass(frozen=True, eq=False)
class MaxPool(Pool):
    """Largest value among the adjacents inside the image, see `spel.ops.max_pool`.

    Parameters
    ----------
    adjacency : Adjacency
    stride : int or sequence of int
    border : {"inside", "zero", "edge", "reflect", "symmetric", "wrap", "valid"}

    Examples
    --------
    >>> MaxPool(Adjacency.box(3), stride=2).shape((5, 7, 8))
    (3, 4, 8)
    """

    kind: ClassVar[str] = "max_pool.v1"
    word: ClassVar[str] = "max"

    def __call__(self, image: npt.ArrayLike) -> Image:
        return ops.max_pool(image, self.adjacency, stride=self.stride, border=self.border)

    def explain(
        self, images: Sequence[Image], output: Image, at: tuple[int, ...], channel: int
    ) -> Explanation:
        return _winner(self.scope, images[0], output, at, channel, np.nanargmax)


@register
@dataclass(frozen=True, eq=False)
class MinPool(Pool):
    """Smallest value among the adjacents inside the image, see `spel.ops.min_pool`.

    Parameters
    ----------
    adjacency : Adjacency
    stride : int or sequence of int
    border : {"inside", "zero", "edge", "reflect", "symmetric", "wrap", "valid"}

    Examples
    --------
    >>> MinPool(Adjacency.box(3), border="valid").shape((5, 7, 8))
    (3, 5, 8)
    """

    kind: ClassVar[str] = "min_pool.v1"
    word: ClassVar[str] = "min"

    def __call__(self, image: npt.ArrayLike) -> Image:
        return ops.min_pool(image, self.adjacency, stride=self.stride, border=self.border)

    def explain(
        self, images: Sequence[Image], output: Image, at: tuple[int, ...], channel: int
    ) -> Explanation:
        return _winner(self.scope, images[0], output, at, channel, np.nanargmin)


@register
@dataclass(frozen=True, eq=False)
class MeanPool(Pool):
    """Mean of the adjacents, see `spel.ops.mean_pool`.

    Parameters
    ----------
    adjacency : Adjacency
    stride : int or sequence of int
    border : {"inside", "zero", "edge", "reflect", "symmetric", "wrap", "valid"}
    count : {"valid", "full"}
        Divide by the number of adjacents inside the image, or by all.

    Examples
    --------
    >>> MeanPool(Adjacency.rectangle(width=3, height=1))([[3.0, 6.0, 9.0]]).tolist()
    [[4.5, 6.0, 7.5]]
    """

    kind: ClassVar[str] = "mean_pool.v1"

    count: Literal["valid", "full"] = "valid"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.count not in ("valid", "full"):
            raise ParameterError(f"MeanPool: count {self.count!r}; expected 'valid' or 'full'")

    def __call__(self, image: npt.ArrayLike) -> Image:
        return ops.mean_pool(
            image, self.adjacency, stride=self.stride, border=self.border, count=self.count
        )

    @property
    def word(self) -> str:  # type: ignore[override]
        """The engine's word for it."""
        return "mean" if self.count == "valid" else "full_mean"

    def multiply_adds(self, shape: Shape) -> int:
        return int(np.prod(self.shape(shape))) * len(self.adjacency)

    def explain(
        self, images: Sequence[Image], output: Image, at: tuple[int, ...], channel: int
    ) -> Explanation:
        place, spels, values = window_values(self.scope, images[0], at, channel)
        terms = {
            "displacements": spels - place,
            "patch": values,
            "sum": values.sum(dtype=np.float64),
            "count": len(self.adjacency) if self.count == "full" else max(len(values), 1),
            "value": output[(*at, channel)],
        }
        return Explanation(terms, (Read(0, _clipped(place, images[0]), channel),))


def window_values(
    window: Window, image: Image, at: tuple[int, ...], channel: int
) -> tuple[tuple[int, ...], Image, Image]:
    """Where an output stands, the adjacents that count, and their values."""
    place = window.place(at)
    spels = window.adjacency.displacements + place
    if window.border in REPEATED:
        sources = _inside(window, spels, image)
        return place, spels, image[(*sources.T, channel)]
    inside = ((spels >= 0) & (spels < image.shape[:-1])).all(axis=1)
    if not supplies(window):
        spels = spels[inside]
        return place, spels, image[(*spels.T, channel)]
    values = np.zeros(len(spels), dtype=image.dtype)
    values[inside] = image[(*spels[inside].T, channel)]
    return place, spels, values


def _inside(window: Window, spels: Image, image: Image) -> Image:
    """The spels of the image that supply these."""
    mode = window.border if window.border in REPEATED else "edge"
    axes = [bounced(s, n, str(mode)) for s, n in zip(spels.T, image.shape[:-1])]
    return np.stack(axes, axis=1)


def _winner(
    window: Window, image: Image, output: Image, at: tuple[int, ...], channel: int, pick: Any
) -> Explanation:
    place, spels, values = window_values(window, image, at, channel)
    value = output[(*at, channel)]
    if not np.isfinite(values).any():
        return Explanation({"displacements": spels - place, "patch": values, "value": value})
    best = int(pick(values))
    winner = tuple(int(c) for c in spels[best])
    terms = {
        "displacements": spels - place,
        "patch": values,
        "winner": tuple(w - p for w, p in zip(winner, place, strict=True)),
        "value": value,
    }
    source = tuple(int(c) for c in _inside(window, spels[best : best + 1], image)[0])
    if source != winner and window.border not in REPEATED:
        return Explanation(terms)  # a zero of the border
    return Explanation(terms, (Read(0, source, channel),))


def _clipped(place: tuple[int, ...], image: Image) -> tuple[int, ...]:
    return tuple(min(p, n - 1) for p, n in zip(place, image.shape))
