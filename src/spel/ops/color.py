"""Colour spaces with stated ranges; nothing is rescaled by dtype."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from spel import kernels
from spel.core.threads import thread_count
from spel.errors import ParameterError, ShapeError
from spel.kernels.memory import empty
from spel.ops.arrays import Float, as_real

GREY_WEIGHTS = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in ITU-R BT.601 luma."""

_BAND = 1 << 15  # spels converted at a time


def grey(image: npt.ArrayLike) -> Float:
    """Luma of an RGB image, ``0.299 R + 0.587 G + 0.114 B``, in the image's own range.

    Parameters
    ----------
    image : (..., 3) or (..., 1) array
        An image of one channel is returned as it is.

    Returns
    -------
    (..., 1) array of float32

    Raises
    ------
    ShapeError
        For another number of channels (drop an alpha channel with ``image[..., :3]``).

    Notes
    -----
    ITU-R BT.601.

    Examples
    --------
    >>> grey([[[255, 255, 255], [255, 0, 0]]]).round(3).tolist()
    [[[255.0], [76.24500274658203]]]
    """
    array = as_real("grey", image)
    if array.ndim >= 3 and array.shape[-1] == 1:
        return array.astype(np.float32)
    _check_rgb("grey", array)
    total = sum(
        np.float32(weight) * array[..., band].astype(np.float32)
        for band, weight in enumerate(GREY_WEIGHTS)
    )
    return np.asarray(total, dtype=np.float32)[..., None]


def lab(image: npt.ArrayLike, *, white: float = 255.0) -> Float:
    """CIE L*a*b* of an sRGB image, D65, 2 degrees: L in 0..100, a and b within -128..128.

    Parameters
    ----------
    image : (..., 3) array
        sRGB in 0..white.
    white : float
        The value of full red, green or blue: 255 for 8 bits, 65535 for 16, 1 for unit floats.

    Returns
    -------
    (..., 3) array of float32
        Within one rounding of float64 arithmetic on the image as float32.

    Notes
    -----
    The formulas and constants of `skimage.color.rgb2lab`.

    Examples
    --------
    >>> lab([[[255, 255, 255]]]).round(1).tolist()[0][0][0]
    100.0
    """
    return recolored("lab", image, "lab", white)


def ycbcr(image: npt.ArrayLike, *, white: float = 255.0) -> Float:
    """Y, Cb and Cr of an RGB image: Y in 16..235, Cb and Cr in 16..240 (ITU-R BT.601).

    Parameters
    ----------
    image : (..., 3) array
        RGB in 0..white.
    white : float
        The value of full red, green or blue.

    Returns
    -------
    (..., 3) array of float32

    Notes
    -----
    `skimage.color.rgb2ycbcr`.

    Examples
    --------
    >>> ycbcr([[[255, 255, 255]]]).round(1).tolist()
    [[[235.0, 128.0, 128.0]]]
    """
    from skimage.color import rgb2ycbcr

    return _converted("ycbcr", rgb2ycbcr, image, white)


def recolored(operator: str, image: npt.ArrayLike, space: str, white: float) -> Float:
    """An RGB image of any number of axes in a colour space of the kernels."""
    array = _checked_rgb(operator, image, white)
    whole = array.reshape(-1, *array.shape[-4:]) if array.ndim > 5 else array
    planar = np.moveaxis(whole[(None,) * (5 - whole.ndim)], -1, 1)
    memory = empty(planar.shape)
    kernels.recolor(planar, space, float(white), out=memory, threads=thread_count())
    return np.moveaxis(memory, 1, -1).reshape(array.shape)


def _converted(
    operator: str, convert: Callable[..., Any], image: npt.ArrayLike, white: float
) -> Float:
    """Convert in float64, a few rows at a time, so that intermediate results stay in the cache."""
    array = _checked_rgb(operator, image, white)
    rows = array.reshape(-1, *array.shape[-2:])
    out = np.empty(rows.shape, dtype=np.float32)
    step = max(1, _BAND // max(1, rows.shape[1]))
    for start in range(0, len(rows) if rows.size else 0, step):
        band = rows[start : start + step].astype(np.float64, order="C")
        out[start : start + step] = convert(band / white)
    return out.reshape(array.shape)


def _checked_rgb(operator: str, image: npt.ArrayLike, white: float) -> npt.NDArray[Any]:
    if not (np.isfinite(white) and white > 0):
        raise ParameterError(f"{operator}: white {white!r}; expected a positive number")
    array = as_real(operator, image)
    _check_rgb(operator, array)
    return array


def _check_rgb(operator: str, array: npt.NDArray[np.generic]) -> None:
    if array.ndim < 3 or array.shape[-1] != 3:
        raise ShapeError(
            f"{operator}: image of shape {array.shape}; expected (rows, cols, 3) red, green and "
            "blue. Drop an alpha channel with image[..., :3]"
        )
