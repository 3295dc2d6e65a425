"""Videos in a job: one source whose frames become tasks, told apart and put in order by name."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any

from spel.core.threads import threads
from spel.decide import detect
from spel.errors import BackendMissingError, ShapeError, SpelError
from spel.io import video
from spel.io.annotation.results import Result
from spel.jobs.pictures import save_pictures
from spel.run import Failure, Identity, Task

if TYPE_CHECKING:
    from spel.jobs.detect import DetectJob

MARK = "#frame="
LAST = 1 << 62


def frame_name(path: str, index: int) -> str:
    """How results name a frame.

    Examples
    --------
    >>> frame_name("gate.mp4", 30)
    'gate.mp4#frame=30'
    """
    return f"{path}{MARK}{index}"


@dataclass(frozen=True)
class Ended:
    """All frames of a video were given."""

    image: str


@dataclass(frozen=True)
class EndTask:
    """The answer that closes a video: `Ended`, or why it ended before its end."""

    image: str
    identity: Identity | None
    failure: Failure | None = None

    def __call__(self) -> Ended | Failure:
        return self.failure or Ended(self.image)


@dataclass(frozen=True, eq=False)
class FrameTask:
    """Detect in one frame, which travels with the task.

    Attributes
    ----------
    job : DetectJob
    image : str
        The video's path and the frame's number, see `frame_name`.
    name : str
        Of its pictures, without suffix.
    frame : Frame
    identity : Identity, optional
        Of the video.
    """

    job: DetectJob
    image: str
    name: str
    frame: video.Frame
    identity: Identity | None = None

    def __call__(self) -> Result:
        image = self.frame.image
        began = perf_counter()
        with threads(self.job.threads):
            found = detect(self.job.network, image, decision=self.job.decision)
            ms = round((perf_counter() - began) * 1e3, 3)
            kinds = tuple(kind for kind in self.job.save if kind != "overlay")
            save_pictures(self.job, self.name, image, found, kinds)
        return Result(
            image=self.image,
            size=found.image_size,
            boxes=found.boxes,
            scores=found.scores,
            areas=found.areas,
            ms=ms,
            model=self.job.model,
            frame=self.frame.index,
            seconds=self.frame.seconds,
        )


@dataclass(frozen=True)
class Clip:
    """A video among the sources of a job.

    Attributes
    ----------
    job : DetectJob
    image : str
        Path of the file.
    name : str
        Of its pictures, without suffix.
    """

    job: DetectJob
    image: str
    name: str = ""

    def tasks(self, done: Collection[str] = (), seconds: float | None = None) -> Iterator[Task]:
        """A task for every chosen frame that is not done, then one that closes the video."""
        identity = Identity.of(self.image)
        failure = None
        try:
            for frame in video.frames(
                self.image,
                every=self.job.every,
                max_pixels=self.job.limit,
                seconds=seconds or video.SECONDS,
            ):
                name = frame_name(self.image, frame.index)
                if name not in done:
                    picture = f"{self.name}-{frame.index:06d}"
                    yield FrameTask(self.job, name, picture, frame, identity)
        except BackendMissingError:
            raise
        except (SpelError, OSError, MemoryError) as error:
            failure = Failure.of(self.image, error)
        yield EndTask(self.image, identity, failure)

    def __call__(self) -> Any:
        raise ShapeError(f"{self.image}: a video is many images; run its tasks()")


def unrolled(
    tasks: Iterable[Task], done: Collection[str] = (), seconds: float | None = None
) -> Iterator[Task]:
    """The tasks, each video's frames in its place; one frame is decoded when it is asked for."""
    for task in tasks:
        if isinstance(task, Clip):
            yield from task.tasks(done, seconds)
        else:
            yield task


def expected(tasks: Iterable[Task]) -> int:
    """About how many answers there will be: a video counts as many as it says it has frames."""
    count = 0
    for task in tasks:
        if isinstance(task, Clip):
            try:
                info = video.describe(task.image, max_pixels=task.job.limit)
                count += max(1, info.chosen(video.Every.of(task.job.every)))
                continue
            except (SpelError, OSError):
                pass
        count += 1
    return count


class Asked:
    """The sources of a run, and which one a name in its results belongs to.

    Examples
    --------
    >>> asked = Asked(["a.png", "b.mp4"], ["b.mp4"])
    >>> "b.mp4#frame=7" in asked, "a.png#frame=7" in asked
    (True, False)
    >>> asked.place("b.mp4#frame=7") < asked.place("b.mp4#frame=10") < asked.place("b.mp4")
    True
    """

    def __init__(self, images: Sequence[str], clips: Collection[str] = ()) -> None:
        self.places = {image: i for i, image in enumerate(images)}
        self.clips = frozenset(clips)

    @classmethod
    def of(cls, tasks: Sequence[Task]) -> Asked:
        """What tasks ask for."""
        clips = [task.image for task in tasks if isinstance(task, Clip)]
        return cls([task.image for task in tasks], clips)

    def split(self, image: str) -> tuple[str, int]:
        """The source, and the number of the frame (`LAST` for a source itself)."""
        if image not in self.places:
            source, _, number = image.rpartition(MARK)
            if source in self.clips and number.isdecimal() and len(number) < 19:
                return source, int(number)
        return image, LAST

    def place(self, image: str) -> tuple[int, int]:
        """Where its line stands among the others."""
        source, frame = self.split(image)
        return self.places.get(source, len(self.places)), frame

    def broken(self, entries: Collection[str], found: Collection[str]) -> set[str]:
        """Videos of which an entry is not found again: they are not done."""
        lost = (self.split(image)[0] for image in entries if image not in found)
        return {source for source in lost if source in self.clips}

    def __contains__(self, image: str) -> bool:
        return self.split(image)[0] in self.places


def is_clip(path: str | os.PathLike[str]) -> bool:
    """Whether a source is a video; files with the suffix of an image are not looked into."""
    from spel.io.sources import IMAGE_SUFFIXES

    suffix = os.path.splitext(os.fsdecode(path))[1].lower()
    return suffix not in IMAGE_SUFFIXES and video.is_video(path)
