"""Layers over the whole image whose values over it are already known, so that they act locally."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from spel import kernels
from spel.core.threads import thread_count
from spel.nn.layer import Image, Layer, Scope, Shape
from spel.ops.arrays import allocate, as_planar, as_real
from spel.ops.normalize import scale_between


@dataclass(frozen=True, eq=False)
class FixedLinearNormalize(Layer):
    """`LinearNormalize` with the extremes of the whole image given.

    Examples
    --------
    >>> low, high = np.float32([2.0]), np.float32([6.0])
    >>> FixedLinearNormalize(low, high)(np.array([[[2.0], [4.0]]])).ravel().tolist()
    [0.0, 0.5]
    """

    kind: ClassVar[str] = "fixed_linear_normalize.v1"

    low: npt.NDArray[np.floating[Any]]
    high: npt.NDArray[np.floating[Any]]
    axes: int = 2

    def __call__(self, image: npt.ArrayLike) -> Image:
        array = as_real("linear_normalize", image)
        flat = array.ndim == self.axes
        low, high = (self.low[0], self.high[0]) if flat else (self.low, self.high)
        result = np.empty_like(array, dtype=np.float32)
        scale_between(array, low, high, out=result)
        return result

    def shape(self, shape: Shape) -> Shape:
        return shape


@dataclass(frozen=True, eq=False)
class FixedResidue(Layer):
    """`Residue` with its scales given: one factor per channel for each of its two images."""

    kind: ClassVar[str] = "fixed_residue.v1"

    layer: Layer | None
    factors: tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]

    @property
    def inputs(self) -> int:  # type: ignore[override]
        """One image with an inner layer, two without."""
        return 2 if self.layer is None else 1

    @property
    def scope(self) -> Scope:
        """That of the inner layer."""
        return "spel" if self.layer is None else self.layer.scope

    def __call__(self, *images: npt.ArrayLike) -> Image:
        image, other = images if self.layer is None else (images[0], self.layer(images[0]))
        axes = (self.layer.ndim if self.layer is not None else None) or 2
        first, second = as_planar("residue", image, axes), as_planar("residue", other, axes)
        memory, result = allocate("residue", first, first.channels, first.size, None)
        kernels.residue(
            first.array,
            second.array,
            factors=(self.factors[0][None], self.factors[1][None]),
            out=memory,
            threads=thread_count(),
        )
        return result

    def shape(self, *shapes: Shape) -> Shape:
        return shapes[0]
