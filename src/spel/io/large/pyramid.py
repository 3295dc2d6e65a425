"""Images larger than memory, written band by band as tiled OME-TIFF with a pyramid."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import quoteattr

import numpy as np
import numpy.typing as npt

from spel.atomic import replacing
from spel.errors import ParameterError

from .stored_band import PictureOf, PlaneOf, StoredBand

if TYPE_CHECKING:
    from tifffile import TiffWriter

BLOCK = 256
"""Side of the stored tiles; bands must begin at a multiple of it."""

SMALLEST = 512
"""Largest number of rows and of columns of the coarsest level."""

TYPES = {"uint8": "uint8", "uint16": "uint16", "uint32": "uint32", "float32": "float"}

STRIP = 8 * BLOCK
"""Columns that are halved and written at once."""

Band = npt.NDArray[Any]
Place = tuple[int, int]
Source = Band | StoredBand | PictureOf | PlaneOf
"""What is read by windows while it is written."""


def write_pyramid(
    path: str | os.PathLike[str],
    bands: Iterable[Source],
    shape: Sequence[int],
    dtype: npt.DTypeLike,
    *,
    spacing: Sequence[float] = (),
    unit: str = "",
) -> None:
    """Write an image that arrives in bands of rows as a pyramid of halved levels, atomically.

    A volume arrives in bands of planes, each of which becomes a pyramid; their number stays. Memory
    grows neither with the rows nor with the columns if the bands are stored on disk (`StoredBand`).
    Levels of integers take every second spel, so that labels stay labels; levels of floating-point
    numbers are means of 2 x 2 spels. The same image always gives the same bytes.

    Parameters
    ----------
    path : path
    bands : iterable of (rows, cols, channels) or (planes, rows, cols, channels) array or StoredBand
        From the top; all but the last have a multiple of `BLOCK` rows, if they are of rows.
    shape : (rows, cols, channels), with planes before them for voxels
    dtype : uint8, uint16, uint32 or float32
    spacing : sequence of float
        Sides of a voxel along (planes, rows, cols), for the metadata.
    unit : str
        "µm", or empty for no unit of length.

    Raises
    ------
    ParameterError
        For another dtype.
    WriteError
        If the disk is full or fails.

    Examples
    --------
    >>> import tempfile
    >>> name = tempfile.mkdtemp() + "/a.ome.tif"
    >>> write_pyramid(name, [np.full((256, 9, 1), 7), np.zeros((3, 9, 1))], (259, 9, 1), np.uint8)
    >>> import tifffile
    >>> tifffile.imread(name)[[0, 258], 0].tolist()
    [7, 0]
    """
    kind = np.dtype(dtype)
    if kind.name not in TYPES:
        raise ParameterError(f"write_pyramid: dtype {kind}; expected one of {', '.join(TYPES)}")
    import tifffile

    planes = [bands] if len(shape) == 3 else ([one] for band in bands for one in planes_of(band))
    with (
        replacing(path) as temporary,
        tifffile.TiffWriter(temporary, bigtiff=True, ome=False) as writer,
    ):
        description: str | None = _ome_xml(shape, kind, spacing, unit)
        for plane in planes:
            _write_plane(writer, plane, shape[-3:], kind, description)
            description = None  # of the first page alone


def planes_of(band: Source) -> Iterator[Source]:
    """The planes of a band of planes, each an image."""
    for number in range(len(band)):
        yield PlaneOf(band, number)


def windows_of_band(band: Source) -> Iterator[Band]:
    """The parts of a band of rows or of planes, one at a time in memory."""
    for rows in [band] if len(band.shape) == 3 else planes_of(band):
        yield from (part for _, part in strips(rows))


def level_sizes(rows: int, cols: int) -> list[tuple[int, int]]:
    """Rows and columns of each level."""
    sizes = [(rows, cols)]
    while max(sizes[-1]) > SMALLEST and BLOCK >> len(sizes):
        sizes.append((-(-sizes[-1][0] // 2), -(-sizes[-1][1] // 2)))
    return sizes


def strips(band: Source, top: int = 0) -> Iterator[tuple[Place, Band]]:
    """The parts of a band of rows in which it is written, each with its first row and column.

    Each has `BLOCK` rows and at most `STRIP` columns, so that a band need not be in memory; `top`
    is the first row of the band.
    """
    rows, cols = band.shape[:2]
    for row in range(0, rows, BLOCK):
        for col in range(0, cols, STRIP):
            yield (top + row, col), np.asarray(band[row : row + BLOCK, col : col + STRIP])


def _halving(
    bands: Iterable[Source], levels: Sequence[StoredBand], kind: np.dtype[Any]
) -> Iterator[Band]:
    """The strips of bands, whose smaller levels are stored on the way."""
    top = 0
    for band in bands:
        for (row, col), strip in strips(band, top):
            level = strip = np.ascontiguousarray(strip, kind)
            for number, stored in enumerate(levels, 1):
                level = halved(level)
                stored[_window((row >> number, col >> number), level)] = level
            yield strip
        top += len(band)


def _window(place: Place, part: Band) -> tuple[slice, ...]:
    return tuple(slice(at, at + n) for at, n in zip(place, part.shape))


def halved(band: Band) -> Band:
    """The band of the next smaller level."""
    if band.dtype.kind != "f":
        return band[::2, ::2]
    edges = [(0, n % 2) for n in band.shape[:2]]
    even = np.pad(band, [*edges, (0, 0)], mode="edge")
    total = even[::2, ::2] + even[::2, 1::2] + even[1::2, ::2] + even[1::2, 1::2]
    return np.asarray(total / 4, band.dtype)


def _blocks(parts: Iterable[Band]) -> Iterator[Band]:
    """The stored tiles of strips, in raster order."""
    for strip in parts:
        for left in range(0, strip.shape[1], BLOCK):
            block = strip[:, left : left + BLOCK]
            yield block[..., 0] if block.shape[2] == 1 else block


def _write_plane(
    writer: TiffWriter,
    bands: Iterable[Source],
    shape: Sequence[int],
    kind: np.dtype[Any],
    description: str | None,
) -> None:
    """Write a page and, in directories that belong to it, its smaller levels."""
    rows, cols, channels = map(int, shape)
    sizes = level_sizes(rows, cols)
    folder = os.path.dirname(writer.filehandle.path)

    def stored(size: tuple[int, int]) -> tuple[int, ...]:
        return size if channels == 1 else (*size, channels)

    options: dict[str, Any] = {
        "dtype": kind,
        "tile": (BLOCK, BLOCK),
        "compression": "zlib",
        "photometric": "minisblack",
        "planarconfig": None if channels == 1 else "contig",
        "metadata": None,
    }
    levels = [StoredBand((*size, channels), kind, folder) for size in sizes[1:]]
    writer.write(
        _blocks(_halving(bands, levels, kind)),
        shape=stored(sizes[0]),
        subifds=len(levels),
        description=description,
        **options,
    )
    for level, size in zip(levels, sizes[1:], strict=True):
        blocks = _blocks(strip for _, strip in strips(level))
        writer.write(blocks, shape=stored(size), subfiletype=1, **options)


def _ome_xml(shape: Sequence[int], kind: np.dtype[Any], spacing: Sequence[float], unit: str) -> str:
    """The description of one image, without the random identifier that tifffile would add."""
    *planes, rows, cols, channels = map(int, shape)
    count = planes[0] if planes else 1
    home = "http://www.openmicroscopy.org/Schemas/OME/2016-06"
    pixels: dict[str, Any] = {
        "ID": "Pixels:0",
        "DimensionOrder": "XYCZT",
        "Type": TYPES[kind.name],
        "SizeX": cols,
        "SizeY": rows,
        "SizeC": channels,
        "SizeZ": count,
        "SizeT": 1,
    }
    for axis, side in zip("ZYX", spacing):
        pixels |= {f"PhysicalSize{axis}": side, f"PhysicalSize{axis}Unit": unit or "pixel"}
    attributes = " ".join(f"{name}={quoteattr(str(value))}" for name, value in pixels.items())
    attributes = attributes.replace("µ", "&#181;")  # descriptions of a TIFF are ASCII
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><OME xmlns="{home}"><Image ID="Image:0">'
        f'<Pixels {attributes}><Channel ID="Channel:0:0" SamplesPerPixel="{channels}"/>'
        f'<TiffData IFD="0" PlaneCount="{count}"/></Pixels></Image></OME>'
    )
