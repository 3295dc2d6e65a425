"""The task of one image file: it is read whole or in parts, and the job computes the rest."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from spel.core.intensity import white_of
from spel.core.threads import threads
from spel.io.image.colors import check_colors
from spel.io.image.reader import describe, read_with_info
from spel.io.large import LargeImage, is_zarr
from spel.io.parts import NO_LIMIT, check_compression, fits, in_parts, is_too_large
from spel.runs.image_process import ImageProcess
from spel.runs.names import OutputFiles
from spel.runs.shard import Shard
from spel.runs.source_image import Record, SourceImage
from spel.runs.tiled_task import TiledTask


@dataclass(frozen=True)
class ImageTask:
    """Process one image file in any process; all shards compute tiles of a large image."""

    job: ImageProcess
    image: str
    files: OutputFiles
    shard: Shard = field(default_factory=Shard)

    def __call__(self) -> Record | TiledTask:
        with threads(self.job.threads):
            return self._record()

    def _record(self) -> Record | TiledTask:
        job, limit = self.job, self.job.limit
        wanted = job.tile is not None or job.level is not None or is_zarr(self.image)
        if wanted and job.reduce == 1:
            return process_in_parts(job, self.image, self.files, self.shard)
        if job.max_pixels is None and job.reduce == 1 and in_parts(self.image):
            info = describe(self.image, max_pixels=NO_LIMIT, isolate=job.isolate)
            if is_too_large(info):
                return process_in_parts(job, self.image, self.files, self.shard)
        pixels, info = read_with_info(
            self.image, page=job.page, max_pixels=limit, isolate=job.isolate, reduce=job.reduce,
            colors=job.colors,
        )  # fmt: skip
        white = white_of(pixels, info.range[1])
        more = info.unread_pages if job.page is None else 0
        image = SourceImage(self.image, pixels, white, info.orientation, pages=more)
        if pixels.ndim == 4:
            image = replace(image, spacing=info.spacing, unit=info.unit)
        if job.reduce != 1:
            size, scale = (info.rows, info.cols), (1 / job.reduce,) * 2
            image = replace(image, size=size, scale=scale, reduce=job.reduce)
        return job.process(image, self.files)


def process_in_parts(
    job: ImageProcess, path: str, files: OutputFiles, shard: Shard
) -> Record | TiledTask:
    """The record of a TIFF, NumPy or OME-Zarr image, at one level of its pyramid.

    If it is read tile by tile, its task for all workers.
    """
    if job.colors:
        check_colors(path, describe(path, max_pixels=NO_LIMIT, isolate=job.isolate))
    with LargeImage(path, page=job.page, level=job.level or 0, isolate=job.isolate) as image:
        if is_tiled(job, image):
            if job.tile is None and not fits(image):
                check_compression(path, image)
            return TiledTask(job, path, files, image, shard)
        where = image.full_size, image.scale, image.spacing, image.unit
        return job.process(SourceImage(path, image[:], image.white, 1, *where), files)


def is_tiled(job: ImageProcess, image: LargeImage) -> bool:
    """Whether a job reads an image tile by tile."""
    by_levels = job.reads_levels and job.level is None and len(image.levels) > 1
    return job.tile is not None or not fits(image) or by_levels
