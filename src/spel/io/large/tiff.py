"""Windows of a TIFF file by tifffile and imagecodecs: planes, and the levels of a pyramid.

A file states its pyramid in one of three ways: directories that belong to a page (OME-TIFF), pages
of the main chain that are marked as reduced (COG), or, unmarked, tiled pages of the same kind that
get smaller (whole-slide scanners).
"""

from __future__ import annotations

import itertools
import logging
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

from spel.io.image.tiff_axes import stated_axes
from spel.io.opening import DAMAGED, DecodeError

from .tiff_plane import Plane, check_limits

if TYPE_CHECKING:
    from tifffile import TiffFile, TiffPage

__all__ = ["TiffImage"]

MAX_PAGES = 1_000_000
MAX_SUBIFDS = 64

Span = tuple[int, int]


class TiffImage:
    """One level of a page, or of all pages if they are alike.

    Parameters
    ----------
    path : Path
    page : int, optional
        Counted from 0; by default all pages that are alike as planes, or the first.
    level : int
        0 is the full size.
    max_pixels : int
        Largest number of pixels of the level, all planes together.

    Attributes
    ----------
    shape, dtype, pages, levels
        As of `LargeImage`.
    """

    format = "TIFF"

    def __init__(self, path: Path, page: int | None, level: int, max_pixels: int) -> None:
        import tifffile

        logging.getLogger("tifffile").addHandler(logging.NullHandler())
        self._tiff = tifffile.TiffFile(path)
        try:
            pages = _pages(self._tiff)
            if page is not None and page >= len(pages):
                raise DecodeError(f"it has {len(pages)} pages, no number {page}", "count from 0")
            axes = stated_axes(pages[0].page.description, len(pages))
            if page is None and axes is not None and axes.times * axes.channels > 1:
                raise DecodeError(f"its pages are {axes}", "save it as OME-Zarr, or name a page")
            levels = _pyramid(pages, page)
            if level >= len(levels):
                raise DecodeError(f"it has {len(levels)} levels, no number {level}", "count from 0")
            planes = levels[level]
            check_limits(planes, max_pixels, self._tiff.filehandle.size)
        except BaseException:
            self._tiff.close()
            raise
        self.pages = len(pages)
        self.levels = tuple((one[0].rows, one[0].cols) for one in levels)
        self.planes = planes
        shape = (planes[0].rows, planes[0].cols, planes[0].channels)
        self.shape: tuple[int, ...] = shape if len(planes) == 1 else (len(planes), *shape)
        self.dtype, self.bits = planes[0].dtype, planes[0].bits

    def window(self, *spans: Span) -> npt.NDArray[Any]:
        """([planes,] rows, cols, channels) between the (start, stop) of each axis but the last."""
        rows, cols = spans[-2:]
        if len(spans) == 2:
            return self.planes[0].window(rows, cols)
        planes = self.planes[slice(*spans[0])]
        size = (len(planes), rows[1] - rows[0], cols[1] - cols[0], self.shape[-1])
        out = np.empty(size, self.dtype)
        for array, plane in zip(out, planes):
            array[...] = plane.window(rows, cols)
        return out

    def close(self) -> None:
        """Close the file."""
        self._tiff.close()


def _pages(tiff: TiffFile) -> list[Plane]:
    """The pages of the main chain; ImageJ writes a large stack as one page."""
    if len(tiff.pages) > MAX_PAGES:
        raise DecodeError(f"it has more than {MAX_PAGES} pages")
    pages = [Plane(cast("TiffPage", page)) for page in tiff.pages]
    if not pages:
        raise DecodeError("it has no page", DAMAGED)
    if len(pages) == 1 and pages[0].page.description.startswith("ImageJ="):
        return _imagej_stack(pages[0])
    return pages


def _imagej_stack(first: Plane) -> list[Plane]:
    """The planes of a stack follow one another in the file."""
    page = first.page
    stated = re.search(r"^images=(\d{1,9})\s*$", page.description, re.MULTILINE)
    count = int(stated[1]) if stated else 1
    if count < 2:
        return [first]
    length = first.rows * first.cols * int(page.samplesperpixel) * first.bits // 8
    end = int(page.dataoffsets[0]) + count * length
    if not page.is_memmappable or end > page.parent.filehandle.size:
        raise DecodeError(f"it states {count} planes that are not there", DAMAGED)
    return [Plane(page, number * length) for number in range(count)]


def _pyramid(pages: Sequence[Plane], page: int | None) -> list[list[Plane]]:
    """Levels, largest first, each a list of its planes."""
    if page is not None:
        full = [pages[page]]
    else:
        full = [one for one in pages if not one.subfile & 5] or list(pages[:1])
        if any(one.alike != full[0].alike for one in full):
            full = list(pages[:1])
    smaller = _subifds(full) or _marked(full, pages) or _unmarked(full, pages)
    smaller.sort(key=lambda level: -level[0].rows * level[0].cols)
    return [full, *smaller]


def _subifds(full: list[Plane]) -> list[list[Plane]]:
    """Levels in directories that belong to each page."""
    places = [one.page.subifds or () for one in full]
    count = len(places[0])
    if not count or any(len(some) != count for some in places):
        return []
    listed = [[Plane(cast("TiffPage", page)) for page in _subpages(one)] for one in full]
    if any(not one.page.tags for some in listed for one in some):
        raise DecodeError("a directory of its pyramid cannot be read", DAMAGED)
    return [
        list(level)
        for level in zip(*listed)
        if all(_is_reduced(full[0], one) and one.alike == level[0].alike for one in level)
    ]


def _subpages(plane: Plane) -> list[Any]:
    return list(itertools.islice(plane.page.pages or (), MAX_SUBIFDS))


def _marked(full: list[Plane], pages: Sequence[Plane]) -> list[list[Plane]]:
    """Levels in pages that are marked as reduced."""
    sizes: dict[Span, list[Plane]] = {}
    for one in pages:
        if one.subfile & 1 and not one.subfile & 4 and _is_reduced(full[0], one):
            sizes.setdefault((one.rows, one.cols), []).append(one)
    return [level for level in sizes.values() if len(level) == len(full)]


def _unmarked(full: list[Plane], pages: Sequence[Plane]) -> list[list[Plane]]:
    """Levels in tiled pages that get smaller."""
    first = full[0]
    if len(full) > 1 or first is not pages[0] or not first.page.is_tiled:
        return []
    tiled = (one for one in pages[1:] if one.page.is_tiled and not one.subfile & 4)
    return [[one] for one in tiled if _is_reduced(first, one)]


def _is_reduced(full: Plane, page: Plane) -> bool:
    """Whether a page may be the same image in a smaller size."""
    rows, cols = page.rows, page.cols
    if not (0 < rows <= full.rows and 0 < cols <= full.cols) or full.kind != page.kind:
        return False
    if rows * cols == full.rows * full.cols:
        return False
    down, across = full.rows / rows, full.cols / cols
    return abs(down / across - 1) <= 0.02 + 2 / min(rows, cols)
