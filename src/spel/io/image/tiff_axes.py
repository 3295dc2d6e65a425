"""The meaning of the pages of a TIFF file: points in time, planes or channels.

OME-TIFF states sizes and an order in XML, ImageJ in lines of text, tifffile in JSON. Without such
metadata, or if they do not fit the number of pages, pages are planes.
Sources: OME-TIFF specification; ImageJ's TiffDecoder.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass

__all__ = ["Axes", "stated_axes"]

_MAX_TEXT = 1 << 20
_WORDS = {"T": "time", "Z": "planes", "C": "channels"}


@dataclass(frozen=True)
class Axes:
    """Sizes of time, planes and channels, and their order from the slowest to the fastest."""

    order: str
    sizes: tuple[int, int, int]

    @property
    def times(self) -> int:
        """Number of points in time."""
        return self._size("T")

    @property
    def planes(self) -> int:
        """Number of planes."""
        return self._size("Z")

    @property
    def channels(self) -> int:
        """Number of channels."""
        return self._size("C")

    def page(self, time: int, plane: int, channel: int) -> int:
        """The number of the page of one channel of a plane at a point in time.

        Examples
        --------
        >>> Axes("TZC", (2, 3, 4)).page(1, 2, 3), Axes("CZT", (4, 3, 2)).page(1, 2, 3)
        (23, 23)
        """
        place = {"T": time, "Z": plane, "C": channel}
        number = 0
        for axis, size in zip(self.order, self.sizes):
            number = number * size + place[axis]
        return number

    def __str__(self) -> str:
        """The axes of more than one entry in words.

        Examples
        --------
        >>> str(Axes("TZC", (2, 1, 4)))
        'time (2) x channels (4)'
        """
        parts = [f"{_WORDS[axis]} ({n})" for axis, n in zip(self.order, self.sizes) if n > 1]
        return " x ".join(parts)

    def _size(self, axis: str) -> int:
        return self.sizes[self.order.index(axis)]


def stated_axes(description: str, pages: int) -> Axes | None:
    """The axes that the description of the first page states, if they fit the number of pages."""
    text = description[:_MAX_TEXT]
    axes = _ome(text) or _imagej(text) or _shaped(text)
    if axes is None or min(axes.sizes) < 1 or math.prod(axes.sizes) != pages:
        return None
    return axes


def _ome(text: str) -> Axes | None:
    tag = re.search(r"<(?:\w+:)?Pixels\s[^>]*>", text)
    if tag is None:
        return None
    stated = dict(re.findall(r'\b(DimensionOrder|Size[CZT])="(\w{1,9})"', tag[0]))
    order = stated.pop("DimensionOrder", "XYZCT")[:1:-1]
    sizes = {name[-1]: int(value) for name, value in stated.items() if value.isdigit()}
    samples = re.search(r'\bSamplesPerPixel="(\d{1,4})"', text)
    if samples and int(samples[1]) and "C" in sizes:  # channels within a page
        sizes["C"] //= int(samples[1])
    return _axes(order, sizes)


def _imagej(text: str) -> Axes | None:
    if not text.startswith("ImageJ="):
        return None
    stated = dict(re.findall(r"^(images|channels|slices|frames)=(\d{1,9})\s*$", text, re.MULTILINE))
    names = {"T": "frames", "Z": "slices", "C": "channels"}
    sizes = {axis: int(stated[name]) for axis, name in names.items() if name in stated}
    if not sizes and "images" in stated:
        sizes = {"Z": int(stated["images"])}
    return _axes("TZC", sizes)


def _shaped(text: str) -> Axes | None:
    """tifffile's own metadata, where they name the axes."""
    if not text.startswith('{"shape":'):
        return None
    try:
        stated = json.loads(text)
        axes, shape = stated["axes"], stated["shape"]
        sizes = dict(zip(axes, shape, strict=True))
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    order = "".join(axis for axis in axes if axis in _WORDS)
    return _axes(order, {axis: sizes[axis] for axis in order if type(sizes[axis]) is int})


def _axes(order: str, sizes: dict[str, int]) -> Axes | None:
    order += "".join(axis for axis in "TZC" if axis not in order)
    if sorted(order) != sorted("TZC"):
        return None
    return Axes(order, (sizes.get(order[0], 1), sizes.get(order[1], 1), sizes.get(order[2], 1)))
