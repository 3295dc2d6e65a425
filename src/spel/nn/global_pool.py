"""Global pooling as a layer: an image of any size as a fixed number of spels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from spel import ops
from spel.core.value import derived_property
from spel.errors import ParameterError
from spel.nn.layer import Explanation, Image, Layer, Read, Scope, Shape
from spel.nn.registry import register
from spel.ops.arrays import as_planar, shape_only
from spel.ops.global_pool import Function, check_spels, checked_size, part


@register
@dataclass(frozen=True, eq=False)
class GlobalPool(Layer):
    """Mean or largest value over equal parts of the whole image, see `spel.ops.global_pool`.

    Parameters
    ----------
    size : int or sequence of int
        Parts of each axis; one number stands for both axes of pixels.
    function : {"mean", "max"}

    Examples
    --------
    >>> GlobalPool()([[[1.0], [2.0]], [[3.0], [6.0]]]).tolist()
    [[[3.0]]]
    """

    kind: ClassVar[str] = "global_pool.v1"

    size: int | Sequence[int] = 1
    function: Function = "mean"

    def __post_init__(self) -> None:
        sizes = checked_size(self.size)
        same = len(sizes) == 2 and len(set(sizes)) == 1
        object.__setattr__(self, "size", sizes[0] if same else sizes)
        if self.function not in ("mean", "max"):
            raise ParameterError(
                f"GlobalPool: function {self.function!r:.40}; expected 'mean' or 'max'"
            )

    @derived_property
    def sizes(self) -> tuple[int, ...]:
        """Parts of each axis."""
        return checked_size(self.size)

    @classmethod
    def default(cls, channels: int) -> GlobalPool:
        return cls()

    def __call__(self, image: npt.ArrayLike) -> Image:
        return ops.global_pool(image, self.size, function=self.function)

    def shape(self, shape: Shape) -> Shape:
        planar = as_planar("global_pool", shape_only(shape), len(self.sizes))
        check_spels(planar.size)
        return planar.shape(planar.channels, self.sizes)

    @property
    def scope(self) -> Scope:
        return "image"

    @property
    def ndim(self) -> int:
        return len(self.sizes)

    def explain(
        self, images: Sequence[Image], output: Image, at: tuple[int, ...], channel: int
    ) -> Explanation:
        image = images[0]
        bounds = [part(i, m, n) for i, m, n in zip(at, self.sizes, image.shape[:-1])]
        values = image[tuple(slice(a, b) for a, b in bounds)][..., channel]
        best = np.unravel_index(int(np.nan_to_num(values, nan=np.inf).argmax()), values.shape)
        place = tuple(int(a + i) for (a, _), i in zip(bounds, best))
        terms = {
            "first spel": str(tuple(a for a, _ in bounds)),
            "last spel": str(tuple(b - 1 for _, b in bounds)),
            "largest at": str(place),
            "sum": values.sum(dtype=np.float64),
            "count": values.size,
            "value": output[(*at, channel)],
        }
        return Explanation(terms, (Read(0, place, channel),))
