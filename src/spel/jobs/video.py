"""Videos in a job: one source whose frames become tasks."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Generator, Iterable
from dataclasses import dataclass

from spel.errors import BackendMissingError, ShapeError, SpelError
from spel.io import video
from spel.io.annotation.results import Result
from spel.io.sources import IMAGE_SUFFIXES
from spel.jobs.detect_image import detect_image
from spel.jobs.detect_job import DetectJob
from spel.jobs.sources import Sources, frame_name
from spel.runs import Failure, Identity, Task

OnVideo = Callable[[int], None]
"""Called when a video is opened, with the number of frames that it is expected to give."""


@dataclass(frozen=True)
class VideoEnd:
    """All frames of a video are done."""

    image: str


@dataclass(frozen=True)
class VideoEndTask:
    """The last task of a video: `VideoEnd`, or why the video stopped before its end."""

    image: str
    identity: Identity | None
    failure: Failure | None = None

    def __call__(self) -> VideoEnd | Failure:
        return self.failure or VideoEnd(self.image)


@dataclass(frozen=True, eq=False)
class FrameTask:
    """Detect in one frame, which the task carries.

    Attributes
    ----------
    job : DetectJob
    image : str
        Path of the video and number of the frame, see `frame_name`.
    name : str
        Name of its pictures, without suffix.
    frame : Frame
    identity : Identity, optional
        Identity of the video.
    """

    job: DetectJob
    image: str
    name: str
    frame: video.Frame
    identity: Identity | None = None

    def __call__(self) -> Result:
        pictures = [kind for kind in self.job.save if kind != "overlay"]  # that is one video
        return detect_image(
            self.job,
            self.frame.image,
            self.image,
            self.name,
            pictures=pictures,
            frame=self.frame.index,
            seconds=self.frame.seconds,
        )


@dataclass(frozen=True)
class VideoTask:
    """A video among the sources of a job; `frame_tasks` gives the tasks that do its work.

    Attributes
    ----------
    job : DetectJob
    image : str
        Path of the file.
    name : str
        Name of its pictures, without suffix.
    """

    job: DetectJob
    image: str
    name: str = ""

    def frame_tasks(
        self,
        done: Collection[str] = (),
        seconds: float | None = None,
        on_video: OnVideo | None = None,
    ) -> Generator[Task, None, None]:
        """A task for every selected frame that is not done, then one that ends the video."""
        identity = Identity.of(self.image)
        every = video.Every.of(self.job.every)

        def on_open(info: video.VideoInfo) -> None:
            if on_video is not None:
                on_video(max(1, info.chosen(every)))

        failure = None
        try:
            for frame in video.frames(
                self.image,
                every=every,
                max_pixels=self.job.limit,
                seconds=seconds,
                on_open=on_open,
            ):
                name = frame_name(self.image, frame.index)
                if name not in done:
                    picture = f"{self.name}-{frame.index:06d}"
                    yield FrameTask(self.job, name, picture, frame, identity)
        except BackendMissingError:
            raise
        except (SpelError, OSError, MemoryError) as error:
            failure = Failure.of(self.image, error)
        yield VideoEndTask(self.image, identity, failure)

    def __call__(self) -> Result:
        raise ShapeError(f"{self.image}: a video is many images; run its frame_tasks()")


def with_frames(
    tasks: Iterable[Task],
    done: Collection[str] = (),
    seconds: float | None = None,
    on_video: OnVideo | None = None,
) -> Generator[Task, None, None]:
    """The tasks, with each video replaced by the tasks of its frames; decodes one at a time."""
    for task in tasks:
        if isinstance(task, VideoTask):
            yield from task.frame_tasks(done, seconds, on_video)
        else:
            yield task


def sources_of(tasks: Iterable[Task]) -> Sources:
    """The sources of a run with these tasks."""
    tasks = list(tasks)
    videos = [task.image for task in tasks if isinstance(task, VideoTask)]
    return Sources([task.image for task in tasks], videos)


def is_video_file(path: str | os.PathLike[str]) -> bool:
    """Whether a source is a video; a file with the suffix of an image is not opened."""
    suffix = os.path.splitext(os.fsdecode(path))[1].lower()
    return suffix not in IMAGE_SUFFIXES and video.is_video(path)
