"""Residue: the excess of an image over its normalization."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy.typing as npt

from spel import ops
from spel.errors import ParameterError, ShapeError
from spel.nn.layer import Explanation, Image, Layer, Read, Scope, Shape
from spel.nn.registry import register
from spel.ops.arrays import as_planar
from spel.ops.normalize import scale_to_one

if TYPE_CHECKING:
    from spel.kernels.stream import Program, Stage


@register
@dataclass(frozen=True, eq=False)
class Residue(Layer):
    """``ReLU(x - layer(x))``, or ``ReLU(x - n)`` of two images, see `spel.ops.residue`.

    Parameters
    ----------
    layer : Layer, optional
        Gives n from x; without it the layer takes both images.
    scale : {"max"}, optional
        Bring both to a maximum of 1 per channel first.

    Examples
    --------
    >>> Residue()([[3.0, 0.5]], [[1.0, 0.8]]).tolist()
    [[2.0, 0.0]]
    """

    kind: ClassVar[str] = "residue.v1"

    layer: Layer | None = None
    scale: Literal["max"] | None = None

    def __post_init__(self) -> None:
        if self.scale not in (None, "max"):
            raise ParameterError(f"Residue: scale {self.scale!r}; expected None or 'max'")

    @property
    def inputs(self) -> int:  # type: ignore[override]
        """One image with an inner layer, two without."""
        return 2 if self.layer is None else 1

    def __call__(self, *images: npt.ArrayLike) -> Image:
        image, normalized = self._both(images)
        return ops.residue(image, normalized, scale=self.scale, ndim=self.ndim or 2)

    def _both(self, images: Sequence[Any]) -> tuple[Any, Any]:
        if self.layer is None:
            image, normalized = images
            return image, normalized
        (image,) = images
        return image, self.layer(image)

    def stage(self, program: Program, *sources: Stage) -> Stage | None:
        if self.scale is not None:
            return None
        normalized = sources[1] if self.layer is None else self.layer.stage(program, *sources)
        return None if normalized is None else program.residue(sources[0], normalized)

    def shape(self, *shapes: Shape) -> Shape:
        first, second = shapes if self.layer is None else (shapes[0], self.layer.shape(*shapes))
        if first != second:
            raise ShapeError(
                f"Residue: an image of shape {first} and a normalization of {second}; expected the "
                "same shape"
            )
        return first

    @property
    def ndim(self) -> int | None:
        return None if self.layer is None else self.layer.ndim

    @property
    def scope(self) -> Scope:
        if self.scale is not None:
            return "image"
        return "spel" if self.layer is None else self.layer.scope

    def multiply_adds(self, *shapes: Shape) -> int:
        return 0 if self.layer is None else self.layer.multiply_adds(*shapes)

    def explain(
        self, images: Sequence[Image], output: Image, at: tuple[int, ...], channel: int
    ) -> Explanation:
        pair = self._both(images)
        value, normalized = (image[(*at, channel)] for image in pair)
        terms: dict[str, Any] = {"input": value, "normalized": normalized}
        if self.scale:
            ndim = pair[0].ndim - 1
            for name, image in zip(("input scale", "normalized scale"), pair):
                factors = scale_to_one(as_planar("residue", image, ndim).array)
                terms[name] = factors[0, channel].item()
        terms["value"] = output[(*at, channel)]
        if self.layer is not None:
            inner = self.layer.explain(images, pair[1], at, channel)
            terms |= {f"normalized: {key}": term for key, term in inner.terms.items()}
        return Explanation(terms, tuple(Read(i, at, channel) for i in range(self.inputs)))
