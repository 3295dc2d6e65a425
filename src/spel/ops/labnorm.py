"""LABNorm2: the input colour space of the FLIM group's published networks."""

from __future__ import annotations

import numpy.typing as npt

from spel.errors import ParameterError
from spel.ops.arrays import Float
from spel.ops.color import recolored

FILES = ("png", "rgba", "jpeg", "direct")
"""Types of image files, on which libift's 8-bit YCbCr depends."""


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
        Within one rounding of float64 arithmetic on the image as float32.

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
    return recolored("labnorm2", image, f"labnorm2-{file}", white)
