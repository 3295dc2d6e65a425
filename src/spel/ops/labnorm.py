"""LABNorm2: the input colour space of the FLIM group's published networks."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spel.errors import ParameterError, ShapeError
from spel.ops.arrays import Float, as_real

Real = npt.NDArray[np.float64]

FILES = ("png", "rgba", "jpeg", "direct")
"""Types of image files, on which libift's 8-bit YCbCr depends."""

XYZ_FROM_RGB = np.array(
    [
        [0.4123955889674142, 0.3575834307637148, 0.1804926473817016],
        [0.2125862307855956, 0.7151703037034108, 0.0722004986433362],
        [0.0192972154917469, 0.1191838645808485, 0.9504971251315798],
    ]
)
WHITE_POINT = np.array([0.950456, 1.0, 1.088754])
LOWEST = np.array([0.0, -86.182236, -107.867744])
EXTENT = np.array([99.998337, 184.44085, 202.349424])


def labnorm2(image: npt.ArrayLike, *, white: float = 255.0, file: str = "png") -> Float:
    """Lab of an RGB image without gamma, with each channel scaled to 0..1 by fixed extremes.

    Parameters
    ----------
    image : (..., 3) array
        RGB in 0..white.
    white : float
        The value of full red, green or blue: 255 for 8 bits, 65535 for 16.
    file : {"png", "rgba", "jpeg", "direct"}
        The file that the image came from. libift stores colour images as 8-bit YCbCr: RGB PNG by
        BT.2020, PNG with alpha and PPM by ITU-R BT.601, JPEG by the file's own full-range YCbCr. It
        converts them back by BT.601, so colours from RGB PNG change slightly. "direct" omits this
        round trip, as the formulas of LIDS and pyflim do.

    Returns
    -------
    (..., 3) array of float32

    Raises
    ------
    ParameterError
        For another file type.

    Notes
    -----
    libift, `iftMImage.c`, MI_LABNORM2: "png" is verified against the group's published
    model; "rgba" and "jpeg" follow its source and have no golden values.

    Examples
    --------
    >>> labnorm2([[[255, 255, 255]]]).astype(float).round(4).tolist()
    [[[1.0, 0.4673, 0.533]]]
    >>> labnorm2([[[200, 100, 50]]]).round(3).tolist() == labnorm2(
    ...     [[[200, 100, 50]]], file="direct").round(3).tolist()
    False
    """
    if file not in FILES:
        raise ParameterError(f"labnorm2: file {file!r}; expected one of {', '.join(FILES)}")
    if not (np.isfinite(white) and white > 0):
        raise ParameterError(f"labnorm2: white {white!r}; expected a positive number")
    array = as_real("labnorm2", image)
    if array.ndim < 3 or array.shape[-1] != 3:
        raise ShapeError(
            f"labnorm2: image of shape {array.shape}; expected (rows, cols, 3) red, green and "
            "blue. Drop an alpha channel with image[..., :3]"
        )
    unit = array.astype(np.float64) / white
    rgb = unit if file == "direct" else _back_to_rgb(*_stored(unit, file))
    tristimulus = rgb @ (XYZ_FROM_RGB / WHITE_POINT[:, None]).T
    f = np.where(
        tristimulus >= 0.008856451679, np.cbrt(tristimulus), 841 / 108 * tristimulus + 4 / 29
    )
    lab = np.empty_like(f)
    lab[..., 0] = 116 * f[..., 1] - 16
    lab[..., 1] = 500 * (f[..., 0] - f[..., 1])
    lab[..., 2] = 200 * (f[..., 1] - f[..., 2])
    return np.asarray((lab - LOWEST) / EXTENT, dtype=np.float32)


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
