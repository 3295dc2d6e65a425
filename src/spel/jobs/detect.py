"""Detection over many images: the task of one image, and the tasks of a list of files."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

from spel.core.intensity import white_of
from spel.core.threads import threads
from spel.errors import SpelError, WriteError
from spel.io.annotation.results import Result
from spel.io.image.colors import check_colors
from spel.io.image.reader import describe, read
from spel.io.large import is_zarr
from spel.io.video import require_av
from spel.jobs.detect_image import detect_image, make_result
from spel.jobs.detect_job import DetectJob
from spel.jobs.large import detect_in_parts, is_too_large
from spel.jobs.pictures import picture_names
from spel.jobs.video import VideoTask, is_video_file
from spel.nn.intensity import takes_colors
from spel.runs import Failure

NO_LIMIT = 1 << 62


@dataclass(frozen=True)
class DetectTask:
    """Detect in one image file; runs in any process, and returns a `Failure` for a bad image.

    Attributes
    ----------
    job : DetectJob
    image : str
        Path of the file.
    name : str
        Name of its pictures in the folder of the job, without suffix.
    """

    job: DetectJob
    image: str
    name: str = ""

    def __call__(self) -> Result | Failure:
        try:
            return self.detect()
        except WriteError:
            raise
        except (SpelError, OSError, MemoryError) as error:
            return Failure.of(self.image, error)

    def detect(self) -> Result:
        """The detections in the image."""
        job, limit = self.job, self.job.limit
        if job.tile is not None or job.level is not None or is_zarr(self.image):
            return self._detect_in_parts()
        may_tile = job.max_pixels is None
        info = describe(self.image, max_pixels=NO_LIMIT if may_tile else limit, isolate=job.isolate)
        if may_tile and is_too_large(info):
            return self._detect_in_parts()
        if takes_colors(job.network):
            check_colors(self.image, info)
        image = read(self.image, max_pixels=limit, isolate=job.isolate)
        return detect_image(
            job,
            image,
            self.image,
            self.name,
            pictures=job.save,
            white=white_of(image, info.range[1]),
            orientation=info.orientation,
        )

    def _detect_in_parts(self) -> Result:
        with threads(self.job.threads):
            found, ms, white = detect_in_parts(self.job, self.image, self.name)
        return make_result(self.job, self.image, found, ms, white=white)


def detect_tasks(
    job: DetectJob, sources: Iterable[str | os.PathLike[str]]
) -> list[DetectTask | VideoTask]:
    """The tasks of a job: a `DetectTask` per image file, a `VideoTask` per video.

    Raises
    ------
    BackendMissingError
        If there is a video and the package av is not installed.

    Examples
    --------
    >>> from spel import zoo
    >>> job = DetectJob(zoo.get("plate-lecture"))
    >>> [task.image for task in detect_tasks(job, ["a.png", "b.png"])]
    ['a.png', 'b.png']
    """
    paths = [os.fsdecode(source) for source in sources]
    tasks: list[DetectTask | VideoTask] = []
    for path, name in zip(paths, picture_names(paths), strict=True):
        if is_video_file(path):
            require_av()
            tasks.append(VideoTask(job, path, name))
        else:
            tasks.append(DetectTask(job, path, name))
    return tasks
