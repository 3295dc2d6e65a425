"""Images at another size, or turned: the native loops, whose meaning `reference` gives."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spel.kernels.engine import native


def resize(
    image: npt.NDArray[np.float32],
    box: tuple[float, float, float, float],
    size: tuple[int, int],
    threads: int = 1,
) -> npt.NDArray[np.float32]:
    """A box ``x0 y0 x1 y1`` of a (rows, cols) image at another size, see `reference`."""
    plain = _with_plain_rows(image)
    out = np.empty(size, dtype=np.float32)
    native.resize(
        plain.ctypes.data, plain.shape, plain.strides[0] // 4, box,
        out.ctypes.data, size, max(1, threads),
    )  # fmt: skip
    return out


def resize_part(
    window: npt.NDArray[np.float32],
    origin: tuple[int, int],
    whole: tuple[int, int],
    box: tuple[float, float, float, float],
    size: tuple[int, int],
    part: tuple[slice, slice],
    threads: int = 1,
) -> npt.NDArray[np.float32]:
    """A part of a resized image of which a window is at hand, see `reference`."""
    plain = _with_plain_rows(window)
    first = (part[0].start, part[1].start)
    out = np.empty((part[0].stop - first[0], part[1].stop - first[1]), dtype=np.float32)
    native.resize_part(
        plain.ctypes.data, plain.shape, plain.strides[0] // 4, origin, whole, box,
        out.ctypes.data, out.shape, first, size, max(1, threads),
    )  # fmt: skip
    return out


def rotate(
    image: npt.NDArray[np.float32], degrees: float, size: tuple[int, int]
) -> npt.NDArray[np.float32]:
    """The middle of an image, turned about its middle, see `reference`."""
    plain = _with_plain_rows(image)
    out = np.empty(size, dtype=np.float32)
    native.rotate(
        plain.ctypes.data, plain.shape, plain.strides[0] // 4, degrees, out.ctypes.data, size
    )
    return out


def _with_plain_rows(image: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The image, or a copy, whose rows are contiguous."""
    return image if image.strides[1] == 4 and image.strides[0] % 4 == 0 else image.copy()
