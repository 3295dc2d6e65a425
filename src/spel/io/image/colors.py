"""CMYK and Lab become RGB, because networks expect colours as RGB.

No colour profile is applied. Sources: TIFF Revision 6.0, sections 16 and 23; ICC.1, for ICCLab.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from spel.io.opening import DecodeError, image_error

from .header import ImageInfo

__all__ = ["CONVERTED", "check_colors", "check_convertible", "to_rgb"]

Array = npt.NDArray[Any]
_BAND = 1 << 20  # pixels converted at once


def check_colors(path: Any, info: ImageInfo) -> None:
    """Refuse an image if a color layer would mistake one of its channels for alpha.

    Raises
    ------
    ImageReadError
        If it has two or four channels, and its file does not state that they are colours and alpha.
    """
    if info.color == "channels" and info.channels in (2, 4):
        raise image_error(
            path,
            info.format,
            f"the file does not state that its {info.channels} channels are colours and alpha, and "
            "the network expects colours",
            "save grey or RGB alone, or use a network for these channels (spel learn --space none)",
        )


def to_rgb(array: Array, color: str) -> Array:
    """RGB of the same type from ([planes,] rows, cols, channels) of CMYK or Lab.

    Examples
    --------
    >>> ink = np.array([[[0, 0, 0, 0], [255, 0, 0, 0], [0, 0, 0, 255]]], np.uint8)
    >>> to_rgb(ink, "cmyk")[0].tolist()
    [[255, 255, 255], [0, 255, 255], [0, 0, 0]]
    """
    check_convertible(array.dtype, color)
    out = np.empty((*array.shape[:-1], 3), array.dtype)
    flat, colors = array.reshape(-1, array.shape[-1]), out.reshape(-1, 3)
    white = float(np.iinfo(array.dtype).max)
    for start in range(0, len(flat), _BAND):
        part = flat[start : start + _BAND]
        unit = np.clip(CONVERTED[color](part, white), 0, 1)
        colors[start : start + _BAND] = np.rint(unit * white)
    return out


def check_convertible(dtype: np.dtype[Any], color: str) -> None:
    """Refuse CMYK or Lab in a type that is not converted."""
    if dtype not in (np.uint8, np.uint16):
        raise DecodeError(f"its {color} colours are {dtype}", "convert it to RGB")


def _cmyk(ink: Array, white: float) -> Array:
    paper = 1 - ink.astype(np.float64) / white
    rgb: Array = paper[:, :3] * paper[:, 3:]
    return rgb


def _lab(stored: Array, white: float) -> Array:
    """CIELab of TIFF: a and b are signed."""
    signed = stored[:, 1:].astype(stored.dtype.str.replace("u", "i"))
    return _from_lab(stored[:, :1] / white, signed / ((white + 1) / 256))


def _icc_lab(stored: Array, white: float) -> Array:
    """ICCLab of TIFF: a and b are shifted by half of the range."""
    return _from_lab(stored[:, :1] / white, stored[:, 1:] / ((white + 1) / 256) - 128)


def _from_lab(lightness: Array, ab: Array) -> Array:
    from skimage.color import lab2rgb

    lab = np.concatenate([100 * lightness, ab], axis=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about colours outside RGB, which are clipped
        rgb: Array = lab2rgb(lab[None])[0]
    return rgb


CONVERTED: dict[str, Callable[[Array, float], Array]] = {
    "cmyk": _cmyk,
    "lab": _lab,
    "icclab": _icc_lab,
}
"""Colours that are converted to RGB, and the function that does it."""
