"""Writing images: whole or not at all, every bit kept, the format chosen by the suffix."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt

from spel.atomic import check_place, replacing
from spel.errors import ParameterError, ShapeError

__all__ = ["write"]

_PIECE = 1 << 22
_PNG_COLORS = {1: 0, 2: 4, 3: 2, 4: 6}


def write(path: str | os.PathLike[str], image: np.ndarray) -> None:
    """Write an image so that :func:`spel.read` gives it back; the suffix chooses the format.

    ============ =============================================== =======================
    suffix       types                                           channels
    ============ =============================================== =======================
    .png         bool (1 channel), uint8, uint16                 1 to 4
    .tif .tiff   bool (1 channel), integers, floats              any; volumes
    .npy         any of these                                    any; volumes
    .jpg .jpeg   uint8; lossy                                    1 or 3
    ============ =============================================== =======================

    The file appears under its name when it is complete (see :mod:`spel.atomic`).

    Parameters
    ----------
    path : str or path
        Where to write.
    image : numpy.ndarray
        (rows, cols), (rows, cols, channels) or, for TIFF and NumPy files, (planes, rows, cols,
        channels).

    Raises
    ------
    ParameterError
        Unknown suffix, a type that the format cannot hold, or a place that is no file.
    ShapeError
        A shape that is no image or that the format cannot hold.
    WriteError
        The place allows no writing, or the disk is full or failed.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> from spel.io import read, write
    >>> name = tempfile.mkdtemp() + "/a.png"
    >>> write(name, np.array([[[1, 2, 65535]]], np.uint16))
    >>> read(name)
    array([[[    1,     2, 65535]]], dtype=uint16)
    """
    if not isinstance(path, (str, os.PathLike)):
        raise ParameterError(f"write: {type(path).__name__} given as path; give a file name")
    suffix = check_suffix(path)
    array = _checked(image, suffix)
    with replacing(path) as temporary:
        _SAVERS[suffix](temporary, array)


def check_suffix(path: str | os.PathLike[str]) -> str:
    """The suffix of a picture, which says its format; to be asked for before long work.

    Parameters
    ----------
    path : path
        Name of the picture.

    Raises
    ------
    ParameterError
        If pictures are not written in this format.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in _SAVERS:
        raise ParameterError(
            f"write: {str(path)!r} ends in {suffix!r}; give one of " + ", ".join(_SAVERS)
        )
    return suffix


def check_file(path: str | os.PathLike[str]) -> None:
    """Refuse a picture that could not be written; to be asked for before long work.

    Parameters
    ----------
    path : path
        Name of the picture.

    Raises
    ------
    ParameterError
        If pictures are not written in this format.
    WriteError
        If the folder is not there, or allows no writing.
    """
    check_place(path)
    check_suffix(path)


def check_type(path: str | os.PathLike[str], dtype: npt.DTypeLike, channels: int) -> None:
    """Refuse pictures that a format does not hold; to be asked for before long work.

    Parameters
    ----------
    path : str or os.PathLike
        The suffix says the format.
    dtype : dtype
        Type of the picture.
    channels : int

    Raises
    ------
    ParameterError, ShapeError
    """
    suffix = check_suffix(path)
    spel = _checked(np.zeros((1, 1, channels), dtype), suffix)
    with TemporaryDirectory() as folder:
        _SAVERS[suffix](Path(folder) / f"spel{suffix}", spel)


def _checked(image: np.ndarray, suffix: str) -> np.ndarray:
    if not isinstance(image, np.ndarray):
        raise ShapeError(f"write: {type(image).__name__} given; give a NumPy array")
    if isinstance(image, np.ma.MaskedArray):
        raise ParameterError("write: a masked array given; fill it first")
    array = image[:, :, None] if image.ndim == 2 else image
    volumes = suffix in (".tif", ".tiff", ".npy")
    if array.ndim not in ((3, 4) if volumes else (3,)):
        kinds = "(rows, cols, channels)" + (" or (planes, ...)" if volumes else "")
        raise ShapeError(f"write: shape {image.shape} given; {suffix} holds {kinds}")
    if 0 in array.shape:
        raise ShapeError(f"write: shape {image.shape} has no pixels; give at least one")
    if array.dtype.kind not in "buif" or array.dtype.itemsize > 8:
        raise ParameterError(
            f"write: type {array.dtype} given; give bool, integers or floats of up to 64 bits"
        )
    return array


def _png(path: Path, image: np.ndarray) -> None:
    rows, cols, channels = image.shape
    dtype = image.dtype.newbyteorder("=")
    if dtype not in (np.bool_, np.uint8, np.uint16):
        raise ParameterError(
            f"write: .png holds bool, uint8 or uint16, not {dtype}; scale and "
            "convert the image, or write .tif or .npy"
        )
    if channels not in _PNG_COLORS or (dtype == np.bool_ and channels != 1):
        raise ShapeError(
            f"write: .png holds {'1 channel' if dtype == np.bool_ else '1 to 4 channels'}"
            f" of {dtype}, not {channels}; write .tif or .npy"
        )
    import imagecodecs

    depth = 1 if dtype == np.bool_ else 8 * dtype.itemsize
    header = struct.pack(">IIBBBBB", cols, rows, depth, _PNG_COLORS[channels], 0, 0, 0)
    packed = memoryview(imagecodecs.deflate_encode(_png_lines(image, depth).tobytes(), level=6))
    with path.open("wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header))
        for start in range(0, len(packed), _PIECE):
            file.write(_chunk(b"IDAT", bytes(packed[start : start + _PIECE])))
        file.write(_chunk(b"IEND", b""))


def _png_lines(image: np.ndarray, depth: int) -> np.ndarray:
    """The bytes of each row under one filter: differences from the row above; none of 1 bit.

    Choosing the best filter for each row saved 3 % of one photo and nothing of another or of masks,
    and took half as long as the compression by libdeflate.
    """
    plain = _row_bytes(image, depth)
    lines = np.empty((len(plain), 1 + plain.shape[1]), np.uint8)
    lines[:, 0], lines[:, 1:] = 0 if depth == 1 else 2, plain
    if depth > 1:
        np.subtract(plain[1:], plain[:-1], out=lines[1:, 1:])
    return lines


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _row_bytes(rows: np.ndarray, depth: int) -> np.ndarray:
    if depth == 1:
        return np.packbits(rows[:, :, 0], axis=1)
    big = np.ascontiguousarray(rows, f">u{depth // 8}")
    return big.reshape(len(rows), -1).view(np.uint8)


def _tiff(path: Path, image: np.ndarray) -> None:
    import tifffile

    channels = image.shape[-1]
    if image.dtype == np.bool_ and channels != 1:
        raise ShapeError(f"write: .tif holds 1 channel of bool, not {channels}; convert to uint8")
    color = channels in (3, 4) and (image.dtype.itemsize <= 2 or image.dtype.kind == "f")
    color = color and image.dtype.kind in "uf"
    spare = channels - (3 if color else 1)
    pages = image if image.ndim == 4 else image[None]
    alpha = spare == 1 and image.dtype.kind == "u"
    with tifffile.TiffWriter(path, bigtiff=image.nbytes > 3 << 30) as writer:
        for page in pages:
            writer.write(
                np.ascontiguousarray(page[:, :, 0] if channels == 1 else page),
                photometric="rgb" if color else "minisblack",
                planarconfig=None if channels == 1 else "contig",
                extrasamples=(
                    ["unassalpha" if alpha else "unspecified"] + ["unspecified"] * (spare - 1)
                )
                if spare
                else None,
                compression=None if image.dtype == np.bool_ else "zlib",
                metadata=None,
                contiguous=False,
                software=None,
            )


def _npy(path: Path, image: np.ndarray) -> None:
    with path.open("wb") as file:
        np.save(file, image, allow_pickle=False)


def _jpeg(path: Path, image: np.ndarray) -> None:
    from PIL import Image

    if image.dtype != np.uint8 or image.shape[2] not in (1, 3):
        raise ParameterError(
            f"write: .jpg holds uint8 of 1 or 3 channels, not {image.dtype} of "
            f"{image.shape[2]}; convert the image or write .png, .tif or .npy"
        )
    if max(image.shape[:2]) > 65500:
        raise ShapeError(
            f"write: .jpg holds at most 65500 rows and columns, not {image.shape}; write .png"
        )
    plain = np.ascontiguousarray(image[:, :, 0] if image.shape[2] == 1 else image)
    Image.fromarray(plain).save(path, "JPEG", quality=95, subsampling=0)


_SAVERS = {".png": _png, ".tif": _tiff, ".tiff": _tiff, ".npy": _npy, ".jpg": _jpeg, ".jpeg": _jpeg}
