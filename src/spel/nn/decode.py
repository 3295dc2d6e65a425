"""Decoder as a layer: a saliency, with weights that the image itself determines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy.typing as npt

from spel import ops
from spel.core.bank import KernelBank
from spel.errors import ParameterError, ShapeError
from spel.nn.layer import Explanation, Image, Layer, Read, Scope, Shape, each_image
from spel.nn.registry import register
from spel.ops.decode import Method, checked_labels


@register
@dataclass(frozen=True, eq=False)
class Decode(Layer):
    """One of the published adaptive decoders, see `spel.ops.decode`.

    Each image of a batch is decoded by itself. Called alone, outside of a network, an array of four
    axes is a batch of images and not a volume.

    Parameters
    ----------
    method : {"lm", "lm-balanced", "ts", "ts*", "lt", "at", "pb", "mb"}
    labels : tuple of bool
        Whether each channel's kernel came from an object's marker.

    Examples
    --------
    >>> Decode("mb", (True, False)).shape((240, 240, 2))
    (240, 240, 1)
    """

    kind: ClassVar[str] = "decode.v1"

    method: Method = "lm"
    labels: tuple[bool, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "labels", tuple(bool(label) for label in self.labels))
        checked_labels(self.method, self.labels, len(self.labels))

    @classmethod
    def for_bank(cls, method: Method, bank: KernelBank, background: int = 0) -> Decode:
        """The decoder for the activation of a bank whose kernels were learned from markers.

        Raises
        ------
        ParameterError
            If the bank carries no provenance.
        """
        if not bank.provenance:
            raise ParameterError(
                f"Decode: {method!r} needs the label of every kernel, but this bank has no "
                "provenance; learn it from markers"
            )
        return cls(method, tuple(p.label != background for p in bank.provenance))

    def __call__(self, image: npt.ArrayLike) -> Image:
        return each_image(self.of_image, image)

    def of_image(self, *images: Image) -> Image:
        (image,) = images
        return ops.decode(image, self.method, self.labels)

    def shape(self, shape: Shape) -> Shape:
        if len(shape) not in (3, 4, 5):
            raise ShapeError(
                f"Decode: image of shape {shape}; expected (rows, cols, channels), with planes "
                "before them for a volume, or a batch of these"
            )
        checked_labels(self.method, self.labels, shape[-1])
        return (*shape[:-1], 1)

    @property
    def scope(self) -> Scope:
        return "image"

    def explain(
        self, images: Sequence[Image], output: Image, at: tuple[int, ...], channel: int
    ) -> Explanation:
        values = images[0][at]
        terms = {
            "patch": values,
            "method": self.method,
            "labels": self.labels,
            "value": output[(*at, channel)],
        }
        return Explanation(terms, (Read(0, at, int(values.argmax())),))
