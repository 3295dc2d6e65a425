"""Images that are read in parts: whole at a level that fits, else tile by tile."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from spel.io.image.colors import check_colors
from spel.io.image.formats import recognize
from spel.io.image.header import BYTES_PER_PIXEL, MAX_PIXELS, ImageInfo
from spel.io.image.reader import describe
from spel.io.large import LargeImage, is_zarr
from spel.io.opening import DecodeError, image_error
from spel.runs.image_process import ImageProcess
from spel.runs.names import OutputFiles
from spel.runs.shard import Shard
from spel.runs.source_image import Record, SourceImage
from spel.runs.tiled_task import TiledTask

NO_LIMIT = 1 << 62
READ_IN_PARTS = ("TIFF", "NPY")
MAX_COMPRESSION = 100
"""Bytes of an image per byte of its file, up to which it is tiled without a request."""


def in_parts(path: str | os.PathLike[str]) -> bool | None:
    """Whether the format of a file allows to read a part of it; None if the format is unknown."""
    if is_zarr(path):
        return True
    try:
        with open(path, "rb") as file:
            return recognize(file.read(32)) in READ_IN_PARTS
    except (OSError, DecodeError):
        return None


def is_too_large(info: ImageInfo) -> bool:
    """Whether an image exceeds what is read whole, and its format can be read in parts."""
    pixels = info.rows * info.cols * max(1, info.planes)
    large = pixels > MAX_PIXELS or info.nbytes > BYTES_PER_PIXEL * MAX_PIXELS
    return large and info.format in READ_IN_PARTS


def large_image(
    path: str | os.PathLike[str], tile: int | None, **reading: Any
) -> LargeImage | None:
    """An image that is read by windows: with a tile, or if it is too large; else None.

    Parameters
    ----------
    path : path
    tile : int, optional
        Side of tiles.
    **reading
        ``page`` and ``isolate``, as `LargeImage` takes them.

    Raises
    ------
    ImageReadError
        If the image cannot be read in parts, or is compressed beyond belief.
    """
    name = os.fspath(path)
    if tile is not None:
        return LargeImage(name, **reading)
    isolate = reading["isolate"]
    if is_zarr(name) or is_too_large(describe(name, max_pixels=NO_LIMIT, isolate=isolate)):
        image = LargeImage(name, **reading)
        if not fits(image):
            _check_compression(name, image)
            return image
    return None


def process_in_parts(
    job: ImageProcess, path: str, files: OutputFiles, shard: Shard
) -> Record | TiledTask:
    """The record of a TIFF, NumPy or OME-Zarr image, at one level of its pyramid.

    If it is read tile by tile, its task for all workers.

    Raises
    ------
    ImageReadError
        If the image cannot be read in parts.
    ShapeError, ParameterError
        If it is too large to be read whole, and the job needs the whole image.
    """
    if job.colors:
        check_colors(path, describe(path, max_pixels=NO_LIMIT, isolate=job.isolate))
    with LargeImage(path, page=job.page, level=job.level or 0, isolate=job.isolate) as image:
        if is_tiled(job, image):
            if job.tile is None and not fits(image):
                _check_compression(path, image)
            return TiledTask(job, path, files, image, shard)
        where = image.full_size, image.scale, image.spacing, image.unit
        return job.process(SourceImage(path, image[:], image.white, 1, *where), files)


def is_tiled(job: ImageProcess, image: LargeImage) -> bool:
    """Whether a job reads an image tile by tile."""
    by_levels = job.reads_levels and job.level is None and len(image.levels) > 1
    return job.tile is not None or not fits(image) or by_levels


def fits(image: LargeImage) -> bool:
    """Whether an image may be read whole."""
    pixels = int(np.prod([int(n) for n in image.shape[:-1]], dtype=object))
    return (
        pixels <= MAX_PIXELS and image.size * image.dtype.itemsize <= BYTES_PER_PIXEL * MAX_PIXELS
    )


def _check_compression(path: str, image: LargeImage) -> None:
    """Refuse a small file that claims to hold a huge image, unless tiles were asked for."""
    claimed, stored = image.size * image.dtype.itemsize, _stored_bytes(path)
    if claimed > MAX_COMPRESSION * stored:
        rows, cols = image.shape[-3:-1]
        raise image_error(
            path,
            image.format,
            f"{rows} x {cols} pixels in {stored} bytes: compressed more than {MAX_COMPRESSION} "
            "times",
            "if you trust the file, give the size of tiles (--tile 2048)",
        )


def _stored_bytes(path: str) -> int:
    if not os.path.isdir(path):
        return os.path.getsize(path)
    return sum(
        os.lstat(os.path.join(folder, name)).st_size
        for folder, _, names in os.walk(path)
        for name in names
    )
