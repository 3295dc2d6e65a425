"""What a written ONNX file was compared with, and how large the differences are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from spel.errors import ParameterError, plural
from spel.nn.network import Network

Input = Literal["float32", "uint8", "uint16"]

TOLERANCE = 1e-4
"""Largest difference from the engine, over the engine's largest absolute value."""


@dataclass(frozen=True)
class OnnxReport:
    """What was written, and how far its results are from the engine's.

    Attributes
    ----------
    path : str
    opset : int
        Version of the standard operators.
    images : int
        How many were compared.
    difference : float
        Largest difference, over the engine's largest absolute value; of a detector, of the score of
        a box, or of a side over the shorter side of its box.
    tolerance : float
    boxes : int, optional
        Of a detector: how many boxes the engine and the file have found in these images.
    """

    path: str
    opset: int
    images: int
    difference: float
    tolerance: float
    boxes: int | None = None

    def __str__(self) -> str:
        compared = f"{self.path}: ONNX opset {self.opset}, {plural(self.images, 'image')} compared"
        bound = f"{self.difference:.1e}", f"(at most {self.tolerance:.0e})"
        if self.boxes is None:
            return (
                f"{compared} with the engine, largest difference {bound[0]} of the largest value "
                f"{bound[1]}"
            )
        same = f"{self.boxes} boxes" if self.boxes != 1 else "1 box"
        return (
            f"{compared} with the engine, the same {same}, largest difference of a score, or of a "
            f"corner over the shorter side, {bound[0]} {bound[1]}"
        )


def check_input(dtype: str) -> None:
    """Refuse a type that a file's input cannot have.

    Raises
    ------
    ParameterError
    """
    if dtype not in ("float32", "uint8", "uint16"):
        raise ParameterError(f"onnx: dtype {dtype!r}; expected float32, uint8 or uint16")


def batch_of(
    network: Network, image: npt.NDArray[Any], dtype: str, number: int
) -> npt.NDArray[Any]:
    """An image as the batch of one that a file takes, or an error that names its number."""
    if dtype != "float32" and image.dtype != np.dtype(dtype):
        raise ParameterError(
            f"onnx: image {number} is {image.dtype}, the file's input {dtype}; give images of that "
            "dtype, or export with dtype='float32'"
        )
    lifted = image[..., None] if image.ndim == (network.ndim or 2) else image
    return np.ascontiguousarray(lifted, dtype=dtype)[None]
