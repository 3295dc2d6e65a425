"""Multi-band images of libift (``.mimg``), in which it stores activations."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import numpy.typing as npt

from spel import atomic
from spel.errors import FormatError, ParameterError
from spel.io.text_files import read_limited, table

__all__ = ["read_mimg", "write_mimg"]


def read_mimg(path: str | os.PathLike[str]) -> npt.NDArray[np.float32]:
    """A multi-band image, ``(rows, cols, bands)`` or ``(planes, rows, cols, bands)``.

    ``MIG``, sizes ``x y z bands``, spacings ``dx dy dz``, then little-endian float32 with the
    bands of a pixel side by side.

    Raises
    ------
    FormatError
        If the header is malformed or its sizes are not those of the data.
    """
    data = read_limited(path, 1 << 32)
    head = data[:400].split(b"\n", 3)
    if len(head) < 4 or head[0].strip() != b"MIG":
        raise FormatError(f"{path}: not a multi-band image; expected 'MIG', sizes and spacings")
    lines = [line.decode("ascii", "replace") for line in head[1:3]]
    size = table(path, [lines[0]], 2, range(4, 5), "xsize ysize zsize nbands")[0]
    table(path, [lines[1]], 3, range(3, 4), "dx dy dz")
    if (size < 1).any() or (size != np.rint(size)).any() or np.prod(size) > 1 << 31:
        raise FormatError(f"{path}: line 2 says {lines[0]!r}; expected sizes of at least 1")
    x, y, z, bands = (int(n) for n in size)
    start = sum(len(part) + 1 for part in head[:3])
    if len(data) - start != 4 * x * y * z * bands:
        raise FormatError(
            f"{path}: an image of {x} x {y} x {z} with {bands} bands takes "
            f"{4 * x * y * z * bands} bytes, but there are {len(data) - start}; is the file cut "
            "short?"
        )
    values = np.frombuffer(data, dtype="<f4", offset=start).reshape(z, y, x, bands)
    return np.array(values[0] if z == 1 else values, dtype=np.float32)


def write_mimg(path: str | os.PathLike[str], image: npt.ArrayLike) -> None:
    """Write an activation as a multi-band image.

    Raises
    ------
    ParameterError
        If the image is not ``(rows, cols, bands)`` or ``(planes, rows, cols, bands)``, or float32
        cannot hold its values: most whole numbers beyond 2^24, numbers beyond 3.4e38.
    """
    values = np.asarray(image)
    if values.dtype.kind not in "biuf":
        raise ParameterError(f"write_mimg: image of dtype {values.dtype}; expected real numbers")
    with np.errstate(over="ignore"):
        array = values.astype("<f4")
    if values.dtype.kind in "iuf" and values.dtype.itemsize > 2:
        _check_exact(values, array)
    if array.ndim not in (3, 4) or not array.size:
        raise ParameterError(
            f"write_mimg: image of shape {array.shape}; expected ([planes,] rows, cols, bands), "
            "not empty"
        )
    volume = array if array.ndim == 4 else array[None]
    z, y, x, bands = volume.shape
    head = f"MIG\n{x} {y} {z} {bands}\n1.000000 1.000000 1.000000\n".encode("ascii")
    atomic.write_bytes(path, head + volume.tobytes())


def _check_exact(values: npt.NDArray[Any], array: npt.NDArray[np.float32]) -> None:
    """Refuse whole numbers that float32 rounds, and numbers that become infinite."""
    if values.dtype.kind in "iu":
        lost = array.astype(np.float64) != values.astype(np.float64)
        lost |= np.abs(values.astype(np.float64)) > 1 << 53
    else:
        lost = np.isinf(array) & np.isfinite(values)
        lost |= (values == np.rint(values)) & (array.astype(np.float64) != values)
    if lost.any():
        raise ParameterError(
            f"write_mimg: the value {values[lost].ravel()[0]} does not fit float32, which .mimg "
            "holds; scale the image, or write .npy or .tif"
        )
