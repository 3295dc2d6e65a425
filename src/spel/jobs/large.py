"""Images that are read in parts: whole at a level that fits, else tile by tile."""

from __future__ import annotations

import os
from time import perf_counter

import numpy as np

from spel.core.detections import Detections
from spel.decide import decision_of, detect
from spel.decide.detection import AnyDecision
from spel.errors import ParameterError
from spel.io.image.header import BYTES_PER_PIXEL, MAX_PIXELS, ImageInfo
from spel.io.large import LargeImage
from spel.io.opening import image_error
from spel.jobs.detect_image import elapsed_ms
from spel.jobs.detect_job import DetectJob
from spel.jobs.pictures import save_pictures
from spel.nn.intensity import assumed_white, expected_white, match_white
from spel.rigid import ClassWindows, Windows
from spel.runs import tiles

READ_IN_PARTS = ("TIFF", "NPY")
MAX_COMPRESSION = 100
"""Bytes of an image per byte of its file, up to which it is tiled without being asked to."""


def is_too_large(info: ImageInfo) -> bool:
    """Whether an image exceeds what is read whole, and its format can be read in parts."""
    pixels = info.rows * info.cols * max(1, info.planes)
    large = pixels > MAX_PIXELS or info.nbytes > BYTES_PER_PIXEL * MAX_PIXELS
    return large and info.format in READ_IN_PARTS


def detect_in_parts(job: DetectJob, path: str, name: str) -> tuple[Detections, float, float | None]:
    """Detections in a TIFF, NumPy or OME-Zarr image, their milliseconds, and the assumed white.

    A decision by windows whose largest scale is small reads the coarsest level that has all its
    scales. Boxes and areas are those of the full size, whatever the level.

    Raises
    ------
    ImageReadError
        If the image cannot be read in parts.
    ShapeError, ParameterError
        If it is too large to be read whole, and the network or the decision needs the whole image;
        if pictures are to be saved.
    """
    decision = job.decision or decision_of(job.network)
    level = job.level or 0
    if job.level is None and isinstance(decision, Windows | ClassWindows):
        with LargeImage(path, isolate=job.isolate) as image:
            level, decision = coarsest_level(image.levels, decision)
    with LargeImage(path, level=level, isolate=job.isolate) as image:
        began, expected = perf_counter(), expected_white(job.network)
        if job.tile is None and _fits(image):
            whole = match_white(job.network, image[:], image.white)
            found = detect(job.network, whole, decision=decision, white=expected)
            ms = elapsed_ms(began)
            save_pictures(job.folder, name, job.save, job.network, whole, found)
        else:
            if job.tile is None:
                _check_compression(path, image)
            found = _detect_in_tiles(job, image, decision)
            ms = elapsed_ms(began)
        assumed = assumed_white(job.network, np.empty(0, image.dtype), image.white)
        return full_size(found, image.levels[0], image.scale), ms, assumed


def _fits(image: LargeImage) -> bool:
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


def _detect_in_tiles(job: DetectJob, image: LargeImage, decision: AnyDecision) -> Detections:
    if job.save:
        raise ParameterError(
            "pictures cannot be saved of images that are read tile by tile; leave out --save"
        )
    try:
        return tiles.detect(
            job.network,
            image,
            size=job.tile or tiles.SIZE,
            decision=decision,
            white=image.white,
        )
    except (ParameterError, ValueError) as error:
        if job.tile is None:
            rows, cols = image.shape[-3:-1]
            error.add_note(f"{rows} x {cols} pixels are too many to be read whole")
            if len(image.levels) > image.level + 1:
                error.add_note("--level reads a smaller level of its pyramid")
        raise


def coarsest_level(
    levels: tuple[tuple[int, int], ...], windows: Windows | ClassWindows
) -> tuple[int, Windows | ClassWindows]:
    """The coarsest level that no scale enlarges by more than 1 %, and the windows for that level.

    Examples
    --------
    >>> windows = Windows(sizes=((48, 16),), max_scale=0.25, min_scale=0.125)
    >>> level, scaled = coarsest_level(((4000, 4000), (2000, 2000), (1000, 1000)), windows)
    >>> level, scaled.max_scale, scaled.min_scale
    (2, 1.0, 0.5)
    """
    rows, cols = levels[0]
    best, scale = 0, 1.0
    for number, (height, width) in enumerate(levels):
        factor = min(height / rows, width / cols)
        if factor >= windows.max_scale * 0.99 and factor < scale:
            best, scale = number, factor
    return best, windows.rescaled(scale) if best else windows


def full_size(found: Detections, size: tuple[int, int], scale: tuple[float, float]) -> Detections:
    """Detections in a level of a pyramid, in pixels of the full size.

    Examples
    --------
    >>> one = Detections(np.array([[1.0, 2, 3, 4]]), np.ones(1), np.array([4]), (10, 10))
    >>> full_size(one, (20, 40), (0.5, 0.25)).boxes.tolist()
    [[4.0, 4.0, 12.0, 8.0]]
    """
    if scale == (1.0, 1.0):
        return found
    vertical, horizontal = scale
    boxes = np.asarray(found.boxes, np.float64) / [horizontal, vertical, horizontal, vertical]
    boxes = np.clip(boxes, 0, [size[1], size[0]] * 2)
    areas = np.asarray(found.areas, np.float64) / (vertical * horizontal)
    return Detections(boxes, found.scores, areas, size, classes=found.classes)
