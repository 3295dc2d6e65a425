"""NumPy's ``.npy`` files, without pickle: only headers and arrays of plain numbers."""

from __future__ import annotations

import math
import warnings
from tokenize import TokenError
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from spel.io.opening import DecodeError

from .header import ImageInfo, check_size, file_size, read_exactly

MAGIC = b"\x93NUMPY"
_MAX_HEADER = 10_000
_REMEDY = "save the array again with numpy.save"


def header(file: BinaryIO, max_pixels: int) -> tuple[np.dtype[np.generic], tuple[int, ...], bool]:
    """Type, shape, and whether the order is Fortran's; the file is then positioned at the data."""
    from numpy.lib import format as npy

    file.seek(0)
    major, minor = read_exactly(file, npy.MAGIC_LEN, "its header")[-2:]
    if (major, minor) not in ((1, 0), (2, 0)):
        raise DecodeError(f"its format version {major}.{minor} is not read", _REMEDY)
    length = int.from_bytes(read_exactly(file, 2 * major, "its header"), "little")
    if length > _MAX_HEADER:
        raise DecodeError(f"its header has {length} bytes; at most {_MAX_HEADER} are read", _REMEDY)
    file.seek(npy.MAGIC_LEN)
    reader = npy.read_array_header_1_0 if major == 1 else npy.read_array_header_2_0
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about headers that Python 2 wrote
            shape, columns_first, dtype = reader(file, max_header_size=_MAX_HEADER)
    except (ValueError, TypeError, SyntaxError, RecursionError, TokenError) as error:
        raise DecodeError(f"its header is damaged ({str(error)[:100]})", _REMEDY) from None
    if dtype.hasobject:
        raise DecodeError("it holds Python objects, which could run code", "save numbers only")
    if dtype.kind not in "buif" or dtype.itemsize > 8:
        raise DecodeError(
            f"its type {str(dtype)[:40]} is not one of real numbers of up to 64 bits",
            "convert the array, e.g. to float32",
        )
    if len(shape) not in (2, 3, 4):
        axes = {0: "no axes", 1: "1 axis"}.get(len(shape), f"{len(shape)} axes")
        raise DecodeError(
            f"its array has {axes}; an image has 2, 3 or 4",
            "save it as (rows, cols), (rows, cols, channels) or (planes, rows, cols, channels)",
        )
    if min(shape) < 0:
        raise DecodeError(f"its header is damaged (a shape of {shape})", _REMEDY)
    *planes, rows, cols, channels = shape if len(shape) > 2 else (*shape, 1)
    check_size(rows, cols, channels, dtype.itemsize, max_pixels, *planes)
    announced, there = math.prod(shape) * dtype.itemsize, file_size(file) - file.tell()
    if there != announced:
        raise DecodeError(
            f"its header announces {announced} bytes of data, but there are {there}", _REMEDY
        )
    return dtype, shape, columns_first


def describe(file: BinaryIO, max_pixels: int) -> ImageInfo:
    """Read the header."""
    return _info(*header(file, max_pixels)[:2])


def read(
    file: BinaryIO, max_pixels: int, page: int | None
) -> tuple[npt.NDArray[np.generic], ImageInfo]:
    """Read the array into ([planes,] rows, cols, channels), in native byte order."""
    if page:
        raise DecodeError("a NumPy file has one page", "leave page at 0")
    dtype, shape, columns_first = header(file, max_pixels)
    info = _info(dtype, shape)
    array = np.empty(shape, dtype, order="F" if columns_first else "C")
    stored = array.T if columns_first else array
    if file.readinto(stored.reshape(-1).view(np.uint8).data) != array.nbytes:  # type: ignore[attr-defined]
        raise DecodeError("it is cut short", _REMEDY)
    native = np.ascontiguousarray(array, dtype.newbyteorder("="))
    return native.reshape(info.shape), info


def _info(dtype: np.dtype[np.generic], shape: tuple[int, ...]) -> ImageInfo:
    *planes, rows, cols, channels = shape if len(shape) > 2 else (*shape, 1)
    depth = planes[0] if planes else 0
    bits = 1 if dtype.kind == "b" else 8 * dtype.itemsize
    color = {1: "grey", 3: "rgb"}.get(channels, "channels")
    pages = max(1, depth)
    return ImageInfo(
        "NPY", rows, cols, channels, dtype.name, bits, color, pages=pages, planes=depth
    )
