"""TIFF and BigTIFF: directories and pixels by tifffile and imagecodecs, what they mean by us.

What tifffile does not decode (colours with fewer samples than pixels, JPEG as of 1992) goes to
libtiff by Pillow. Sizes and places of all strips and tiles are checked first: ``tiff_checks``.
Source: TIFF Revision 6.0, Aldus, 1992; BigTIFF as libtiff writes it.
"""

from __future__ import annotations

import contextlib
import logging
import math
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

import numpy as np
import numpy.typing as npt

from spel.io.opening import DAMAGED, DecodeError

from . import pillow
from .header import ImageInfo, check_size
from .tiff_axes import Axes, stated_axes
from .tiff_checks import check_embedded, check_page, check_segments

if TYPE_CHECKING:
    from tifffile import TiffFile, TiffPage

Item = TypeVar("Item")
_MAX_PAGES = 100_000
_MAX_XML = 1 << 20
_COLORS = {0: "grey", 1: "grey", 2: "rgb", 3: "rgb", 5: "cmyk", 6: "rgb", 8: "lab", 9: "icclab"}
_SAMPLES = {"grey": 1, "rgb": 3, "cmyk": 4, "lab": 3, "icclab": 3}


@dataclass(frozen=True)
class Plane:
    """One plane of the file: a page, or what lies so many bytes behind its pixels."""

    page: TiffPage
    shift: int = 0


@dataclass(frozen=True)
class Choice:
    """What is read of a file: for each plane the pages of its channels."""

    grid: list[list[Plane]]
    pages: int
    note: str = ""
    axes: str = ""
    times: int = 1


def describe(file: BinaryIO, max_pixels: int) -> ImageInfo:
    """Read the directories."""
    with _opened(file) as tiff:
        return _info(_chosen(_planes(tiff), None), max_pixels)


def read(
    file: BinaryIO, max_pixels: int, page: int | None
) -> tuple[npt.NDArray[np.generic], ImageInfo]:
    """Decode all pages, if alike, or one, into ([planes,] rows, cols, channels)."""
    with _opened(file) as tiff:
        chosen = _chosen(_planes(tiff), page)
        info = _info(chosen, max_pixels)
        if chosen.times > 1 and page is None:
            raise DecodeError(
                f"it holds {chosen.times} points in time ({chosen.axes})",
                f"read one of them with page=0 to {chosen.times - 1}",
            )
        check_segments([one.page for row in chosen.grid for one in row], tiff.filehandle.size)
        if info.planes == 0 and len(chosen.grid[0]) == 1:
            return decode(file, chosen.grid[0][0]), info
        out = np.empty((len(chosen.grid), *info.shape[-3:]), info.dtype)
        for plane, row in zip(out, chosen.grid):
            for part, one in zip(np.split(plane, len(row), axis=-1), row):
                part[...] = decode(file, one)
        return out.reshape(info.shape), info


@contextlib.contextmanager
def _opened(file: BinaryIO) -> Iterator[TiffFile]:
    import tifffile

    logging.getLogger("tifffile").addHandler(logging.NullHandler())  # it logs what it then raises
    file.seek(0)
    with tifffile.TiffFile(file, name="image.tif") as tiff:
        yield tiff


def _pages(tiff: TiffFile) -> list[TiffPage]:
    """All pages of the main chain, each once even if the chain runs in a circle."""
    import tifffile

    pages: list[TiffPage] = []
    places: set[int] = set()
    for page in tiff.pages:
        assert not isinstance(page, tifffile.TiffFrame)  # those come only when asked for
        if page.offset in places:
            break
        if len(pages) == _MAX_PAGES:
            raise DecodeError(f"it has more than {_MAX_PAGES} pages")
        check_page(page)
        places.add(page.offset)
        pages.append(page)
    if not pages:
        raise DecodeError("it has no page", DAMAGED)
    return pages


def _planes(tiff: TiffFile) -> list[Plane]:
    """One plane for each page; ImageJ gives a stack of more than 4 GiB one page for all planes."""
    pages = _pages(tiff)
    if len(pages) > 1 or not tiff.is_imagej:
        return [Plane(page) for page in pages]
    count = (tiff.imagej_metadata or {}).get("images", 1)
    (page,) = pages
    size = math.prod(page.shaped) * page.bitspersample // 8
    there = tiff.filehandle.size - page.dataoffsets[0]
    if not isinstance(count, int) or page.compression != 1 or count * size > there:
        raise DecodeError(f"it is said to have {count} planes that are not there", DAMAGED)
    return [Plane(page, plane * size) for plane in range(max(1, count))]


def _chosen(planes: list[Plane], page: int | None) -> Choice:
    """All pages that are alike, in the order that the metadata state, or one of them."""
    full = [one for one in planes if not (one.page.is_reduced or one.page.is_mask)] or planes[:1]
    alike = all(_kind(one.page) == _kind(full[0].page) for one in full)
    axes = stated_axes(planes[0].page.description, len(full)) if alike else None
    if axes is not None and axes.times * axes.channels > 1:
        return _by_axes(full, axes, page)
    if page is not None:
        return Choice([[_numbered(planes, page)]], len(planes))
    if alike:
        return Choice([[one] for one in full], len(planes))
    return Choice([planes[:1]], len(planes), note="the first of pages that differ")


def _by_axes(planes: list[Plane], axes: Axes, page: int | None) -> Choice:
    """Channels become channels; a page is a point in time, or a plane where there is one time."""
    grids = [
        [[planes[axes.page(t, z, c)] for c in range(axes.channels)] for z in range(axes.planes)]
        for t in range(axes.times)
    ]
    note = f"pages are {axes}"
    if axes.times > 1:
        return Choice(_numbered(grids, page or 0), axes.times, note, str(axes), axes.times)
    rows = grids[0] if page is None else [_numbered(grids[0], page)]
    return Choice(rows, axes.planes, note, str(axes))


def _numbered(items: list[Item], page: int) -> Item:
    if page >= len(items):
        raise DecodeError(f"it has {len(items)} pages, no number {page}", "count from 0")
    return items[page]


def _kind(page: TiffPage) -> tuple[Any, ...]:
    """Equal for pages that may be planes of one volume."""
    palette = page.photometric == 3
    return page_shape(page), page_dtype(page), page.bitspersample, palette, _orientation(page)


def page_shape(page: TiffPage) -> tuple[int, int, int]:
    """Rows, columns and channels of a decoded page."""
    samples = page.samplesperpixel + 2 * (page.photometric == 3)
    return page.imagelength, page.imagewidth, samples


def page_dtype(page: TiffPage) -> np.dtype[Any]:
    """Type of a decoded page."""
    if page.photometric == 3:
        return np.dtype(_palette(page).dtype)
    assert page.dtype is not None
    return page.dtype


def _info(chosen: Choice, max_pixels: int) -> ImageInfo:
    first, planes, parts = chosen.grid[0][0].page, len(chosen.grid), len(chosen.grid[0])
    rows, cols, channels = page_shape(first)
    dtype = page_dtype(first)
    check_size(rows, cols, channels * parts, dtype.itemsize, max_pixels, planes)
    return ImageInfo(
        "TIFF",
        rows,
        cols,
        channels * parts,
        dtype.name,
        first.bitspersample,
        _color(first, channels) if parts == 1 else "channels",
        _orientation(first),
        chosen.pages,
        planes if planes > 1 else 0,
        chosen.note,
        _maximum(first),
        chosen.times,
    )


def _maximum(page: TiffPage) -> int:
    """The largest value of 9 to 15 bits in 16 that the metadata state, or 0.

    The tag MaxSampleValue holds the largest value that occurs; all bits set mean a depth.
    """
    stated = re.search(r'\bSignificantBits="(\d\d?)"', page.description[:_MAX_XML])
    value = (1 << int(stated[1])) - 1 if stated else page.tags.valueof(281, 0)
    value = max(value) if isinstance(value, tuple) else value
    depths = [(1 << bits) - 1 for bits in range(9, page.bitspersample)]
    return value if page.bitspersample <= 32 and value in depths else 0


def _color(page: TiffPage, channels: int) -> str:
    base = _COLORS.get(page.photometric, "channels")
    spare = channels - _SAMPLES.get(base, channels)
    if not spare:
        return base
    alpha = spare == 1 and page.extrasamples[:1] in ((1,), (2,))
    return {"grey": "grey+alpha", "rgb": "rgba"}.get(base, "channels") if alpha else "channels"


def _orientation(page: TiffPage) -> int:
    value = page.tags.valueof(274, 1)
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def decode(file: BinaryIO, plane: Plane) -> npt.NDArray[np.generic]:
    """The pixels of one plane as (rows, cols, channels)."""
    page = plane.page
    try:
        return meaning(_by_tifffile(file, plane), page)
    except (MemoryError, ImportError):
        raise
    except Exception as error:
        array = _by_libtiff(file, page) if _may_be_libtiffs(page) else None
        if array is None:
            raise error from None
        return array


def _by_tifffile(file: BinaryIO, plane: Plane) -> npt.NDArray[np.generic]:
    page = plane.page
    rows, cols, _ = page_shape(page)
    start = page.dataoffsets[0] + plane.shift
    if plane.shift or not start:  # tifffile takes what lies at byte 0 for missing
        assert page.dtype is not None
        stored = page.dtype.newbyteorder(page.parent.byteorder)
        file.seek(start)
        raw = np.frombuffer(file.read(math.prod(page.shape) * stored.itemsize), stored)
        return raw.astype(page.dtype).reshape(rows, cols, -1)
    check_embedded(file, page)
    samples = page.asarray(maxworkers=1)
    if page.planarconfig == 2 and page.samplesperpixel > 1:
        samples = np.moveaxis(samples, 0, -1)
    if samples.size != rows * cols * page.samplesperpixel:
        raise DecodeError("its pixels are not of the size announced", DAMAGED)
    return samples.reshape(rows, cols, -1)


def _may_be_libtiffs(page: TiffPage) -> bool:
    """Whether libtiff reads some of such pages that tifffile does not."""
    return page.compression in (2, 3, 4, 6, 7, 8, 32946) or page.is_subsampled


def _by_libtiff(file: BinaryIO, page: TiffPage) -> npt.NDArray[np.generic] | None:
    """The pixels by Pillow, or nothing where it fails or keeps fewer bits than the page has."""
    if _orientation(page) != 1:  # Pillow would turn the page
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about tags that do not concern the pixels
            image = pillow.open_as("TIFF", file)
            pillow.seek(image, page.index)
            if image.size != (page.imagewidth, page.imagelength):
                return None
            array = pillow.pixels(image)
    except (DecodeError, OSError, ValueError, SyntaxError, TypeError, KeyError, IndexError):
        return None
    return array if (array.shape, array.dtype) == (page_shape(page), page_dtype(page)) else None


def meaning(samples: npt.NDArray[Any], page: TiffPage) -> npt.NDArray[np.generic]:
    """Palette to colours, white-is-zero to black-is-zero, 2 to 7 bits to 8."""
    if page.photometric == 3:
        palette = _palette(page)
        colors = palette[samples[:, :, 0].astype(np.uint16)]
        if page.samplesperpixel == 1:
            return colors
        return np.concatenate([colors, samples[:, :, 1:].astype(palette.dtype)], axis=2)
    bits = page.bitspersample
    if samples.dtype.kind not in "bu" or bits > 32:
        return samples
    if page.photometric == 0:
        samples = samples.copy()
        samples[:, :, :1] ^= samples.dtype.type((1 << bits) - 1)
    if 1 < bits < 8:
        full = (1 << bits) - 1
        return np.take(np.rint(np.arange(full + 1) * (255 / full)).astype(np.uint8), samples)
    return samples


def _palette(page: TiffPage) -> npt.NDArray[Any]:
    """Colours (entries, 3) of 8 bits, or of 16 where they use them."""
    values = page.tags.valueof(320)
    entries = 1 << page.bitspersample
    if page.bitspersample > 16 or np.size(values) < 3 * entries:
        raise DecodeError("its palette is missing or too short", DAMAGED)
    colors = np.asarray(values)[: 3 * entries].astype(np.uint16).reshape(3, entries).T
    low, high = colors & 255, colors >> 8
    if (low == high).all() or not low.any():
        return high.astype(np.uint8)
    return low.astype(np.uint8) if not high.any() else colors
