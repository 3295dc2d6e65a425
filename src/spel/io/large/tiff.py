"""Windows of a TIFF file by tifffile and imagecodecs: planes, and the levels of a pyramid.

A file states its pyramid in one of three ways: directories that belong to a page (OME-TIFF), pages
of the main chain that are marked as reduced (COG), or, unmarked, tiled pages of the same kind that
get smaller (whole-slide scanners).
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

from spel.io.image.colors import CONVERTED
from spel.io.image.spacing import Spacing, spacing_of_page
from spel.io.image.tiff_page import Plane
from spel.io.image.tiff_planes import choose, planes_of
from spel.io.opening import DAMAGED, DecodeError

from .tiff_plane import check_limits, window

if TYPE_CHECKING:
    from tifffile import TiffPage

__all__ = ["TiffImage"]

MAX_SUBIFDS = 64

Span = tuple[int, int]


class TiffImage:
    """One level of a page, or of all pages if they are alike.

    Parameters
    ----------
    path : Path
    page : int, optional
        Page or point in time, counted from 0. By default all pages that are alike are planes or
        channels, else the first is read. It must be stated if there are several points in time.
    level : int
        0 is the full size.
    max_pixels : int
        Largest number of pixels of the level, all planes together.

    Attributes
    ----------
    shape, dtype, pages, bits, levels, depths
        As of `LargeImage`.
    """

    format = "TIFF"

    def __init__(self, path: Path, page: int | None, level: int, max_pixels: int) -> None:
        import tifffile

        logging.getLogger("tifffile").addHandler(logging.NullHandler())
        self._tiff = tifffile.TiffFile(path)
        try:
            pages = planes_of(self._tiff)
            choice = choose(pages, page)
            choice.check_time(page)
            levels = _pyramid(choice.planes, pages)
            if level >= len(levels):
                raise DecodeError(
                    f"it has {len(levels)} levels, but none with the number {level}", "count from 0"
                )
            planes, count = levels[level], len(choice.grid)
            check_limits(planes, max_pixels, self._tiff.filehandle.size, count)
        except BaseException:
            self._tiff.close()
            raise
        first, parts = planes[0], len(choice.grid[0])
        self.pages = choice.pages
        self.levels = tuple((one[0].rows, one[0].cols) for one in levels)
        self.depths = (count,) * len(levels)
        self.spacing, self.unit = (
            _spacing(choice.first, levels[0][0], first) if count > 1 else ((), "")
        )
        self.grid = [planes[k : k + parts] for k in range(0, len(planes), parts)]
        channels = 3 if first.color in CONVERTED else first.channels
        shape = (first.rows, first.cols, channels * parts)
        self.shape: tuple[int, ...] = shape if count == 1 else (count, *shape)
        self.dtype, self.bits = first.dtype, first.maximum.bit_length() or first.bits

    def window(self, *spans: Span) -> npt.NDArray[Any]:
        """([planes,] rows, cols, channels) between the (start, stop) of each axis but the last."""
        rows, cols = spans[-2:]
        grid = self.grid[slice(*spans[0])] if len(spans) == 3 else self.grid
        if len(spans) == 2 and len(grid[0]) == 1:
            return window(grid[0][0], rows, cols)
        size = (len(grid), rows[1] - rows[0], cols[1] - cols[0], self.shape[-1])
        out = np.empty(size, self.dtype)
        for array, row in zip(out, grid):
            for part, plane in zip(np.split(array, len(row), axis=-1), row):
                part[...] = window(plane, rows, cols)
        return out if len(spans) == 3 else out[0]

    def close(self) -> None:
        """Close the file."""
        self._tiff.close()


def _spacing(stated: TiffPage, full: Plane, level: Plane) -> Spacing:
    """Sides of a voxel of a level, which has all planes of the full size."""
    sides, unit = spacing_of_page(stated)
    if not sides:
        return sides, unit
    down, across = full.rows / level.rows, full.cols / level.cols
    return (sides[0], sides[1] * down, sides[2] * across), unit


def _pyramid(full: list[Plane], pages: Sequence[Plane]) -> list[list[Plane]]:
    """Levels, largest first, each a list of its planes."""
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
    """Levels in pages that are marked as reduced, in the order of the pages that they reduce."""
    chain = [one for one in pages if not (one.page.is_reduced or one.page.is_mask)]
    places = {one: k for k, one in enumerate(p for p in chain if p.alike == full[0].alike)}
    if full[0] not in places:
        places = {one: k for k, one in enumerate(full)}
    sizes: dict[Span, list[Plane]] = {}
    for one in pages:
        if one.page.is_reduced and not one.page.is_mask and _is_reduced(full[0], one):
            sizes.setdefault((one.rows, one.cols), []).append(one)
    complete = (level for level in sizes.values() if len(level) == len(places))
    return [[level[places[one]] for one in full] for level in complete]


def _unmarked(full: list[Plane], pages: Sequence[Plane]) -> list[list[Plane]]:
    """Levels in tiled pages that become smaller."""
    first = full[0]
    if len(full) > 1 or first is not pages[0] or not first.page.is_tiled:
        return []
    tiled = (one for one in pages[1:] if one.page.is_tiled and not one.page.is_mask)
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
