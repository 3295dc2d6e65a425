"""The sides of a voxel, which the metadata of a volume state.

OME-TIFF states them in XML, ImageJ in lines of text and resolutions, OME-Zarr as a scale.
Sources: OME-TIFF specification; ImageJ's TiffDecoder; https://ngff.openmicroscopy.org, 0.4.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tifffile import TiffPage

__all__ = ["MICROMETRES", "Spacing", "in_micrometres", "spacing_of_page"]

Spacing = tuple[tuple[float, ...], str]
"""Lengths along (planes, rows, cols), empty if the file states none; and their unit, which is "µm",
or "" if the file states no unit of length."""

MICROMETRES = "µm"
_NONE: Spacing = ((), "")
_FACTORS = {
    **dict.fromkeys(("µm", "μm", "um", "micron", "microns", "micrometer", "micrometre"), 1.0),
    **dict.fromkeys(("nm", "nanometer", "nanometre"), 1e-3),
    **dict.fromkeys(("Å", "angstrom"), 1e-4),
    **dict.fromkeys(("mm", "millimeter", "millimetre"), 1e3),
    **dict.fromkeys(("cm", "centimeter", "centimetre"), 1e4),
    **dict.fromkeys(("m", "meter", "metre"), 1e6),
    **dict.fromkeys(("in", "inch"), 25400.0),
}


def in_micrometres(lengths: Sequence[Any], units: Sequence[Any]) -> Spacing:
    """Lengths in micrometres, unchanged if none has a unit; none at all if they are inconsistent.

    Examples
    --------
    >>> in_micrometres([2, 500, 500], ["micrometer", "nm", "nm"])
    ((2.0, 0.5, 0.5), 'µm')
    >>> in_micrometres([3, 1, 1], ["pixel"] * 3), in_micrometres([3, 0, 1], [None] * 3)
    (((3.0, 1.0, 1.0), ''), ((), ''))
    """
    try:
        numbers = [float(length) for length in lengths]
    except (TypeError, ValueError):
        return _NONE
    if not all(math.isfinite(n) and 1e-12 < n < 1e12 for n in numbers):
        return _NONE
    factors = [_FACTORS.get(unit) if isinstance(unit, str) else None for unit in units]
    if factors == [None] * len(numbers):
        return tuple(numbers), ""
    if None in factors or len(factors) != len(numbers):
        return _NONE
    return tuple(n * (factor or 1.0) for n, factor in zip(numbers, factors)), MICROMETRES


def spacing_of_page(page: TiffPage) -> Spacing:
    """The sides of a voxel that the first page of a stack states, as OME-TIFF or as ImageJ."""
    text = page.description[: 1 << 20]
    return _ome(text) or _imagej(text, page) or _NONE


def _ome(text: str) -> Spacing | None:
    tag = re.search(r"<(?:\w+:)?Pixels\s[^>]*>", text)
    if tag is None:
        return None
    stated = dict(re.findall(r'\bPhysicalSize([XYZ](?:Unit)?)="([^"]{1,40})"', tag[0]))
    if not {"X", "Y", "Z"} <= stated.keys():
        return None
    units = [_unescaped(stated.get(f"{axis}Unit", MICROMETRES)) for axis in "ZYX"]
    return in_micrometres([stated[axis] for axis in "ZYX"], units)


def _unescaped(unit: str) -> str:
    return re.sub(r"&#(?:181|xB5|956|x3BC);", MICROMETRES[0], unit, flags=re.IGNORECASE)


def _imagej(text: str, page: TiffPage) -> Spacing | None:
    if not text.startswith("ImageJ="):
        return None
    stated = dict(re.findall(r"^(spacing|unit)=(.{1,40})$", text, re.MULTILINE))
    tags: Mapping[str, Any] = {tag.name: tag.value for tag in page.tags}
    each = [_per_unit(tags.get(name)) for name in ("YResolution", "XResolution")]
    if "spacing" not in stated or None in each:
        return None
    unit = stated.get("unit", "").strip().replace("\\u00B5", MICROMETRES[0])
    return in_micrometres([stated["spacing"], *each], [unit] * 3)


def _per_unit(resolution: Any) -> float | None:
    """The length of a pixel, from pixels per unit as a fraction."""
    try:
        pixels, units = resolution
        return float(units) / float(pixels)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
