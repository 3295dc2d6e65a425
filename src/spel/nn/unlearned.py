"""A convolution whose kernels have not been learned from markers yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt

from spel.core.adjacency import Adjacency
from spel.core.window import Window
from spel.errors import NotLearnedError, ParameterError
from spel.nn.layer import SETTING, Image, Layer, Shape
from spel.nn.registry import register
from spel.ops.arrays import as_planar, shape_only

MAX_KERNELS = 1_000_000


@register
@dataclass(frozen=True, eq=False)
class Unlearned(Layer):
    """The place of a convolution that `spel.learn` fills with a bank learned from markers.

    Parameters
    ----------
    adjacency : Adjacency
        Of the kernels.
    kernels : int
        Largest number of kernels; fewer if the markers give fewer.
    per_stroke : int
        Kernels of each stroke.
    per_image : int, optional
        Largest number of kernels of each image.
    stride : int
    reduce : {"auto", "kmeans", "pca"}
        How too many kernels become `kernels`, see `spel.flim.consensus`.

    Examples
    --------
    >>> Unlearned(Adjacency.box(7), kernels=16).shape((240, 240, 3))
    (240, 240, 16)
    """

    kind: ClassVar[str] = "unlearned.v1"

    adjacency: Adjacency
    kernels: int
    per_stroke: int = 1
    per_image: int | None = field(default=None, metadata=SETTING)
    stride: int | Sequence[int] = 1
    reduce: Literal["auto", "kmeans", "pca"] = field(default="auto", metadata=SETTING)

    def __post_init__(self) -> None:
        counts = (self.kernels, self.per_stroke, 1 if self.per_image is None else self.per_image)
        if any(not isinstance(n, int | np.integer) or not 1 <= n <= MAX_KERNELS for n in counts):
            raise ParameterError(
                f"Unlearned: kernels {self.kernels!r}, per_stroke {self.per_stroke!r}, per_image "
                f"{self.per_image!r}; expected whole numbers from 1 to {MAX_KERNELS:,}"
            )
        if self.reduce not in ("auto", "kmeans", "pca"):
            raise ParameterError(
                f"Unlearned: reduce {self.reduce!r}; expected 'auto', 'kmeans' or 'pca'"
            )
        object.__setattr__(self, "stride", Window(self.adjacency, self.stride).stride)

    @classmethod
    def default(cls, channels: int) -> Unlearned:
        return cls(Adjacency.box(5), kernels=12, per_stroke=2)

    def __call__(self, image: npt.ArrayLike) -> Image:
        raise NotLearnedError(
            "Unlearned: this convolution has no kernels yet; learn them from markers with "
            "spel.learn(network, images, markers)"
        )

    def shape(self, shape: Shape) -> Shape:
        planar = as_planar("Unlearned", shape_only(shape), self.adjacency.ndim)
        return planar.shape(self.kernels, self.scope.shape(planar.size), channelled=True)

    @property
    def scope(self) -> Window:
        return Window(self.adjacency, self.stride)
