"""Centring as a layer: every channel of an image minus its median."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt

from spel.errors import ParameterError, ShapeError
from spel.nn.layer import SETTING, Explanation, Image, Layer, Read, Scope, Shape
from spel.nn.registry import register
from spel.ops.arrays import as_real, is_wide


@register
@dataclass(frozen=True, eq=False)
class Center(Layer):
    """``I_k(p) - median of I_k over the domain``, per image and channel.

    Microscope fields differ in the colour of their light; where the background fills most of the
    image, its median is the background's colour.

    Parameters
    ----------
    axes : {2, 3}
        Spatial axes of an image: 2 for pixels, 3 for voxels.

    Examples
    --------
    >>> Center()(np.array([[[5.0], [7.0], [6.0]]])).ravel().tolist()
    [-1.0, 1.0, 0.0]
    """

    kind: ClassVar[str] = "center.v1"

    axes: Literal[2, 3] = field(default=2, metadata=SETTING)

    def __post_init__(self) -> None:
        if self.axes not in (2, 3):
            raise ParameterError(f"Center: axes {self.axes!r}; expected 2 or 3")

    @classmethod
    def default(cls, channels: int) -> Center:
        return cls()

    def __call__(self, image: npt.ArrayLike) -> Image:
        array = as_real("Center", image)
        self.shape(array.shape)
        if not array.size:
            return array.astype(np.float32)
        kind = np.float64 if is_wide(array) else np.float32
        centred: Image = np.subtract(array, self._medians(array), dtype=kind).astype(np.float32)
        return centred

    def shape(self, shape: Shape) -> Shape:
        if len(shape) not in (self.axes + 1, self.axes + 2):
            raise ShapeError(
                f"Center: image of shape {shape}; expected {self.axes} axes and a channel axis"
            )
        return shape

    @property
    def ndim(self) -> int:
        return self.axes

    @property
    def scope(self) -> Scope:
        return "image"

    def explain(
        self, images: Sequence[Image], output: Image, at: tuple[int, ...], channel: int
    ) -> Explanation:
        terms = {
            "input": images[0][(*at, channel)],
            "median": self._medians(images[0]).ravel()[channel],
            "value": output[(*at, channel)],
        }
        return Explanation(terms, (Read(0, at, channel),))

    def _medians(self, image: Image) -> Image:
        spels = tuple(range(image.ndim - 1 - self.axes, image.ndim - 1))
        # Planar first: the median of contiguous channels is several times as fast.
        planar = np.ascontiguousarray(np.moveaxis(image, -1, 0))
        medians = np.median(planar, axis=[axis + 1 for axis in spels], keepdims=True)
        kind = np.float64 if is_wide(image) else np.float32
        return np.asarray(np.moveaxis(medians, 0, -1), dtype=kind)
