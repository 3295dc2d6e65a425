"""Images that are read in parts: whole at a level that fits, else tile by tile."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from spel.core.detections import Detections
from spel.decide import decision_of, detect
from spel.errors import ParameterError
from spel.io.image.header import BYTES_PER_PIXEL, MAX_PIXELS, ImageInfo
from spel.io.large import LargeImage
from spel.io.opening import image_error
from spel.jobs.pictures import save_pictures
from spel.rigid.windows import Windows
from spel.run import tiles

if TYPE_CHECKING:
    from spel.jobs.detect import DetectJob

READ_IN_PARTS = ("TIFF", "NPY")
MOST_PACKED = 100
"""Bytes of an image for each byte of its file, up to which it is read tile by tile by itself."""


@dataclass(frozen=True, eq=False)
class Found:
    """What was found, in spels of the full size, and how long it took."""

    detections: Detections
    ms: float


def too_large(info: ImageInfo) -> bool:
    """Whether an image is read in parts because it exceeds what is read whole."""
    pixels = info.rows * info.cols * max(1, info.planes)
    large = pixels > MAX_PIXELS or info.nbytes > BYTES_PER_PIXEL * MAX_PIXELS
    return large and info.format in READ_IN_PARTS


def find(job: DetectJob, path: str, name: str) -> Found:
    """Detect in a TIFF, NumPy or OME-Zarr image.

    A decision by windows that begins at a coarse scale reads the coarsest level that has all its
    scales. Boxes and areas are told in spels of the full size, whatever the level.

    Raises
    ------
    ImageReadError
        If the image cannot be read in parts.
    ShapeError, ParameterError
        If it is too large to be read whole, and the network or decision cannot do otherwise; if
        pictures are asked for.
    """
    decision = job.decision or decision_of(job.network)
    level = job.level or 0
    if job.level is None and isinstance(decision, Windows):
        with LargeImage(path) as image:
            level, decision = fitting(image.levels, decision)
    with LargeImage(path, level=level) as image:
        began = perf_counter()
        if job.tile is None and _fits(image):
            whole = image[:]
            found = detect(job.network, whole, decision=decision)
            ms = round((perf_counter() - began) * 1e3, 3)
            save_pictures(job, name, whole, found)
        else:
            if job.tile is None:
                _check_there(path, image)
            found = _in_tiles(job, image, decision)
            ms = round((perf_counter() - began) * 1e3, 3)
        return Found(full_size(found, image.levels[0], image.scale), ms)


def _fits(image: LargeImage) -> bool:
    pixels = int(np.prod([int(n) for n in image.shape[:-1]], dtype=object))
    return (
        pixels <= MAX_PIXELS and image.size * image.dtype.itemsize <= BYTES_PER_PIXEL * MAX_PIXELS
    )


def _check_there(path: str, image: LargeImage) -> None:
    """A few bytes that claim to be a huge image are worked on only if that was asked for."""
    claimed, there = image.size * image.dtype.itemsize, _bytes(path)
    if claimed > MOST_PACKED * there:
        rows, cols = image.shape[-3:-1]
        raise image_error(
            path,
            image.format,
            f"{rows} x {cols} spels in {there} bytes: packed more than 1 to {MOST_PACKED}",
            "if you trust the file, give the size of tiles (--tile 2048)",
        )


def _bytes(path: str) -> int:
    if not os.path.isdir(path):
        return os.path.getsize(path)
    return sum(
        os.lstat(os.path.join(here, name)).st_size
        for here, _, names in os.walk(path)
        for name in names
    )


def _in_tiles(job: DetectJob, image: LargeImage, decision: object) -> Detections:
    if job.save:
        raise ParameterError("no pictures are saved of images read tile by tile; leave out --save")
    try:
        return tiles.detect(
            job.network,
            image,
            size=job.tile or tiles.SIZE,
            decision=decision,  # type: ignore[arg-type]
        )
    except (ParameterError, ValueError) as error:
        if job.tile is None:
            rows, cols = image.shape[-3:-1]
            error.add_note(f"{rows} x {cols} spels are too many to be read whole")
            if len(image.levels) > image.level + 1:
                error.add_note("--level reads a smaller level of its pyramid")
        raise


def fitting(levels: tuple[tuple[int, int], ...], windows: Windows) -> tuple[int, Windows]:
    """The coarsest level that no scale enlarges (by more than 1 %), and the scales seen from there.

    Examples
    --------
    >>> windows = Windows(sizes=((48, 16),), largest=0.25, smallest=0.125)
    >>> level, seen = fitting(((4000, 4000), (2000, 2000), (1000, 1000), (500, 500)), windows)
    >>> level, seen.largest, seen.smallest
    (2, 1.0, 0.5)
    """
    rows, cols = levels[0]
    best, scale = 0, 1.0
    for number, (high, wide) in enumerate(levels):
        share = min(high / rows, wide / cols)
        if share >= windows.largest * 0.99 and share < scale:
            best, scale = number, share
    if best:
        windows = replace(
            windows, largest=windows.largest / scale, smallest=windows.smallest / scale
        )
    return best, windows


def full_size(found: Detections, size: tuple[int, int], scale: tuple[float, float]) -> Detections:
    """Detections in a level, in spels of the full size.

    Examples
    --------
    >>> one = Detections(np.array([[1.0, 2, 3, 4]]), np.ones(1), np.array([4]), (10, 10))
    >>> full_size(one, (20, 40), (0.5, 0.25)).boxes.tolist()
    [[4.0, 4.0, 12.0, 8.0]]
    """
    if scale == (1.0, 1.0):
        return found
    down, across = scale
    boxes = np.asarray(found.boxes, np.float64) / [across, down, across, down]
    boxes = np.clip(boxes, 0, [size[1], size[0]] * 2)
    areas = np.asarray(found.areas, np.float64) / (down * across)
    return Detections(boxes, found.scores, areas, size)
