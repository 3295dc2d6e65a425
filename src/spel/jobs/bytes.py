"""Steps of a network as 8 bits: values times a factor, rounded; refused if nothing is left."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from spel import ops
from spel.errors import ParameterError
from spel.io.large.stored_band import StoredBand

Bytes = npt.NDArray[np.uint8]


class Rounding:
    """Values of a step, part by part, times a factor and rounded half to even, as 0..255.

    Numbers below 0 become 0, those above 255 become 255, and NaN becomes 0.

    Examples
    --------
    >>> rounding = Rounding("mean", 1.0)
    >>> rounding(np.array([[[0.4], [7.5], [300.0]]], np.float32)).ravel().tolist()
    [0, 8, 255]
    >>> rounding.check()
    """

    def __init__(self, step: str, factor: float) -> None:
        self.step, self.factor = step, np.float32(factor)
        self.values, self.bytes, self.exact = (np.inf, -np.inf), (255, 0), True

    def __call__(self, values: npt.NDArray[Any]) -> Bytes:
        """The bytes of a part."""
        scaled = values if self.factor == 1 else values * self.factor
        out = np.empty_like(scaled, dtype=np.uint8)
        ops.activate(scaled, "identity", out=out)
        if out.size:
            low, high = np.fmin.reduce(values, axis=None), np.fmax.reduce(values, axis=None)
            self.values = (np.fmin(self.values[0], low), np.fmax(self.values[1], high))
            self.bytes = (min(self.bytes[0], int(out.min())), max(self.bytes[1], int(out.max())))
            self.exact = self.exact and bool(((scaled == out) | np.isnan(scaled)).all())
        return out

    def whole(self, values: npt.NDArray[Any]) -> Bytes:
        """All values of a step, checked."""
        rounded = self(values)
        self.check()
        return rounded

    def check(self) -> None:
        """Refuse parts of which all together would be 0 and 1, or 255, and were not before."""
        low, high = self.bytes
        if not self.exact and (high <= 1 or low == 255):
            became = f"only {low}" if low == high else "only 0 and 1"
            least, most = self.values
            raise ParameterError(
                f"step {self.step}: its values lie within {least:.4g}..{most:.4g}, and as 8 bits "
                f"would be {became}; state the factor that brings them to 0..255 "
                "(--uint8 FACTOR), or save float32"
            )

    def bands(
        self, bands: Iterable[StoredBand], length: int, folder: str | None
    ) -> Iterator[StoredBand]:
        """The bands of an image of `length` rows or planes; `check` comes before the last one."""
        done = 0
        for band in bands:
            out = StoredBand(band.shape, np.uint8, folder)
            for i in range(len(band)):
                out[i : i + 1] = self(band[i : i + 1])
            done += len(band)
            if done == length:
                self.check()
            yield out
