"""TIFF and BigTIFF: tifffile and imagecodecs read directories and pixels, spel their meaning.

Pages that tifffile does not decode (subsampled colours, JPEG as of 1992) are read by libtiff
through Pillow. Sizes and places of all strips and tiles are checked first (``tiff_checks``).
Source: TIFF Revision 6.0, Aldus, 1992; BigTIFF as libtiff writes it.
"""

from __future__ import annotations

import contextlib
import logging
import math
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import numpy.typing as npt

from spel.io.opening import DAMAGED, DecodeError

from . import pillow
from .header import ImageInfo, check_size
from .spacing import spacing_of_page
from .tiff_checks import check_embedded, check_segments
from .tiff_page import PALETTE, Plane
from .tiff_planes import Choice, choose, planes_of

if TYPE_CHECKING:
    from tifffile import TiffFile, TiffPage


def describe(file: BinaryIO, max_pixels: int) -> ImageInfo:
    """Read the directories."""
    with _opened(file) as tiff:
        return _info(choose(planes_of(tiff), None), max_pixels)


def read(
    file: BinaryIO, max_pixels: int, page: int | None
) -> tuple[npt.NDArray[np.generic], ImageInfo]:
    """Decode all pages if they are alike, or one, into ([planes,] rows, cols, channels)."""
    with _opened(file) as tiff:
        choice = choose(planes_of(tiff), page)
        info = _info(choice, max_pixels)
        choice.check_time(page)
        check_segments([plane.page for plane in choice.planes], tiff.filehandle.size)
        if info.planes == 0 and len(choice.grid[0]) == 1:
            return decode(file, choice.grid[0][0]), info
        out = np.empty((len(choice.grid), *info.shape[-3:]), info.dtype)
        for array, row in zip(out, choice.grid):
            for part, plane in zip(np.split(array, len(row), axis=-1), row):
                part[...] = decode(file, plane)
        return out.reshape(info.shape), info


def read_indices(file: BinaryIO, max_pixels: int) -> tuple[npt.NDArray[Any], int] | None:
    """Indices ([planes,] rows, cols) into palettes, and the orientation; None without a palette."""
    with _opened(file) as tiff:
        choice = choose(planes_of(tiff), None)
        if any(plane.page.photometric != PALETTE for plane in choice.planes):
            return None
        info = _info(choice, max_pixels)
        check_segments([plane.page for plane in choice.planes], tiff.filehandle.size)
        layers = [_by_tifffile(file, row[0])[..., 0] for row in choice.grid]
        return (np.stack(layers) if info.planes else layers[0]), info.orientation


@contextlib.contextmanager
def _opened(file: BinaryIO) -> Iterator[TiffFile]:
    import tifffile

    logging.getLogger("tifffile").addHandler(logging.NullHandler())  # it logs what it then raises
    file.seek(0)
    with tifffile.TiffFile(file, name="image.tif") as tiff:
        yield tiff


def _info(choice: Choice, max_pixels: int) -> ImageInfo:
    first, planes, parts = choice.grid[0][0], len(choice.grid), len(choice.grid[0])
    channels = first.channels * parts
    check_size(first.rows, first.cols, channels, first.dtype.itemsize, max_pixels, planes)
    return ImageInfo(
        "TIFF",
        first.rows,
        first.cols,
        channels,
        first.dtype.name,
        first.bits,
        first.color if parts == 1 else "channels",
        first.orientation,
        choice.pages,
        planes if planes > 1 else 0,
        choice.note,
        first.maximum,
        choice.times,
        *(spacing_of_page(choice.first) if planes > 1 else ((), "")),
    )


def decode(file: BinaryIO, plane: Plane) -> npt.NDArray[np.generic]:
    """The pixels of one plane as (rows, cols, channels)."""
    try:
        return plane.pixels(_by_tifffile(file, plane))
    except (MemoryError, ImportError):
        raise
    except Exception as error:
        array = _by_libtiff(file, plane) if _may_be_libtiffs(plane.page) else None
        if array is None:
            raise error from None
        return array


def _by_tifffile(file: BinaryIO, plane: Plane) -> npt.NDArray[np.generic]:
    page = plane.page
    start = page.dataoffsets[0] + plane.offset
    if plane.offset or not start:  # tifffile takes data at byte 0 for missing
        assert page.dtype is not None
        stored = page.dtype.newbyteorder(page.parent.byteorder)
        file.seek(start)
        raw = np.frombuffer(file.read(math.prod(page.shape) * stored.itemsize), stored)
        return raw.astype(page.dtype).reshape(plane.rows, plane.cols, -1)
    check_embedded(file, page)
    samples = page.asarray(maxworkers=1)
    if page.planarconfig == 2 and plane.samples > 1:
        samples = np.moveaxis(samples, 0, -1)
    if samples.size != plane.rows * plane.cols * plane.samples:
        raise DecodeError("its pixels are not of the size announced", DAMAGED)
    return samples.reshape(plane.rows, plane.cols, -1)


def _may_be_libtiffs(page: TiffPage) -> bool:
    """Whether libtiff may read a page that tifffile refused."""
    return page.compression in (2, 3, 4, 6, 7, 8, 32946) or page.is_subsampled


def _by_libtiff(file: BinaryIO, plane: Plane) -> npt.NDArray[np.generic] | None:
    """The pixels by Pillow; None if it fails or would lose bits."""
    if plane.orientation != 1:  # Pillow would turn the page
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about tags that do not concern the pixels
            image = pillow.open_as("TIFF", file)
            pillow.seek(image, plane.page.index)
            if image.size != (plane.cols, plane.rows):
                return None
            array = pillow.pixels(image)
    except (DecodeError, OSError, ValueError, SyntaxError, TypeError, KeyError, IndexError):
        return None
    shape = plane.rows, plane.cols, plane.channels
    return array if (array.shape, array.dtype) == (shape, plane.dtype) else None
