"""Images larger than memory, written band by band as tiled OME-TIFF with a pyramid."""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from typing import IO, Any
from xml.sax.saxutils import quoteattr

import numpy as np
import numpy.typing as npt

from spel.atomic import replacing
from spel.errors import ParameterError

BLOCK = 256
"""Side of the stored tiles; bands must begin at a multiple of it."""
SMALLEST = 512
"""The coarsest level has at most this many rows and columns."""
_TYPES = {"uint8": "uint8", "uint16": "uint16", "uint32": "uint32", "float32": "float"}

Band = npt.NDArray[Any]


def write_pyramid(
    path: str | os.PathLike[str],
    bands: Iterable[Band],
    shape: Sequence[int],
    dtype: npt.DTypeLike,
) -> None:
    """Write an image that comes in bands of rows, atomically, as a pyramid of halved levels.

    Memory does not grow with the number of rows. Levels of integers keep every second spel, so that
    labels stay labels; those of floating-point numbers are means of 2 x 2 spels. The same image
    gives the same bytes.

    Parameters
    ----------
    path : path
    bands : iterable of (rows, cols, channels) array
        From the top; all but the last have a multiple of `BLOCK` rows.
    shape : (rows, cols, channels)
    dtype : uint8, uint16, uint32 or float32

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
    if kind.name not in _TYPES:
        raise ParameterError(f"write_pyramid: dtype {kind}; expected one of {', '.join(_TYPES)}")
    sizes = _sizes(int(shape[0]), int(shape[1]))
    with replacing(path) as temporary, ExitStack() as stack:
        folder = os.path.dirname(temporary)
        files = [stack.enter_context(tempfile.TemporaryFile(dir=folder)) for _ in sizes[1:]]
        _write(temporary, _halving(bands, files, kind), files, sizes, int(shape[2]), kind)


def _sizes(rows: int, cols: int) -> list[tuple[int, int]]:
    """Rows and columns of each level."""
    sizes = [(rows, cols)]
    while max(sizes[-1]) > SMALLEST and BLOCK >> len(sizes):
        sizes.append((-(-sizes[-1][0] // 2), -(-sizes[-1][1] // 2)))
    return sizes


def _halving(
    bands: Iterable[Band], files: Sequence[IO[bytes]], kind: np.dtype[Any]
) -> Iterator[Band]:
    """The bands, whose smaller levels are appended to files on the way."""
    for arrived in bands:
        band = level = np.ascontiguousarray(arrived, kind)
        for file in files:
            level = _halved(level)
            file.write(np.ascontiguousarray(level).data)
        yield band


def _halved(band: Band) -> Band:
    if band.dtype.kind != "f":
        return band[::2, ::2]
    edges = [(0, n % 2) for n in band.shape[:2]]
    even = np.pad(band, [*edges, (0, 0)], mode="edge")
    total = even[::2, ::2] + even[::2, 1::2] + even[1::2, ::2] + even[1::2, 1::2]
    return np.asarray(total / 4, band.dtype)


def _stored_bands(
    file: IO[bytes], size: tuple[int, int], channels: int, kind: np.dtype[Any]
) -> Iterator[Band]:
    """The bands of a level that was appended to a file."""
    file.seek(0)
    rows, cols = size
    for top in range(0, rows, BLOCK):
        shape = (min(BLOCK, rows - top), cols, channels)
        data = file.read(math.prod(shape) * kind.itemsize)
        yield np.frombuffer(data, kind).reshape(shape)


def _blocks(bands: Iterable[Band]) -> Iterator[Band]:
    """The stored tiles of bands, in raster order."""
    for band in bands:
        for top in range(0, len(band), BLOCK):
            for left in range(0, band.shape[1], BLOCK):
                block = band[top : top + BLOCK, left : left + BLOCK]
                yield block[..., 0] if block.shape[2] == 1 else block


def _write(
    path: str | os.PathLike[str],
    bands: Iterator[Band],
    files: Sequence[IO[bytes]],
    sizes: Sequence[tuple[int, int]],
    channels: int,
    kind: np.dtype[Any],
) -> None:
    import tifffile

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
    with tifffile.TiffWriter(path, bigtiff=True, ome=False) as writer:
        writer.write(
            _blocks(bands),
            shape=stored(sizes[0]),
            subifds=len(files),
            description=_ome_xml(sizes[0], channels, kind),
            **options,
        )
        for file, size in zip(files, sizes[1:], strict=True):
            blocks = _blocks(_stored_bands(file, size, channels, kind))
            writer.write(blocks, shape=stored(size), subfiletype=1, **options)


def _ome_xml(size: tuple[int, int], channels: int, kind: np.dtype[Any]) -> str:
    """The description of one image; without the random identifier that tifffile would write."""
    home = "http://www.openmicroscopy.org/Schemas/OME/2016-06"
    pixels = {
        "ID": "Pixels:0",
        "DimensionOrder": "XYCZT",
        "Type": _TYPES[kind.name],
        "SizeX": size[1],
        "SizeY": size[0],
        "SizeC": channels,
        "SizeZ": 1,
        "SizeT": 1,
    }
    attributes = " ".join(f"{name}={quoteattr(str(value))}" for name, value in pixels.items())
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><OME xmlns="{home}"><Image ID="Image:0">'
        f'<Pixels {attributes}><Channel ID="Channel:0:0" SamplesPerPixel="{channels}"/>'
        '<TiffData IFD="0" PlaneCount="1"/></Pixels></Image></OME>'
    )
