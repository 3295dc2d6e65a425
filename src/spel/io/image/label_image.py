"""Label images and masks: a number for each pixel, in whatever way a file stores it.

The numbers are indices into a palette (as in Pascal VOC's SegmentationClass and the files of many
annotation programs), or the values of one channel, or of colour channels that are all equal.
"""

from __future__ import annotations

import os
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from spel.io.isolation import Reply, reply
from spel.io.opening import image_error, name_of, open_binary, translating_errors

from . import png, tiff
from .decoding import apply_orientation, decode, read_header
from .formats import HEAD, recognize
from .header import MAX_PIXELS
from .isolate import shared_decoder
from .writer import write

__all__ = ["read_label_image", "write_label_image"]

_INDICES = {"PNG": png.read_indices, "TIFF": tiff.read_indices}


def read_label_image(
    path: str | os.PathLike[str] | BinaryIO,
    *,
    max_pixels: int = MAX_PIXELS,
    isolate: bool = False,
) -> npt.NDArray[Any]:
    """Read the label of every pixel.

    Parameters
    ----------
    path : str, path or open binary file
    max_pixels : int
    isolate : bool
        As for `spel.read`.

    Returns
    -------
    ([planes,] rows, cols) array
        It has the file's own type, or uint8 or uint16 for indices into a palette.

    Raises
    ------
    ImageReadError
        As `spel.read`, and if the numbers are no labels: channels that differ are colours, JPEG
        changes numbers, and a mask is no transparency.

    Examples
    --------
    >>> import io
    >>> read_label_image(io.BytesIO(b"P2 3 1 255 0 1 7"))
    array([[0, 1, 7]], dtype=uint8)
    """
    if isolate:
        return shared_decoder().array(path, labels_in_worker, (), max_pixels)[..., 0]
    with translating_errors(path), open_binary(path) as file:
        return _read_open(file, name_of(path), max_pixels)


def write_label_image(path: str | os.PathLike[str], labels: npt.NDArray[Any]) -> None:
    """Write the label of every spel so that :func:`read_label_image` gives it back.

    The planes of a volume become pages, where :func:`spel.write` would take three axes for rows,
    columns and channels.

    Parameters
    ----------
    path : str or path
        As for `spel.write`; a volume needs ``.tif`` or ``.npy``.
    labels : ([planes,] rows, cols) array

    Raises
    ------
    ParameterError, ShapeError, WriteError
        As `spel.write`.

    Examples
    --------
    >>> import tempfile
    >>> path = tempfile.mkdtemp() + "/a.tif"
    >>> write_label_image(path, np.ones((2, 5, 3), np.uint8))
    >>> read_label_image(path).shape
    (2, 5, 3)
    """
    write(path, labels[..., None])


def _read_open(file: BinaryIO, name: str, max_pixels: int) -> npt.NDArray[Any]:
    """Read the labels of an open file that is called `name` in messages."""
    with translating_errors(name) as reading:
        file.seek(0)
        kind = recognize(file.read(HEAD))
        if kind in _INDICES:
            reading.format = kind
            indices = _INDICES[kind](file, max_pixels)
            if indices is not None:
                array, orientation = indices
                return apply_orientation(array[..., None], orientation)[..., 0]
        alpha = read_header(file, reading, max_pixels).color in ("grey+alpha", "rgba")
        image = decode(file, reading, None, max_pixels)
    colors = image[..., :-1] if alpha else image
    if reason := _no_labels(kind, colors, image[..., -1] if alpha else None):
        raise image_error(name, kind, *reason)
    return np.ascontiguousarray(colors[..., 0])


def _no_labels(
    kind: str, colors: npt.NDArray[Any], alpha: npt.NDArray[Any] | None
) -> tuple[str, str] | None:
    """Why the numbers of pixels are no labels, and what to do."""
    if colors.shape[-1] > 1 and (colors != colors[..., :1]).any():
        return (
            "the channels of its pixels differ, so they are colours and not labels",
            "save one channel, or a palette as PNG, with 0 for the background",
        )
    if kind == "JPEG" and ((colors > 0) & (colors < 255)).any():
        return (
            "its compression changed the numbers, so they are no labels",
            "save masks as PNG; if only this one is left, threshold it at 128 first",
        )
    if alpha is not None and (colors == colors.flat[0]).all() and (alpha != alpha.flat[0]).any():
        return (
            f"all its pixels are {colors.flat[0]}, and only their transparency differs",
            "save what is opaque as 255 and the rest as 0, without transparency",
        )
    return None


def labels_in_worker(handle: int, name: str, max_pixels: int) -> Reply:
    """Read the labels of an open file, inside the worker."""
    with open(handle, "rb", closefd=False) as file:
        return reply(name, lambda: ({}, _read_open(file, name, max_pixels)[..., None]))
