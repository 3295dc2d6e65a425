"""Videos in a job: one source whose frames become tasks."""

from __future__ import annotations

from collections.abc import Collection, Generator
from dataclasses import dataclass
from itertools import islice

from spel.core.threads import threads
from spel.errors import BackendMissingError, ShapeError, SpelError
from spel.io import video
from spel.runs.image_process import ImageProcess
from spel.runs.names import OutputFiles
from spel.runs.shard import Shard
from spel.runs.source_image import Record, SourceImage
from spel.runs.sources import frame_name
from spel.runs.split import EndTask, OnSplit
from spel.runs.task import Failure, Identity, Task


@dataclass(frozen=True, eq=False)
class FrameTask:
    """Process one frame, which the task carries, as it does the identity of the video."""

    job: ImageProcess
    image: str
    files: OutputFiles
    frame: video.Frame
    identity: Identity | None = None

    def __call__(self) -> Record:
        index, seconds = self.frame.index, self.frame.seconds
        pixels = self.frame.image
        with threads(self.job.threads):
            image = SourceImage(self.image, pixels, frame=index, seconds=seconds)
            return self.job.process(image, self.files)


@dataclass(frozen=True)
class VideoTask:
    """A video among the sources of a job; its frames are the tasks that do its work."""

    job: ImageProcess
    image: str
    files: OutputFiles

    def parts(
        self, done: Collection[str], shard: Shard, seconds: float | None, on_split: OnSplit | None
    ) -> Generator[Task, None, None]:
        """A task for every selected frame that is not done, then one that ends the video.

        Each shard decodes the video and takes every n-th selected frame; the first one reports a
        video that stops before its end.
        """
        identity = Identity.of(self.image)
        every = video.Every.of(self.job.every)

        def on_open(info: video.VideoInfo) -> None:
            if on_split is not None:
                on_split(max(1, info.chosen(every) // shard.count))

        failure = None
        try:
            frames = video.frames(
                self.image,
                every=every,
                max_pixels=self.job.limit,
                seconds=seconds,
                on_open=on_open,
            )
            for frame in islice(frames, shard.index - 1, None, shard.count):
                name = frame_name(self.image, frame.index)
                if name not in done:
                    files = self.files.of_frame(frame.index)
                    yield FrameTask(self.job, name, files, frame, identity)
        except BackendMissingError:
            raise
        except (SpelError, OSError, MemoryError) as error:
            failure = Failure.of(self.image, error) if shard.index == 1 else None
        yield EndTask(self.image, identity, failure)

    def __call__(self) -> Record:
        raise ShapeError(f"{self.image}: a video is many images; run its parts()")
