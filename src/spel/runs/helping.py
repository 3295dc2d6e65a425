"""Shards that are done compute tiles of the large images of other shards, which write the files."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from spel.io.image.header import MAX_PIXELS
from spel.io.large import LargeImage, is_zarr
from spel.io.parts import MAX_COMPRESSION, in_parts
from spel.runs.image_task import ImageTask, is_tiled
from spel.runs.manifest import images_done
from spel.runs.run_files import RunFiles
from spel.runs.scheduler import run_tasks
from spel.runs.shard import Shard
from spel.runs.stop import Stop
from spel.runs.task import Task
from spel.runs.tiled_task import TiledTask


def help_others(tasks: Sequence[Task], shard: Shard, stop: Stop, **workers: Any) -> None:
    """Compute tiles of large images of other shards, until these are done."""
    some = (HelpTask(replace(task, shard=shard), owner) for task, owner in _others(tasks, shard))
    for _ in run_tasks((task for task in some if task.is_open), stop=stop, **workers):
        pass  # what fails is told by its own shard
    stop.raise_if_requested()


def _others(tasks: Sequence[Task], shard: Shard) -> Iterator[tuple[ImageTask, Shard]]:
    """The images of other shards that may be large, each with its shard."""
    for number, task in enumerate(tasks):
        owner = Shard(number % shard.count + 1, shard.count)
        if owner != shard and isinstance(task, ImageTask) and _may_be_tiled(task):
            yield task, owner


def _may_be_tiled(task: ImageTask) -> bool:
    """Whether an image may be read tile by tile, by its first bytes and its size."""
    if not task.job.TILES:
        return False
    if task.job.tile is None and not is_zarr(task.image):
        try:
            if os.path.getsize(task.image) * MAX_COMPRESSION < MAX_PIXELS:
                return False
        except OSError:
            return False
    return bool(in_parts(task.image))


@dataclass(frozen=True, eq=False)
class HelpTask:
    """The task of an image of another shard, of which nothing but stored tiles remains."""

    task: ImageTask
    owner: Shard

    @property
    def image(self) -> str:
        """Path of the image."""
        return self.task.image

    @property
    def is_open(self) -> bool:
        """Whether the other shard has not done it."""
        folder = Path(self.task.files.folder)
        return self.image not in images_done(RunFiles(folder, self.owner).manifest)

    def __call__(self) -> TiledTask | None:
        task, job = self.task, self.task.job
        level = job.level or 0
        with LargeImage(task.image, page=job.page, level=level, isolate=job.isolate) as image:
            if not is_tiled(job, image):
                return None
            files = replace(task.files, written=False)
            return TiledTask(job, task.image, files, image, task.shard)
