"""The planes of a TIFF file, and the choice of those that make the image.

Pages that are alike are planes of a volume, unless the metadata state that they are channels or
points in time (`tiff_axes`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeVar

from spel.io.opening import DAMAGED, DecodeError

from .header import check_number
from .tiff_axes import Axes, stated_axes
from .tiff_checks import check_page
from .tiff_page import Plane

if TYPE_CHECKING:
    from tifffile import TiffFile, TiffPage

__all__ = ["Choice", "choose", "planes_of"]

Item = TypeVar("Item")
_MAX_PAGES = 1_000_000


@dataclass(frozen=True)
class Choice:
    """The pages that are read: for each plane those of its channels.

    Attributes
    ----------
    grid : sequence of sequence of Plane
    pages : int
        Number of pages from which ``page=`` chooses.
    note : str
        Further remarks.
    axes : str
        The axes of the pages in words.
    times : int
        Number of points in time.
    """

    grid: Sequence[Sequence[Plane]]
    pages: int
    note: str = ""
    axes: str = ""
    times: int = 1

    @property
    def planes(self) -> list[Plane]:
        """All planes, channel by channel."""
        return [plane for row in self.grid for plane in row]

    @property
    def first(self) -> TiffPage:
        """The page whose description holds the metadata: the first of the file."""
        start: TiffPage = self.grid[0][0].page.parent.pages.first
        return start

    def check_time(self, page: int | None) -> None:
        """Refuse to read several points in time at once."""
        if self.times > 1 and page is None:
            raise DecodeError(
                f"it holds {self.times} points in time ({self.axes})",
                f"read one of them with page=0 to {self.times - 1} (on the command line: --page)",
            )


def planes_of(tiff: TiffFile) -> list[Plane]:
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
    _check_end(tiff, pages[-1].offset, len(pages))
    return pages


def _check_end(tiff: TiffFile, last: int, count: int) -> None:
    """Refuse a file that is cut short between its pages: tifffile reads those that are left."""
    file, form = tiff.filehandle, tiff.tiff
    order: Literal["little", "big"] = "little" if form.byteorder == "<" else "big"
    file.seek(last)
    tags = int.from_bytes(file.read(form.tagnosize), order)
    file.seek(last + form.tagnosize + tags * form.tagsize)
    if int.from_bytes(file.read(form.offsetsize), order) >= file.size:
        raise DecodeError(f"it is cut short: page {count} lies beyond its end", DAMAGED)


def choose(planes: Sequence[Plane], page: int | None) -> Choice:
    """All pages that are alike, in the order that the metadata state, or one of them."""
    full = [one for one in planes if not (one.page.is_reduced or one.page.is_mask)] or planes[:1]
    alike = all(one.alike == full[0].alike for one in full)
    axes = stated_axes(planes[0].page.description, len(full)) if alike else None
    if axes is not None and axes.times * axes.channels > 1:
        return _by_axes(full, axes, page)
    if page is not None:
        return Choice([[_numbered(planes, page)]], len(planes))
    if alike:
        return Choice([[one] for one in full], len(planes))
    return Choice([planes[:1]], len(planes), note="the first of pages that differ")


def _by_axes(planes: Sequence[Plane], axes: Axes, page: int | None) -> Choice:
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


def _numbered(items: Sequence[Item], page: int) -> Item:
    check_number(page, len(items))
    return items[page]
