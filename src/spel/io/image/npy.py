"""NumPy files, without pickle, their header compared with the length of the file first."""

from __future__ import annotations

import ast
import struct
from typing import Any, BinaryIO

import numpy as np

from spel.io.opening import DecodeError

from .header import ImageInfo, check_size, file_size, read_exactly

MAGIC = b"\x93NUMPY"
_MAX_HEADER = 10_000
_AGAIN = "save the array again with numpy.save"
_COLORS = {1: "grey", 3: "rgb"}


def describe(file: BinaryIO, max_pixels: int) -> ImageInfo:
    """Read the header."""
    return _info(*_header(file, max_pixels))


def read(file: BinaryIO, max_pixels: int, page: int | None) -> tuple[np.ndarray, ImageInfo]:
    """Read (rows, cols), (rows, cols, channels) or (planes, rows, cols, channels)."""
    dtype, shape, columns_first = _header(file, max_pixels)
    info = _info(dtype, shape, columns_first)
    if page:
        raise DecodeError("a NumPy file has one page", "leave page at 0")
    array = np.empty(int(np.prod(shape)), dtype)
    if file.readinto(array.view(np.uint8).data) != array.nbytes:  # type: ignore[attr-defined]
        raise DecodeError("it is cut short", _AGAIN)
    array = array.reshape(shape, order="F" if columns_first else "C")
    array = array.astype(dtype.newbyteorder("="), copy=False)
    return array.reshape(info.shape), info


def _info(dtype: np.dtype[Any], shape: tuple[int, ...], columns_first: bool) -> ImageInfo:
    planes = shape[0] if len(shape) == 4 else 0
    plane = shape[1:] if planes else shape
    channels = plane[2] if len(plane) == 3 else 1
    bits = 1 if dtype.kind == "b" else 8 * dtype.itemsize
    return ImageInfo(
        "NPY",
        plane[0],
        plane[1],
        channels,
        dtype.newbyteorder("=").name,
        bits,
        _COLORS.get(channels, "channels"),
        pages=max(1, planes),
        planes=planes,
    )


def _header(file: BinaryIO, max_pixels: int) -> tuple[np.dtype[Any], tuple[int, ...], bool]:
    file.seek(len(MAGIC))
    major, minor = read_exactly(file, 2, "its header")
    if (major, minor) not in ((1, 0), (2, 0), (3, 0)):
        raise DecodeError(f"its format version {major}.{minor} is unknown", _AGAIN)
    code, width = ("<H", 2) if major == 1 else ("<I", 4)
    (length,) = struct.unpack(code, read_exactly(file, width, "its header"))
    if length > _MAX_HEADER:
        raise DecodeError(f"its header has {length} bytes; at most {_MAX_HEADER} are read", _AGAIN)
    text = read_exactly(file, length, "its header").decode(
        "utf-8" if major == 3 else "latin-1", "replace"
    )
    dtype, shape, columns_first = _parse(text)
    if len(shape) not in (2, 3, 4):
        raise DecodeError(
            f"its array has {len(shape)} axes; an image has 2, 3 or 4",
            "save it as (rows, cols), (rows, cols, channels) or (planes, rows, cols, channels)",
        )
    planes = shape[0] if len(shape) == 4 else 1
    rows, cols, *rest = shape[1:] if len(shape) == 4 else shape
    check_size(rows, cols, rest[0] if rest else 1, dtype.itemsize, max_pixels, planes)
    wanted = dtype.itemsize
    for size in shape:
        wanted *= size
    there = file_size(file) - file.tell()
    if there != wanted:
        raise DecodeError(f"its header announces {wanted} bytes of data, {there} are there", _AGAIN)
    return dtype, shape, columns_first


def _parse(text: str) -> tuple[np.dtype[Any], tuple[int, ...], bool]:
    try:
        fields = ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        raise DecodeError("its header is damaged", _AGAIN) from None
    if not isinstance(fields, dict) or set(fields) != {"descr", "fortran_order", "shape"}:
        raise DecodeError("its header is damaged", _AGAIN)
    kind, shape, columns_first = fields["descr"], fields["shape"], fields["fortran_order"]
    if isinstance(kind, str) and "O" in kind:
        raise DecodeError("it holds Python objects, which could run code", "save numbers only")
    try:
        dtype = np.dtype(kind) if isinstance(kind, str) and len(kind) < 16 else None
    except (TypeError, ValueError):
        dtype = None
    if dtype is None or dtype.kind not in "buif" or dtype.itemsize > 8:
        raise DecodeError(
            f"its type {str(kind)[:40]!r} is not one of real numbers of up to 64 bits",
            "convert the array, e.g. to float32",
        )
    good = isinstance(shape, tuple) and all(type(n) is int and n >= 0 for n in shape)
    if not good or type(columns_first) is not bool:
        raise DecodeError("its header is damaged", _AGAIN)
    return dtype, shape, columns_first
