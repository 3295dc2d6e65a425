"""Degradations of pictures, from which their restoration is learned: noise, reduction, blur."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from spel.errors import ParameterError
from spel.ops.arrays import as_real

Plane = npt.NDArray[np.float32]
_FORM = re.compile(r"(denoise|enlarge|deblur):([0-9]*\.?[0-9]+)")


@dataclass(frozen=True)
class Task:
    """The degradation that a restoration undoes.

    Parameters
    ----------
    kind : {"denoise", "enlarge", "deblur"}
    amount : float
        The standard deviation of the noise in units of a full intensity of 255; the factor, 2, 3
        or 4; or the standard deviation of a Gaussian blur in spels.

    Examples
    --------
    >>> Task.parse("enlarge:3").factor, Task.parse("denoise:25").factor
    (3, 1)
    """

    kind: Literal["denoise", "enlarge", "deblur"]
    amount: float

    def __post_init__(self) -> None:
        fits = self.amount in (2, 3, 4) if self.kind == "enlarge" else 0 < self.amount <= 100
        if self.kind not in ("denoise", "enlarge", "deblur") or not fits:
            raise ParameterError(
                f"restoration: {self.kind}:{self.amount:g}; expected denoise:SIGMA or deblur:SIGMA "
                "with a sigma above 0, or enlarge:2, enlarge:3, enlarge:4"
            )

    @classmethod
    def parse(cls, text: str) -> Task:
        """The task that a text such as "enlarge:3" names."""
        match = _FORM.fullmatch(text)
        if not match:
            raise ParameterError(
                f"restoration: {text!r:.40}; expected denoise:SIGMA, deblur:SIGMA or enlarge:FACTOR"
            )
        kind: Any = match[1]
        return cls(kind, float(match[2]))

    def __str__(self) -> str:
        return f"{self.kind}:{self.amount:g}"

    @property
    def factor(self) -> int:
        """Number of spels of the restored picture along each axis per spel of the degraded one."""
        return int(self.amount) if self.kind == "enlarge" else 1

    def spoil(self, plane: Plane, seed: int | Sequence[int] = 0) -> Plane:
        """A degraded copy of a plane of numbers from 0 to 1, cut to a multiple of the factor."""
        if self.kind == "denoise":
            noise = np.random.default_rng(seed).normal(0, self.amount / 255, plane.shape)
            return np.asarray(plane + noise, dtype=np.float32)
        if self.kind == "deblur":
            from scipy.ndimage import gaussian_filter

            return np.asarray(gaussian_filter(plane, self.amount), dtype=np.float32)
        whole = self.whole(plane)
        return resized(whole, (whole.shape[0] // self.factor, whole.shape[1] // self.factor))

    def whole(self, plane: Plane) -> Plane:
        """The plane without rows and columns beyond a multiple of the factor."""
        rows, cols = (n - n % self.factor for n in plane.shape)
        return plane[:rows, :cols]


def resized(plane: Plane, size: tuple[int, int]) -> Plane:
    """A plane at another size (rows, cols), by bicubic interpolation with antialiasing.

    Examples
    --------
    >>> resized(np.ones((4, 6), np.float32), (2, 3)).tolist()
    [[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]
    """
    from PIL import Image

    rows, cols = size
    picture = Image.fromarray(np.ascontiguousarray(plane, dtype=np.float32))
    return np.asarray(picture.resize((cols, rows), Image.Resampling.BICUBIC), dtype=np.float32)


def luma(image: npt.ArrayLike, white: float) -> Plane:
    """BT.601 luma of a picture as numbers from 0 to 1; of one or two channels the first.

    What float32 cannot hold becomes infinite.

    Examples
    --------
    >>> luma(np.full((1, 1, 3), 255.0), 255).round(3).tolist()
    [[1.0]]
    """
    with np.errstate(over="ignore", invalid="ignore"):
        array = np.asarray(as_real("luma", image), dtype=np.float32) / np.float32(white)
    if array.ndim == 2:
        return array
    if array.shape[-1] < 3:
        return np.ascontiguousarray(array[..., 0])
    return np.asarray(array[..., :3] @ np.array([0.299, 0.587, 0.114], np.float32))
