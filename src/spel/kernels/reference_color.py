"""The meaning of the colour spaces, in float64: CIE Lab, and LABNorm2 as libift has it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Real = npt.NDArray[np.float64]

RGB_TO_XYZ = np.array(
    [
        [0.412453, 0.357580, 0.180423],
        [0.212671, 0.715160, 0.072169],
        [0.019334, 0.119193, 0.950227],
    ]
)
WHITE_POINT = np.array([0.95047, 1.0, 1.08883])
"""sRGB's primaries and D65, 2 degrees, as scikit-image has them."""

RGB_TO_XYZ_LIBIFT = np.array(
    [
        [0.4123955889674142, 0.3575834307637148, 0.1804926473817016],
        [0.2125862307855956, 0.7151703037034108, 0.0722004986433362],
        [0.0192972154917469, 0.1191838645808485, 0.9504971251315798],
    ]
)
WHITE_POINT_LIBIFT = np.array([0.950456, 1.0, 1.088754])
LOWEST = np.array([0.0, -86.182236, -107.867744])
EXTENT = np.array([99.998337, 184.44085, 202.349424])


def recolor(
    image: npt.NDArray[Any],
    space: str,
    white: float,
    *,
    out: npt.NDArray[np.float32],
    threads: int = 1,
) -> None:
    """Red, green and blue (N, C, D, H, W) in 0..white to a space: "lab" or "labnorm2-FILE".

    The image is read as float32, and its first three channels count.
    """
    values = image[:, :3].astype(np.float32).astype(np.float64)
    unit = np.moveaxis(values, 1, -1) / white
    made = lab(unit) if space == "lab" else labnorm2(unit, space.removeprefix("labnorm2-"))
    out[...] = np.moveaxis(made, -1, 1)


def lab(rgb: Real) -> Real:
    """CIE L*a*b* of sRGB in 0..1, channels last."""
    curve = np.power((np.maximum(rgb, 0) + 0.055) / 1.055, 2.4)
    linear = np.where(rgb > 0.04045, curve, rgb / 12.92)
    tristimulus = linear @ (RGB_TO_XYZ / WHITE_POINT[:, None]).T
    return _lab(
        np.where(tristimulus > 0.008856, np.cbrt(tristimulus), 7.787 * tristimulus + 16 / 116)
    )


def labnorm2(unit: Real, file: str) -> Real:
    """Lab of RGB in 0..1 without gamma, after libift's storage, each channel scaled to 0..1."""
    rgb = unit if file == "direct" else _back_to_rgb(*_stored(unit, file))
    tristimulus = rgb @ (RGB_TO_XYZ_LIBIFT / WHITE_POINT_LIBIFT[:, None]).T
    bent = np.where(
        tristimulus >= 0.008856451679, np.cbrt(tristimulus), 841 / 108 * tristimulus + 4 / 29
    )
    scaled: Real = (_lab(bent) - LOWEST) / EXTENT
    return scaled


def _lab(bent: Real) -> Real:
    x, y, z = bent[..., 0], bent[..., 1], bent[..., 2]
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def _stored(unit: Real, file: str) -> tuple[Real, Real, Real]:
    """Y, Cb and Cr as libift's reader stores them, whole numbers."""
    r, g, b = unit[..., 0], unit[..., 1], unit[..., 2]
    if file == "png":
        y = 0.2627 * r + 0.6780 * g + 0.0593 * b
        cb, cr = (b - y) / 1.8814, (r - y) / 1.4746
        return (
            np.trunc(y * 219) + 16,
            np.trunc(np.clip(cb, -0.5, 0.5) * 224) + 128,
            np.trunc(np.clip(cr, -0.5, 0.5) * 224) + 128,
        )
    if file == "rgba":
        y = 65.481207 * r + 128.552871 * g + 24.966094 * b + 16
        cb = -37.796777 * r - 74.203008 * g + 111.999785 * b + 128
        cr = 111.999785 * r - 93.786211 * g - 18.213574 * b + 128
        return np.trunc(y), np.trunc(cb), np.trunc(cr)
    y = 0.299 * r + 0.587 * g + 0.114 * b
    return (
        np.rint(255 * y),
        np.rint(255 * (b - y) / 1.772) + 128,
        np.rint(255 * (r - y) / 1.402) + 128,
    )


def _back_to_rgb(y: Real, cb: Real, cr: Real) -> Real:
    luma, blue, red = 1.164383562 * (y - 16), cb - 128, cr - 128
    rgb = np.stack(
        [
            luma + 1.596026786 * red,
            luma - 0.39176229 * blue - 0.812967647 * red,
            luma + 2.017232143 * blue,
        ],
        axis=-1,
    )
    whole: Real = np.clip(np.trunc(rgb), 0, 255) / 255
    return whole
