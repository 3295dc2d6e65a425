"""One channel of numbers as a picture in colors, with its scale."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
import numpy.typing as npt

from spel.errors import ParameterError, ShapeError

RGB = npt.NDArray[np.uint8]
Kind = Literal["grey", "positive", "signed"]

NAN_COLOR = (255, 0, 200)
"""Magenta: the color of values that are NaN or infinite."""

_MAPS = {
    "grey": "000000 ffffff",
    # Matplotlib's "magma" (CC0, N. Smith and S. van der Walt), every sixteenth color.
    "positive": "000004 0a0822 1d1147 36106b 51127c 6a1c81 832681 9c2e7f b73779 d0416f e75263 "
    "f56b5c fc8961 fea772 fec488 fde2a3 fcfdbf",
    # Blue below zero and orange above: it can be read without telling red from green.
    "signed": "08306b 1f5fa6 4f94cd a3cbe8 fdfdfb f9c38a ee8a3c c4560f 7a2c04",
}


@dataclass(frozen=True, eq=False)
class Shaded:
    """A channel as a picture.

    Attributes
    ----------
    rgb : (rows, cols, 3) array of uint8
    kind : {"grey", "positive", "signed"}
    low, high : float
        The values of the first and last color.
    missing : int
        Number of pixels that are NaN or infinite; they are drawn in magenta.
    beyond : float
        Share of the pixels that lie outside the scale; they are drawn in its end color.

    Examples
    --------
    >>> shaded = shade([[0.0, 2.0, np.nan]])
    >>> shaded.kind, shaded.low, shaded.high, shaded.missing, shaded.scale
    ('positive', 0.0, 2.0, 1, '0 to 2 · 1 not finite')
    """

    rgb: RGB
    kind: Kind
    low: float
    high: float
    missing: int = 0
    beyond: float = 0.0

    @property
    def scale(self) -> str:
        """The scale in words."""
        words = f"{self.low:.3g} to {self.high:.3g}"
        if self.kind == "signed":
            words = f"-{self.high:.3g} (blue) · 0 (white) · {self.high:.3g} (orange)"
        words += f" · {self.beyond:.1%} beyond" if self.beyond else ""
        return words + (f" · {self.missing} not finite" if self.missing else "")


def shade(
    channel: npt.ArrayLike, kind: Kind | Literal["auto"] = "auto", *, clip: float = 0.0
) -> Shaded:
    """Color one channel.

    Parameters
    ----------
    channel : (rows, cols) array, real or bool
    kind : {"auto", "grey", "positive", "signed"}
        "grey" goes from the lowest to the highest value, "positive" from 0 (black) to the highest,
        "signed" from minus to plus the largest absolute value, 0 in white. "auto" is "signed" if
        there is a value below zero, else "positive".
    clip : float
        Share of the pixels that may lie beyond the scale, 0 to 0.5, so that a few extreme values
        do not hide the rest. `Shaded.beyond` states the share that does.

    Raises
    ------
    ShapeError, ParameterError
        If it is not one channel of numbers, or the kind or `clip` is out of its range.


    Examples
    --------
    >>> picture = shade([[-2.0, 0.0, 1.0]])
    >>> picture.kind, picture.rgb[0, 1].tolist(), picture.scale
    ('signed', [253, 253, 251], '-2 (blue) · 0 (white) · 2 (orange)')
    """
    array = np.asarray(channel)
    if array.ndim != 2:
        raise ShapeError(f"shade: array of shape {array.shape}; expected one channel (rows, cols)")
    if array.dtype.kind not in "biuf":
        raise ParameterError(f"shade: dtype {array.dtype}; expected numbers")
    if kind not in ("auto", *_MAPS):
        raise ParameterError(f"shade: kind {kind!r}; expected auto, {', '.join(_MAPS)}")
    if not 0 <= clip <= 0.5:
        raise ParameterError(f"shade: clip {clip!r}; expected a share from 0 to 0.5")
    values = array.astype(np.float64)
    is_finite = np.isfinite(values)
    finite = values[is_finite]
    chosen: Kind = kind if kind != "auto" else ("signed" if (finite < 0).any() else "positive")
    low, high = _limits(finite, chosen, clip)
    steps = np.zeros(values.shape, dtype=np.uint8)
    if high > low:
        # 255 colors are an odd number, so zero gets the middle color of the signed map.
        unit = np.clip((finite - low) / (high - low), 0, 1)
        steps[is_finite] = np.round(unit * 254).astype(np.uint8)
    rgb = table(chosen)[steps]
    rgb[~is_finite] = NAN_COLOR
    beyond = float(((finite < low) | (finite > high)).mean()) if finite.size else 0.0
    return Shaded(rgb, chosen, low, high, int((~is_finite).sum()), beyond)


def _limits(finite: npt.NDArray[np.float64], kind: Kind, clip: float) -> tuple[float, float]:
    """The values of the first and last color."""
    if not finite.size:
        return 0.0, 0.0
    if kind == "signed":
        size = np.abs(finite)
        high = float(np.quantile(size, 1 - clip, method="higher")) or float(size.max()) or 1.0
        return -high, high
    high = float(np.quantile(finite, 1 - clip, method="higher")) or float(finite.max())
    return (float(finite.min()) if kind == "grey" else min(float(finite.min()), 0.0)), high


@cache
def table(kind: Kind) -> RGB:
    """The 255 colors of a map, (255, 3)."""
    stops = [[int(word[i : i + 2], 16) for i in (0, 2, 4)] for word in _MAPS[kind].split()]
    at = np.linspace(0, len(stops) - 1, 255)
    columns = [np.interp(at, range(len(stops)), [s[c] for s in stops]) for c in range(3)]
    colors = np.round(np.stack(columns, axis=1)).astype(np.uint8)
    colors.setflags(write=False)
    return colors


def as_rgb(image: npt.ArrayLike) -> RGB:
    """An image as uint8 RGB for display; 16-bit and float images are scaled to 0..255.

    Integers are scaled by the range of their type (255, 65535), floats from their lowest to their
    highest value. If the image is neither RGB nor RGBA, its first channel is shown in grey. Alpha
    is left out. A volume is shown by its middle plane.

    Parameters
    ----------
    image : (rows, cols[, C]) array, with planes before them for voxels

    Returns
    -------
    (rows, cols, 3) array of uint8

    Raises
    ------
    ShapeError
        If the array is no image.

    Examples
    --------
    >>> as_rgb(np.array([[0, 65535]], dtype=np.uint16))[0, 1].tolist()
    [255, 255, 255]
    """
    array = np.asarray(image)
    if array.ndim == 4:  # a volume: its middle plane
        array = array[len(array) // 2]
    array = array[..., None] if array.ndim == 2 else array
    if array.ndim != 3 or not array.shape[-1]:
        raise ShapeError(f"as_rgb: array of shape {array.shape}; expected (rows, cols, channels)")
    array = array[..., :3] if array.shape[-1] in (3, 4) else np.repeat(array[..., :1], 3, axis=-1)
    if array.dtype == np.uint8:
        return np.ascontiguousarray(array)
    if array.dtype == np.bool_:
        return array.astype(np.uint8) * np.uint8(255)
    values = array.astype(np.float64)
    if array.dtype.kind in "iu":
        low, high = 0.0, float(np.iinfo(array.dtype).max)
    else:
        finite = values[np.isfinite(values)]
        low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    unit = np.nan_to_num((values - low) / ((high - low) or 1.0))
    rgb: RGB = np.round(np.clip(unit, 0, 1) * 255).astype(np.uint8)
    return rgb
