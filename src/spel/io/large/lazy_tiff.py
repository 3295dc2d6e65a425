"""Windows of a TIFF file: its planes and the levels of its pyramid, chunk by chunk.

A pyramid is told in one of three ways: directories that hang from a page (OME-TIFF), pages of the
main chain marked as reduced (COG), or, unmarked, tiled pages of the same kind that get smaller
(whole-slide scanners).
"""

from __future__ import annotations

from dataclasses import replace
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from spel.io.image.header import file_size
from spel.io.image.tiff import Directories, read_chain
from spel.io.image.tiff_page import Page
from spel.io.image.tiff_pixels import decode
from spel.io.opening import DecodeError

__all__ = ["TiffImage", "pyramid"]

_STRIP = 1 << 18
_CHUNK = 1 << 28
Span = tuple[int, int]


class TiffImage:
    """One level of a page, or of all pages if they are alike.

    Parameters
    ----------
    file : open file
    page : int, optional
        Counted from 0; by default all pages that are alike as planes, or the first.
    level : int
        0 is the full size.
    max_pixels : int

    Attributes
    ----------
    shape, dtype, pages, levels
        As of `spel.io.large.lazy.LargeImage`.
    """

    def __init__(self, file: BinaryIO, page: int | None, level: int, max_pixels: int) -> None:
        pages, walk = read_chain(file)
        self.pages = len(pages)
        if page is not None and page >= len(pages):
            raise DecodeError(f"it has {len(pages)} pages, no number {page}", "count from 0")
        levels = pyramid(pages, walk, page)
        if level >= len(levels):
            raise DecodeError(f"it has {len(levels)} levels, no number {level}", "count from 0")
        self.levels = tuple((one[0].rows, one[0].cols) for one in levels)
        self.planes = [
            _checked(_striped(one), max_pixels, len(levels[level])) for one in levels[level]
        ]
        if sum(int(one.counts.sum()) for one in self.planes) > 4 * file_size(file) + (1 << 20):
            raise DecodeError(
                "its strips or tiles overlap again and again", "copy or download it again"
            )
        first = self.planes[0]
        plane = (first.rows, first.cols, first.channels)
        self.shape = plane if len(self.planes) == 1 else (len(self.planes), *plane)
        self.dtype = first.dtype

    def window(self, file: BinaryIO, *spans: Span) -> npt.NDArray[np.generic]:
        """([planes,] rows, cols, channels) between the (start, stop) of each axis but the last."""
        rows, cols = spans[-2:]
        if len(spans) == 2:
            return _window(file, self.planes[0], rows, cols)
        chosen = self.planes[slice(*spans[0])]
        size = (len(chosen), rows[1] - rows[0], cols[1] - cols[0], self.shape[-1])
        out = np.empty(size, self.dtype)
        for plane, one in zip(out, chosen):
            plane[...] = _window(file, one, rows, cols)
        return out


def pyramid(pages: list[Page], walk: Directories, page: int | None) -> list[list[Page]]:
    """Levels, largest first, each a list of its planes."""
    if page is not None:
        full = [pages[page]]
    else:
        full = [one for one in pages if not one.reduced] or pages[:1]
        if any(one.alike != full[0].alike for one in full):
            full = pages[:1]
    smaller = _hanging(full, walk) or _marked(full, pages) or _unmarked(full, pages)
    smaller.sort(key=lambda level: -level[0].rows * level[0].cols)
    return [full, *smaller]


def _hanging(full: list[Page], walk: Directories) -> list[list[Page]]:
    count = len(full[0].children)
    if not count or any(len(one.children) != count for one in full):
        return []
    read = [[walk.page(place, one.index) for place in one.children] for one in full]
    return [
        list(level)
        for level in zip(*read)
        if all(_reduced(full[0], one) and one.alike == level[0].alike for one in level)
    ]


def _marked(full: list[Page], pages: list[Page]) -> list[list[Page]]:
    sizes: dict[tuple[int, int], list[Page]] = {}
    for one in pages:
        if one.reduced and not one.mask and _reduced(full[0], one):
            sizes.setdefault((one.rows, one.cols), []).append(one)
    return [level for level in sizes.values() if len(level) == len(full)]


def _unmarked(full: list[Page], pages: list[Page]) -> list[list[Page]]:
    first = full[0]
    if len(full) > 1 or first.index or not first.tiled:
        return []
    return [[one] for one in pages[1:] if one.tiled and not one.mask and _reduced(first, one)]


def _reduced(full: Page, page: Page) -> bool:
    """Whether a page may be the same image in a smaller size."""
    kind = ("channels", "dtype", "bits", "photometric", "orientation")
    if any(getattr(full, name) != getattr(page, name) for name in kind):
        return False
    if (
        page.rows > full.rows
        or page.cols > full.cols
        or page.rows * page.cols == full.rows * full.cols
    ):
        return False
    down, across = full.rows / page.rows, full.cols / page.cols
    return abs(down / across - 1) <= 0.02 + 2 / min(page.rows, page.cols)


def _checked(page: Page, max_pixels: int, planes: int) -> Page:
    if page.rows < 1 or page.cols < 1 or page.rows * page.cols * planes > max_pixels:
        raise DecodeError(
            f"{page.rows} x {page.cols} pixels; at least one and at most {max_pixels} are read",
            "if you trust the file, raise max_pixels",
        )
    if page.orientation != 1:
        raise DecodeError("it is turned by its EXIF orientation", "save it upright")
    across = page.chunk_cols if page.tiled else page.cols
    if page.chunk_rows * across * page.samples * page.bits // 8 > _CHUNK:
        raise DecodeError(
            f"one of its chunks has {page.chunk_rows} x {page.chunk_cols} pixels",
            "save it in tiles, e.g. of 512 x 512",
        )
    return page


def _window(file: BinaryIO, page: Page, rows: Span, cols: Span) -> npt.NDArray[np.generic]:
    (top, bottom), (left, right) = rows, cols
    high, wide = page.chunk_rows, page.chunk_cols
    down, across = -(-page.rows // high), -(-page.cols // wide)
    first, last = top // high, -(-bottom // high)
    begin, end = (left // wide, -(-right // wide)) if page.tiled else (0, across)
    planes = page.samples if page.planar else 1
    grid = np.arange(planes * down * across).reshape(planes, down, across)
    chosen = grid[:, first:last, begin:end].ravel()
    part = replace(
        page,
        rows=min(page.rows, last * high) - first * high,
        cols=min(page.cols, end * wide) - begin * wide if page.tiled else page.cols,
        offsets=page.offsets[chosen],
        counts=page.counts[chosen],
    )
    if not page.tiled:
        begin = 0
    image = decode(file, part)
    y, x = top - first * high, left - begin * wide
    return image[y : y + bottom - top, x : x + right - left]


def _striped(page: Page) -> Page:
    """Uncompressed strips cut into smaller ones, so that a window reads only its rows."""
    samples = 1 if page.planar else page.samples
    row_bytes = (page.cols * samples * page.bits + 7) // 8
    rows = max(1, _STRIP // max(1, row_bytes))
    whole = page.compression == 1 and not page.tiled and page.chunk_rows > rows
    if not whole or page.photometric == 6:
        return page
    offsets, counts = [], []
    planes = page.samples if page.planar else 1
    old = -(-page.rows // page.chunk_rows)
    if old != 1 and page.chunk_rows % rows:
        rows = next(n for n in range(rows, 0, -1) if page.chunk_rows % n == 0)
    for plane in range(planes):
        for row in range(0, page.rows, rows):
            strip, inside = divmod(row, page.chunk_rows)
            high = min(rows, page.rows - row)
            offsets.append(int(page.offsets[plane * old + strip]) + inside * row_bytes)
            counts.append(high * row_bytes)
    return replace(page, chunk_rows=rows, offsets=np.array(offsets), counts=np.array(counts))
